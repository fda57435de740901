"""Walking forward: against a plain loop in money, and blind to what has not happened yet."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError, ModelError
from crossmargin.decisions.portfolio_backtest import equal_weights, walk_forward

R = np.random.default_rng(12).normal(size=(200, 3)) * 0.02 + 0.001


def inverse_variance(seen: np.ndarray, held: np.ndarray) -> np.ndarray:
    del held
    w = 1.0 / seen.var(axis=0)
    return w / w.sum()


def test_a_plain_account_in_money_earns_the_same() -> None:
    (_, walk) = walk_forward(R, {"mine": inverse_variance}, window=60, every=20, cost=0.002)
    wealth, money, traded = 1.0, np.zeros(3), []
    for t in range(60, 200):
        if (t - 60) % 20 == 0:
            target = inverse_variance(R[t - 60 : t], money)
            now = money / wealth
            turnover = np.abs(target - now).sum()
            wealth *= 1.0 - 0.002 * turnover
            traded.append(turnover)
            money = target * wealth
        money = money * (1.0 + R[t])
        wealth = money.sum()
    assert np.prod(1.0 + walk.returns) == pytest.approx(wealth, rel=1e-12)
    assert walk.turnover_year == pytest.approx(sum(traded[1:]) / (140 / 365.0))
    assert walk.cost == pytest.approx(0.002 * sum(traded))
    assert walk.result.total == pytest.approx(wealth - 1.0, rel=1e-12)


def test_the_future_changes_nothing_before_it() -> None:
    changed = R.copy()
    changed[120:] = -changed[120:]
    first = walk_forward(R, {"mine": inverse_variance}, window=60, every=20)
    second = walk_forward(changed, {"mine": inverse_variance}, window=60, every=20)
    for a, b in zip(first, second, strict=True):
        assert (a.returns[:60] == b.returns[:60]).all()
        assert (a.weights[:4] == b.weights[:4]).all()  # the choice at 120 has not seen 120


def test_a_rule_cannot_write_into_history() -> None:
    def greedy(seen: np.ndarray, held: np.ndarray) -> np.ndarray:
        seen[:] = 9.0
        held[:] = 9.0
        return np.full(3, 1.0 / 3.0)

    plain, walk = walk_forward(R, {"greedy": greedy}, window=60, every=20)
    assert (walk.returns == plain.returns).all() and walk.behind == 0.0


def test_refusals_keep_what_is_held_and_are_counted() -> None:
    def refuses(seen: np.ndarray, held: np.ndarray) -> np.ndarray:
        raise ModelError("observations_too_few", "not today")

    plain, walk = walk_forward(R, {"never": refuses}, window=60, every=20)
    assert walk.refused == 7 and "not today" in walk.reasons[0]
    assert walk.turnover_year == 0.0 and plain.turnover_year > 0.0
    assert walk.weights[0] == pytest.approx(np.full(3, 1 / 3))


def test_losing_stretches_are_reported() -> None:
    def last(seen: np.ndarray, held: np.ndarray) -> np.ndarray:
        return np.eye(3)[int(np.argmin(seen.sum(axis=0)))]

    _, walk = walk_forward(R, {"last": last}, window=60, every=20)
    assert 0.0 < walk.behind <= 1.0 and walk.worst_behind < 0.0
    assert equal_weights(R, np.zeros(4)).tolist() == [0.25] * 4


@pytest.mark.parametrize(
    "given",
    [
        {"window": 190, "every": 20},
        {"window": 1, "every": 20},
        {"window": 60, "every": 0},
        {"window": 60, "every": 20, "cost": -0.1},
        {"window": 60, "every": 20, "periods": 0.0},
    ],
)
def test_what_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(CrossMarginError):
        walk_forward(R, {}, **given)  # type: ignore[arg-type] # on purpose
    with pytest.raises(CrossMarginError):
        walk_forward(np.where(R > 0.05, np.nan, R), {}, window=60, every=20)
