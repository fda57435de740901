"""A small dense convex quadratic programme, by a primal-dual interior point and a last exact step.

    min x'Qx/2 + c'x   with   A x = b,  G x <= h

Q positive semidefinite. Mehrotra's predictor and corrector from the infeasible start; then the
constraints that bind are taken as equations and solved for once, so that what rests rests exactly.
The answer satisfies its conditions to about 1e-10 of its scale or is refused. It takes the place of
HiGHS's quadratic solver, which ends without an answer on a few in a hundred of such programmes.
Source: Nocedal and Wright (2006), Numerical optimization, chapter 16.6.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import ModelError

__all__ = ["solve_qp"]

_STEPS = 200
_TOLERANCE = 1e-11
# What an answer may miss by before it is none.
_ACCEPTED = 1e-7
# The last step: guesses at what binds, what a constraint may be missed by, and how far it may go.
_GUESSES, _BROKEN, _FAR = 20, 1e-10, 1e-3


def solve_qp(q: Floats, c: Floats, a: Floats, b: Floats, g: Floats, h: Floats) -> Floats:
    """x[n] of the programme; every row of ``g`` is an inequality.

    Raises ModelError ``solver_failed`` where no x satisfies the constraints, or none is the best.
    """
    unit = float(np.abs(c).max(initial=0.0)) or 1.0
    q, c = q / unit, c / unit  # the objective in its own unit: tolerances are relative to it
    x, y, z, s = np.zeros(len(c)), np.zeros(len(b)), np.ones(len(h)), np.ones(len(h))
    if len(h):
        s = np.maximum(h - g @ x, 1.0)
    size = 1.0 + float(max(np.abs(c).max(initial=0.0), np.abs(b).max(initial=0.0)))
    best = np.inf, x, z, s
    rows = _Rows(g)
    for _ in range(_STEPS):
        dual = q @ x + c + a.T @ y + g.T @ z
        primal, slack = a @ x - b, g @ x + s - h
        gap = float(s @ z) / max(len(h), 1)
        off = max(
            float(np.abs(dual).max(initial=0.0)),
            float(np.abs(primal).max(initial=0.0)),
            float(np.abs(slack).max(initial=0.0)),
            gap,
        )
        further = off < 0.5 * best[0]
        if off < best[0]:
            best = off, x, z, s
        # near enough, it still goes on while that gains: what binds at last is told by its numbers
        if (best[0] <= _TOLERANCE * size and not further) or not np.isfinite(off):
            break
        if len(h) and float(s.min()) < 1e-60:
            break  # no interior is left to go through
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                x, y, z, s = _step(q, a, rows, (x, y, z, s), (dual, primal, slack))
        except (np.linalg.LinAlgError, FloatingPointError):
            break  # what was best so far is judged below
    if not best[0] <= _ACCEPTED * size:
        raise ModelError(
            "solver_failed",
            "no answer satisfies every bound",
            place="quadratic programme",
            value=best[0],
            limit="constraints that can be met, an objective that is bounded",
            remedy="Widen the bounds.",
        )
    return _sharpened(q, c, a, b, rows, h, best[1:])


class _Rows:
    """``g``, and which of its rows are the bound of one ``column`` (-1: of several), by ``factor``.

    Most rows are bounds: their share of the curvature is a diagonal, and one that binds leaves a
    column fewer.
    """

    def __init__(self, g: Floats) -> None:
        self.g = g
        alone = (g != 0.0).sum(axis=1) == 1
        self.column = np.where(alone, np.abs(g).argmax(axis=1), -1) if g.size else np.zeros(0, int)
        self.factor = g[np.arange(len(g)), self.column] if g.size else np.zeros(0)
        self.wide = np.flatnonzero(self.column < 0)

    def curvature(self, weight: Floats) -> Floats:
        """``g' diag(weight) g``."""
        dense = self.g[self.wide]
        out = dense.T @ (weight[self.wide, None] * dense)
        bound = self.column >= 0
        each = weight[bound] * self.factor[bound] ** 2
        out[np.diag_indices(len(out))] += np.bincount(self.column[bound], each, len(out))
        return np.asarray(out)


