"""The plan: its one-period region, a plain coordinate descent, costs that never make it worse."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.multi_period import Sides, plan, proportional_sides, tension
from crossmargin.decisions.no_trade import single


def descent(
    mu: np.ndarray, sigma: np.ndarray, risk: float, held: np.ndarray, c: float
) -> np.ndarray:
    """Plain twin of one period: soft thresholds, asset by asset, until nothing moves."""
    w = held.copy()
    for _ in range(20_000):
        old = w.copy()
        for i in range(len(w)):
            rest = mu[i] - risk * (sigma[i] @ w - sigma[i, i] * w[i])
            low, high = (rest - c) / (risk * sigma[i, i]), (rest + c) / (risk * sigma[i, i])
            w[i] = min(max(held[i], low), high)
        if np.abs(w - old).max() < 1e-14:
            break
    return w


def world(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = 0.1 * rng.normal(size=(n, n))
    return 0.02 * rng.normal(size=n), a @ a.T + 0.01 * np.eye(n), rng.uniform(-0.2, 0.6, n)


@pytest.mark.parametrize("seed", range(12))
def test_one_period_against_coordinate_descent(seed: int) -> None:
    mu, sigma, held = world(seed, 3 + seed % 5)
    found = plan(mu, sigma, 4.0, held, proportional_sides(0.004, len(mu)))
    assert found.weights[0] == pytest.approx(descent(mu, sigma, 4.0, held, 0.004), abs=1e-8)
    gradient = tension(mu, sigma, 4.0, found.weights[0])
    rests = found.trade == 0.0
    assert (np.abs(gradient[rests]) <= 0.004 + 1e-9).all()
    assert np.abs(gradient[~rests]) == pytest.approx(0.004, abs=1e-9)
    assert np.sign(gradient[~rests]) == pytest.approx(np.sign(found.trade[~rests]))


@pytest.mark.parametrize("held", [0.2, 0.6, 0.9])
def test_one_asset_is_the_closed_form(held: float) -> None:
    low, high = single(0.08, 0.16, 5.0, 0.01)
    found = plan([0.08], [[0.0256]], 5.0, [held], proportional_sides(0.01, 1))
    assert found.weights[0, 0] == pytest.approx(min(max(held, low), high), abs=1e-10)


def test_inside_the_region_the_turnover_is_exactly_nothing() -> None:
    mu, sigma, held = world(3, 5)
    first = plan(mu, sigma, 4.0, held, proportional_sides(0.004, 5))
    again = plan(mu, sigma, 4.0, first.weights[0], proportional_sides(0.0041, 5))
    assert (again.trade == 0.0).all()


def test_several_periods_trade_for_what_is_ahead() -> None:
    """A gain of less than its cost a period is worth its cost over ten of them."""
    mu, sigma = np.full((10, 1), 0.001), [[1e-9]]
    one = plan(mu[:1], sigma, 1.0, [0.0], proportional_sides(0.005, 1), low=0.0, high=1.0)
    ten = plan(mu, sigma, 1.0, [0.0], proportional_sides(0.005, 1), low=0.0, high=1.0)
    assert one.trade[0] == 0.0
    assert ten.trade[0] == pytest.approx(1.0)
    assert ten.objective >= ten.idle


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_of_several_periods_is_no_worse_than_random_ones(seed: int) -> None:
    mu, sigma, held = world(seed, 3)
    path = np.tile(mu, (4, 1)) * np.array([1.0, -0.5, 0.8, 0.2])[:, None]
    found = plan(path, sigma, 4.0, held, proportional_sides(0.003, 3))
    assert found.residual < 1e-9

    def value(weights: np.ndarray) -> float:
        steps = np.diff(np.vstack([held, weights]), axis=0)
        earned = (path * weights).sum() - 2.0 * np.einsum("hi,ij,hj->", weights, sigma, weights)
        return float(earned - 0.003 * np.abs(steps).sum())

    assert value(found.weights) == pytest.approx(found.objective, abs=1e-12)
    rng = np.random.default_rng(seed)
    for _ in range(500):
        other = found.weights + rng.normal(0.0, 0.05, found.weights.shape)
        assert value(other) <= found.objective + 1e-12


def test_gross_bounds_and_the_last_weights_hold() -> None:
    mu, sigma, held = world(5, 4)
    found = plan(
        np.tile(5.0 * mu, (3, 1)),
        sigma,
        1.0,
        held,
        proportional_sides(0.001, 4),
        gross=1.0,
        last=[0.1, 0.2, 0.3, 0.4],
    )
    assert (np.abs(found.weights).sum(axis=1) <= 1.0 + 1e-8).all()
    assert found.weights[-1] == pytest.approx([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("seed", [0, 1, 7, 18])
def test_a_plan_with_a_given_end_is_the_best_one(seed: int) -> None:
    """The gradients ahead of a step, and one price of the end, lie within that step's slopes.

    Many paths to a given end earn nearly the same: a solver that stops early shows here, by
    weights that are off by thousandths.
    """
    rng = np.random.default_rng(seed)
    load, decay = rng.normal(size=(5, 3)), 0.5 ** np.arange(4)
    returns = 0.01 * (rng.normal(size=(400, 3)) @ load.T + rng.normal(size=(400, 5)))
    sigma, held = np.cov(returns, rowvar=False), rng.uniform(0.0, 0.36, 5)
    mu = decay[:, None] * (returns.mean(axis=0) + rng.uniform(0.0005, 0.002, 5))
    cost = rng.uniform(0.0002, 0.003, 5)
    found = plan(mu, sigma, 8.0, held, proportional_sides(cost, 5), last=np.full(5, 0.2))
    gradient = mu - 8.0 * found.weights @ sigma
    gradient[-1] = 0.0  # the last weights are given: their price is free
    ahead = np.cumsum(gradient[::-1], axis=0)[::-1]
    moved = np.diff(np.vstack([held, found.weights]), axis=0)
    low = np.where(moved > 1e-6, cost, -cost) - ahead
    high = np.where(moved < -1e-6, -cost, cost) - ahead
    assert (low.max(axis=0) <= high.min(axis=0) + 1e-10).all()


def test_a_convex_cost_in_pieces_trades_no_further_than_its_slope_allows() -> None:
    sides = Sides(*[np.array([0.1, np.inf]), np.array([0.001, 0.02])] * 2)
    found = plan([0.01], [[0.01]], 1.0, [0.0], [sides])
    # the gradient 0.01 - 0.01 w is above the first slope and below the second: to the edge of both
    assert found.trade[0] == pytest.approx(0.1)


def chords(cost: float, slope: float, centre: float, width: float) -> Sides:
    """Of cost z + slope z^1.5, fine around a trade."""
    fine = centre + width * np.linspace(-1.0, 1.0, 9)
    nodes = np.unique(np.concatenate([[0.0, 1e-4, 1e-2, 1.0, 4.0], fine[fine > 1e-4]]))
    paid = cost * nodes + slope * nodes**1.5
    slopes = np.maximum.accumulate(np.diff(paid) / np.diff(nodes))
    widths = np.append(np.diff(nodes)[:-1], np.inf)
    return Sides(widths, slopes, widths, slopes)


@pytest.mark.parametrize("seed", [0, 2])
def test_thin_pieces_of_a_cost_are_told_apart(seed: int) -> None:
    """Chords cut ever finer around the last answer: what binds by little is not free."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=(20, 3))
    returns = 0.01 * (rng.normal(size=(400, 3)) @ load.T + rng.normal(size=(400, 20)))
    sigma, mu = np.cov(returns, rowvar=False), returns.mean(0) + rng.uniform(0.0005, 0.002, 20)
    held, cost = rng.uniform(0.0, 0.09, 20), rng.uniform(0.0002, 0.003, 20)
    slope = np.sqrt(np.diagonal(sigma) * 1e6 / rng.uniform(1e6, 1e8, 20))
    w = held
    for width in (1.0, 0.1, 0.01, 0.001):
        each = zip(cost.tolist(), slope.tolist(), np.abs(w - held).tolist(), strict=True)
        found = plan(mu, sigma, 8.0, held, [chords(*values, width) for values in each])
        assert found.residual <= 1e-9
        w = found.weights[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "matrix_not_psd"),
        ({"held": [0.1]}, "shape_wrong"),
        ({"mu": [0.1]}, "number_out_of_range"),
        ({"low": 1.0, "high": 0.0}, "number_out_of_range"),
        ({"low": 1.0, "gross": 1.0}, "solver_failed"),
        ({"aversion": -1.0}, "number_out_of_range"),
    ],
)
def test_what_cannot_be_planned_is_refused(change: dict[str, object], code: str) -> None:
    given: dict[str, object] = {
        "mu": [0.01, 0.02],
        "covariance": np.eye(2),
        "aversion": 2.0,
        "held": [0.1, 0.2],
        "costs": proportional_sides(0.01, 2),
        **change,
    }
    with pytest.raises(CrossMarginError) as refused:
        plan(**given)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code
