"""Bands of a hedge: against their own optimality problems, limits, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.decisions.hedge_bands import (
    Band,
    fixed_cost,
    leland,
    whalley_wilmott,
    zakamouline,
)

SPOT, GAMMA, VOL, RISK = 60_000.0, 2e-5, 0.6, 1e-6


def test_whalley_wilmott_is_where_a_reflected_deviation_costs_least() -> None:
    """Plain twin: the mean cost a year of reflecting at w, risk and trading, searched for w."""
    cost = 5e-4
    speed = (GAMMA * SPOT * VOL) ** 2  # variance of the deviation a year

    def spent(width: float) -> float:
        risk = 0.5 * RISK * (SPOT * VOL) ** 2 * width**2 / 3.0  # uniform inside
        return risk + cost * SPOT * speed / (2.0 * width)  # local times at both edges

    widths = np.geomspace(1e-4, 10.0, 200_001)
    best = float(widths[int(np.argmin([spent(w) for w in widths.tolist()]))])
    assert whalley_wilmott(GAMMA, SPOT, cost, RISK).half_width == pytest.approx(best, rel=1e-4)


def test_fixed_cost_is_where_jumping_to_the_middle_costs_least() -> None:
    paid = 20.0
    speed = (GAMMA * SPOT * VOL) ** 2

    def spent(width: float) -> float:
        # From the middle a deviation takes w^2/speed years to reach w; its mean square is w^2/6.
        return 0.5 * RISK * (SPOT * VOL) ** 2 * width**2 / 6.0 + paid * speed / width**2

    widths = np.geomspace(1e-4, 10.0, 200_001)
    best = float(widths[int(np.argmin([spent(w) for w in widths.tolist()]))])
    ours = fixed_cost(GAMMA, SPOT, paid, RISK, vol=VOL)
    assert ours.half_width == pytest.approx(best, rel=1e-4)
    wider = fixed_cost(GAMMA, SPOT, 16.0 * paid, RISK, vol=VOL)
    assert wider.half_width == pytest.approx(2.0 * ours.half_width)


@given(st.floats(1e-6, 1e-2), st.floats(1.01, 5.0), st.floats(1e-9, 1e-3))
def test_bands_widen_with_the_cost(cost: float, factor: float, risk: float) -> None:
    higher = min(cost * factor, 1.0)
    for rule in (
        lambda c: whalley_wilmott(GAMMA, SPOT, c, risk).half_width,
        lambda c: zakamouline(-GAMMA, SPOT, c, risk, vol=VOL, tau_years=0.1).half_width,
        lambda c: fixed_cost(GAMMA, SPOT, c, risk, vol=VOL).half_width,
    ):
        assert rule(higher) > rule(cost) > 0.0
    ratio = whalley_wilmott(GAMMA, SPOT, 8.0 * cost, risk).half_width
    assert ratio == pytest.approx(2.0 * whalley_wilmott(GAMMA, SPOT, cost, risk).half_width)


def test_no_cost_no_band() -> None:
    assert whalley_wilmott(GAMMA, SPOT, 0.0, RISK).half_width == 0.0
    found = zakamouline(GAMMA, SPOT, 0.0, RISK, vol=VOL, tau_years=0.1)
    assert (found.half_width, found.vol) == (0.0, VOL)
    assert fixed_cost(GAMMA, SPOT, 0.0, RISK, vol=VOL).half_width == 0.0


def test_zakamouline_stays_open_without_gamma_and_bends_the_volatility() -> None:
    flat = zakamouline(0.0, SPOT, 5e-4, RISK, vol=VOL, tau_years=0.1)
    assert flat.half_width == pytest.approx(5e-4 / (RISK * SPOT * VOL**2 * 0.1))
    assert whalley_wilmott(0.0, SPOT, 5e-4, RISK).half_width == 0.0
    short = zakamouline(-GAMMA, SPOT, 5e-4, RISK, vol=VOL, tau_years=0.1)
    long = zakamouline(GAMMA, SPOT, 5e-4, RISK, vol=VOL, tau_years=0.1)
    assert long.vol < VOL < short.vol
    assert short.fidelity == "inferred"


def test_the_hedge_goes_to_the_nearer_edge_and_no_further() -> None:
    band = Band("any", 0.25, 0.6, "published")
    assert band.nearest(1.0, 0.0) == 0.25
    assert band.nearest(-1.0, 0.0) == -0.25
    assert band.nearest(0.1, 0.0) == 0.1


def test_leland_has_no_long_volatility_where_costs_eat_the_gamma() -> None:
    found = leland(0.2, 0.01, 1.0 / 365.0 / 24.0)
    assert found.vol_long is None
    assert found.ratio == pytest.approx(3.733895153167806, rel=1e-12)
    with pytest.raises(InputError) as refused:
        found.long()
    assert refused.value.code == "number_out_of_range"
    daily = leland(0.6, 0.0005, 1.0 / 365.0)
    assert daily.long() == pytest.approx(0.6 * math.sqrt(1.0 - daily.ratio))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("spot_usd", 0.0, "number_out_of_range"),
        ("spot_usd", math.nan, "number_not_finite"),
        ("cost", -1e-4, "number_out_of_range"),
        ("aversion", 0.0, "number_out_of_range"),
        ("gamma", math.inf, "number_not_finite"),
    ],
)
def test_bad_numbers_are_refused_by_name(name: str, value: float, code: str) -> None:
    numbers = {"gamma": GAMMA, "spot_usd": SPOT, "cost": 5e-4, "aversion": RISK, name: value}
    with pytest.raises(InputError) as refused:
        whalley_wilmott(**numbers)
    assert refused.value.code == code
    assert refused.value.place == name


def test_a_long_option_without_a_volatility_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        zakamouline(0.01, SPOT, 0.2, 1.0, vol=VOL, tau_years=0.1)
    assert "Zakamouline" in refused.value.place
