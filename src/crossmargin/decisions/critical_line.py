"""The critical line algorithm: every answer of a family of quadratic programmes, at once.

    min  x'Qx/2 - s mu'x   subject to   least <= E x <= most,  low <= x <= high,   s from +inf to 0

Q positive semidefinite, possibly singular. The answer is piecewise linear in the price of return
``s``: between two turning points the same columns are free. Rows become equations with a bounded
slack each, so general limits are bounds. The inverse of the equations of the free columns is kept
and updated by one row and column where a column becomes free or comes to rest, O(p^2) a step.

The start, s infinite, is the vertex of most return from the one door to the solver. Where several
answers share it, the same path under a generic objective, walked inside that face, ends at the one
of least variance; the main path goes on from there.

Sources: Markowitz (1959), Portfolio selection, chapter VIII; Markowitz and Todd (2000),
Mean-variance analysis in portfolio choice and capital markets, chapters 7 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs
from crossmargin.core.errors import InputError, ModelError, SolverError
from crossmargin.decisions.programme import Programme, Solution, relaxed_text

__all__ = ["Path", "Quadratic", "walk"]

_TIE = 1e-11  # reduced returns below this share of the returns are equal
_FLAT = 1e-11  # curvature below this share of its parts is none
_EXACT = 1e-9  # residual above which the inverse is computed afresh
_PIVOT = 1e-12  # of a row of the inverse: a diagonal below it is rounding
_STILL = 1e-13  # of the weights: points nearer than this are one at the path's head
_NOISE = 64.0 * np.finfo(np.float64).eps
_FREE, _LOW, _HIGH = 0, -1, 1


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The programme of the module's head: Q ``[k, k]``, mu ``[k]``, E ``[m, k]``, bounds, names."""

    q: Floats
    mu: Floats
    rows: Floats
    least: Floats
    most: Floats
    low: Floats
    high: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """Turning points from the most return to the least variance.

    ``price[T]``: the s of each, falling to 0; ``x[T, k]``; ``primal`` and ``dual``: the largest
    residuals of the conditions over all of them, of the programme's scale; ``steps``: changes of
    the free set.
    """

    price: Floats
    x: Floats
    primal: float
    dual: float
    steps: int
    start: str


def walk(problem: Quadratic, *, indefinite: bool = False) -> Path:
    """The whole path. A vertex is the one start; a tie there is resolved to the least variance.

    Errors: ModelError ``matrix_not_psd`` where Q has a negative eigenvalue (with ``indefinite``
    only where the path itself meets negative curvature: its points are then the best of their
    neighbourhood); InputError ``number_out_of_range`` where the limits contradict each other, with
    the smallest changes that would let them agree, or where return has no bound.
    """
    if not indefinite:
        _psd(problem.q)
    unit = _units(problem)
    line = _Line(unit.scaled)
    line.begin(unit.scaled.mu)
    points = line.down(unit.scaled.mu)
    price = np.array([point[0] for point in points]) * unit.price
    x = np.array([point[1] for point in points])[:, : len(problem.mu)]
    # A limit that others imply (at most 1 of a whole 1) can change the free set where nothing
    # moves: the path begins at the last price at which the most return is held.
    moved = np.flatnonzero(np.abs(x - x[0]).max(axis=1) > _STILL * (1.0 + np.abs(x[0]).max()))
    head = int(moved[0]) - 1 if len(moved) else len(x) - 1
    return Path(price[head:], x[head:], line.primal, line.dual, line.steps, line.start)


@dataclass(frozen=True, slots=True)
class _Units:
    """The programme in its own units: variances of mean 1, returns of at most 1."""

    scaled: Quadratic
    price: float


def _units(problem: Quadratic) -> _Units:
    variances = np.diagonal(problem.q)
    held = variances > 0.0
    q = float(variances[held].mean()) if held.any() else 1.0
    mu = float(np.abs(problem.mu).max(initial=0.0)) or 1.0
    scaled = Quadratic(
        problem.q / q,
        problem.mu / mu,
        problem.rows,
        problem.least,
        problem.most,
        problem.low,
        problem.high,
        problem.names,
    )
    return _Units(scaled, q / mu)


