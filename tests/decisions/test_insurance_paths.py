"""Insurance over paths: budget, floor, chance that repeats, and a slow twin of the rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions import insurance_paths as ip

STEP = 1.0 / 365.0


def _paths(seed: int, count: int, steps: int, least: float, vol: float = 0.08) -> np.ndarray:
    """Prices whose steps never fall by more than ``least``."""
    chance = np.random.default_rng(seed)
    ratio = np.maximum(np.exp(vol * chance.standard_t(3, (count, steps))), 1.0 - least)
    return 100.0 * np.concatenate([np.ones((count, 1)), np.cumprod(ratio, axis=1)], axis=1)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(("cppi", "tipp", "vol")), st.floats(1.5, 8.0), st.floats(0.5, 0.95),
    st.floats(0.0, 0.01), st.floats(0.0, 0.05), st.integers(0, 2**32),
)  # fmt: skip
def test_the_floor_holds_when_no_step_exceeds_one_over_m(
    kind: str, m: float, floor: float, cost: float, rate: float, seed: int
) -> None:
    # a fall against the safe part that leaves enough to sell out at the cost
    least = 1.0 - (1.0 - 1.0 / m) * math.exp(rate * STEP) / (1.0 - cost)
    prices = _paths(seed, 20, 60, least - 1e-9)
    rule = ip.Rule(kind, floor=floor, multiplier=m, share=floor)
    found = ip.simulate(prices, rule, STEP, rate=rate, cost=cost)
    if kind == "tipp":  # a floor set at a peak is above the wealth after a fall, but for the cap
        rows = found.value[:, 1:] >= found.floor[:, :-1] * math.exp(rate * STEP) - 1e-9
        assert rows.all()
    else:
        assert not found.breached.any()


def test_a_step_beyond_one_over_m_breaks_it() -> None:
    found = ip.simulate([[100.0, 79.0]], ip.Rule("cppi", floor=0.9, multiplier=5.0), STEP)
    assert found.breached[0]
    kept = ip.simulate([[100.0, 80.0]], ip.Rule("cppi", floor=0.9, multiplier=5.0), STEP)
    assert not kept.breached[0]


@pytest.mark.parametrize("kind", ip.KINDS)
@pytest.mark.parametrize("cost", [0.0, 0.004])
def test_every_dollar_is_accounted_for(kind: str, cost: float) -> None:
    prices = _paths(7, 30, 80, 0.6)
    found = ip.simulate(prices, ip.Rule(kind, vol=0.9), STEP, rate=0.03, cost=cost, funding=0.1)
    np.testing.assert_allclose(found.exposure + found.safe, found.value - found.cost, atol=1e-12)
    ratio = prices[:, 1:] / prices[:, :-1]
    grown = found.exposure[:, :-1] * ratio + found.safe[:, :-1] * math.exp(0.03 * STEP)
    np.testing.assert_allclose(found.value[:, 1:], grown - found.funding[:, 1:], atol=1e-12)
    moved = np.abs(found.exposure[:, 1:-1] - found.exposure[:, :-2] * ratio[:, :-1])
    traded = found.exposure[:, 0] + moved.sum(axis=1)
    np.testing.assert_allclose(found.traded, traded, atol=1e-11)
    np.testing.assert_allclose(found.cost.sum(axis=1), cost * traded, atol=1e-12)
    if cost == 0.0:
        assert (found.value[:, 0] == 1.0).all()


def test_the_rule_is_met_after_its_cost() -> None:
    """The first trade by bisection: E = m (1 - c E - F)."""
    for m, floor, cost in ((3.0, 0.8, 0.003), (6.0, 0.5, 0.01)):
        low, high = 0.0, 10.0
        for _ in range(200):
            mid = 0.5 * (low + high)
            aim = min(m * max(1.0 - cost * mid - floor, 0.0), 1.0 - cost * mid)
            low, high = (mid, high) if mid < aim else (low, mid)
        rule = ip.Rule("cppi", floor=floor, multiplier=m)
        found = ip.simulate([1.0, 1.0], rule, STEP, cost=cost)
        assert found.exposure[0, 0] == pytest.approx(low, rel=1e-12)


def test_rules_look_at_nothing_that_is_to_come() -> None:
    prices = _paths(3, 1, 50, 0.9)
    other = prices.copy()
    other[0, 31:] *= 0.5
    for kind in ip.KINDS:
        one, two = (ip.simulate(p, ip.Rule(kind), STEP) for p in (prices, other))
        assert (one.exposure[0, :31] == two.exposure[0, :31]).all()
        assert one.exposure[0, 31] != two.exposure[0, 31] or kind == "cppi"


def test_tipp_never_lowers_and_peak_forgets() -> None:
    prices = [[100.0, 200.0, 150.0, 150.0, 150.0]]
    tipp = ip.simulate(prices, ip.Rule("tipp", floor=0.5, share=0.7), STEP)
    assert (np.diff(tipp.floor[0]) >= 0.0).all()
    peak = ip.simulate(prices, ip.Rule("peak", share=0.7, window=2), STEP)
    assert peak.floor[0, -1] < peak.floor[0, 1]


def test_synthetic_obpi_ends_near_the_payoff_of_its_put() -> None:
    chance = np.random.default_rng(5)
    steps, vol, years = 400, 0.6, 0.5
    moves = vol * math.sqrt(years / steps) * chance.standard_normal((400, steps))
    moves -= vol * vol * years / steps / 2
    prices = np.exp(np.concatenate([np.zeros((400, 1)), np.cumsum(moves, axis=1)], axis=1))
    rule = ip.Rule("obpi", floor=0.9, vol=vol)
    found = ip.simulate(prices, rule, years / steps)
    from crossmargin.decisions.insurance import obpi

    put = obpi(1.0, 0.9, 1.0, vol, years)
    error = found.value[:, -1] - put.units * np.maximum(prices[:, -1], put.strike)
    # sqrt(pi/4) vega sigma / sqrt(n) for a put at the money, the specification's formula
    expected = math.sqrt(math.pi / 4) * 0.28 * put.units * vol / math.sqrt(steps)
    assert abs(error.mean()) < 4 * expected / math.sqrt(len(error))
    assert 0.5 * expected < error.std() < 1.6 * expected


def test_drawn_paths_repeat_and_hold_real_moves_only() -> None:
    moves = np.log(np.array([0.9, 1.05, 1.01, 0.97, 1.2]))
    one, two = (ip.drawn_paths(moves, 30, 50, seed=9) for _ in range(2))
    assert (one == two).all()
    assert one.shape == (50, 31)
    steps = np.diff(np.log(one), axis=1).ravel()
    assert np.abs(steps[:, None] - moves).min(axis=1).max() < 1e-12
    assert (ip.drawn_paths(moves, 30, 50, seed=10) != one).any()


def test_windows_are_stretches_of_the_history() -> None:
    found = ip.windows([1.0, 2.0, 4.0, 2.0, 1.0, 3.0], 2, every=3)
    assert found.tolist() == [[1.0, 2.0, 4.0], [1.0, 0.5, 1.5]]


@pytest.mark.parametrize(
    ("prices", "rule", "cost", "code"),
    [
        ([1.0, math.nan], {}, 0.0, "number_not_finite"),
        ([1.0, 0.0], {}, 0.0, "number_out_of_range"),
        ([1.0], {}, 0.0, "observations_too_few"),
        ([1.0, 1.0], {"kind": "magic"}, 0.0, "option_unknown"),
        ([1.0, 1.0], {"multiplier": 0.0}, 0.0, "number_out_of_range"),
        ([1.0, 1.0], {"window": 0}, 0.0, "number_out_of_range"),
        ([1.0, 1.0], {}, 0.4, "number_out_of_range"),
    ],
)
def test_bad_paths_and_rules(
    prices: list[float], rule: dict[str, object], cost: float, code: str
) -> None:
    with pytest.raises(CrossMarginError) as refused:
        ip.simulate(prices, ip.Rule(**{"kind": "cppi", **rule}), STEP, cost=cost)  # type: ignore[arg-type] # the table is loose
    assert refused.value.code == code
