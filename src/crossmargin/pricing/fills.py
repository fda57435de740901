"""The worst fill of resting orders over a risk array: in each scenario only what loses there.

An order that fills changes the account by its scenario P&L and, once, by its fill price against the
mark (``gain``, usually a loss when it crosses the mark). The account's need after the fills F is

    max over s of -P&L_s(book and F) - sum of gain over F

and the worst F is wanted. For a P&L that is linear in the positions the choice is order by order:
scenario s takes those with ``pnl + gain < 0``. A fold bends a run's P&L in two straight pieces
(slopes ``gain`` and ``loss`` on its net value, see :mod:`crossmargin.pricing.fold`); the worst fill
of each piece is exact. Where the smaller piece counts (concave) the lesser of both is exact; where
the larger counts the larger of the two is a bound, never too small a need.

A cap and a dead zone bear on the P&L alone, not on what the fills cost. With the least ``a`` of
P&L and cost together, the least cost ``c``, the dead zone ``D`` and the cap ``K`` after it a run is
not below

    min(K + c, a + D, max(a - D, c))

which is exact for the cap, and for the dead zone where the run stands alone.
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

__all__ = ["FillNeed", "fill_need", "fill_need_kernel", "filled_kernel", "is_exact"]


class FillNeed(NamedTuple):
    """Need of each row with its orders, the scenario that makes it, and what fills there."""

    need: Floats  # [R]
    scenario: Ints  # [R], -1 where the orders' own losses at no move are the most
    filled: Bools  # [M] True for the orders that fill in the row's worst scenario


@helper
def _piece(slope: Any, sign: Any, fills: Any, part: Any, held: Any, weight: Any, out: Any) -> Any:
    """One straight piece of a run with its worst fill, per scenario, into ``out``."""
    begin, end, moves, worth, gain = fills
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
def _bent(
    bend: Any, sign: Any, fills: Any, part: Any, held: Any, weight: Any, room: Any, out: Any
) -> Any:
    """Both pieces of a run, or of its other side, as one: the lesser where it is concave."""
    up, down = bend
    _piece(up, sign, fills, part, held, weight, out)
    if up == down:
        return
    _piece(down, sign, fills, part, held, weight, room)
    concave = (up < down) == (sign > 0.0)
    for s in range(out.size):
        out[s] = min(out[s], room[s]) if concave else max(out[s], room[s])


@helper
def _finish(y: Any, fills: Any, cap: Any, dead: Any, code: Any, weight: Any) -> Any:
    """Cap and dead zone of a run, on numbers that already carry the weight and the costs."""
    costs = _costs(fills)
    for s in range(y.size):
        quiet = dead[code, s] if dead.size > 0 else 0.0
        y[s] = _dampened(y[s], costs, cap, quiet, weight[s])[0]


@helper
def _reflect(
    bend: Any,
    fills: Any,
    part: Any,
    held: Any,
    weight: Any,
    reflect: Any,
    cap: Any,
    dead: Any,
    code: Any,
    y: Any,
) -> Any:
    """Where a scenario counts ``-|x|``: the worse of the least x and the largest x turned over."""
    costs = _costs(fills)
    room, back = np.empty(y.size), np.empty(y.size)
    _bent(bend, -1.0, fills, part, held, weight, room, back)
    for s in range(y.size):
        if reflect[s]:
            quiet = dead[code, s] if dead.size > 0 else 0.0
            y[s] = min(y[s], _overturned(back[s], costs, cap, quiet, weight[s]))


@helper
def _most(cap: Any, quiet: Any) -> Any:
    """The cap as it comes out of the dead zone."""
    return max(cap - quiet, 0.0) if cap >= 0.0 else min(cap + quiet, 0.0)


@helper
def _costs(fills: Any) -> Any:
    """The least that the fills can gain against the mark."""
    begin, end, _, _, gain = fills
    total = 0.0
    for m in range(begin, end):
        total += min(gain[m], 0.0)
    return total


@helper
def _dampened(least: Any, costs: Any, cap: Any, quiet: Any, weight: Any) -> Any:
    """The bound of the module's text, and whether it is that of the costs alone."""
    capped = _most(cap, quiet) * weight + costs
    below, above = least + quiet * weight, max(least - quiet * weight, costs)
    bound = min(capped, below, above)
    alone = bound == capped or (bound < below and above == costs)
    return bound, alone


