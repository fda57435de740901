"""Sparse netting of account rows over a risk array, fused with the worst loss.

Row ``r`` owns the positions ``row_ptr[r] .. row_ptr[r+1]``; each has an instrument (``column``)
and a signed quantity. Its P&L in scenario ``s`` is ``sum_j quantity[j] * pnl[column[j], s]``.

The bits of a row depend on its own positions and their order alone: not on the block that it is
computed in, nor on threads. Put positions in canonical order first (`pricing.positions`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.core.threads import blocks
from crossmargin.pricing.checks import positions, scenario_weights, shocked
from crossmargin.pricing.rows import TIE, find_worst, tile_width
from crossmargin.pricing.vectors import MOST, aligned, copy_tile, net_tile

__all__ = [
    "Worst",
    "batch_rows",
    "empty_worst",
    "net",
    "net_kernel",
    "packing_tile",
    "pick_kernel",
    "worst",
]

BATCH = 4096  # rows whose P&L vectors are held at once,
BATCH_CELLS = 1 << 20  # and the numbers in them
PACK_VECTORS = 4  # a packed tile has at most 32 scenarios
PACK_INSTRUMENTS = 6000  # beyond it a packed tile does not fit into the second-level cache
PACK_REUSE = 8  # positions per instrument from which packing pays
NONE = np.empty(0)


class Worst(NamedTuple):
    """The worst scenario of each row and the next worst among the others.

    ``loss = max(0, -min_s P&L_s)``. ``scenario`` is the first in order among those within 1e-12
    of the worst (also where nothing is lost: then the least gain), -1 for a row without positions.
    ``runner_up`` is the largest loss over the other scenarios, -1 in ``runner_up_scenario`` where
    there is no other.
    """

    loss: Floats
    scenario: Ints
    runner_up: Floats
    runner_up_scenario: Ints


@kernel("i8[:], i4[:], f8[:], f8[:], i8, out f8[:], out f8[:]")
def net_kernel(
    row_ptr: Any, column: Any, quantity: Any, pnl: Any, width: Any, tile: Any, total: Any
) -> None:
    """P&L vectors of rows into ``total``, tile by tile, unchecked; arrays are flat.

    A ``tile`` with room makes its columns of the whole risk array stand side by side first: they
    then fit into the second-level cache, where the rows of many accounts find them again.
    """
    vectors = width // 8
    step = tile_width(vectors, PACK_VECTORS if tile.size > 0 else MOST)
    for first in range(0, vectors, step):
        count = min(step, vectors - first)
        source, stride, offset = pnl, width, 8 * first
        if tile.size > 0:
            source, stride, offset = tile, 8 * count, 0
            for i in range(pnl.size // width):
                copy_tile(count, tile, i * stride, pnl, i * width + 8 * first)
        for r in range(row_ptr.size - 1):
            at = r * width + 8 * first
            begin, end = row_ptr[r], row_ptr[r + 1]
            net_tile(count, total, at, source, stride, offset, column, quantity, begin, end)


@kernel("i8[:], out f8[:], i8, i8, f8[:], f8[:], out f8[:], out i4[:], out f8[:], out i4[:]")
def pick_kernel(
    row_ptr: Any,
    total: Any,
    width: Any,
    count: Any,
    weight: Any,
    floor_loss: Any,
    loss: Any,
    scenario: Any,
    runner_up: Any,
    runner_up_scenario: Any,
) -> None:
    """The two worst of the first ``count`` of ``width`` cells per row of ``total``, unchecked.

    ``weight`` and ``floor_loss`` may be empty; ``total`` is changed.
    """
    for r in range(loss.size):
        at = r * width
        for s in range(weight.size):
            total[at + s] *= weight[s]
        first, scene, second, other = 0.0, -1, 0.0, -1
        if row_ptr[r + 1] > row_ptr[r]:
            for s in range(at + count, at + width):
                total[s] = np.inf  # padding is never the worst; only compared
            first, scene = find_worst(total, at, width)
            if count > 1:
                total[at + scene] = np.inf
                second, other = find_worst(total, at, width)
        if floor_loss.size > 0:  # one more candidate, ahead of all scenarios in the order
            extra = -floor_loss[r]
            if scene < 0 or extra <= first + TIE * abs(first):
                second, other = first, scene
                first, scene = min(extra, first) if scene >= 0 else extra, count
            elif other < 0 or extra <= second + TIE * abs(second):
                second, other = min(extra, second) if other >= 0 else extra, count
        loss[r] = max(-first, 0.0)
        scenario[r] = scene
        runner_up[r] = max(-second, 0.0)
        runner_up_scenario[r] = other


def batch_rows(rows: int, width: int) -> int:
    """Rows whose P&L vectors are held at once."""
    return max(min(rows, BATCH, BATCH_CELLS // width), 1)


def packing_tile(positions: int, instruments: int) -> Floats:
    """Room for :func:`net_kernel` to pack a tile; none where that would not pay."""
    pays = instruments <= PACK_INSTRUMENTS and positions >= PACK_REUSE * instruments
    return aligned(instruments * 8 * PACK_VECTORS if pays else 0)


def empty_worst(rows: int) -> Worst:
    """Room for the results of ``rows`` rows."""
    return Worst(np.empty(rows), np.empty(rows, np.int32), np.empty(rows), np.empty(rows, np.int32))


def worst(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    n_scenarios: int,
    weight_s: npt.ArrayLike | None = None,
    *,
    trusted: bool = False,
) -> Worst:
    """The worst loss of each row over the first ``n_scenarios`` columns of ``pnl[I, S8]``.

    P&L is multiplied by ``weight_s`` before the comparison where weights are given. ``trusted``
    skips the pass over the numbers (shapes are always checked). Errors: ``shape_wrong``,
    ``number_not_finite``, ``number_out_of_range``.
    """
    table = shocked(pnl, n_scenarios, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    rows = book.row_ptr.size - 1
    weight = np.empty(0)
    if weight_s is not None:
        weight = scenario_weights(weight_s, n_scenarios, table.shape[1])
    width, flat = table.shape[1], table.ravel()
    result = empty_worst(rows)
    batch = batch_rows(rows, width)
    tile = packing_tile(min(book.column.size, batch * book.column.size // max(rows, 1)), len(table))
    total = aligned(batch * width)
    for low, high in blocks(rows, batch):
        starts = book.row_ptr[low : high + 1]
        net_kernel.run(starts, book.column, book.quantity, flat, width, tile, total)
        part = (array[low:high] for array in result)
        pick_kernel.run(starts, total, width, n_scenarios, weight, NONE, *part)
    return result


def net(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    *,
    trusted: bool = False,
) -> Floats:
    """The whole P&L vector of each row, ``[R, S8]``: what :func:`worst` takes the least of."""
    table = shocked(pnl, 1, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    rows, width = book.row_ptr.size - 1, table.shape[1]
    out = np.empty((rows, width))
    tile = packing_tile(book.column.size, len(table))
    net_kernel.run(*book, table.ravel(), width, tile, out.ravel())
    return out