def _step(
    q: Floats,
    a: Floats,
    rows: _Rows,
    at: tuple[Floats, Floats, Floats, Floats],
    off: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats, Floats, Floats]:
    """Predictor, then corrector with what the predictor could not do."""
    x, y, z, s = at
    dual, primal, slack = off
    n, m, g = len(x), len(y), rows.g
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = q + rows.curvature(z / s)
    matrix[:n, n:], matrix[n:, :n] = a.T, a
    # a trace of regularisation keeps dependent equations and flat directions solvable; each of its
    # own size: what binds has a diagonal so large that its trace would hold all the others still
    matrix[np.arange(n), np.arange(n)] += 1e-13 * np.maximum(1.0, np.diag(matrix)[:n])
    matrix[np.arange(n, n + m), np.arange(n, n + m)] -= 1e-13
    from scipy.linalg import lu_factor, lu_solve

    factor = lu_factor(matrix, check_finite=False)

    def move(target: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Newton's step for s z = ``target``-corrected complementarity."""
        right = np.concatenate([-dual - g.T @ ((z * slack - target) / s), -primal])
        found = lu_solve(factor, right, check_finite=False)
        dx, dy = found[:n], found[n:]
        ds = -slack - g @ dx
        dz = (-target - z * ds) / s
        return dx, dy, dz, ds

    if not len(z):
        dx, dy, dz, ds = move(s * z)
        return x + dx, y + dy, z, s
    _, _, dz, ds = move(s * z)
    reach = min(_reach(z, dz), _reach(s, ds))
    mean = float(s @ z) / len(z)
    ahead = float((s + reach * ds) @ (z + reach * dz)) / len(z)
    centre = (ahead / mean) ** 3 * mean if mean > 0.0 else 0.0
    dx, dy, dz, ds = move(s * z + ds * dz - centre)
    reach = 0.99 * min(_reach(z, dz), _reach(s, ds))
    reach = min(1.0, reach)
    return x + reach * dx, y + reach * dy, z + reach * dz, s + reach * ds


def _reach(values: Floats, step: Floats) -> float:
    """The share of a step, at most one over 0.99, that keeps every value above zero."""
    falling = step < 0.0
    if not falling.any():
        return 1.0 / 0.99
    return min(1.0 / 0.99, float((-values[falling] / step[falling]).min()))


def _sharpened(
    q: Floats,
    c: Floats,
    a: Floats,
    b: Floats,
    rows: _Rows,
    h: Floats,
    found: tuple[Floats, Floats, Floats],
) -> Floats:
    """The answer with its binding constraints as equations, where that breaks no other.

    Where the interior point left in doubt what binds, the guess is mended: what is broken binds,
    what pulls the wrong way does not.
    """
    x, z, s = found
    binds, kept = z > s, None
    for _ in range(_GUESSES):
        sharp, pull = _on(q, c, a, b, rows, h, x, binds)
        broken = rows.g @ sharp - h > _BROKEN
        wrong = binds & (pull < -_BROKEN)
        if not broken.any() and float(np.abs(sharp - x).max(initial=0.0)) <= _FAR:
            if not wrong.any():
                return sharp
            kept = sharp if kept is None else kept
        binds = (binds & ~wrong) | broken
    return x if kept is None else kept


def _on(
    q: Floats,
    c: Floats,
    a: Floats,
    b: Floats,
    rows: _Rows,
    h: Floats,
    x: Floats,
    binds: Bools,
) -> tuple[Floats, Floats]:
    """The nearest point to ``x`` that is best where ``binds`` are equations; multipliers of rows.

    Flat directions stay where the interior point left them.
    """
    bound = np.flatnonzero(binds & (rows.column >= 0))
    at = rows.column[bound]
    sharp = x.copy()
    sharp[at] = h[bound] / rows.factor[bound]
    wide = rows.wide[binds[rows.wide]]
    free = np.setdiff1d(np.arange(len(x)), at)
    equations, right = np.vstack([a, rows.g[wide]]), np.concatenate([b, h[wide]])
    n, m = len(free), len(right)
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = q[np.ix_(free, free)]
    matrix[:n, n:], matrix[n:, :n] = equations[:, free].T, equations[:, free]
    off = np.concatenate([(-c - q @ sharp)[free], right - equations @ sharp])
    solved = np.linalg.lstsq(matrix, off, rcond=1e-12)[0]
    sharp[free] += solved[:n]
    pull = np.zeros(len(h))
    pull[wide] = solved[n + len(b) :]
    left = q @ sharp + c + equations.T @ solved[n:]
    pull[bound] = -left[at] / rows.factor[bound]
    return np.asarray(sharp), pull