@helper
def _overturned(least: Any, costs: Any, cap: Any, quiet: Any, weight: Any) -> Any:
    """As :func:`_dampened` where the P&L counts with the other sign: the cap bounds the loss."""
    below, above = least + quiet * weight, max(least - quiet * weight, costs)
    return max(costs - _most(cap, quiet) * weight, min(below, above))


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
    turned = reflect.any()
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
            # The value of linear instruments bends nothing.
            bend = (gain[code], loss[code]) if code >= 0 else (1.0, 1.0)
            base = held if code >= 0 else 0.0
            fills = (m, stop, moves, worth, order_gain)
            _bent(bend, 1.0, fills, part, base, weight, second, first)
            if code >= 0:
                most = cap[code]
                _finish(first, fills, most, dead, code, weight)
                if turned:
                    _reflect(bend, fills, part, base, weight, reflect, most, dead, code, first)
            for s in range(width):
                total[s] += first[s]
            m = stop


@helper
def _least(slope: Any, sign: Any, fills: Any, part: Any, held: Any, weight: Any, s: Any) -> Any:
    """As :func:`_piece`, in scenario ``s`` alone."""
    begin, end, moves, worth, gain = fills
    total = sign * weight * (slope * (part + held) - held)
    for m in range(begin, end):
        unit = sign * (slope * moves[m, s] + (slope - 1.0) * worth[m])
        total += min(weight * unit + gain[m], 0.0)
    return total


@helper
def _choice(
    bend: Any,
    cap: Any,
    quiet: Any,
    turned: Any,
    fills: Any,
    part: Any,
    held: Any,
    weight: Any,
    s: Any,
) -> Any:
    """Slope and sign of the piece that makes the bound in ``s``; whether costs alone make it."""
    up, down = bend
    slope, sign, costs = up, 1.0, _costs(fills)
    least = _least(up, 1.0, fills, part, held, weight, s)
    other = _least(down, 1.0, fills, part, held, weight, s)
    if other != least and (other < least) == (up <= down):
        slope, least = down, other
    least, alone = _dampened(least, costs, cap, quiet, weight)
    if turned:
        back = _least(up, -1.0, fills, part, held, weight, s)
        other = _least(down, -1.0, fills, part, held, weight, s)
        second = other != back and (other < back) == (up >= down)
        if _overturned(other if second else back, costs, cap, quiet, weight) < least:
            slope, sign, alone = (down if second else up), -1.0, False
    return slope, sign, alone


@kernel(
    "i8[:], i4[:], f8[:], f8[:,:], i4[:], f8[:], f8[:], f8[:], f8[:,:], f8[:], f8[:], b1[:], "
    "i8[:], i4[:], f8[:,:], f8[:], f8[:], i4[:], out b1[:]"
)
def filled_kernel(
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
    scenario: Any,
    out: Any,
) -> None:
    """The orders that make the bound of :func:`fill_need_kernel` in ``scenario[r]``, unchecked.

    Scenario -1: the orders that cost against the mark.
    """
    for r in range(row_ptr.size - 1):
        s = scenario[r]
        j, end = row_ptr[r], row_ptr[r + 1]
        m, last = order_ptr[r], order_ptr[r + 1]
        while m < last:
            code = run[order_column[m]]
            stop = m
            while stop < last and run[order_column[stop]] == code:
                stop += 1
            slope, sign, alone = 1.0, 1.0, s < 0
            if s >= 0 and code >= 0:
                while j < end and run[column[j]] != code and column[j] < order_column[m]:
                    j += 1
                part, held = 0.0, 0.0
                while j < end and run[column[j]] == code:
                    part += quantity[j] * pnl[column[j], s]
                    held += quantity[j] * value[column[j]]
                    j += 1
                quiet = dead[code, s] if dead.size > 0 else 0.0
                bend, fills = (gain[code], loss[code]), (m, stop, moves, worth, order_gain)
                turned, w = reflect[s], weight[s]
                found = _choice(bend, cap[code], quiet, turned, fills, part, held, w, s)
                slope, sign, alone = found
            for k in range(m, stop):
                out[k] = order_gain[k] < 0.0
                if not alone:
                    unit = sign * (slope * moves[k, s] + (slope - 1.0) * worth[k])
                    out[k] = weight[s] * unit + order_gain[k] < 0.0
            m = stop


def is_exact(fold: FoldTables) -> bool:
    """True where :func:`fill_need` is the worst fill itself, not a bound.

    One slope, or the smaller piece counts; no scenario reflected; and no dead zone beside others.
    The named set then needs as much.
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
        *book, table, *fold[:8], orders.row_ptr, orders.column, rows, value, cost, least
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
    scenario = np.where((still >= worst) & (still > 0.0), -1, first).astype(np.int32)
    filled = np.zeros(len(cost), np.bool_)
    filled_kernel.run(
        *book, table, *fold[:8], orders.row_ptr, orders.column, rows, value, cost, scenario, filled
    )
    return FillNeed(need, scenario, filled)
