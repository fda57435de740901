"""Risk shares against their definition, bounds against the conditions of the barrier problem."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.risk_parity import (
    diversification_ratio,
    maximum_diversification,
    risk_budgets,
    risk_contributions,
)
from crossmargin.decisions.weight_limits import Distance, weight_limits


def covariance(seed: int, n: int) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(3 * n, n))
    return np.cov((x @ np.random.default_rng(seed + 1).normal(size=(n, n))).T)


@given(st.integers(0, 10_000), st.integers(2, 8))
def test_shares_are_the_budgets(seed: int, n: int) -> None:
    s = covariance(seed, n)
    budgets = np.random.default_rng(seed).dirichlet(np.full(n, 3.0)) + 0.01
    found = risk_budgets(s, budgets)
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    share = risk_contributions(found.weights, s).share
    assert share == pytest.approx(budgets / budgets.sum(), abs=1e-9)


def test_independent_assets_by_hand() -> None:
    found = risk_budgets(np.diag([0.04, 0.01]))
    assert found.weights == pytest.approx([1.0 / 3.0, 2.0 / 3.0], abs=1e-14)
    parts = risk_contributions([0.5, 0.5], np.diag([0.04, 0.01]))
    assert parts.share == pytest.approx([0.8, 0.2]) and parts.effective == pytest.approx(1 / 0.68)
    assert parts.total.sum() == pytest.approx(parts.volatility, rel=1e-15)


def test_bounded_weights_satisfy_the_barrier() -> None:
    """Inside its bounds every asset's risk over budget is one number; at a bound it is beyond."""
    s = covariance(4, 6)
    free = risk_budgets(s).weights
    limits = weight_limits(6, low=0.05, high=float(np.sort(free)[-2]) * 0.9)
    found = risk_budgets(s, None, limits)
    w, parts = found.weights, found.weights * (s @ found.weights)
    inside = (w > limits.low + 1e-12) & (w < limits.high - 1e-12)
    level = parts[inside].mean()
    assert inside.sum() >= 2 and (~inside).any()
    assert parts[inside] == pytest.approx(np.full(int(inside.sum()), level), rel=1e-9)
    assert (parts[w >= limits.high - 1e-12] <= level * (1.0 + 1e-9)).all()
    assert (parts[w <= limits.low + 1e-12] >= level * (1.0 - 1e-9)).all()
    assert w.sum() == pytest.approx(1.0, abs=1e-12)


def test_most_diversified_has_equal_correlation_with_what_it_holds() -> None:
    s = covariance(9, 5)
    found = maximum_diversification(s)
    w = found.weights
    own = (s @ w) / np.sqrt(np.diagonal(s)) / found.volatility
    held = w > 0.0
    assert own[held] == pytest.approx(np.full(int(held.sum()), own[held][0]), rel=1e-9)
    assert (own[~held] >= own[held][0] - 1e-12).all()
    assert found.sharpe() == pytest.approx(diversification_ratio(w, s), rel=1e-12)
    draws = np.random.default_rng(1).dirichlet(np.ones(5), 200)
    assert max(diversification_ratio(draw, s) for draw in draws) <= found.sharpe()


@pytest.mark.parametrize(
    "call",
    [
        lambda: risk_budgets(np.eye(2), [1.0, 0.0]),
        lambda: risk_budgets(np.eye(2), [1.0, 1.0, 1.0]),
        lambda: risk_budgets(np.diag([1.0, 0.0])),
        lambda: risk_budgets(np.eye(2), None, weight_limits(2, low=-0.1)),
        lambda: risk_budgets(np.eye(2), None, weight_limits(2, high=0.4)),
        lambda: risk_budgets(np.array([[1.0, 2.0], [2.0, 1.0]])),
        lambda: risk_budgets(
            np.eye(2),
            None,
            weight_limits(2, distances=[Distance(np.zeros(2), 1.0, np.zeros(2))]),
        ),
        lambda: risk_contributions([0.0, 0.0], np.eye(2)),
        lambda: risk_contributions([1.0], np.eye(2)),
        lambda: maximum_diversification(np.diag([1.0, 0.0])),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised


@pytest.mark.parametrize(
    ("budgets", "rest"),
    [(None, [0.24, 0.16]), ([0.3, 0.3, 0.195, 0.205], [0.235612, 0.164388])],
)
def test_bounded_budgets_as_two_independent_solvers_find_them(
    budgets: list[float] | None, rest: list[float]
) -> None:
    """Richard and Roncalli's four assets with no weight above 30 %; their page prints others."""
    vol = np.array([0.1, 0.15, 0.2, 0.3])
    rho = np.array(
        [[1, 0.5, 0.5, 0.5], [0.5, 1, 0.5, 0.5], [0.5, 0.5, 1, 0.75], [0.5, 0.5, 0.75, 1]]
    )
    found = risk_budgets(rho * np.outer(vol, vol), budgets, weight_limits(4, high=0.3))
    assert found.weights == pytest.approx([0.3, 0.3, *rest], abs=1e-6)
