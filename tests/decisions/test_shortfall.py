"""Least shortfall: whole programme against rows, against random weights, exact measures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions import shortfall
from crossmargin.decisions.shortfall import minimum_shortfall, minimum_worst_loss
from crossmargin.decisions.weight_limits import Distance, weight_limits
from crossmargin.statistics.quantiles import Tail, expected_shortfall

R = np.random.default_rng(4).standard_t(3, size=(400, 5)) * 0.02 + 0.001


def exact(weights: np.ndarray, level: float) -> float:
    return float(expected_shortfall(R @ weights, level, tail=Tail.FRACTIONAL))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.975, 0.9973])
def test_whole_and_rows_agree(level: float, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = minimum_shortfall(R, level)
    monkeypatch.setattr(shortfall, "WHOLE", 0)
    rows = minimum_shortfall(R, level)
    assert rows.rounds > 1 and whole.rounds == 1
    assert rows.risk == pytest.approx(whole.risk, abs=1e-9)
    for found in (whole, rows):
        assert found.risk == pytest.approx(exact(found.weights, level), abs=1e-12)
        assert found.gap <= 1e-9 and found.weights.sum() == pytest.approx(1.0, abs=1e-9)
        assert found.scenario_price.sum() == pytest.approx(1.0, abs=1e-12)
        assert found.value_at_risk <= found.risk + 1e-15
    draws = np.random.default_rng(7).dirichlet(np.ones(5), 300)
    assert min(exact(draw, level) for draw in draws) >= whole.risk - 1e-12


@pytest.mark.parametrize("kind", ["plain", "ties", "costs", "thin tail", "wide tail"])
def test_the_edge_of_the_tail_gives_the_whole_programme(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(len(kind))
    many = rng.standard_t(4, size=(2600, 7)) * 0.01 + rng.uniform(0.0, 0.002, 7)
    level = {"thin tail": 0.9991, "wide tail": 0.3}.get(kind, 0.95)
    limits = None
    if kind == "ties":
        many = np.repeat(np.round(many[:650], 3), 4, axis=0)
    if kind == "costs":
        limits = weight_limits(7, distances=[Distance(np.full(7, 1 / 7), np.inf, np.full(7, 1e-3))])
    edge = minimum_shortfall(many, level, limits)
    monkeypatch.setattr(shortfall, "WHOLE", 10_000)
    whole = minimum_shortfall(many, level, limits)
    assert edge.rounds > whole.rounds == 1
    assert edge.risk + edge.cost == pytest.approx(whole.risk + whole.cost, abs=1e-9)
    assert edge.gap <= 1e-9
    assert edge.scenario_price.sum() == pytest.approx(1.0, abs=1e-12)
    most = 1.0 / (len(many) * (1.0 - level))
    assert (edge.scenario_price <= most * (1.0 + 1e-6)).all()


def test_prices_of_scenarios_explain_the_optimum() -> None:
    """Under them no held asset loses more than another: the condition of the optimum."""
    found = minimum_shortfall(R, 0.95)
    loss = -(found.scenario_price @ R)
    held = found.weights > 1e-9
    assert loss[held] == pytest.approx(np.full(int(held.sum()), found.risk), abs=1e-8)
    assert (loss[~held] >= found.risk - 1e-8).all()


def test_many_scenarios() -> None:
    many = np.random.default_rng(6).normal(size=(20_000, 6)) * 0.01 + 0.0005
    found = minimum_shortfall(many, 0.975)
    equal = -np.sort(many.mean(axis=1))[:500].mean()
    assert found.gap <= 1e-9 and found.risk <= equal


def test_worst_loss_as_another_solver_finds_it() -> None:
    found = minimum_worst_loss(R)
    n = R.shape[1]
    other = linprog(
        [*np.zeros(n), 1.0],
        A_ub=np.hstack([-R, -np.ones((len(R), 1))]),
        b_ub=np.zeros(len(R)),
        A_eq=[[*np.ones(n), 0.0]],
        b_eq=[1.0],
        bounds=[*[(0.0, 1.0)] * n, (None, None)],
    )
    assert found.risk == pytest.approx(other.fun, abs=1e-10)
    assert found.risk == pytest.approx(-(R @ found.weights).min(), abs=1e-12)


def test_a_target_of_return_binds_and_costs_count() -> None:
    mean = R.mean(axis=0)
    target = float(np.sort(mean)[-2])
    found = minimum_shortfall(R, 0.95, target=target)
    assert found.mean >= target - 1e-9 and found.risk >= minimum_shortfall(R, 0.95).risk
    held = np.full(5, 0.2)
    dear = weight_limits(5, distances=[Distance(held, np.inf, np.full(5, 1.0))])
    assert minimum_shortfall(R, 0.95, dear).weights == pytest.approx(held, abs=1e-9)


def test_an_impossible_target_is_named() -> None:
    with pytest.raises(InputError, match=r"target return by 0\.\d+ \(limit 0.5\)|budget by"):
        minimum_shortfall(R, 0.95, target=0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: minimum_shortfall(R, 1.0),
        lambda: minimum_shortfall(R[0], 0.95),
        lambda: minimum_shortfall(np.where(R > 0.05, np.nan, R), 0.95),
        lambda: minimum_shortfall(R, 0.95, weight_limits(4)),
        lambda: minimum_worst_loss(R, mean=[0.1]),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised
