"""The path against an oracle that knows nothing of it: at each price of return no feasible point is
better to first order, which for a convex programme is optimality itself (a linear programme)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.critical_line import Quadratic, walk
from crossmargin.decisions.mean_variance import Frontier, frontier
from crossmargin.decisions.weight_limits import (
    Distance,
    MarginBudget,
    WeightLimits,
    weight_limits,
)
from crossmargin.margin.pieces import LargestOf, Part, Separable, WorstOf


def random_problem(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, WeightLimits]:
    """Rounded means (ties), short histories (singular covariances), rows, turnover, margin."""
    n = int(rng.integers(2, 10))
    x = rng.normal(size=(int(rng.integers(2, 18)), n))
    mean = rng.normal(size=n).round(int(rng.integers(0, 3)))
    rows = rng.normal(size=(int(rng.integers(0, 4)), n))
    held = rng.dirichlet(np.ones(n))
    distances, margins = [], []
    if rng.random() < 0.5:
        cost = rng.uniform(0.0, 0.05, n) * rng.choice([0.0, 1.0])
        distances.append(Distance(held, float(rng.choice([np.inf, 0.3])), cost))
    if rng.random() < 0.4:
        scan = WorstOf("scan", rng.normal(size=(6, n)), np.zeros(6), weight=0.7)
        sides = Separable("sides", rng.uniform(-0.1, 1.0, n), rng.uniform(0.1, 1.0, n))
        flat = WorstOf("flat", rng.normal(size=(1, n)), np.ones(1), floor=-np.inf)
        parts = Part("a", (scan, sides)), Part("b", (flat, sides), 30.0)
        terms = (scan, sides, LargestOf("largest", parts, 5.0))[: int(rng.integers(1, 4))]
        free = MarginBudget(terms, np.full(n, 1000.0), 0.0)
        margins.append(MarginBudget(terms, free.units, float(free.at(held)) * 1.05 + 1.0))
    limits = weight_limits(
        n,
        low=-float(rng.uniform(0.0, 0.5)) if rng.random() < 0.5 else 0.0,
        high=1.0,
        rows=rows,
        least=rows @ held - rng.choice([0.2, np.inf]),
        most=rows @ held + 0.1,
        distances=distances,
        margins=margins,
    )
    return mean, x.T @ x / len(x), limits


def gap_at(found: Frontier, place: float, problem: tuple[np.ndarray, np.ndarray, WeightLimits]):
    """How much a first-order step could gain at ``place``; 0 exactly at an optimum."""
    mean, s, limits = problem
    columns, point = limits.columns(), found.at(place, "")
    net = -np.array(columns.price)
    net[: len(mean)] += mean
    gradient = -net if place == 0.0 else -point.price * net
    value = -point.mean
    if place > 0.0:
        gradient[: len(mean)] += s @ point.weights
        value = point.variance - point.price * point.mean
    rows, least, most = columns.matrix(), np.array(columns.least), np.array(columns.most)
    below, above = np.isfinite(least), np.isfinite(most)
    best = linprog(
        gradient,
        A_ub=np.vstack([rows[above], -rows[below]]),
        b_ub=np.concatenate([most[above], -least[below]]),
        bounds=list(zip(columns.low, columns.high, strict=True)),
    )
    assert best.success
    return (value - best.fun) / (1.0 + abs(best.fun))


def test_every_point_of_every_path_is_an_optimum() -> None:
    rng = np.random.default_rng(5)
    for _ in range(150):
        problem = random_problem(rng)
        found = frontier(*problem)
        assert found.primal <= 1e-9 and found.dual <= 1e-9
        for place in (0.0, *rng.uniform(0.0, found.count - 1.0, 2), found.count - 1.0):
            assert abs(gap_at(found, float(place), problem)) <= 2e-7
        for margin in problem[2].margins:
            assert margin.at(found.weights).max() <= margin.limit * (1.0 + 1e-9) + 1e-9
        for distance in problem[2].distances:
            moved = np.abs(found.weights - distance.origin).sum(axis=1)
            assert moved.max() <= distance.most + 1e-9
            paid = np.abs(found.weights - distance.origin) @ distance.cost
            assert np.abs(paid[1:] - found.cost[1:]).max(initial=0.0) <= 1e-9


def box(mean: list[float], s: np.ndarray, high: float = 1.0) -> Quadratic:
    n = len(mean)
    one = np.ones(1)
    bounds = np.zeros(n), np.full(n, high)
    return Quadratic(s, np.array(mean), np.ones((1, n)), one, one, *bounds, ("budget",))


def test_ties_of_return_take_the_least_variance() -> None:
    """Three assets earn the most: the start is their minimum variance portfolio."""
    s = np.diag([0.04, 0.01, 0.02, 0.001])
    found = walk(box([0.1, 0.1, 0.1, 0.05], s))
    inverse = 1.0 / np.diagonal(s)[:3]
    assert found.x[0, :3] == pytest.approx(inverse / inverse.sum(), abs=1e-14)
    assert found.x[0, 3] == 0.0


def test_two_assets_by_hand() -> None:
    """Variances 4 and 1, no correlation: least variance (1/5, 4/5), first turn at s 40."""
    found = walk(box([0.2, 0.1], np.diag([4.0, 1.0])))
    assert found.price == pytest.approx([40.0, 0.0], abs=1e-12)
    assert found.x == pytest.approx(np.array([[1.0, 0.0], [0.2, 0.8]]), abs=1e-14)


def test_a_covariance_without_any_risk_in_one_direction() -> None:
    """Two assets that are one: their split is free, the portfolio's return and risk are not."""
    s = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    found = walk(box([0.2, 0.1, 0.3], s))
    end = found.x[-1]
    assert end[0] == pytest.approx(0.8) and end[1] == 0.0  # of equal risk the one that earns more


