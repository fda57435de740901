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

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError

__all__ = ["solve_qp"]

_STEPS = 200
_TOLERANCE = 1e-11
# What an answer may miss by before it is none.
_ACCEPTED = 1e-7


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
        if off < best[0]:
            best = off, x, z, s
        if off <= _TOLERANCE * size or not np.isfinite(off):
            break
        if len(h) and float(s.min()) < 1e-60:
            break  # no interior is left to go through
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                x, y, z, s = _step(q, a, g, (x, y, z, s), (dual, primal, slack))
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
    return _sharpened(q, c, a, b, g, h, best[1:])


def _step(
    q: Floats,
    a: Floats,
    g: Floats,
    at: tuple[Floats, Floats, Floats, Floats],
    off: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats, Floats, Floats]:
    """Predictor, then corrector with what the predictor could not do."""
    x, y, z, s = at
    dual, primal, slack = off
    n, m = len(x), len(y)
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = q + g.T @ ((z / s)[:, None] * g)
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
    g: Floats,
    h: Floats,
    found: tuple[Floats, Floats, Floats],
) -> Floats:
    """The answer with its binding constraints as equations, where that breaks no other."""
    x, z, s = found
    binds = z > s
    rows, right = np.vstack([a, g[binds]]), np.concatenate([b, h[binds]])
    n, m = len(x), len(right)
    matrix = np.zeros((n + m, n + m))
    matrix[:n, :n] = q
    matrix[:n, n:], matrix[n:, :n] = rows.T, rows
    # the nearest such point: flat directions stay where the interior point left them
    off = np.concatenate([-c - q @ x, right - rows @ x])
    step = np.linalg.lstsq(matrix, off, rcond=1e-12)[0][:n]
    sharp = x + step
    far = float(np.abs(step).max(initial=0.0))
    kept = not len(h) or float((g @ sharp - h).max()) <= 1e-10
    return np.asarray(sharp if kept and far <= 1e-3 else x)
