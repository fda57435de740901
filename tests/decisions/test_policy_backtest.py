"""Back-tests: no look-ahead, the limit without costs, accounts that add up, losing cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.drift import Policy
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.policy_backtest import Region, backtest, common_prices, summary
from crossmargin.market.history import History, histories_of
from tests.real_history import real_history

TERMS = [CostTerms(fee=5e-4, half_spread=1e-4)] * 2
FREE = [CostTerms()] * 2
TARGET = np.array([0.6, 0.4])
POLICIES = (
    Policy("calendar", every=7),
    Policy("absolute", 0.05),
    Policy("absolute", 0.05, 0.02, "inner"),
    Policy("relative", 0.1, to="edge"),
    Policy("region", to="edge"),
)


def world(count: int = 400, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    prices = 100.0 * np.exp(np.cumsum(0.03 * rng.normal(size=(count, 2)), axis=0))
    return np.arange(count, dtype=np.int64) * DAY_MS, prices


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: f"{p.trigger}-{p.to}")
@pytest.mark.parametrize("target", [TARGET, np.array([0.5, 0.3])], ids=["whole", "with cash"])
def test_changing_the_future_does_not_change_the_past(policy: Policy, target: np.ndarray) -> None:
    times, prices = world(200)
    region = Region(lookback=30, horizon=10)
    whole = backtest(times, prices, target, policy, TERMS, region=region)
    assert whole.decided.any()
    for cut in (60, 120, 180):
        other = prices.copy()
        other[cut + 1 :] *= np.array([3.0, 0.2])
        changed = backtest(times, other, target, policy, TERMS, region=region)
        assert (changed.decided[: cut + 1] == whole.decided[: cut + 1]).all()
        assert (changed.net[: cut + 1] == whole.net[: cut + 1]).all()


def test_without_costs_and_at_once_every_day_is_the_ideal() -> None:
    times, prices = world()
    found = backtest(times, prices, TARGET, Policy("calendar"), FREE, delay=0)
    assert found.net == pytest.approx(found.ideal, rel=1e-10)
    assert found.net == pytest.approx(found.gross)
    told = summary(found, prices, TARGET, 90)
    assert told.tracking_error < 1e-9
    assert told.cost_usd == 0.0


def test_never_trading_is_hold() -> None:
    times, prices = world()
    found = backtest(times, prices, TARGET, Policy("absolute", 5.0), TERMS)
    assert found.net == pytest.approx(found.hold, rel=1e-12)
    told = summary(found, prices, TARGET, 90)
    assert (told.trades, told.turnover_two_way, told.harvest) == (
        0,
        0.0,
        pytest.approx(0.0, abs=1e-12),
    )


@given(st.integers(0, 50), st.floats(0.0, 0.01))
def test_value_is_kept_less_cost(seed: int, fee: float) -> None:
    times, prices = world(60, seed)
    terms = [CostTerms(fee=fee, gas_usd=1.0, funding_8h=1e-4), CostTerms(half_spread=2e-4)]
    found = backtest(times, prices, np.array([0.7, 0.2]), Policy("absolute", 0.02), terms)
    units = 1e6 * np.array([0.7, 0.2]) / prices[0] + np.cumsum(found.trade_usd / prices, axis=0)
    cash = 1e5 - np.cumsum(found.trade_usd.sum(axis=1))
    cash = cash - np.cumsum(sum(found.cost.values()))
    assert found.net == pytest.approx(cash + (units * prices).sum(axis=1), rel=1e-10)
    assert found.gross - found.net == pytest.approx(np.cumsum(sum(found.cost.values())), abs=1e-6)


def test_swings_harvest_and_trends_lose() -> None:
    times = np.arange(200, dtype=np.int64) * DAY_MS
    swing = np.where(np.arange(200) % 2, 1.3, 1.0)
    swinging = np.stack([swing, np.ones(200)], axis=1)
    up = backtest(times, swinging, np.array([0.5, 0.5]), Policy("calendar"), FREE, delay=0)
    told = summary(up, swinging, np.array([0.5, 0.5]), 30)
    assert told.harvest > 0.1
    assert told.losing_share == 0.0
    trend = np.stack([np.exp(0.01 * np.arange(200)), np.ones(200)], axis=1)
    down = backtest(times, trend, np.array([0.5, 0.5]), Policy("calendar"), TERMS)
    told = summary(down, trend, np.array([0.5, 0.5]), 30)
    assert told.harvest < 0.0
    assert told.losing_share > 0.9
    assert told.worst_window < -0.02


def test_the_harvest_of_a_swing_is_near_its_formula() -> None:
    """Log prices that come back: growth of the ideal less that of the mean is the formula's."""
    rng = np.random.default_rng(8)
    half = 0.02 * rng.normal(size=(2000, 2))
    moves = np.concatenate([half, -half])
    rng.shuffle(moves)
    prices = np.exp(np.vstack([np.zeros(2), np.cumsum(moves, axis=0)]))
    times = np.arange(len(prices), dtype=np.int64) * DAY_MS
    found = backtest(times, prices, TARGET, Policy("calendar"), FREE, delay=0)
    told = summary(found, prices, TARGET, 90)
    assert told.harvest == pytest.approx(told.harvest_formula, rel=0.02)