def test_indefinite_is_refused_by_name() -> None:
    s = np.array([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ModelError, match="matrix_not_psd") as refused:
        walk(box([0.1, 0.2], s))
    assert refused.value.value == "-1.0" or "-1" in str(refused.value.value)
    assert walk(box([0.1, 0.2], np.array([[1.0, 1.2], [1.2, 2.0]])), indefinite=True).price[-1] == 0


def test_contradictions_are_named() -> None:
    with pytest.raises(InputError, match=r"budget by 0.4 \(limit 1\)"):
        walk(box([0.1, 0.2], np.eye(2), high=0.3))
    limits = weight_limits(2, rows=[[1.0, 0.0]], least=[0.9], names=["bitcoin"], high=0.5)
    with pytest.raises(InputError, match="bitcoin by 0.4"):
        frontier([0.1, 0.2], np.eye(2), limits)


def test_return_without_a_bound_is_refused() -> None:
    limits = weight_limits(2, low=-np.inf, high=np.inf)
    with pytest.raises(InputError, match="return has no bound"):
        frontier([0.1, 0.2], np.eye(2), limits)


def test_the_same_bits_twice() -> None:
    problem = random_problem(np.random.default_rng(8))
    first, second = frontier(*problem), frontier(*problem)
    assert (first.weights == second.weights).all() and (first.price == second.price).all()


def test_a_limit_that_others_imply_is_no_turning_point() -> None:
    """At most 1 of a whole 1: the path begins where the best asset is first sold, by hand.

    With all in asset k, asset i enters at (s_kk - s_ik) / (m_k - m_i); the largest is the price.
    """
    rng = np.random.default_rng(3)
    for _ in range(60):
        deviations = rng.normal(size=(3, 6))
        s, mean = deviations @ deviations.T, rng.uniform(0.01, 0.3, 3)
        found = walk(box(mean.tolist(), s))
        k = int(np.argmax(mean))
        enters = [(s[k, k] - s[i, k]) / (mean[k] - mean[i]) for i in range(3) if i != k]
        assert found.price[0] == pytest.approx(max(0.0, *enters), rel=1e-9)
        assert found.x[0] == pytest.approx(np.eye(3)[k], abs=1e-12)
        assert len(found.price) == 1 or np.abs(found.x[1] - found.x[0]).max() > 1e-9


def test_all_in_one_asset_is_a_frontier_of_one_point() -> None:
    """The asset of most return has the least risk too, and every question has that answer."""
    found = frontier([0.2, 0.1], [[1.0, 2.0], [2.0, 9.0]])
    assert found.count == 1
    for point in (
        found.minimum_variance(), found.maximum_return(), found.at_return(0.1),
        found.at_volatility(1.5), found.at_utility(3.0), found.maximum_sharpe(),
    ):  # fmt: skip
        assert point.weights == pytest.approx([1.0, 0.0], abs=1e-15)
        assert (point.mean, point.variance) == pytest.approx((0.2, 1.0), abs=1e-15)
    assert found.sample(5)[2] == pytest.approx(np.repeat([[1.0, 0.0]], 5, axis=0), abs=1e-15)
