"""Scenario P&L of account rows, together and apart by group: for a margin of several underlyings.

Together, every group meets the same scenario and the worst of the sum counts. Apart, each group has
the scenario that is worst for it and the losses add up. Apart is never less than together; between
the two lies what moves of different underlyings can be trusted to have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, positions, shocked
from crossmargin.pricing.netting import net
from crossmargin.pricing.vectors import aligned

__all__ = ["Parted", "chosen_kernel", "chosen_terms", "parted", "tables_of"]

LANES = 8  # terms of one row in one scenario, filled up with zeros


class Parted(NamedTuple):
    """``total[A, S8]`` P&L of each row; ``apart[A]`` the sum over groups of their worst loss."""

    total: Floats
    apart: Floats


def tables_of(pnl: Floats, group: Ints, groups: int) -> tuple[Floats, ...]:
    """A risk array ``[I, S8]`` a group: its own rows, zeros elsewhere; a code of -1 is in none.

    Netting one group after the other over whole rows is several times faster than sorting the
    positions by group: the sums of a row stay in vector registers.
    """
    out = []
    for code in range(groups):
        table = aligned(pnl.shape)
        table[...] = np.where((group == code)[:, None], pnl, 0.0)
        out.append(frozen(table, np.float64))
    return tuple(out)


def parted(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    tables: Sequence[Floats],
    n_scenarios: int,
    *,
    trusted: bool = False,
) -> Parted:
    """P&L of each row over :func:`tables_of`, and the losses of its groups at their own worst.

    The worst is taken over the first ``n_scenarios`` columns and is never below zero; groups are
    added in their order. Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    first = shocked(tables[0], n_scenarios, trusted=trusted)
    book = positions(row_ptr, column, quantity, first.shape[0], trusted=trusted)
    total = net(*book, first, trusted=trusted)
    apart = _loss(total, n_scenarios)
    for table in tables[1:]:
        part = net(*book, shocked(table, n_scenarios, trusted=trusted), trusted=trusted)
        apart = apart + _loss(part, n_scenarios)
        total = total + part
    return Parted(total, apart)


def _loss(total: Floats, count: int) -> Floats:
    return np.asarray(np.maximum(-total[:, :count].min(axis=1), 0.0))


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
