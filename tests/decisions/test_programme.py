"""The solver's door: the optimum of an independent solver, proven; what has none says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, milp

import crossmargin
from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.programme import Programme, Relaxation, relaxed_text


def drawn(seed: int, columns: int = 8, rows: int = 6) -> tuple[np.ndarray, ...]:
    """A programme that has an answer: its rows hold at a point inside the bounds."""
    rng = np.random.default_rng(seed)
    cost, matrix = rng.normal(size=columns), rng.normal(size=(rows, columns))
    inside = rng.uniform(-1.0, 1.0, columns)
    most = matrix @ inside + rng.uniform(0.0, 1.0, rows)
    return cost, matrix, most


def programme(cost: np.ndarray, matrix: np.ndarray, most: np.ndarray, **more: object) -> Programme:
    """The same, in a box of two."""
    size = len(cost)
    made = Programme(cost, np.full(size, -2.0), np.full(size, 2.0), **more)  # type: ignore[arg-type] # whole alone
    made.add_dense(np.arange(size), matrix, np.full(len(most), -np.inf), most)
    return made


@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_is_that_of_another_solver_and_proves_itself(seed: int) -> None:
    cost, matrix, most = drawn(seed)
    found = programme(cost, matrix, most).solve()
    assert found is not None
    other = linprog(cost, matrix, most, bounds=[(-2.0, 2.0)] * len(cost), method="highs-ipm")
    assert found.objective == pytest.approx(other.fun, abs=1e-7)
    assert found.evidence.proven
    assert not found.evidence.again
    assert (matrix @ found.x <= most + 1e-7).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_multiplier_is_what_the_bound_is_worth(seed: int) -> None:
    cost, matrix, most = drawn(seed)
    made = programme(cost, matrix, most)
    found = made.solve()
    assert found is not None
    k = int(np.abs(found.row_dual).argmax())
    made.bound_row(k, -np.inf, most[k] + 1e-6)
    moved = made.solve()
    assert moved is not None
    assert moved.objective - found.objective == pytest.approx(1e-6 * found.row_dual[k], abs=1e-11)


@pytest.mark.parametrize("seed", range(6))
def test_rows_that_follow_give_what_they_give_from_the_start(seed: int) -> None:
    cost, matrix, most = drawn(seed, rows=9)
    later = programme(cost, matrix[:4], most[:4])
    assert later.solve() is not None
    later.add_dense(np.arange(len(cost)), matrix[4:], np.full(5, -np.inf), most[4:])
    warm, cold = later.solve(), programme(cost, matrix, most).solve()
    assert warm is not None and cold is not None
    assert warm.objective == pytest.approx(cold.objective, abs=1e-8)
    assert warm.evidence.proven


@pytest.mark.parametrize("seed", range(6))
def test_whole_numbers(seed: int) -> None:
    cost, matrix, most = drawn(seed)
    whole = np.arange(len(cost)) % 2 == 0
    found = programme(cost, matrix, most + 1.0, whole=whole).solve()
    other = milp(
        cost,
        integrality=whole.astype(int),
        bounds=(np.full(len(cost), -2.0), np.full(len(cost), 2.0)),
        constraints=LinearConstraint(matrix, -np.inf, most + 1.0),
    )
    assert found is not None
    assert found.objective == pytest.approx(other.fun, abs=1e-6)
    assert (found.x[whole] == np.round(found.x[whole])).all()


@pytest.mark.parametrize("seed", [3, 5])
def test_whole_numbers_of_tiny_costs_are_no_worse(seed: int) -> None:
    """The solver's tolerances are absolute: the size of a dollar must not decide what is best."""
    rng = np.random.default_rng(seed)
    worth = rng.uniform(1.0, 2.0, 60)
    weight = np.array([worth * rng.uniform(0.9, 1.1, 60) for _ in range(4)])
    most = 0.5 * weight.sum(axis=1)
    none, one = np.zeros(60), np.ones(60)
    found = []
    for dollar in (1.0, 1e-7):
        made = Programme(-worth * dollar, none, one, one > 0.0, gap=1e-5, nodes=100)
        made.add_dense(np.arange(60), weight, np.full(4, -np.inf), most)
        solved = made.solve()
        assert solved is not None
        assert solved.evidence.proven
        assert solved.evidence.gap > 0.0, "cut short, and it says so"
        found.append(solved.objective / dollar)
    assert found[1] == pytest.approx(found[0], rel=1e-9)
    made.change_cost(-worth)
    again = made.solve()
    assert again is not None
    assert again.objective == pytest.approx(found[0], rel=2e-3)


def test_other_costs_and_bounds() -> None:
    made = Programme(np.array([1.0, 1.0]), np.zeros(2), np.full(2, 5.0))
    made.add([0, 1], [1.0, 1.0], 3.0, np.inf, "need")
    made.change_cost(np.array([2.0, 1.0]))
    found = made.solve()
    assert found is not None and found.x.tolist() == [0.0, 3.0]
    assert float(found.row_dual[0]) == 1.0
    made.bound_column(1, 0.0, 1.0)
    found = made.solve()
    assert found is not None and found.x.tolist() == [2.0, 1.0]


