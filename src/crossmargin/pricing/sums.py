"""Sums of instrument columns over the runs of each account row: net, long part, short part.

Every add-on of a margin rule (per expiry, strike, underlying, currency) is NumPy on these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import Positions, codes, positions, reals
from crossmargin.pricing.vectors import NARROW, sum_tile

__all__ = [
    "RowSums",
    "SumTable",
    "Sums",
    "count_kernel",
    "row_sums",
    "row_sums_of",
    "sum_table",
    "sums",
    "sums_kernel",
    "sums_of",
]


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


class SumTable(NamedTuple):
    """Columns and runs laid out for the kernels: made once, read by every block of accounts.

    ``flat`` are the ``columns`` of ``[I, columns]`` filled up with zeros to ``width`` a row;
    ``run[I]`` is the group of each instrument, -1 where it counts for nothing.
    """

    run: Ints
    flat: Floats
    width: int
    columns: int


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


def sum_table(columns: npt.ArrayLike, run_of_instrument: npt.ArrayLike | None = None) -> SumTable:
    """The table of ``columns[I, C]`` over runs; without runs every instrument is of one.

    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    given = np.asarray(columns, np.float64)
    table = reals(given, "columns", shape=(given.shape[0], given.shape[-1]))
    if run_of_instrument is None:
        return _laid_out(table, np.zeros(len(table), np.int32))
    run = codes(run_of_instrument, "run", shape=(len(table),), low=-1, below=2**31)
    return _laid_out(table, run)


def _laid_out(table: Floats, run: Ints) -> SumTable:
    count = table.shape[1]
    wide = table
    if count % NARROW:
        wide = np.zeros((run.size, -(-count // NARROW) * NARROW))
        wide[:, :count] = table
    return SumTable(run, wide.ravel(), wide.shape[1], count)


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
    return _summed(book, _laid_out(table, run))


def sums_of(row_ptr: Longs, column: Ints, quantity: Floats, table: SumTable) -> Sums:
    """:func:`sums` over a table that is laid out; the positions are taken as they are."""
    return _summed(Positions(row_ptr, column, quantity), table)


def _summed(book: Positions, table: SumTable) -> Sums:
    run, flat, width, count = table
    entries = int(count_kernel.run(book.row_ptr, book.column, run))
    rows, codes_found = np.empty(entries, np.int32), np.empty(entries, np.int32)
    found = np.empty((3, entries, width))  # net, long, short
    net, long, short = found.reshape(3, entries * width)
    sums_kernel.run(*book, run, flat, width, rows, codes_found, net, long, short)
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
    if not trusted:
        table = reals(table, "columns", shape=(table.shape[0], table.shape[-1]))
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    return _by_row(book, _laid_out(table, np.zeros(table.shape[0], np.int32)))


def row_sums_of(row_ptr: Longs, column: Ints, quantity: Floats, table: SumTable) -> RowSums:
    """:func:`row_sums` over a table without runs that is laid out; see :func:`sums_of`."""
    return _by_row(Positions(row_ptr, column, quantity), table)


def _by_row(book: Positions, table: SumTable) -> RowSums:
    entries = _summed(book, table)
    shape = (book.row_ptr.size - 1, table.columns)
    if entries.row.size == shape[0]:
        return RowSums(entries.net, entries.long, entries.short)
    result = RowSums(np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for whole, part in zip(result, entries[2:], strict=True):
        whole[entries.row] = part
    return result
