"""Sums of instrument columns over the runs of each account row: net, long part, short part.

Every add-on of a margin rule (per expiry, strike, underlying, currency) is NumPy on these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, positions, reals
from crossmargin.pricing.vectors import NARROW, sum_tile

__all__ = ["RowSums", "Sums", "count_kernel", "row_sums", "sums", "sums_kernel"]


class Sums(NamedTuple):
    """One entry per row and run that the row holds, in the order of rows, then of columns.

    ``net = sum q*c``, ``long = sum of q*c > 0``, ``short = sum of q*c < 0`` (not positive), each
    ``[r, C]``.
    """

    row: Ints
    run: Ints
    net: Floats
    long: Floats
    short: Floats


class RowSums(NamedTuple):
    """As :class:`Sums` without runs: one entry per row, ``[R, C]``."""

    net: Floats
    long: Floats
    short: Floats


@kernel("i8[:], i4[:], i4[:]")
def count_kernel(row_ptr: Any, column: Any, run: Any) -> Any:
    """How many (row, run) stretches there are; linear instruments (-1) count for nothing."""
    total = 0
    for r in range(row_ptr.size - 1):
        before = -1
        for j in range(row_ptr[r], row_ptr[r + 1]):
            code = run[column[j]]
            total += 1 if code != before and code >= 0 else 0
            before = code
    return total


@kernel(
    "i8[:], i4[:], f8[:], i4[:], f8[:], i8, out i4[:], out i4[:], out f8[:], out f8[:], out f8[:]"
)
def sums_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    run: Any,
    table: Any,
    width: Any,
    row: Any,
    name: Any,
    net: Any,
    long: Any,
    short: Any,
) -> None:
    """Fill the entries that :func:`count_kernel` counted; unchecked.

    ``table`` and the results are flat, with ``width`` columns, a multiple of four.
    """
    at = 0
    for r in range(row_ptr.size - 1):
        j, end = row_ptr[r], row_ptr[r + 1]
        while j < end:
            code = run[column[j]]
            stop = j + 1
            while stop < end and run[column[stop]] == code:
                stop += 1
            if code >= 0:
                row[at] = r
                name[at] = code
                for first in range(0, width, 4):
                    place = at * width + first
                    sum_tile(
                        net, long, short, place, table, width, first, column, quantity, j, stop
                    )
                at += 1
            j = stop


def sums(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    run_of_instrument: npt.ArrayLike,
    columns: npt.ArrayLike,
    *,
    trusted: bool = False,
) -> Sums:
    """Sums of ``columns[I, C]`` per row and run.

    A run code stands for a group of instruments; codes below 0 are left out. An entry is a
    stretch of neighbouring positions of one code, so in rows in canonical order every run that
    stands together among the instruments has one entry. Errors: ``shape_wrong``,
    ``number_not_finite``, ``number_out_of_range``.
    """
    table = np.ascontiguousarray(columns, np.float64)
    run = np.ascontiguousarray(run_of_instrument, np.int32)
    if not trusted:
        table = reals(table, "columns", shape=(run.size, table.shape[-1]))
        run = codes(run, "run", shape=(run.size,), low=-1, below=2**31)
    book = positions(row_ptr, column, quantity, run.size, trusted=trusted)
    count = table.shape[1]
    wide = table
    if count % NARROW:
        wide = np.zeros((run.size, -(-count // NARROW) * NARROW))
        wide[:, :count] = table
    entries = int(count_kernel.run(book.row_ptr, book.column, run))
    width = wide.shape[1]
    rows, codes_found = np.empty(entries, np.int32), np.empty(entries, np.int32)
    found = np.empty((3, entries, width))  # net, long, short
    net, long, short = found.reshape(3, entries * width)
    sums_kernel.run(*book, run, wide.ravel(), width, rows, codes_found, net, long, short)
    net, long, short = found if count == width else found[:, :, :count]
    return Sums(rows, codes_found, net, long, short)


def row_sums(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    columns: npt.ArrayLike,
    *,
    trusted: bool = False,
) -> RowSums:
    """Sums of ``columns[I, C]`` per row; rows without positions are zero."""
    table = np.ascontiguousarray(columns, dtype=np.float64)
    entries = sums(
        row_ptr,
        column,
        quantity,
        np.zeros(table.shape[0], np.int32),
        table,
        trusted=trusted,
    )
    shape = (np.asarray(row_ptr).size - 1, table.shape[1])
    if entries.row.size == shape[0]:
        return RowSums(entries.net, entries.long, entries.short)
    result = RowSums(np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for whole, part in zip(result, entries[2:], strict=True):
        whole[entries.row] = part
    return result
