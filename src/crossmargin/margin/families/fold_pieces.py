"""Linear pieces of scenarios whose runs are folded: offsets, caps, dead zones, static discounts.

With ``z`` the loss of a run in a scenario before its dead zone (``pricing.fold`` has the fold):

    z = max(-gain (v + V) + V, -loss (v + V) + V, -cap)       convex where gain <= loss
    loss of the scenario  weight * sum over runs of z         linear where gain = loss, no cap

A dead zone ``d`` turns z into ``sign(z) max(|z| - d, 0)``, which is not convex. Where the run
stands alone in a requirement that is never negative, it is ``max(z - d, 0)``: exact. Else the
largest convex function below it: from the cap the straight line to ``(d, 0)``, then ``z - d``. A
reflected scenario charges ``|z|``: of a concave gain only the loss side is convex, and the rest is
left out. Where gain > loss the rule is kinder to a run than to its parts, and no convex function
lies below it: the factor is frozen at the sign that the run's value has in the book, which is never
too little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.margin.pieces import LargestOf, Part, Term, WorstOf
from crossmargin.pricing.fold import FoldTables

__all__ = ["folded_terms"]

_NO_CAP = 1e200
DEAD = "the dead zone of far scenarios where several currencies are held"
REFLECTED = "skew scenarios in which a book with static discounts would gain"


def folded_terms(
    name: str,
    pnl: Floats,
    fold: FoldTables,
    labels: Sequence[str],
    quantity: Floats,
    beside: tuple[Part, ...] = (),
) -> tuple[tuple[Term, ...], tuple[str, ...], bool]:
    """The worst folded loss of ``pnl[I, S]``, never below zero; what is left out; whether frozen.

    ``quantity[I]`` of the book at which factors are frozen. ``beside``: further candidates of the
    same largest (a basis contingency).
    """
    count = len(labels)
    runs = [g for g in range(len(fold.gain)) if (fold.run == g).any()]
    plain = np.where(fold.run < 0)[0]
    loose = bool(pnl[plain, :count].any())
    if _is_linear(fold, runs, count) and not beside:
        rows = -(pnl[:, :count] * fold.weight[:count]).T + 0.0
        both = rows, np.zeros(count), tuple(labels)
        return (WorstOf(name, *_with_mirrors(*both, fold)),), (), False
    alone = len(runs) == 1 and not loose
    frozen = any(fold.gain[g] > fold.loss[g] for g in runs)
    left: dict[str, None] = {}
    straight, rows = _straight(pnl[:, :count], fold, quantity)
    parts = []
    for s in range(count):
        terms: list[Term] = []
        if rows[s].any():
            terms.append(WorstOf("linear", rows[s : s + 1], np.zeros(1), floor=-np.inf))
        for g in runs:
            weight = float(fold.weight[s])
            if weight <= 0.0 or straight[g, s]:
                continue
            row, offset = _run(pnl[:, s], fold, g, s, alone, left, quantity)
            terms.append(WorstOf(f"run {g}", row * weight, offset * weight, floor=-np.inf))
        parts.append(Part(labels[s], tuple(terms)))
    if alone and not beside:
        return (_flat(name, parts),), tuple(left), frozen
    return (LargestOf(name, (*beside, *parts)),), tuple(left), frozen


def _is_linear(fold: FoldTables, runs: list[int], count: int) -> bool:
    dead = fold.dead[:, :count].any() if fold.dead.size else False
    same = all(fold.gain[g] == fold.loss[g] == 1.0 and fold.cap[g] > _NO_CAP for g in runs)
    return same and not dead


def _with_mirrors(
    rows: Floats, offset: Floats, labels: tuple[str, ...], fold: FoldTables
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The rows with those of reflected scenarios turned over, which are losses too."""
    turned = np.flatnonzero(fold.reflect[: len(offset)])
    if not len(turned):
        return rows, offset, labels
    names = (*labels, *(labels[s] for s in turned.tolist()))
    return np.vstack([rows, -rows[turned]]), np.append(offset, -offset[turned]), names


