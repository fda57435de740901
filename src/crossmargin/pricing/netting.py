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
from crossmargin.core.jit import helper, kernel
from crossmargin.pricing.checks import positions, scenario_weights, shocked
from crossmargin.pricing.rows import net_span, tile_width, two_worst

__all__ = ["Worst", "net", "net_kernel", "worst", "worst_kernel"]

BATCH = 4096  # rows whose P&L vectors are held at once,
BATCH_CELLS = 1 << 20  # and the numbers in them
PACK_VECTORS = 4  # a packed tile has at most 32 scenarios
PACK_INSTRUMENTS = 6000  # beyond it a packed tile does not fit into the second-level cache
PACK_REUSE = 8  # positions per instrument from which packing pays


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


@helper
def net_batch(
    low: Any,
    high: Any,
    row_ptr: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    pack: Any,
    tile: Any,
    total: Any,
) -> Any:
    """P&L vectors of rows ``low .. high`` into ``total``, tile by tile.

    ``pack`` copies the tile's columns of the whole risk array side by side first: they then fit
    into the second-level cache, where the rows of many accounts find them again.
    """
    instruments, width = pnl.shape
    cells = total.reshape(-1)
    flat = pnl.reshape(-1)
    source = flat
    vectors = width // 8
    step = tile_width(vectors, PACK_VECTORS if pack else 8)
    for first in range(0, vectors, step):
        count = min(step, vectors - first)
        start, span = 8 * first, 8 * count
        stride, offset = width, start
        if pack:
            source, stride, offset = tile, span, 0
            for i in range(instruments):
                here, there = tile[i * span :], flat[i * width + start :]
                for s in range(span):
                    here[s] = there[s]
        for r in range(low, high):
            net_span(
                count,
                cells,
                (r - low) * width + start,
                source,
                stride,
                offset,
                column,
                quantity,
                row_ptr[r],
                row_ptr[r + 1],
            )


@kernel("i8[:], i4[:], f8[:], f8[:,:], i8, f8[:], b1, out f8[:], out i4[:], out f8[:], out i4[:]")
def worst_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    count: Any,
    weight: Any,
    weighted: Any,
    loss: Any,
    scenario: Any,
    runner_up: Any,
    runner_up_scenario: Any,
) -> None:
    """The loop of :func:`worst`, unchecked."""
    instruments, width = pnl.shape
    rows = loss.size
    batch = min(rows, BATCH, max(BATCH_CELLS // width, 1))
    total = np.empty((batch, width))
    pack = instruments <= PACK_INSTRUMENTS and column.size >= PACK_REUSE * instruments
    room = np.empty(instruments * 8 * PACK_VECTORS + 8 if pack else 8)
    tile = room[-(room.ctypes.data // 8) % 8 :]  # vectors do not straddle cache lines
    for low in range(0, rows, max(batch, 1)):
        high = min(low + batch, rows)
        net_batch(low, high, row_ptr, column, quantity, pnl, pack, tile, total)
        if weighted:
            for r in range(high - low):
                for s in range(count):
                    total[r, s] *= weight[s]
        cells = total.reshape(-1)
        for r in range(low, high):
            if row_ptr[r + 1] > row_ptr[r]:
                worst = two_worst(cells, (r - low) * width, count, width)
            else:
                worst = 0.0, -1, 0.0, -1
            loss[r], scenario[r] = max(-worst[0], 0.0), worst[1]
            runner_up[r], runner_up_scenario[r] = max(-worst[2], 0.0), worst[3]


@kernel("i8[:], i4[:], f8[:], f8[:,:], out f8[:,:]")
def net_kernel(row_ptr: Any, column: Any, quantity: Any, pnl: Any, out: Any) -> None:
    """The loop of :func:`net`, unchecked."""
    tile = np.empty(0)
    net_batch(0, out.shape[0], row_ptr, column, quantity, pnl, False, tile, out)


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
    weight = scenario_weights(weight_s, n_scenarios, table.shape[1])
    result = Worst(
        np.empty(rows), np.empty(rows, np.int32), np.empty(rows), np.empty(rows, np.int32)
    )
    worst_kernel.run(*book, table, n_scenarios, weight, weight_s is not None, *result)
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
    out = np.empty((book.row_ptr.size - 1, table.shape[1]))
    net_kernel.run(*book, table, out)
    return out
