"""The one door to the solver of linear and mixed-integer programmes (HiGHS, MIT licence).

    minimise  c'x   subject to   low <= x <= high,   least <= A x <= most,   some x whole

One object is one solver with one thread: the same calls give the same bits. Rows may be added and
bounds changed between solves; the solver then starts from its last basis, and the answer is proven
before it is given back, from its own multipliers ``y`` (of rows) and ``z = c - A'y`` (of columns):

    primal   largest violation of a bound by x, of its scale 1 + |bound|
    dual     largest multiplier with the wrong sign for where its row or column stands, of 1 + |c|
    gap      |c'x - (y' and z' at their bounds)| / (1 + |c'x|)

Where one of them is above 1e-7 the basis is thrown away and the programme solved again; if that is
no better SolverError ``optimum_unproven``. An infeasible programme can be asked for the smallest
changes of its named rows that would make it feasible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs, finite
from crossmargin.core.errors import InputError, SolverError

__all__ = ["Evidence", "Programme", "Relaxation", "Solution", "relaxed_text"]

PROVEN = 1e-7
_INFINITE = 1e30  # what HiGHS takes for no bound
_FEASIBLE = 2  # its word for a solution that keeps every bound
# Largest cost of a mixed-integer programme as the solver sees it: its tolerances are absolute, on
# the objective too, and what is far below them is called optimal with a gap of nothing.
_WHOLE_COST = 1024.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an answer is one: the residuals of the module's head; ``gap`` of a mixed-integer answer
    is the solver's own proof, and its multipliers are those of no programme (zeros)."""

    solver: str
    primal: float
    dual: float
    gap: float
    again: bool  # the warm answer was not proven, and the programme was solved afresh
    iterations: int
    allowed: float = 0.0  # gap that was asked for, of a mixed-integer answer

    @property
    def proven(self) -> bool:
        """Whether every residual is small enough."""
        return max(self.primal, self.dual) <= PROVEN and self.gap <= max(PROVEN, self.allowed)


@dataclass(frozen=True, slots=True)
class Solution:
    """``x`` of every column, multiplier of every row (money per unit of its bound), reduced costs.

    A multiplier is the change of the objective with the bound at which the row stands.
    """

    x: Floats
    objective: float
    row_dual: Floats
    column_dual: Floats
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One bound of a named row that would have to give way, in the row's own unit."""

    name: str
    by: float
    bound: float


@dataclass(slots=True)
class _Rows:
    """Rows as they were added: entries in compressed form, one array a call."""

    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    size: list[int] = field(default_factory=list)  # entries of each row
    column: list[Any] = field(default_factory=list)
    value: list[Any] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    sent: int = 0  # rows that the solver has,
    sent_calls: int = 0  # and calls they came in


