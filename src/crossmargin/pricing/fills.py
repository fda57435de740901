"""The worst fill of resting orders over a risk array: in each scenario only what loses there.

An order that fills changes the account by its scenario P&L and, once, by its fill price against the
mark (``gain``, usually a loss when it crosses the mark). The account's need after the fills F is

    max over s of -P&L_s(book and F) - sum of gain over F

and the worst F is wanted. For a P&L that is linear in the positions the choice is order by order:
scenario s takes those with ``pnl + gain < 0``. A fold bends a run's P&L in two straight pieces
(slopes ``gain`` and ``loss`` on its net value, see :mod:`crossmargin.pricing.fold`); the worst fill
of each piece is exact. Where the smaller piece counts (concave) the lesser of both is exact; where
the larger counts the larger of the two is a bound, never too small a need.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.core.jit import helper, kernel
from crossmargin.pricing.checks import positions, shocked
from crossmargin.pricing.fold import FoldTables
from crossmargin.pricing.rows import TIE

__all__ = ["FillNeed", "fill_need", "fill_need_kernel", "is_exact"]


class FillNeed(NamedTuple):
    """Need of each row with its orders, the scenario that makes it, and what fills there."""

    need: Floats  # [R]
    scenario: Ints  # [R], -1 where the orders' own losses at no move are the most
    filled: Bools  # [M] True for the orders that fill in the row's worst scenario


@helper
def _piece(
    slope: Any,
    sign: Any,
    begin: Any,
    end: Any,
    part: Any,
    held: Any,
    moves: Any,
    worth: Any,
    gain: Any,
    weight: Any,
    out: Any,
) -> Any:
    """One straight piece of a run with its worst fill, per scenario, into ``out``."""
    width = out.size
    for s in range(width):
        out[s] = sign * weight[s] * (slope * (part[s] + held) - held)
    unit = sign * slope
    for m in range(begin, end):
        row, cost = moves[m], gain[m]
        rest = sign * (slope - 1.0) * worth[m]
        for s in range(width):
            out[s] += min(weight[s] * (unit * row[s] + rest) + cost, 0.0)


@helper
def _finish(y: Any, cap: Any, dead: Any, code: Any, weight: Any) -> Any:
    """Cap and dead zone of a run, on numbers that already carry the weight."""
    for s in range(y.size):
        y[s] = min(y[s], cap * weight[s])
    if dead.size > 0:
        quiet = dead[code]
        for s in range(y.size):
            rest = max(abs(y[s]) - quiet[s] * weight[s], 0.0)
            y[s] = rest if y[s] >= 0.0 else -rest


@helper
def _held(
    j: Any,
    end: Any,
    code: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    run: Any,
    value: Any,
    part: Any,
) -> Any:
    """P&L of the positions of one run into ``part``; where the run ends, and its net value."""
    part[:] = 0.0
    worth = 0.0
    while j < end and run[column[j]] == code:
        c, q = column[j], quantity[j]
        row = pnl[c]
        for s in range(part.size):
            part[s] += q * row[s]
        worth += q * value[c]
        j += 1
    return j, worth


@kernel(
    "i8[:], i4[:], f8[:], f8[:,:], i4[:], f8[:], f8[:], f8[:], f8[:,:], f8[:], f8[:], b1[:], "
    "i8[:], i4[:], f8[:,:], f8[:], f8[:], out f8[:,:]"
)
def fill_need_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    run: Any,
    gain: Any,
    loss: Any,
    cap: Any,
    dead: Any,
    value: Any,
    weight: Any,
    reflect: Any,
    order_ptr: Any,
    order_column: Any,
    moves: Any,
    worth: Any,
    order_gain: Any,
    out: Any,
) -> None:
    """The loop of :func:`fill_need`, unchecked: the account's least P&L per scenario, ``[R, S8]``.

    Positions and orders of a row stand in rising order of column.
    """
    width = pnl.shape[1]
    part, first, second = np.empty(width), np.empty(width), np.empty(width)
    far = 2147483647
    turned = False
    for s in range(width):
        turned = turned or reflect[s]
    for r in range(row_ptr.size - 1):
        total = out[r]
        total[:] = 0.0
        j, end = row_ptr[r], row_ptr[r + 1]
        m, last = order_ptr[r], order_ptr[r + 1]
        while j < end or m < last:
            next_j = column[j] if j < end else far
            next_m = order_column[m] if m < last else far
            code = run[min(next_j, next_m)]
            j, held = _held(j, end, code, column, quantity, pnl, run, value, part)
            stop = m
            while stop < last and run[order_column[stop]] == code:
                stop += 1
            up = gain[code] if code >= 0 else 1.0
            down = loss[code] if code >= 0 else 1.0
            base = held if code >= 0 else 0.0
            _piece(up, 1.0, m, stop, part, base, moves, worth, order_gain, weight, first)
            if up != down:
                _piece(down, 1.0, m, stop, part, base, moves, worth, order_gain, weight, second)
                for s in range(width):
                    both = min(first[s], second[s]) if up <= down else max(first[s], second[s])
                    first[s] = both
            if code >= 0:
                _finish(first, cap[code], dead, code, weight)
                if turned:
                    _reflect(
                        up,
                        down,
                        m,
                        stop,
                        part,
                        base,
                        moves,
                        worth,
                        order_gain,
                        weight,
                        reflect,
                        second,
                        first,
                    )
            for s in range(width):
                total[s] += first[s]
            m = stop


@helper
def _reflect(
    up: Any,
    down: Any,
    begin: Any,
    end: Any,
    part: Any,
    held: Any,
    moves: Any,
    worth: Any,
    gain: Any,
    weight: Any,
    reflect: Any,
    room: Any,
    y: Any,
) -> Any:
    """Where a scenario counts ``-|x|``: the worse of the least x and the largest x turned over."""
    width = y.size
    other = np.empty(width)
    _piece(up, -1.0, begin, end, part, held, moves, worth, gain, weight, room)
    _piece(down, -1.0, begin, end, part, held, moves, worth, gain, weight, other)
    for s in range(width):
        if reflect[s]:
            both = min(room[s], other[s]) if up >= down else max(room[s], other[s])
            y[s] = min(y[s], both)


def is_exact(fold: FoldTables) -> bool:
    """True where :func:`fill_need` is the worst fill itself, not a bound.

    One slope, or the smaller piece counts; no scenario reflected; and no dead zone beside others.
    """
    concave = bool((fold.gain <= fold.loss).all())
    lone = fold.dead.size == 0 or fold.gain.size <= 1
    return concave and lone and not bool(fold.reflect.any())


def fill_need(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    n_scenarios: int,
    fold: FoldTables,
    order_ptr: npt.ArrayLike,
    order_column: npt.ArrayLike,
    moves: npt.ArrayLike,
    worth: npt.ArrayLike,
    order_gain: npt.ArrayLike,
    *,
    trusted: bool = False,
) -> FillNeed:
    """The need of each row after the worst fill of its orders, and the orders that fill.

    ``moves[M, S8]`` is the scenario P&L of each whole order once filled, ``worth[M]`` its unshocked
    value (what the fold's runs count), ``order_gain[M]`` what the fill itself gains against the
    mark (negative: it costs). ``need = max(0, -min_s, sum of costs)``. Errors: ``shape_wrong``,
    ``number_not_finite``, ``number_out_of_range``.
    """
    table = shocked(pnl, 1, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    cost = np.ascontiguousarray(order_gain, np.float64)
    rows = np.ascontiguousarray(moves, np.float64)
    orders = positions(order_ptr, order_column, cost, table.shape[0], trusted=trusted)
    value = np.ascontiguousarray(worth, np.float64)
    least = np.empty((book.row_ptr.size - 1, table.shape[1]))
    fill_need_kernel.run(
        *book, table, *fold, orders.row_ptr, orders.column, rows, value, cost, least
    )
    count = least.shape[0]
    least = least[:, :n_scenarios]
    low = least.min(axis=1)
    # The first in the venue's order among those within the tie of the worst.
    first = np.argmax(least <= (low + TIE * np.abs(low))[:, None], axis=1)
    worst = -low
    owner = np.repeat(np.arange(count), np.diff(orders.row_ptr))
    still = np.bincount(owner, weights=np.maximum(-cost, 0.0), minlength=count)
    need = np.maximum(np.maximum(worst, still), 0.0)
    scenario = np.where(still > worst, -1, first).astype(np.int32)
    chosen = scenario[owner]
    at = np.maximum(chosen, 0)
    move = rows[np.arange(len(cost)), at] * fold.weight[at]
    filled = np.where(chosen >= 0, move + cost < 0.0, cost < 0.0)
    return FillNeed(need, scenario, filled)
