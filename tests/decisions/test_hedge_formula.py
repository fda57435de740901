"""The laws of hedging cost: closed forms, scaling, break-even."""

from __future__ import annotations

import math

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.hedge_formula import (
    Pacing,
    break_even,
    expected_cost,
    leland_of,
    vol_edge,
)
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.option_book import OptionBook

TERMS = CostTerms(fee=5e-4, half_spread=1e-4)
DAY = 1.0 / 365.0


def straddle(days: float = 90.0, size: float = -10.0) -> OptionBook:
    return OptionBook.of(60_000.0, [size] * 2, [60_000.0] * 2, [days * DAY] * 2, [0.6] * 2, [1, -1])


def test_one_volatility_is_the_law_in_closed_form() -> None:
    """The cash gamma of a leg is a martingale at its own volatility: its mean stays."""
    mine, pacing = straddle(), Pacing(DAY, 30)
    found = expected_cost(mine, 0.6, pacing, TERMS)
    d1 = 0.3 * math.sqrt(90.0 * DAY)
    gamma = 20.0 * 60_000.0 * math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    gamma /= 0.6 * math.sqrt(90.0 * DAY)
    law = 6e-4 * math.sqrt(2.0 / math.pi) * 0.6 * math.sqrt(DAY) * 30.0 * gamma
    assert found.cost_usd == pytest.approx(law, rel=1e-9)
    assert dict(found.components)["fee"] == pytest.approx(found.cost_usd * 5.0 / 6.0)
    assert found.gain_usd == pytest.approx(0.0, abs=1e-6)


def test_a_quarter_of_the_step_costs_twice() -> None:
    coarse = expected_cost(straddle(), 0.6, Pacing(DAY, 30), TERMS).cost_usd
    fine = expected_cost(straddle(), 0.6, Pacing(DAY / 4.0, 120), TERMS).cost_usd
    assert fine == pytest.approx(2.0 * coarse, rel=1e-9)


def test_the_error_of_discreteness_is_derman_and_kamals() -> None:
    """sqrt(pi/4) vega sigma / sqrt(n) of one option at the money, hedged to its end."""
    n = 400
    mine = OptionBook.of(60_000.0, [1.0], [60_000.0], [0.25], [0.3], [1.0])
    found = expected_cost(mine, 0.3, Pacing(0.25 / n, n), TERMS)
    rule = math.sqrt(math.pi / 4.0) * mine.vega() * 0.3 / math.sqrt(n)
    assert found.error_sd_usd == pytest.approx(rule, rel=0.05)


def test_impact_and_gas_are_components_of_their_own() -> None:
    terms = CostTerms(fee=5e-4, impact=1.0, vol_day=0.03, volume_day_usd=1e9, gas_usd=2.0)
    found = expected_cost(straddle(), 0.6, Pacing(DAY, 30), terms)
    parts = dict(found.components)
    assert parts["gas"] == 60.0
    assert parts["impact"] > 0.0
    assert sum(parts.values()) == pytest.approx(found.cost_usd)


def test_break_even_is_the_closed_form_for_one_volatility() -> None:
    pacing = Pacing(DAY / 4.0, 120)
    short, long = vol_edge(0.6, TERMS.one_way, pacing.dt_years)
    # the means of gamma move with the realised volatility, a little
    assert break_even(straddle(), pacing, TERMS, 0.6) == pytest.approx(short, abs=5e-4)
    assert break_even(straddle(size=10.0), pacing, TERMS, 0.6) == pytest.approx(long, abs=5e-4)
    b = TERMS.one_way * math.sqrt(2.0 / (math.pi * pacing.dt_years))
    assert short**2 + 2.0 * b * short == pytest.approx(0.36)
    assert long**2 - 2.0 * b * long == pytest.approx(0.36)


def test_without_cost_the_break_even_is_the_mark() -> None:
    assert break_even(straddle(), Pacing(DAY, 30), CostTerms(), 0.6) == pytest.approx(0.6, abs=1e-8)


def test_a_book_that_never_breaks_even_has_none() -> None:
    """Gains of under one per cent of volatility never pay a cost of half the notional."""
    dear = CostTerms(fee=0.4)
    assert break_even(straddle(size=-1.0), Pacing(DAY / 24.0, 720), dear, 0.6) is None


def test_legs_that_expire_on_the_way_count_while_they_live() -> None:
    pacing = Pacing(DAY, 30)
    long, short = straddle(90.0), straddle(10.0)
    both = OptionBook.of(
        60_000.0,
        [-10.0] * 4,
        [60_000.0] * 4,
        [90.0 * DAY] * 2 + [10.0 * DAY] * 2,
        [0.6] * 4,
        [1, -1] * 2,
    )
    apart = sum(expected_cost(each, 0.6, pacing, TERMS).cost_usd for each in (long, short))
    assert expected_cost(both, 0.6, pacing, TERMS).cost_usd == pytest.approx(apart, rel=1e-9)
    last = expected_cost(short, 0.6, Pacing(DAY, 9), TERMS).cost_usd
    assert expected_cost(short, 0.6, pacing, TERMS).cost_usd == pytest.approx(last, rel=1e-12)


def test_many_intervals_are_sampled_without_being_seen() -> None:
    mixed = OptionBook.of(
        60_000.0, [-10.0, 9.0], [60_000.0, 63_000.0], [0.25] * 2, [0.6] * 2, [1, 1]
    )
    exact = sum(
        mixed.mean_power(0.6, h * 0.25 / 2000.0) for h in range(1999)
    ) * 6e-4 * math.sqrt(2.0 / math.pi) * 0.6 * math.sqrt(0.25 / 2000.0)  # fmt: skip
    found = expected_cost(mixed, 0.6, Pacing(0.25 / 2000.0, 2000), TERMS)
    assert found.cost_usd == pytest.approx(exact, rel=1e-4)


def test_lelands_ratio_is_of_a_round_trip() -> None:
    found = leland_of(0.6, Pacing(DAY, 30), TERMS)
    assert found.ratio == pytest.approx(math.sqrt(2.0 / math.pi) * 1.2e-3 / (0.6 * math.sqrt(DAY)))


def test_bad_pacings_are_refused() -> None:
    for dt, n in ((0.0, 3), (math.nan, 3), (DAY, 0)):
        with pytest.raises(InputError):
            Pacing(dt, n)
    with pytest.raises(InputError):
        break_even(straddle().alive(1.0), Pacing(DAY, 3), TERMS, 0.6)
