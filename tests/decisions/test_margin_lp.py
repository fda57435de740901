"""Margin optimisation in numbers: an independent solver's optimum, multipliers, lots, misfits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, milp

from crossmargin.decisions.margin_lp import (
    Contradiction,
    Goal,
    Limit,
    MarginAnswer,
    MarginProblem,
    Profile,
    Ticket,
    optimal,
    straight,
)
from crossmargin.decisions.margin_rows import Block
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, WorstOf

J, S = 12, 40


def ticket(name: str, rate: float, size: float, **more: float) -> Ticket:
    one, slope = np.array([size]), np.array([rate])
    return Ticket(name, one, slope, one, slope, **more)


def scan(seed: int, floor: float = 0.0) -> tuple[np.ndarray, Block]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(S, J)) * rng.uniform(0.5, 1.5, S)[:, None] * 1000.0
    base = rng.normal(size=J) * 3.0
    term = WorstOf("scan", rows, np.zeros(S), tuple(f"s{k}" for k in range(S)), floor)
    return rows, Block("BTC", Pieces((term,)), base, np.eye(J), 1.0)


def drawn(seed: int, goal: Goal | None = None) -> tuple[np.ndarray, MarginProblem]:
    rows, block = scan(seed)
    rng = np.random.default_rng(seed + 1000)
    tickets = tuple(ticket(f"t{j}", 20.0 + 10.0 * rng.random(), 2.0) for j in range(J))
    limits = (Limit("delta BTC", "BTC", rng.normal(size=J), -0.5, 0.5),)
    profile_rows = rng.normal(size=(30, J)) * 800.0
    names = tuple(f"{k} %" for k in range(30))
    profile = Profile(profile_rows, np.full(30, -900.0), np.full(30, np.inf), names)
    return rows, MarginProblem((block,), tickets, goal or Goal(0.2), limits, profile)


def reference(rows: np.ndarray, problem: MarginProblem) -> float:
    """scipy's programme with every row."""
    base, price = problem.blocks[0].base, problem.goal.price
    cost = [t.buy_slope[0] for t in problem.tickets]
    c = np.concatenate([cost, cost, [price]])
    profile = problem.profile
    assert profile is not None
    limit = problem.limits[0].row
    upper = [np.concatenate([r, -r, [-1.0]]) for r in rows]
    bounds = [-float(r @ base) for r in rows]
    upper += [np.concatenate([-r, r, [0.0]]) for r in profile.rows]
    bounds += [-d for d in profile.down]
    upper += [np.concatenate([limit, -limit, [0.0]]), np.concatenate([-limit, limit, [0.0]])]
    bounds += [0.5, 0.5]
    sides = [(0.0, 2.0)] * (2 * J) + [(0.0, None)]
    return float(linprog(c, A_ub=upper, b_ub=bounds, bounds=sides).fun)


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_over_every_row(seed: int) -> None:
    rows, problem = drawn(seed)
    found = optimal(problem)
    assert isinstance(found, MarginAnswer)
    assert found.objective == pytest.approx(reference(rows, problem), rel=1e-7)
    assert found.objective <= problem.goal.price * found.before_usd + 1e-9
    assert found.evidence.proven
    assert found.after_usd == pytest.approx(
        max(0.0, float((rows @ (problem.blocks[0].base + found.h)).max())), rel=1e-9
    )
    assert found.rows < S + 30, "rows are generated"
    again = optimal(problem)
    assert isinstance(again, MarginAnswer)
    assert again.h.tobytes() == found.h.tobytes(), "same input, same bits"


@pytest.mark.parametrize("seed", range(12))
def test_multipliers_share_the_requirement_out(seed: int) -> None:
    rows, problem = drawn(seed)
    found = optimal(problem)
    assert isinstance(found, MarginAnswer)
    shares = {each.scenario: each.share for each in found.bindings}
    if found.after_usd > 1e-6:
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-7)
    position = problem.blocks[0].base + found.h
    by_position = sum(share * rows[int(name[1:])] * position for name, share in shares.items())
    assert float(np.sum(by_position)) == pytest.approx(found.after_usd, rel=1e-7)


def test_a_call_is_met_for_the_least_cost() -> None:
    _, free = drawn(3)
    start = float(free.blocks[0].pieces.at(free.blocks[0].base))
    _, problem = drawn(3, Goal(0.0, 0.7 * start))
    found = optimal(problem)
    assert isinstance(found, MarginAnswer)
    assert found.after_usd + found.cost_usd == pytest.approx(0.7 * start, rel=1e-7)
    cheaper = optimal(drawn(3, Goal(0.0, 0.8 * start))[1])
    assert isinstance(cheaper, MarginAnswer)
    assert cheaper.cost_usd < found.cost_usd
    assert sum(b.share for b in found.bindings) == pytest.approx(1.0, abs=1e-7)


