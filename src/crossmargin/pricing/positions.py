"""From unsorted position rows to canonical account rows, in time linear in their number.

Rows are sorted by (account, column) with two stable counting sorts; lots of one instrument in one
account are sorted by quantity before they are summed, so the result does not depend on the order
of the input to the last bit. An exact zero stays: a closed position is still a line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.errors import InputError
from crossmargin.core.jit import helper, kernel
from crossmargin.pricing.checks import codes, reals

__all__ = ["Ordered", "order_kernel", "order_positions", "sum_lots"]


class Ordered(NamedTuple):
    """Canonical rows: account ``a`` owns entries ``row_ptr[a] .. row_ptr[a+1]``, columns rising."""

    row_ptr: Longs  # [A+1]
    column: Ints  # [M]
    quantity: Floats  # [M]
    lots: Ints  # [M] input rows merged into each entry
    position: Longs  # [N] the entry that each input row went to


@helper
def sort_few(values: Any, begin: Any, end: Any) -> Any:
    """Shell sort in place: a handful of lots, or many, without a second array."""
    size = end - begin
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(begin + gap, end):
            moved = values[i]
            j = i
            while j >= begin + gap and values[j - gap] > moved:
                values[j] = values[j - gap]
                j -= gap
            values[j] = moved
        gap //= 3


@kernel("i4[:], i4[:], f8[:], i8, i8, out i8[:], out i4[:], out f8[:], out i4[:], out i8[:]")
def order_kernel(
    account: Any,
    column: Any,
    quantity: Any,
    accounts: Any,
    columns: Any,
    row_ptr: Any,
    out_column: Any,
    out_quantity: Any,
    lots: Any,
    position: Any,
) -> Any:
    """The loops of :func:`order_positions`, unchecked; outputs have room for every row.

    Returns the number of entries.
    """
    count = account.size
    # first by column, then, stably, by account
    start = np.zeros(columns + 1, np.int64)
    for n in range(count):
        start[column[n] + 1] += 1
    for c in range(columns):
        start[c + 1] += start[c]
    by_column = np.empty(count, np.int64)
    for n in range(count):
        c = column[n]
        by_column[start[c]] = n
        start[c] += 1
    row_ptr[:] = 0
    for n in range(count):
        row_ptr[account[n] + 1] += 1
    for a in range(accounts):
        row_ptr[a + 1] += row_ptr[a]
    fill = row_ptr[:accounts].copy()
    source = np.empty(count, np.int64)
    for k in range(count):
        n = by_column[k]
        a = account[n]
        source[fill[a]] = n
        fill[a] += 1
    amounts = np.empty(count)
    for k in range(count):
        amounts[k] = quantity[source[k]]
    # merge the lots of one instrument
    at = 0
    begin = 0
    for a in range(accounts):
        end = row_ptr[a + 1]
        row_ptr[a] = at
        j = begin
        while j < end:
            c = column[source[j]]
            stop = j
            while stop < end and column[source[stop]] == c:
                position[source[stop]] = at
                stop += 1
            if stop - j > 1:
                sort_few(amounts, j, stop)
            held = 0.0
            for k in range(j, stop):
                held += amounts[k]
            out_column[at] = c
            out_quantity[at] = held
            lots[at] = stop - j
            at += 1
            j = stop
        begin = end
    row_ptr[accounts] = at
    return at


def order_positions(
    account: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    n_accounts: int,
    n_columns: int,
) -> Ordered:
    """Canonical rows of ``n_accounts`` accounts from N position rows in any order.

    The same set of rows gives the same bits in any order. Errors: ``shape_wrong``,
    ``number_not_finite``, ``number_out_of_range``.
    """
    amounts = reals(quantity, "quantity", shape=np.shape(quantity)[:1])
    size = amounts.shape
    owner = codes(account, "account", shape=size, low=0, below=n_accounts)
    name = codes(column, "column", shape=size, low=0, below=n_columns)
    row_ptr = np.empty(n_accounts + 1, np.int64)
    out_column = np.empty(size, np.int32)
    out_quantity = np.empty(size)
    lots = np.empty(size, np.int32)
    position = np.empty(size, np.int64)
    entries = order_kernel.run(
        owner, name, amounts, n_accounts, n_columns, row_ptr, out_column, out_quantity, lots,
        position,
    )  # fmt: skip
    return Ordered(row_ptr, out_column[:entries], out_quantity[:entries], lots[:entries], position)


def sum_lots(ordered: Ordered, values: npt.ArrayLike) -> Floats:
    """A value per input row summed over the lots of each entry, ``[M]``.

    The lots of an entry are added in rising order of the value, so the bits do not depend on the
    order of the input.
    """
    given = reals(values, "values", shape=ordered.position.shape)
    total = np.zeros(ordered.column.size)
    merged = ordered.lots > 1
    if not merged.any():
        total[ordered.position] = given
        return total
    several = merged[ordered.position]
    total[ordered.position[~several]] = given[~several]
    entry, part = ordered.position[several], given[several]
    order = np.lexsort((part, entry))
    starts = np.flatnonzero(np.diff(entry[order], prepend=-1))
    total[entry[order][starts]] = np.add.reduceat(part[order], starts)
    if not np.isfinite(total).all():
        raise InputError("number_not_finite", "the sum of lots overflows", limit="finite numbers")
    return total