def _straight(pnl: Floats, fold: FoldTables, quantity: Floats) -> tuple[Bools, Floats]:
    """Which runs ``[G, S]`` lose by one straight line, and the sum of these ``[S, I]``.

    What is not folded is in the sum too. No run with a cap, a dead zone or a reflection is one.
    """
    count = pnl.shape[1]
    weight, reflect = fold.weight[:count], fold.reflect[:count]
    if not len(fold.gain):
        return np.zeros((0, count), np.bool_), np.ascontiguousarray(-(pnl * weight).T) + 0.0
    one = (fold.gain >= fold.loss) & (fold.cap > _NO_CAP)
    straight = one[:, None] & ~reflect
    if fold.dead.size:
        straight &= fold.dead[:, :count] == 0.0
    place = np.maximum(fold.run, 0)  # of what is in no run: overwritten below
    folded = (fold.run >= 0)[:, None]
    moved = np.where(folded, pnl + fold.value[:, None], pnl)
    net = np.zeros(straight.shape)
    np.add.at(net, place, np.where(folded, moved * quantity[:, None], 0.0))
    factor = np.where(net >= 0.0, fold.gain[:, None], fold.loss[:, None])
    loss = np.where(folded, -factor[place] * moved + fold.value[:, None], -pnl)
    mine = straight[place] | ~folded
    return straight, np.ascontiguousarray(np.where(mine, loss * weight, 0.0).T) + 0.0


def _run(
    column: Floats,
    fold: FoldTables,
    g: int,
    s: int,
    alone: bool,
    left: dict[str, None],
    quantity: Floats,
) -> tuple[Floats, Floats]:
    """Rows ``[K, I]`` and offsets of one run's loss in one scenario, before its weight."""
    mine = fold.run == g
    v, value = np.where(mine, column, 0.0), np.where(mine, fold.value, 0.0)
    gain, loss, cap = float(fold.gain[g]), float(fold.loss[g]), float(fold.cap[g])
    dead = float(fold.dead[g, s]) if fold.dead.size else 0.0
    factors = [loss] if gain == loss else [loss, gain]
    if gain > loss:
        factors = [gain if float((v + value) @ quantity) >= 0.0 else loss]
    rows = np.stack([-f * (v + value) + value for f in factors])
    offset = np.zeros(len(rows))
    if fold.reflect[s]:
        if len(rows) == 1 and cap > _NO_CAP:
            return np.vstack([rows, -rows]), np.append(offset, -offset)
        left[REFLECTED] = None
    if dead == 0.0:
        return _capped(rows, offset, cap)
    if alone:
        return rows, offset - dead
    left[DEAD] = None
    if cap > _NO_CAP or cap <= dead:
        return _capped(rows, offset - dead, 0.0 if cap <= dead else cap)
    slope = (cap - dead) / (cap + dead)
    both = np.vstack([rows, rows * slope]), np.append(offset - dead, offset * slope - slope * dead)
    return _capped(*both, cap - dead)


def _capped(rows: Floats, offset: Floats, cap: float) -> tuple[Floats, Floats]:
    """The rows, and the constant below which a capped gain never takes the loss."""
    if cap > _NO_CAP:
        return rows, offset
    return np.vstack([rows, np.zeros(rows.shape[1])]), np.append(offset, -cap)


def _flat(name: str, parts: list[Part]) -> WorstOf:
    """The parts of one run as one list of rows; rows that are never above zero fall out."""
    rows, offset, labels = [], [], []
    for part in parts:
        for term in part.terms:
            assert isinstance(term, WorstOf)  # made above
            kept = term.rows.any(axis=1) | (term.offset > 0.0)
            rows.append(term.rows[kept])
            offset.append(term.offset[kept])
            labels += [part.name] * int(kept.sum())
    return WorstOf(name, np.vstack(rows), np.concatenate(offset), tuple(labels))