def test_rows_that_contradict_each_other_name_the_smallest_change() -> None:
    made = Programme(np.ones(2), np.zeros(2), np.full(2, 10.0))
    made.add([0, 1], [1.0, 1.0], 8.0, np.inf, "margin saved")
    made.add([0], [1.0], -np.inf, 3.0, "size of A")
    made.add([1], [1.0], -np.inf, 4.0, "size of B")
    assert made.solve() is None
    found = made.relaxations()
    assert found == (Relaxation("margin saved", pytest.approx(1.0), 8.0),)
    assert relaxed_text(found, {"margin saved": "USD"}) == "margin saved by 1 USD (limit 8)"
    large = [Relaxation("margin", 473_608.2, -273_783.0)]
    assert relaxed_text(large, {"margin": "USD"}) == "margin by 473,608 USD (limit -273,783)"


def test_rows_without_a_name_hold() -> None:
    made = Programme(np.ones(1), np.zeros(1), np.full(1, 10.0))
    made.add([0], [1.0], 5.0, np.inf)
    made.add([0], [1.0], -np.inf, 3.0)
    assert made.solve() is None
    with pytest.raises(SolverError) as told:
        made.relaxations()
    assert told.value.code == "solver_failed"


def test_an_objective_without_a_bound_is_refused() -> None:
    made = Programme(np.array([-1.0]), np.zeros(1), np.full(1, np.inf))
    made.add([0], [1.0], 0.0, np.inf)
    with pytest.raises(SolverError) as told:
        made.solve()
    assert told.value.code == "solver_failed"


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(InputError):
        Programme(np.array([np.nan]), np.zeros(1), np.ones(1))
    with pytest.raises(InputError):
        Programme(np.ones(1), np.ones(1), np.zeros(1))
    with pytest.raises(InputError):
        Programme(np.ones(1), np.array([np.nan]), np.zeros(1))
    made = Programme(np.ones(1), np.zeros(1), np.ones(1))
    with pytest.raises(InputError):
        made.add([0], [np.inf], 0.0, 1.0)


def test_the_same_bits() -> None:
    cost, matrix, most = drawn(3)
    first, second = programme(cost, matrix, most).solve(), programme(cost, matrix, most).solve()
    assert first is not None and second is not None
    assert first.x.tobytes() == second.x.tobytes()
    assert first.row_dual.tobytes() == second.row_dual.tobytes()


def test_rows_one_behind_the_other_are_the_same_rows() -> None:
    def made(flat: bool) -> Programme:
        programme = Programme(np.array([-1.0, -2.0]), np.zeros(2), np.full(2, 10.0))
        if flat:
            values = np.array([1.0, 1.0, 1.0])
            names = ["a", "b"]
            programme.add_flat([2, 1], [0, 1, 1], values, [-np.inf, 3.0], [4.0, 8.0], names)
        else:
            programme.add([0, 1], [1.0, 1.0], -np.inf, 4.0, "a")
            programme.add([1], [1.0], 3.0, 8.0, "b")
        return programme

    one, other = made(True).solve(), made(False).solve()
    assert one is not None
    assert other is not None
    assert one.x.tolist() == other.x.tolist() == [0.0, 4.0]
    assert one.row_dual.tolist() == other.row_dual.tolist()
    tight = made(True)
    tight.bound_row(1, 5.0, 8.0)  # before the solver was asked
    assert tight.solve() is None
    assert {each.name for each in tight.relaxations()} <= {"a", "b"}
    tight.bound_row(1, 0.0, 1.0)
    tight.add([0], [1.0], -np.inf, 0.5)  # after it was
    third = tight.solve()
    assert third is not None
    assert third.x.tolist() == [0.5, 1.0]


OTHERS = """
import hashlib, os, highspy, numpy as np
from crossmargin.decisions.programme import Programme
def solve(whole):
    cost, one = -np.arange(1.0, 31.0), np.ones(30)
    made = Programme(cost, 0.0 * one, one, one > 0.0 if whole else None)
    made.add(range(30), np.random.default_rng(0).uniform(1.0, 2.0, 30), -np.inf, 10.0)
    return made.solve().x.tobytes()
if %r:
    theirs = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 2), ("parallel", "on")):
        theirs.setOptionValue(name, value)
    theirs.addVar(0.0, 1.0)
    theirs.run()
here = solve(False), solve(True)
if not %r:
    child = os.fork()
    if not child:
        os._exit(0 if (solve(False), solve(True)) == here else 1)
    assert os.waitpid(child, 0)[1] == 0
print(hashlib.sha256(b"".join(here)).hexdigest())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_and_one_that_solved_with_other_threads_get_the_same_bits() -> None:
    source = str(Path(crossmargin.__file__).parents[1])
    found = []
    for theirs in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", OTHERS % (theirs, theirs)],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": source},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert found[0] == found[1] != ""


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_search_that_met_no_whole_answer_starts_from_nothing(nodes: int) -> None:
    """Narrow rows through nothing: the search alone ends at its limit without an answer."""
    rng = np.random.default_rng(0)
    count = 40
    rows = 100.0 * rng.uniform(-1.0, 1.0, (5, count))
    made = Programme(
        -rng.uniform(1.0, 2.0, count), np.zeros(count), np.full(count, 50.0),
        np.ones(count, np.bool_), gap=1e-9, nodes=nodes,
    )  # fmt: skip
    made.add_dense(np.arange(count), rows, np.full(5, -0.5), np.full(5, 0.5))
    found = made.solve()
    assert found is not None
    assert found.objective <= 0.0
    assert np.abs(rows @ found.x).max() <= 0.5 + 1e-6
    assert (found.x == np.round(found.x)).all()