def test_what_cannot_be_met_says_what_would_give_way() -> None:
    found = optimal(drawn(3, Goal(0.0, 1.0))[1])
    assert isinstance(found, Contradiction)
    assert {each.name for each in found.relaxations} <= {
        "margin budget",
        "delta BTC",
        *(f"{k} %" for k in range(30)),
    }
    assert found.units["margin budget"] == "USD"
    (budget,) = [each for each in found.relaxations if each.name == "margin budget"]
    _, loosened = drawn(3, Goal(0.0, 1.0 + budget.by * (1.0 + 1e-6)))
    if len(found.relaxations) == 1:
        assert isinstance(optimal(loosened), MarginAnswer)


def test_every_kind_of_term_against_a_dense_programme() -> None:
    rng = np.random.default_rng(8)
    rows, block = scan(8)
    short = Separable("short", np.zeros(J), np.full(J, 150.0))
    gross = Separable("gross", np.full(J, 80.0), np.full(J, 80.0))
    net = np.stack([np.full(J, 700.0), np.full(J, -700.0)])
    least = WorstOf("net", net, np.zeros(2), floor=-np.inf)
    inner = WorstOf("scan", rows, np.zeros(S))
    parts = (Part("risk", (inner, short)), Part("least", (least, gross), 50.0))
    pieces = Pieces((LargestOf("larger", parts, weight=1.3),))
    tickets = tuple(ticket(f"t{j}", 30.0, 2.0) for j in range(J))
    problem = MarginProblem((Block("BTC", pieces, block.base, np.eye(J), 2.0),), tickets, Goal(0.5))
    found = optimal(problem)
    assert isinstance(found, MarginAnswer)

    def value(h: np.ndarray) -> float:
        return 0.5 * 2.0 * float(pieces.at(block.base + h)) + 30.0 * float(np.abs(h).sum())

    assert found.objective == pytest.approx(value(found.h), rel=1e-9)
    for _ in range(4000):
        other = np.clip(found.h + rng.normal(size=J) * rng.choice([1e-3, 0.1, 1.0]), -2.0, 2.0)
        assert found.objective <= value(other) + 1e-7


def test_whole_lots_tickets_and_fees() -> None:
    rows, block = scan(5)
    tickets = tuple(ticket(f"t{j}", 25.0, 2.0, lot=0.5, fixed_usd=40.0) for j in range(J))
    problem = MarginProblem((block,), tickets, Goal(0.3), legs=3)
    found = optimal(problem, whole=True)
    assert isinstance(found, MarginAnswer)
    assert np.abs(found.h / 0.5 - np.round(found.h / 0.5)).max() < 1e-9
    assert np.count_nonzero(found.h) <= 3
    n = 4 * J
    c = np.concatenate([np.full(2 * J, 12.5), np.full(J, 40.0), [0.3]])
    upper = [np.concatenate([0.5 * r, -0.5 * r, np.zeros(J), [-1.0]]) for r in rows]
    bounds = [-float(r @ block.base) for r in rows]
    for j in range(J):
        row = np.zeros(3 * J + 1)
        row[[j, J + j]], row[2 * J + j] = 1.0, -4.0
        upper.append(row)
        bounds.append(0.0)
    upper.append(np.concatenate([np.zeros(2 * J), np.ones(J), [0.0]]))
    bounds.append(3.0)
    whole = np.concatenate([np.ones(3 * J), [0.0]])
    top = np.concatenate([np.full(2 * J, 4.0), np.ones(J), [np.inf]])
    best = milp(
        c,
        integrality=whole,
        bounds=(np.zeros(3 * J + 1), top),
        constraints=LinearConstraint(np.array(upper), -np.inf, bounds),
    )
    assert n == 48
    assert found.objective == pytest.approx(best.fun, rel=2e-4)
    relaxed = optimal(problem)
    assert isinstance(relaxed, MarginAnswer)
    assert relaxed.objective <= found.objective + 1e-9


def test_several_prices_a_side_and_lots() -> None:
    _, block = scan(6)
    width, slope = np.array([0.7, 1.3]), np.array([20.0, 60.0])
    tickets = tuple(
        Ticket(f"t{j}", width, slope, width, slope, lot=0.5, least=1.0) for j in range(J)
    )
    found = optimal(MarginProblem((block,), tickets, Goal(0.3)), whole=True)
    assert isinstance(found, MarginAnswer)
    assert np.abs(found.h / 0.5 - np.round(found.h / 0.5)).max() < 1e-6
    assert (np.abs(found.h[found.h != 0.0]) >= 1.0 - 1e-9).all()
    paid = sum(min(abs(h), 0.7) * 20.0 + max(abs(h) - 0.7, 0.0) * 60.0 for h in found.h)
    assert found.cost_usd == pytest.approx(paid, rel=1e-6)


def test_neighbours_of_one_slope_are_joined() -> None:
    width, slope = straight(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 7.0]))
    assert width.tolist() == [3.0, 3.0]
    assert slope.tolist() == [5.0, 7.0]