def test_a_dearer_trade_is_made_less_often() -> None:
    times, prices = world(400)
    region = Region(lookback=60, horizon=20)
    counts = []
    for fee in (1e-5, 5e-4, 5e-3):
        found = backtest(times, prices, TARGET, Policy("region", to="edge"),
                         [CostTerms(fee=fee)] * 2, region=region)  # fmt: skip
        counts.append(int((found.decided != 0.0).any(axis=1).sum()))
    assert counts[0] > counts[1] > counts[2]


def test_real_prices_sample_and_recorded(market_dir) -> None:  # type: ignore[no-untyped-def] # fixtures
    rows = real_history(market_dir, 1_770_000_000_000)
    histories = histories_of(
        {row.subject: row.value for row in rows if row.field == "past_price"}, {}, 1_770_000_000_000
    )
    times, prices, lost = common_prices(histories, ["BTC", "ETH"])
    assert len(times) > 500
    assert lost < 5
    found = backtest(times, prices, TARGET, Policy("absolute", 0.05), TERMS)
    told = summary(found, prices, TARGET, 90)
    assert told.trades > 0
    assert told.harvest_net < told.harvest
    assert math.isfinite(told.worst_window)


def test_common_prices_are_the_times_of_all() -> None:
    one = History("A", *(frozen([1, 2, 3, 4], np.int64), frozen([1.0, 2, 3, 4], np.float64)),
                  frozen([], np.int64), frozen([], np.float64))  # fmt: skip
    two = History("B", *(frozen([2, 3, 4, 5], np.int64), frozen([5.0, 6, 7, 8], np.float64)),
                  frozen([], np.int64), frozen([], np.float64))  # fmt: skip
    times, prices, lost = common_prices({"A": one, "B": two}, ["A", "B"])
    assert times.tolist() == [2, 3, 4]
    assert prices.tolist() == [[2.0, 5.0], [3.0, 6.0], [4.0, 7.0]]
    assert lost == 2
    for names, since, code in (
        (["C"], None, "history_missing"),
        (["A"], 3, "observations_too_few"),
    ):
        with pytest.raises(CrossMarginError) as refused:
            common_prices({"A": one, "B": two}, names, since)
        assert refused.value.code == code


def test_what_cannot_be_tested_is_refused() -> None:
    times, prices = world(30)
    for change in ({"delay": -1}, {"wealth_usd": 0.0}):
        with pytest.raises(CrossMarginError):
            backtest(times, prices, TARGET, POLICIES[0], TERMS, **change)  # type: ignore[arg-type] # bad on purpose
    with pytest.raises(CrossMarginError):
        backtest(times[::-1], prices, TARGET, POLICIES[0], TERMS)
    crash = prices.copy()
    crash[10:] *= 0.3
    with pytest.raises(CrossMarginError) as refused:
        backtest(times, crash, np.array([3.0, 0.0]), Policy("absolute", 9.0), TERMS)
    assert "leverage" in refused.value.message
    found = backtest(times, prices, TARGET, POLICIES[0], TERMS)
    with pytest.raises(CrossMarginError):
        summary(found, prices, TARGET, 30)
    with pytest.raises(CrossMarginError):
        Region(aversion=0.0)
