"""Scenario P&L of account rows, together and apart by group: for a margin of several underlyings.

Together, every group meets the same scenario and the worst of the sum counts. Apart, each group has
the scenario that is worst for it and the losses add up. Apart is never less than together; between
the two lies what moves of different underlyings can be trusted to have in common.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, positions, shocked

__all__ = ["Parted", "apart_kernel", "chosen_kernel", "chosen_terms", "parted"]

LANES = 8  # terms of one row in one scenario, filled up with zeros


class Parted(NamedTuple):
    """``total[A, S8]`` P&L of each row; ``apart[A]`` the sum over groups of their worst loss."""

    total: Floats
    apart: Floats


@kernel("i8[:], i4[:], f8[:], i4[:], i8, f8[:,:], i8, out f8[:,:], out f8[:]")
def apart_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    group: Any,
    groups: Any,
    pnl: Any,
    count: Any,
    total: Any,
    apart: Any,
) -> None:
    """The loop of :func:`parted`, unchecked; groups are added in their order."""
    width = pnl.shape[1]
    part = np.empty((groups, width))
    for r in range(row_ptr.size - 1):
        part[:] = 0.0
        for j in range(row_ptr[r], row_ptr[r + 1]):
            c, q = column[j], quantity[j]
            if group[c] >= 0:
                row, sums = pnl[c], part[group[c]]
                for s in range(width):
                    sums[s] += q * row[s]
        whole = total[r]
        whole[:] = 0.0
        lost = 0.0
        for g in range(groups):
            low = 0.0
            for s in range(width):
                whole[s] += part[g, s]
            for s in range(count):
                low = min(low, part[g, s])
            lost -= low
        apart[r] = lost


def parted(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    group: npt.ArrayLike,
    groups: int,
    pnl: npt.ArrayLike,
    n_scenarios: int,
    *,
    trusted: bool = False,
) -> Parted:
    """P&L of each row over ``pnl[I, S8]`` and the losses of its groups, each at its own worst.

    ``group[I]`` is the group of each instrument, -1 where it counts for nothing; the worst is taken
    over the first ``n_scenarios`` columns and is never below zero. Errors: ``shape_wrong``,
    ``number_not_finite``, ``number_out_of_range``.
    """
    table = shocked(pnl, n_scenarios, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    code = codes(group, "group", shape=(table.shape[0],), low=-1, below=max(groups, 1))
    rows = book.row_ptr.size - 1
    out = Parted(np.empty((rows, table.shape[1])), np.empty(rows))
    apart_kernel.run(*book, code, groups, table, n_scenarios, *out)
    return out


@kernel("i8[:], i4[:], f8[:], i4[:], f8[:,:,:], out f8[:,:]")
def chosen_kernel(
    row_ptr: Any, column: Any, quantity: Any, scenario: Any, terms: Any, out: Any
) -> None:
    """The loop of :func:`chosen_terms`, unchecked; ``terms`` are ``[S, I, 8]``."""
    for r in range(row_ptr.size - 1):
        sums = out[r]
        sums[:] = 0.0
        if scenario[r] >= 0:
            table = terms[scenario[r]]
            for j in range(row_ptr[r], row_ptr[r + 1]):
                row, q = table[column[j]], quantity[j]
                for t in range(8):
                    sums[t] += q * row[t]


def chosen_terms(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    scenario: Ints,
    terms: Floats,
    *,
    trusted: bool = False,
) -> Floats:
    """``[A, 8]`` sums of the terms ``[S, I, 8]`` of each row in its own scenario; 0 where it is -1.

    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    book = positions(row_ptr, column, quantity, terms.shape[1], trusted=trusted)
    rows = book.row_ptr.size - 1
    chosen = codes(scenario, "scenario", shape=(rows,), low=-1, below=terms.shape[0])
    out = np.empty((rows, LANES))
    chosen_kernel.run(*book, chosen, np.ascontiguousarray(terms, np.float64), out)
    return out
