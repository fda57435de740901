"""No-trade regions: the exact free boundary by another road, its expansion, its limits."""

from __future__ import annotations

import math

import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from crossmargin.core.errors import InputError
from crossmargin.decisions.no_trade import (
    continuous,
    expansion_half_width,
    fixed_gain_half_width,
    single,
)


def by_shooting(mu: float, vol: float, aversion: float, spread: float) -> tuple[float, float]:
    """Plain twin: the Riccati equation itself, integrated to u/l, the gap shot for."""
    v = vol * vol

    def end(gap: float) -> float:
        low, high = (mu - gap) / (aversion * v), (mu + gap) / (aversion * v)
        across = math.log(high * (1.0 - low) / (low * (1.0 - high))) - math.log(1.0 - spread)

        def slope(_: float, w: list[float]) -> list[float]:
            c = (mu * mu - gap * gap) / (aversion * v * v)
            return [c - (2.0 * mu / v - 1.0) * w[0] - (1.0 - aversion) * w[0] ** 2]

        found = solve_ivp(slope, (0.0, across), [low], rtol=1e-12, atol=1e-14)
        return float(found.y[0, -1] - high)

    start = aversion * v * expansion_half_width(mu / (aversion * v), aversion, spread)
    gap = brentq(end, 0.7 * start, 1.2 * start, xtol=1e-15)
    return (mu - gap) / (aversion * v), (mu + gap) / (aversion * v)


@pytest.mark.parametrize(
    "case",
    [
        (0.08, 0.16, 5.0, 0.01),
        (0.08, 0.16, 5.0, 0.001),
        (0.3, 0.7, 2.0, 0.005),
        (0.3, 0.7, 1.0, 0.01),
        (0.05, 0.3, 0.8, 0.02),
    ],
)
def test_the_free_boundary_against_shooting(case: tuple[float, float, float, float]) -> None:
    found = continuous(*case)
    assert (found.lower, found.upper) == pytest.approx(by_shooting(*case), abs=1e-9)


def test_the_expansion_is_met_as_the_spread_goes() -> None:
    for spread, within in ((1e-2, 5e-4), (1e-4, 1e-5), (1e-6, 1e-6)):
        found = continuous(0.08, 0.16, 5.0, spread)
        half = 0.5 * (found.upper - found.lower)
        assert half == pytest.approx(expansion_half_width(0.625, 5.0, spread), abs=within)


def test_turnover_meets_its_leading_term() -> None:
    mu, vol, aversion, spread = 0.08, 0.16, 5.0, 1e-6
    pi = 0.625
    leading = vol**2 / 2.0 * (1.0 - pi) ** 2 * pi
    leading *= (0.75 / aversion * pi**2 * (1.0 - pi) ** 2 * spread) ** (-1.0 / 3.0)
    assert continuous(mu, vol, aversion, spread).turnover == pytest.approx(leading, rel=2e-3)


def test_the_spread_is_the_full_one() -> None:
    """Half the spread one way gives the one-way form of the same width."""
    one_way = 0.0005
    wide = (1.5 / 5.0 * 0.625**2 * 0.375**2 * one_way) ** (1.0 / 3.0)
    assert expansion_half_width(0.625, 5.0, 2.0 * one_way) == pytest.approx(wide)


def test_nothing_is_traded_at_none_at_all_and_without_a_spread() -> None:
    for mu in (0.0, 5.0 * 0.25):
        found = continuous(mu, 0.5, 5.0, 0.01)
        assert found.lower == found.upper == found.merton
        assert found.turnover == 0.0
    free = continuous(0.08, 0.16, 5.0, 0.0)
    assert (free.lower, free.upper) == (free.merton, free.merton)


@pytest.mark.parametrize("mu", [0.16, -0.05])
def test_leverage_and_short_positions_have_bounds_around_their_weight(mu: float) -> None:
    found = continuous(mu, 0.2, 2.0, 0.01)
    assert found.lower < found.merton < found.upper
    assert found.premium > 0.0
    assert found.turnover > 0.0


def test_a_single_period_and_a_fixed_cost() -> None:
    assert single(0.08, 0.16, 5.0, 0.01) == pytest.approx((0.546875, 0.703125), abs=1e-15)
    half = fixed_gain_half_width(0.2, 4.0, 1e-4)
    assert 0.5 * 4.0 * 0.04 * half**2 == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("case", "place"),
    [
        ((math.nan, 0.2, 2.0, 0.01), "mu"),
        ((0.05, 0.0, 2.0, 0.01), "vol"),
        ((0.05, 0.2, 0.0, 0.01), "aversion"),
        ((0.05, 0.2, 2.0, -0.01), "spread"),
        ((0.05, 0.2, 2.0, 1.0), "spread"),
    ],
)
def test_bad_numbers_are_refused(case: tuple[float, float, float, float], place: str) -> None:
    with pytest.raises(InputError) as refused:
        continuous(*case)
    assert refused.value.place == place
