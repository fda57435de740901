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
from crossmargin.pricing.checks import positions, scenario_weights, shocked
from crossmargin.pricing.rows import add_rows, find_worst

__all__ = ["Worst", "net", "net_kernel", "worst", "worst_kernel"]


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
    total = np.empty(pnl.shape[1])
    for r in range(loss.size):
        begin, end = row_ptr[r], row_ptr[r + 1]
        total[:] = 0.0
        add_rows(begin, end, column, quantity, pnl, total)
        if weighted:
            for s in range(total.size):
                total[s] *= weight[s]
        least, at = find_worst(total, count if end > begin else 0)
        loss[r] = max(-least, 0.0)
        scenario[r] = at
        if at >= 0 and count > 1:
            total[at] = total[1] if at == 0 else total[0]
            least, other = find_worst(total, count)
            if other == at:
                other = 1
            runner_up[r] = max(-least, 0.0)
            runner_up_scenario[r] = other
        else:
            runner_up[r] = 0.0
            runner_up_scenario[r] = -1


@kernel("i8[:], i4[:], f8[:], f8[:,:], out f8[:,:]")
def net_kernel(row_ptr: Any, column: Any, quantity: Any, pnl: Any, out: Any) -> None:
    """The loop of :func:`net`, unchecked."""
    for r in range(out.shape[0]):
        out[r] = 0.0
        add_rows(row_ptr[r], row_ptr[r + 1], column, quantity, pnl, out[r])


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
