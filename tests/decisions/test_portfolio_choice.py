"""Every method through one door, what it refuses, and trades that lead where the weights say."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.portfolio_backtest import walk_forward
from crossmargin.decisions.portfolio_choice import (
    METHODS,
    Method,
    choose,
    rebalancing_trades,
    rule_of,
)
from crossmargin.decisions.weight_limits import Distance, weight_limits

RNG = np.random.default_rng(21)
MIX = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.2, 0.1, 1.2]])
R = RNG.normal(size=(300, 3)) @ MIX.T * 0.01 + [0.0004, 0.0006, 0.001]
TARGETS = {"target-return": 0.0007, "target-volatility": 0.011, "utility": 5.0}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_whole_and_within_its_limits(name: str) -> None:
    found = choose(R, Method(name, TARGETS.get(name)))
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert found.weights.min() >= -1e-12 and max(found.primal, found.dual) <= 1e-7
    assert found.solver


def test_targets_are_met() -> None:
    found = choose(R, Method("target-return", 0.0007))
    assert float(found.estimate.mean @ found.weights) >= 0.0007 - 1e-12
    risk = choose(R, Method("target-volatility", 0.011))
    variance = float(risk.weights @ risk.estimate.covariance @ risk.weights)
    assert np.sqrt(variance) == pytest.approx(0.011, rel=1e-9)


def test_a_turnover_limit_counts_from_what_is_held_at_each_date() -> None:
    limit = Distance(np.array([1.0, 0.0, 0.0]), 0.1, np.zeros(3))
    rule = rule_of(Method("max-return"), weight_limits(3, distances=[limit]))
    held = np.array([0.2, 0.5, 0.3])
    assert np.abs(rule(R, held) - held).sum() <= 0.1 + 1e-9
    _, walk = walk_forward(R, {"slow": rule}, window=100, every=50)
    assert walk.refused == 0 and np.abs(np.diff(walk.weights, axis=0)).sum(axis=1).max() < 0.3


def test_trades_lead_to_the_weights_and_sales_come_first() -> None:
    held, price = np.array([2.0, 0.0, 10.0]), np.array([100.0, 50.0, 10.0])
    wanted = np.array([0.2, 0.5, 0.3])
    value = 300.0
    found = rebalancing_trades(["a", "b", "c"], held, price, wanted, value, cost=0.001)
    after = held.copy()
    for trade in found.trades:
        after["abc".index(trade.instrument)] += trade.size
    assert after * price / value == pytest.approx(wanted)
    assert [trade.side for trade in found.trades] == ["sell", "sell", "buy"]
    traded = sum(abs(t.size) * price["abc".index(t.instrument)] for t in found.trades)
    assert found.cost_usd == pytest.approx(0.001 * traded)
    assert not rebalancing_trades(["a"], [1.0], [10.0], [1.0], 10.0).trades
    assert len(rebalancing_trades(["a"], [0.0], [10.0], [1.0], 10.0, least=20.0)) == 0


BAD = {
    "unknown": lambda: Method("best"),
    "target without a use": lambda: Method("min-variance", 0.1),
    "no target": lambda: Method("target-return"),
    "bounds that equal weights break": lambda: choose(
        R, Method("equal"), weight_limits(3, low=0.4, high=1.0)
    ),
    "rows for a tree": lambda: choose(
        R, Method("hierarchical"), weight_limits(3, rows=[[1.0, 0.0, 0.0]], most=[0.9])
    ),
    "one series": lambda: choose(R[:, 0], Method()),
    "prices of nothing": lambda: rebalancing_trades(["a"], [1.0], [0.0], [1.0], 10.0),
    "nan held": lambda: rebalancing_trades(["a"], [np.nan], [1.0], [1.0], 10.0),
    "lengths": lambda: rebalancing_trades(["a", "b"], [1.0], [1.0], [1.0], 10.0),
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator]


def test_no_return_above_the_risk_free_is_an_error_not_a_nan() -> None:
    with pytest.raises(InputError, match="earns more than the risk-free"):
        choose(R, Method("max-sharpe", risk_free=0.01))