class Programme:
    """Columns first, then rows, then :meth:`solve`; rows and bounds may follow."""

    def __init__(
        self,
        cost: Floats,
        low: Floats,
        high: Floats,
        whole: Bools | None = None,
        *,
        gap: float = 1e-9,
        nodes: int | None = None,
        presolve: bool = True,
    ) -> None:
        """Columns: money per unit, bounds (infinite: none) and which are whole numbers.

        ``gap``: relative distance to its bound at which a mixed-integer answer is taken. ``nodes``:
        how many are searched at most; the best answer so far is then taken, with its own gap.
        ``presolve``: whether the solver looks for a smaller programme first, which costs more than
        it saves where most rows bind or are few.
        """
        import highspy  # a solver is loaded when one is needed

        self.cost = np.array(finite(cost, "costs of a programme"), np.float64)
        self.low, self.high = np.array(low, np.float64), np.array(high, np.float64)
        self.whole = np.zeros(len(cost), np.bool_) if whole is None else np.array(whole, np.bool_)
        if not (self.low <= self.high).all():
            k = int(np.flatnonzero(~(self.low <= self.high))[0])
            raise InputError(
                "number_out_of_range",
                "a column has no room between its bounds",
                place=f"column {k}",
                value=(float(self.low[k]), float(self.high[k])),
                limit="low <= high",
                remedy="Correct the bounds.",
            )
        self._rows = _Rows()
        self._seen, self._seen_calls = 0, 0  # rows whose entries stand below, side by side
        self._index, self._owner = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._value = np.zeros(0)
        self._highs = highspy
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("parallel", "off")
        solver.setOptionValue("random_seed", 1)
        solver.setOptionValue("primal_feasibility_tolerance", 1e-10)
        solver.setOptionValue("dual_feasibility_tolerance", 1e-10)
        solver.setOptionValue("small_matrix_value", 1e-12)  # smaller entries are dropped
        solver.setOptionValue("mip_rel_gap", 0.25 * gap)
        solver.setOptionValue("mip_abs_gap", 0.0)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-8)
        if nodes is not None:
            solver.setOptionValue("mip_max_nodes", nodes)
        self._presolve = "choose" if presolve else "off"
        solver.setOptionValue("presolve", self._presolve)
        self._solver = solver
        self._gap, self._nodes = gap, nodes
        self._version = f"HiGHS {solver.version()}"
        solver.addVars(len(self.cost), _bounded(self.low), _bounded(self.high))
        index = np.arange(len(self.cost), dtype=np.int32)
        solver.changeColsCost(len(index), index, self.cost * self._money())
        if self.whole.any():
            which = np.flatnonzero(self.whole).astype(np.int32)
            kind = np.full(len(which), highspy.HighsVarType.kInteger)
            solver.changeColsIntegrality(len(which), which, kind)

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._rows.least)

    def add(
        self,
        columns: Sequence[int] | Floats | Longs,
        values: Sequence[float] | Floats,
        least: float,
        most: float,
        name: str = "",
    ) -> int:
        """One row ``least <= values @ x[columns] <= most``; its number."""
        width = np.ones((1, len(columns)), np.float64) * np.asarray(values, np.float64)
        return self.add_dense(np.asarray(columns, np.int32), width, [least], [most], [name])

    def add_dense(
        self,
        columns: Any,
        values: Floats,
        least: Sequence[float] | Floats,
        most: Sequence[float] | Floats,
        names: Sequence[str] = (),
    ) -> int:
        """Rows ``[K]`` of one width over the same columns; the number of the first."""
        count, width = values.shape
        index = np.tile(np.ascontiguousarray(columns, np.int32), count)
        flat = np.ascontiguousarray(values.reshape(-1), np.float64)
        return self.add_flat([width] * count, index, flat, least, most, names)

    def add_sparse(
        self,
        columns: Sequence[Longs],
        values: Sequence[Floats],
        least: Sequence[float] | Floats,
        most: Sequence[float] | Floats,
    ) -> int:
        """Rows without a name, each over its own columns; the number of the first."""
        if not len(columns):
            return self.rows
        sizes = [len(each) for each in columns]
        return self.add_flat(sizes, np.concatenate(columns), np.concatenate(values), least, most)

    def add_flat(
        self,
        sizes: Sequence[int] | Longs,
        columns: Any,
        values: Floats,
        least: Sequence[float] | Floats,
        most: Sequence[float] | Floats,
        names: Sequence[str] = (),
    ) -> int:
        """Rows one behind the other: ``sizes[K]`` entries each; the number of the first.

        The solver gets all rows that are new when it is asked next: one call costs what many rows
        do.
        """
        first, kept = self.rows, self._rows
        finite(values, "rows of a programme")
        kept.size += np.asarray(sizes, np.int64).tolist()
        kept.least += np.asarray(least, np.float64).tolist()
        kept.most += np.asarray(most, np.float64).tolist()
        kept.name += list(names) if names else [""] * len(sizes)
        kept.column.append(np.asarray(columns, np.int32))
        kept.value.append(np.asarray(values, np.float64))
        return first

    def _send(self) -> None:
        """Gives the solver the rows that it has not yet."""
        kept, new = self._rows, self.rows - self._rows.sent
        if not new:
            return
        since = slice(kept.sent, None)
        ends = np.cumsum(kept.size[since])
        self._solver.addRows(
            new,
            _bounded(np.array(kept.least[since])),
            _bounded(np.array(kept.most[since])),
            int(ends[-1]),
            np.concatenate([[0], ends[:-1]]).astype(np.int32),
            np.concatenate(kept.column[kept.sent_calls :]),
            np.concatenate(kept.value[kept.sent_calls :]),
        )
        kept.sent, kept.sent_calls = self.rows, len(kept.column)

    def bound_row(self, row: int, least: float, most: float) -> None:
        """Other bounds of a row."""
        self._send()
        self._rows.least[row], self._rows.most[row] = least, most
        low, high = _bounded(np.array([least, most])).tolist()
        self._solver.changeRowBounds(row, low, high)

    def bound_column(self, column: int, low: float, high: float) -> None:
        """Other bounds of a column."""
        self.low[column], self.high[column] = low, high
        self._solver.changeColBounds(column, *_bounded(np.array([low, high])).tolist())

    def change_cost(self, cost: Floats) -> None:
        """Another objective over the same columns."""
        self.cost = np.array(finite(cost, "costs of a programme"), np.float64)
        index = np.arange(len(self.cost), dtype=np.int32)
        self._solver.changeColsCost(len(index), index, self.cost * self._money())

    def _money(self) -> float:
        """What the solver's objective is multiplied by: a power of two, 1 without whole numbers."""
        largest = float(np.abs(self.cost).max(initial=0.0))
        if not self.whole.any() or largest == 0.0:
            return 1.0
        return float(2.0 ** np.floor(np.log2(_WHOLE_COST / largest)))

    def solve(self) -> Solution | None:
        """The optimum, proven; None where the rows contradict each other.

        Raises SolverError ``solver_failed`` where there is no bound to the objective or the solver
        gives up, ``optimum_unproven`` where its answer does not prove itself.
        """
        found = self._run(again=False)
        if found is not None and not found.evidence.proven:
            found = self._afresh()
            if found is not None and not found.evidence.proven:
                raise SolverError(
                    "optimum_unproven",
                    "the multipliers do not prove the optimum",
                    place=self._version,
                    value=found.evidence,
                    limit=f"residuals up to {PROVEN:g}",
                    remedy="Scale the sizes: the numbers of the rows lie too far apart.",
                )
        return found

    def basis(self) -> tuple[Bools, Bools]:
        """Which columns and which rows are basic after :meth:`solve`: as many as there are rows."""
        found, basic = self._solver.getBasis(), self._highs.HighsBasisStatus.kBasic
        columns = np.array([status == basic for status in found.col_status], np.bool_)
        rows = np.array([status == basic for status in found.row_status], np.bool_)
        return columns, rows

    def relaxations(self) -> tuple[Relaxation, ...]:
        """The least sum of changes of named rows (each of 1 + its bound) that lets them agree.

        Rows without a name hold as they are. Raises SolverError ``solver_failed`` where they
        contradict each other by themselves.
        """
        named = [k for k, name in enumerate(self._rows.name) if name]
        size = self.columns + 2 * len(named)
        cost = np.zeros(size)
        low = np.concatenate([self.low, np.zeros(2 * len(named))])
        high = np.concatenate([self.high, np.full(2 * len(named), np.inf)])
        whole = np.concatenate([self.whole, np.zeros(2 * len(named), np.bool_)])
        extra: dict[int, int] = {}
        for place, row in enumerate(named):
            bounds = self._rows.least[row], self._rows.most[row]
            scale = 1.0 + max(abs(b) for b in bounds if np.isfinite(b))
            extra[row] = self.columns + 2 * place
            cost[extra[row] : extra[row] + 2] = 1.0 / scale
        elastic = Programme(cost, low, high, whole, gap=self._gap, nodes=self._nodes)
        for row, (index, value) in enumerate(self._each()):
            if row in extra:
                index = np.append(index, [extra[row], extra[row] + 1])
                value = np.append(value, [1.0, -1.0])
            elastic.add(index, value, self._rows.least[row], self._rows.most[row])
        found = elastic.solve()
        if found is None:
            raise SolverError(
                "solver_failed",
                "rows that may not give way contradict each other",
                place=self._version,
                remedy="Loosen the sizes.",
            )
        out = []
        for row, column in extra.items():
            up, down = float(found.x[column]), float(found.x[column + 1])
            if max(up, down) > PROVEN:
                bound = self._rows.least[row] if up > down else self._rows.most[row]
                out.append(Relaxation(self._rows.name[row], max(up, down), bound))
        return tuple(out)

    def _afresh(self) -> Solution | None:
        """Without scaling and presolve the tolerances are those of the programme as it is given."""
        self._solver.clearSolver()
        self._solver.setOptionValue("simplex_scale_strategy", 0)
        self._solver.setOptionValue("presolve", "off")
        try:
            return self._run(again=True)
        finally:
            self._solver.setOptionValue("simplex_scale_strategy", 2)
            self._solver.setOptionValue("presolve", self._presolve)

    def _run(self, *, again: bool) -> Solution | None:
        solver, status = self._solver, self._highs.HighsModelStatus
        self._send()
        solver.run()
        if solver.getModelStatus() == status.kNotset:
            # The process has solved with other threads before: theirs are taken, and left idle.
            solver.setOptionValue("threads", 0)
            solver.run()
        reached = solver.getModelStatus()
        if reached == status.kInfeasible:
            return None
        if reached == status.kUnknown and not again:
            return self._afresh()
        if reached == status.kUnknown and self.relaxations():
            return None  # what has no answer is not always seen: the least changes say it
        if reached == status.kUnboundedOrInfeasible:
            return self._without_objective()
        cut_short = reached == status.kSolutionLimit and bool(self.whole.any())
        if cut_short and solver.getInfo().primal_solution_status != _FEASIBLE and not again:
            return self._from_nothing()
        cut_short = cut_short and solver.getInfo().primal_solution_status == _FEASIBLE
        if reached != status.kOptimal and not cut_short:
            raise SolverError(
                "solver_failed",
                "the programme was not solved",
                place=self._version,
                value=solver.modelStatusToString(reached),
                limit="an optimum",
                remedy="Bound the sizes: an objective without a bound has no optimum."
                if reached == status.kUnbounded
                else "Scale the sizes.",
            )
        solution, info = solver.getSolution(), solver.getInfo()
        x = np.array(solution.col_value, np.float64)
        if self.whole.any():
            x[self.whole] = np.round(x[self.whole])
            y, z = np.zeros(self.rows), np.zeros(self.columns)
            primal = self._primal(x, self._activity(x))
            count = int(info.simplex_iteration_count)
            gap = abs(float(info.mip_gap))
            # Solved afresh it is what there is: a feasible answer that carries its own gap.
            allowed = max(self._gap, gap) if cut_short or again else self._gap
            proof = Evidence(self._version, primal, 0.0, gap, again, count, allowed)
            return Solution(x, float(self.cost @ x), y, z, proof)
        y = np.array(solution.row_dual, np.float64)
        return self._proven(x, y, again, int(info.simplex_iteration_count))

    def _from_nothing(self) -> Solution | None:
        """Where no whole answer was met at the limit of nodes: from whole columns at 0 on."""
        index = np.flatnonzero(self.whole).astype(np.int32)
        self._solver.clearSolver()
        self._solver.setSolution(len(index), index, np.clip(0.0, self.low, self.high)[index])
        return self._run(again=True)

    def _without_objective(self) -> Solution | None:
        """Tells a programme without a bound from one without an answer."""
        bare = Programme(np.zeros(self.columns), self.low, self.high, self.whole)
        kept = self._rows
        index, value, _ = self._entries()
        bare.add_flat(kept.size, index, value, kept.least, kept.most)
        if bare.solve() is None:
            return None
        raise SolverError(
            "solver_failed",
            "the objective has no bound",
            place=self._version,
            limit="an optimum",
            remedy="Bound the sizes.",
        )

    def _entries(self) -> tuple[Longs, Floats, Longs]:
        """Columns, values and row of every entry, in the order of the rows."""
        kept = self._rows
        if self._seen != self.rows:
            new = np.repeat(np.arange(self._seen, self.rows), kept.size[self._seen :])
            calls = slice(self._seen_calls, None)
            index = np.concatenate([self._index, *kept.column[calls]])
            self._index = index.astype(np.int64)
            self._value = np.concatenate([self._value, *kept.value[calls]])
            self._owner = np.concatenate([self._owner, new])
            self._seen, self._seen_calls = self.rows, len(kept.column)
        return self._index, self._value, self._owner

    def _each(self) -> Iterator[tuple[Longs, Floats]]:
        """Columns and values of one row after the other."""
        index, value, _ = self._entries()
        first = 0
        for size in self._rows.size:
            yield index[first : first + size], value[first : first + size]
            first += size

    def _activity(self, x: Floats) -> Floats:
        index, value, owner = self._entries()
        return np.asarray(np.bincount(owner, value * x[index], self.rows), np.float64)

    def _primal(self, x: Floats, activity: Floats) -> float:
        least, most = np.array(self._rows.least), np.array(self._rows.most)
        worst = 0.0
        for value, low, high in ((x, self.low, self.high), (activity, least, most)):
            for gap, bound in ((low - value, low), (value - high, high)):
                held = np.isfinite(bound)
                if held.any():
                    worst = max(worst, float((gap[held] / (1.0 + np.abs(bound[held]))).max()))
        return worst

    def _proven(self, x: Floats, y: Floats, again: bool, iterations: int) -> Solution:
        """Residuals from the multipliers; reduced costs are recomputed, not taken."""
        index, value, owner = self._entries()
        z = self.cost - np.bincount(index, y[owner] * value, self.columns)
        activity = self._activity(x)
        least, most = np.array(self._rows.least), np.array(self._rows.most)
        objective = float(self.cost @ x)
        scale = 1.0 + float(np.abs(self.cost).max(initial=0.0))
        wrong, bounded = 0.0, 0.0
        for price, low, high in ((z, self.low, self.high), (y, least, most)):
            up, down = np.maximum(price, 0.0), np.maximum(-price, 0.0)
            open_low, open_high = ~np.isfinite(low), ~np.isfinite(high)
            wrong = max(wrong, float(up[open_low].max(initial=0.0)))
            wrong = max(wrong, float(down[open_high].max(initial=0.0)))
            bounded += float(up[~open_low] @ low[~open_low])
            bounded -= float(down[~open_high] @ high[~open_high])
        gap = abs(objective - bounded) / (1.0 + abs(objective))
        primal = self._primal(x, activity)
        proof = Evidence(self._version, primal, wrong / scale, gap, again, iterations)
        return Solution(x, objective, y, z, proof)


def _bounded(values: Floats) -> Floats:
    """Infinite bounds as the solver writes them."""
    return np.clip(np.asarray(values, np.float64), -_INFINITE, _INFINITE)


def relaxed_text(found: Sequence[Relaxation], units: Mapping[str, str] | None = None) -> str:
    """The relaxations in words: ``vega of BTC by 12.5 USD (limit 100)``."""
    known = units or {}
    return "; ".join(
        f"{each.name} by {each.by:,.6g}{' ' + known[each.name] if each.name in known else ''} "
        f"(limit {each.bound:,.6g})"
        for each in found
    )
