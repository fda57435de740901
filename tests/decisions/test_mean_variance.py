"""Points of the frontier against searches along it, closed forms, and a programme of HiGHS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.mean_variance import frontier, minimum_variance
from crossmargin.decisions.weight_limits import Distance, weight_limits

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 6)) @ RNG.normal(size=(6, 6)) * 0.01
MEAN, S = X.mean(axis=0) + 0.01, np.cov(X.T)
FOUND = frontier(MEAN, S)


def test_points_are_what_they_say() -> None:
    for point in (FOUND.minimum_variance(), FOUND.maximum_return(), FOUND.maximum_sharpe()):
        assert point.weights.sum() == pytest.approx(1.0, abs=1e-13)
        assert point.weights.min() >= 0.0
        assert point.mean == pytest.approx(float(MEAN @ point.weights), abs=1e-15)
        assert point.variance == pytest.approx(float(point.weights @ S @ point.weights), rel=1e-12)
        assert point.status == "optimal" and "HiGHS" in point.solver
        assert max(point.primal, point.dual) <= 1e-12


def test_the_frontier_is_convex_and_falls() -> None:
    means, variances, weights = FOUND.sample(301)
    assert (np.diff(means) < 0.0).all() and (np.diff(variances) <= 1e-18).all()
    slope = np.diff(variances) / np.diff(means)
    assert (np.diff(slope) <= 1e-9).all()
    assert np.einsum("ki,ij,kj->k", weights, S, weights) == pytest.approx(variances, rel=1e-12)


@given(st.floats(0.0, 1.0))
def test_targets_meet(share: float) -> None:
    low, high = float(FOUND.mean[-1]), float(FOUND.mean[0])
    target = low + share * (high - low)
    by_return = FOUND.at_return(target)
    assert by_return.mean == pytest.approx(target, abs=1e-14)
    by_risk = FOUND.at_volatility(by_return.volatility)
    assert by_risk.mean == pytest.approx(target, abs=1e-7)
    if by_return.price > 1e-12:
        by_utility = FOUND.at_utility(1.0 / by_return.price)
        assert by_utility.weights == pytest.approx(by_return.weights, abs=1e-6)


def test_below_the_least_variance_its_own_return_is_more() -> None:
    low = FOUND.at_return(float(FOUND.mean[-1]) - 1.0)
    assert (low.weights == FOUND.minimum_variance().weights).all()


@pytest.mark.parametrize("risk_free", [-0.05, 0.0, 0.005])
def test_sharpe_beats_every_point_of_a_fine_grid(risk_free: float) -> None:
    best = FOUND.maximum_sharpe(risk_free)
    means, variances, _ = FOUND.sample(5001)
    grid = (means - risk_free) / np.sqrt(variances)
    assert best.sharpe(risk_free) >= grid.max() - 1e-13
    assert best.sharpe(risk_free) == pytest.approx(grid.max(), rel=1e-5)


def test_the_tangency_without_bounds_is_the_closed_form() -> None:
    wide = frontier(MEAN, S, weight_limits(6, low=-1e4, high=1e4))
    free = np.linalg.solve(S, MEAN - 0.001)
    assert wide.maximum_sharpe(0.001).weights == pytest.approx(free / free.sum(), rel=1e-6)
    least = np.linalg.solve(S, np.ones(6))
    assert wide.minimum_variance().weights == pytest.approx(least / least.sum(), rel=1e-6)


def test_no_sharpe_where_nothing_beats_the_risk_free() -> None:
    with pytest.raises(InputError, match="no portfolio within the limits earns more") as refused:
        FOUND.maximum_sharpe(float(MEAN.max()))
    assert "Hold the risk-free asset" in str(refused.value)
    riskless = frontier([0.1, 0.05], np.diag([0.04, 0.0]))
    with pytest.raises(InputError, match="without risk earns more"):
        riskless.maximum_sharpe(0.02)
    assert riskless.maximum_sharpe(0.05).weights == pytest.approx([1.0, 0.0], abs=1e-9)


def test_least_variance_needs_no_means() -> None:
    least = minimum_variance(S)
    assert least.weights == pytest.approx(FOUND.minimum_variance().weights, abs=1e-12)


def test_costs_keep_what_is_held() -> None:
    """With a cost above every gain nothing is traded; without one the frontier is the plain one."""
    held = np.full(6, 1.0 / 6.0)
    dear = weight_limits(6, distances=[Distance(held, np.inf, np.full(6, 1.0))])
    assert frontier(MEAN, S, dear).maximum_return().weights == pytest.approx(held, abs=1e-12)
    free = weight_limits(6, distances=[Distance(held, np.inf, np.zeros(6))])
    assert frontier(MEAN, S, free).mean[[0, -1]] == pytest.approx(FOUND.mean[[0, -1]], abs=1e-14)


BAD = {
    "nan mean": ([0.1, np.nan], np.eye(2)),
    "nan covariance": ([0.1, 0.2], np.array([[1.0, np.nan], [np.nan, 1.0]])),
    "other sizes": ([0.1], np.eye(2)),
    "not symmetric": ([0.1, 0.2], np.array([[1.0, 0.5], [0.1, 1.0]])),
    "nothing": ([], np.zeros((0, 0))),
}


@pytest.mark.parametrize(("mean", "s"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(mean: list[float], s: np.ndarray) -> None:
    with pytest.raises(CrossMarginError):
        frontier(mean, s)


def test_bad_targets_are_refused() -> None:
    for call in (
        lambda: FOUND.at_return(float("nan")),
        lambda: FOUND.at_return(1.0),
        lambda: FOUND.at_volatility(0.0),
        lambda: FOUND.at_utility(0.0),
        lambda: FOUND.sample(1),
        lambda: FOUND.maximum_sharpe(float("inf")),
        lambda: frontier(MEAN, S, weight_limits(5)),
    ):
        with pytest.raises(InputError):
            call()


@pytest.mark.parametrize("seed", range(25))
def test_sharpe_where_most_of_the_frontier_earns_less_than_the_risk_free(seed: int) -> None:
    """Past the risk-free return the ratio has a worst point: an end of a segment may be best."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 7))
    root = rng.normal(0.0, 0.02, (count, 3 * count))
    found = frontier(rng.normal(0.0, 0.002, count), root @ root.T / count)
    for part in (0.05, 0.5, 0.95):
        high, low = float(found.mean[0]), float(found.mean[-1])
        risk_free = high - part * (high - low) - 1e-9
        if not risk_free < high:
            continue
        mean, variance, _ = found.sample(4001)
        grid = (mean - risk_free) / np.sqrt(variance)
        turning = (found.mean - risk_free) / np.sqrt(found.variance)
        best = found.maximum_sharpe(risk_free)
        assert best.sharpe(risk_free) >= max(grid.max(), turning.max()) * (1.0 - 1e-12)


def test_sharpe_of_the_only_asset_that_earns_anything() -> None:
    found = frontier([0.0014, -0.0012], np.diag([0.001, 0.0005]))
    best = found.maximum_sharpe(0.0)
    assert best.weights == pytest.approx([1.0, 0.0], abs=1e-12)