def _psd(q: Floats) -> None:
    """The border: a negative eigenvalue beyond rounding is refused by name."""
    values = np.linalg.eigvalsh(q)
    if values[0] < -1e-12 * len(q) * max(float(values[-1]), -float(values[0])):
        raise ModelError(
            "matrix_not_psd",
            "covariance has a negative eigenvalue",
            place="covariance",
            value=float(values[0]),
            limit="0 or more",
            remedy="Repair it with nearest_covariance, or estimate it from one set of days.",
        )


@dataclass(slots=True)
class _Line:
    """One walk: which columns (slacks after the others) are free, and the inverse of theirs."""

    given: Quadratic
    q: Floats = field(init=False)
    rows: Floats = field(init=False)
    low: Floats = field(init=False)
    high: Floats = field(init=False)
    side: Longs = field(init=False)
    rest: Floats = field(init=False)  # where each column rests; free ones: 0
    free: list[int] = field(init=False)
    inverse: Floats = field(init=False)
    primal: float = 0.0
    dual: float = 0.0
    steps: int = 0
    start: str = ""

    def __post_init__(self) -> None:
        given = self.given
        k, m = len(given.mu), len(given.least)
        self.q = np.zeros((k + m, k + m))
        self.q[:k, :k] = given.q
        self.rows = np.hstack([given.rows, -np.eye(m)])
        self.low = np.concatenate([given.low, given.least])
        self.high = np.concatenate([given.high, given.most])
        self.side, self.rest = np.zeros(k + m, np.int64), np.zeros(k + m)
        self.free, self.inverse = [], np.zeros((0, 0))

    def begin(self, mu: Floats) -> None:
        """At the most return; among ties at the least variance."""
        k, m = len(mu), len(self.given.least)
        whole = np.concatenate([mu, np.zeros(m)])
        low, high = self.low, self.high
        programme = Programme(-mu, low[:k], high[:k])
        names = [name or f"row {i}" for i, name in enumerate(self.given.names)]
        programme.add_dense(np.arange(k), self.given.rows, low[k:], high[k:], names)
        self._vertex(programme)
        prices = np.linalg.solve(self.rows[:, self.free].T, whole[self.free])
        reduced = whole - self.rows.T @ prices
        size = 1.0 + np.abs(self.rows.T) @ np.abs(prices)
        tied = np.abs(reduced) <= _TIE * size
        tied[self.free] = True
        if not (tied & (self.side != _FREE) & (low < high)).any():
            return
        # A face of answers: hold every other column and go down a generic objective inside it.
        # The solver goes on from its basis, so that no held column comes to be free.
        side = self.side
        self.low, self.high = np.where(tied, low, self.rest), np.where(tied, high, self.rest)
        for column in np.flatnonzero(~tied).tolist():
            held = float(self.rest[column])
            change = programme.bound_column if column < k else programme.bound_row
            change(column if column < k else column - k, held, held)
        generic = np.modf(np.arange(1, k + 1) * 0.6180339887498949)[0] - 0.5
        programme.change_cost(-generic)
        self._vertex(programme)
        if not tied[self.free].all():
            raise SolverError(
                "solver_failed",
                "the face of most return has no basis of its own",
                place=self.start,
                limit="a basis of columns that may move",
                remedy="Make the expected returns differ a little.",
            )
        self.down(generic)
        self.low, self.high = low, high
        self.side = np.where(tied, self.side, side)

    def _vertex(self, programme: Programme) -> None:
        """The basis of the programme's optimum, and where the other columns rest."""
        k = len(self.given.mu)
        found = _bounded_answer(programme)
        self.start = found.evidence.solver
        columns, slacks = programme.basis()
        self.free = [*np.flatnonzero(columns).tolist(), *(k + np.flatnonzero(slacks)).tolist()]
        x = np.concatenate([found.x, self.given.rows @ found.x])
        nearer = np.abs(x - self.low) <= np.abs(self.high - x)
        self.side = np.where(nearer, _LOW, _HIGH)
        self.rest = np.where(nearer, self.low, self.high)
        self.side[self.free], self.rest[self.free] = _FREE, 0.0
        self._afresh()

    def _afresh(self) -> None:
        m, free = len(self.given.least), self.free
        whole = np.zeros((m + len(free), m + len(free)))
        whole[:m, m:] = self.rows[:, free]
        whole[m:, :m] = self.rows[:, free].T
        whole[m:, m:] = self.q[np.ix_(free, free)]
        self.inverse = np.asarray(np.linalg.inv(whole), np.float64)

    def _lines(self, whole: Floats) -> tuple[Floats, Floats]:
        """``x[2, .]`` and gradient ``[2, .]``: constant and slope in s, refined once."""
        m = len(self.given.least)
        target = np.zeros((2, len(whole)))
        target[1] = whole
        x = np.zeros((2, len(whole)))
        x[0] = self.rest
        prices = np.zeros((2, m))
        for turn in range(3):
            gradient = x @ self.q + prices @ self.rows - target
            missing = -(x @ self.rows.T)
            residual = np.hstack([missing, -gradient[:, self.free]])
            if turn == 2:
                off = float(np.abs(residual).max(initial=0.0))
                if off <= _EXACT * (1.0 + float(np.abs(x).max())):
                    break
                self._afresh()
            move = residual @ self.inverse
            prices += move[:, :m]
            x[:, self.free] += move[:, m:]
        return x, gradient

    def down(self, mu: Floats) -> list[tuple[float, Floats]]:
        """From s infinite to 0; the turning points, and the free set at the end."""
        whole = np.concatenate([mu, np.zeros(len(self.given.least))])
        now, points = np.inf, list[tuple[float, Floats]]()
        still, most = 0, 40 * (len(whole) + 10)
        while True:
            x, gradient = self._lines(whole)
            s, column = self._turn(x, gradient, whole, now, still > len(whole))
            if s <= 0.0:
                break
            self._note(points, s, x, gradient)
            still = still + 1 if s >= now * (1.0 - 1e-13) else 0
            if still > most:
                raise SolverError(
                    "solver_failed",
                    "the critical line turns in place",
                    value=s,
                    limit=f"{most} turns at one price of return",
                    remedy="Remove limits that repeat each other.",
                )
            now = s
            self.steps += 1
            if self.side[column] == _FREE:
                slope = x[1, column]
                self._settle(column, _LOW if slope > 0.0 else _HIGH)
            else:
                self._release(column)
        self._note(points, 0.0, x, gradient)
        return points

    def _turn(
        self, x: Floats, gradient: Floats, whole: Floats, now: float, bland: bool
    ) -> tuple[float, int]:
        """The next lower s at which a free column rests or a resting one is freed, and which."""
        at = np.full(len(whole), -np.inf)
        free = np.array(self.free, np.int64)
        m = len(self.given.least)
        noise = _NOISE * (np.abs(self.inverse[m:, m:]) @ np.abs(whole[free]) + 1e-3)
        slope, value = x[1, free], x[0, free]
        bound = np.where(slope > 0.0, self.low[free], self.high[free])
        # The free block of the inverse is positive semidefinite: a row whose diagonal is nothing
        # beside it is rounding, and a column that cannot move alone cannot come to rest alone.
        block = self.inverse[m:, m:]
        alone = np.diag(block) > _PIVOT * np.abs(block).max(axis=1, initial=0.0)
        moves = (np.abs(slope) > noise) & np.isfinite(bound) & alone
        at[free[moves]] = (bound[moves] - value[moves]) / slope[moves]
        noise_all = _NOISE * (1.0 + np.abs(whole) + np.abs(x[1]) @ np.abs(self.q))
        g0, g1 = gradient
        falls: Bools = (self.side * g1 < -noise_all) & (self.side != _FREE) & (self.low < self.high)
        at[falls] = -g0[falls] / g1[falls]
        at = np.minimum(at, now)
        while True:
            column = int(np.argmax(at))
            if bland and at[column] > 0.0:
                column = int(np.flatnonzero(at >= at[column] * (1.0 - 1e-12))[0])
            s = float(at[column])
            if s <= 0.0 or self.side[column] == _FREE or self._curvature(column)[0] > 0.0:
                return s, column
            at[column] = -np.inf  # nothing is gained along a line without variance

    def _curvature(self, column: int) -> tuple[float, Floats]:
        """Variance along the line on which the free ones make room for ``column``; 0: flat."""
        edge = np.concatenate([self.rows[:, column], self.q[self.free, column]])
        move = self.inverse @ edge
        along = np.zeros(len(self.low))
        along[self.free] = -move[len(self.given.least) :]
        along[column] = 1.0
        rises = float(along @ (self.q @ along))
        if abs(rises) <= _FLAT * float(along @ along):
            return 0.0, move
        if rises < 0.0:
            raise ModelError(
                "matrix_not_psd",
                "the covariance is negative along the frontier",
                place="covariance",
                value=rises,
                limit="0 or more of the mean variance",
                remedy="Repair it with nearest_covariance.",
            )
        return rises, move

    def _release(self, column: int) -> None:
        rises, move = self._curvature(column)
        size = len(self.inverse)
        grown = np.empty((size + 1, size + 1))
        grown[:size, :size] = self.inverse + np.outer(move, move / rises)
        grown[size, :size] = grown[:size, size] = -move / rises
        grown[size, size] = 1.0 / rises
        self.inverse = grown
        self.free.append(column)
        self.side[column], self.rest[column] = _FREE, 0.0

    def _settle(self, column: int, side: int) -> None:
        place = self.free.index(column)
        i = len(self.given.least) + place
        row = self.inverse[i]
        left = self.inverse - np.outer(row, row / row[i])
        self.inverse = np.delete(np.delete(left, i, 0), i, 1)
        del self.free[place]
        self.side[column] = side
        self.rest[column] = self.low[column] if side == _LOW else self.high[column]

    def _note(
        self, points: list[tuple[float, Floats]], s: float, x: Floats, gradient: Floats
    ) -> None:
        """A turning point once, clipped to its bounds by what rounding left, with residuals."""
        at = x[0] + s * x[1]
        inside = np.clip(at, self.low, self.high)
        slope = gradient[0] + s * gradient[1]
        wrong = np.where(self.side == _FREE, np.abs(slope), np.maximum(self.side * slope, 0.0))
        wrong[self.low == self.high] = 0.0
        off = np.abs(self.rows @ inside).max(initial=0.0)
        self.primal = max(self.primal, float(off), float(np.abs(at - inside).max()))
        self.dual = max(self.dual, float(wrong.max()) / (1.0 + s))
        if points and points[-1][0] - s <= 1e-12 * points[-1][0]:
            points.pop()
        points.append((s, inside))


def _bounded_answer(programme: Programme) -> Solution:
    """The vertex, or an error that names the limits that contradict each other."""
    try:
        found = programme.solve()
    except SolverError as problem:
        if "without a bound" not in problem.text() and "no bound" not in problem.text():
            raise
        raise InputError(
            "number_out_of_range",
            "return has no bound under these limits",
            place="bounds",
            limit="finite bounds of every weight that others may finance",
            remedy="Give lower and upper bounds, for example -10 and 10.",
        ) from problem
    if found is None:
        raise InputError(
            "number_out_of_range",
            "no weights satisfy all limits",
            place="limits",
            value=relaxed_text(programme.relaxations()),
            limit="limits that agree",
            remedy="Loosen what the value names by so much, or the bounds of the weights.",
        )
    return found
