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
    source: Longs  # [N] input rows in canonical order: the lots of entry 0, of entry 1, …

    @property
    def position(self) -> Longs:
        """The entry that each input row went to, ``[N]``."""
        entry = np.empty(self.source.size, np.int64)
        entry[self.source] = np.repeat(np.arange(self.lots.size), self.lots)
        return entry


@helper
def _sort_in_place(values: Any, size: Any) -> Any:
    """Shell sort of the first ``size`` values: quick for tens, fair for many, no second array."""
    gap = 1
    while gap < size // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, size):
            moved = values[i]
            j = i
            while j >= gap and values[j - gap] > moved:
                values[j] = values[j - gap]
                j -= gap
            values[j] = moved
        gap //= 3


@helper
def _count_sort(keys: Any, size: Any, sorted_keys: Any, start: Any) -> Any:
    """Stable sort of ``keys`` by their high word, for accounts with many rows."""
    start[:] = 0
    for k in range(size):
        start[(keys[k] >> 32) + 1] += 1
    for c in range(1, start.size):
        start[c] += start[c - 1]
    for k in range(size):
        c = keys[k] >> 32
        sorted_keys[start[c]] = keys[k]
        start[c] += 1
    for k in range(size):
        keys[k] = sorted_keys[k]


@helper
def _by_account(
    account: Any,
    column: Any,
    quantity: Any,
    accounts: Any,
    row_ptr: Any,
    words: Any,
    amounts: Any,
) -> Any:
    """Counting sort of the rows by account; the number of rows of the largest account."""
    row_ptr[:] = 0
    for n in range(account.size):
        row_ptr[account[n] + 1] += 1
    most = 0
    for a in range(accounts):
        most = max(most, row_ptr[a + 1])
        row_ptr[a + 1] += row_ptr[a]
    fill = row_ptr[:accounts].copy()
    for n in range(account.size):
        k = fill[account[n]]
        words[k] = (np.int64(column[n]) << 32) | n
        amounts[k] = quantity[n]
        fill[account[n]] = k + 1
    return most


@kernel(
    "i4[:], i4[:], f8[:], i8, i8, out i8[:], out i4[:], out f8[:], out i4[:], out i8[:], "
    "out i8[:], out f8[:]"
)
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
    source: Any,
    words: Any,
    amounts: Any,
) -> Any:
    """The loops of :func:`order_positions`, unchecked; outputs have room for every row.

    ``words`` and ``amounts`` are scratch for every row (NumPy gives it in large pages). A row
    travels as one word, its column above its number: sorting the words of an account is a stable
    sort by column. Returns the number of entries.
    """
    most = _by_account(account, column, quantity, accounts, row_ptr, words, amounts)
    keys, spare = np.empty(most, np.int64), np.empty(most, np.int64)
    start = np.empty(columns + 1, np.int64)
    held = np.empty(most)
    low_word = (1 << 32) - 1
    at = 0
    begin = 0
    for a in range(accounts):
        end = row_ptr[a + 1]
        size = end - begin
        row_ptr[a] = at
        for k in range(size):
            keys[k] = (words[begin + k] & ~low_word) | k
        if size > 64 and size > columns // 4:
            _count_sort(keys, size, spare, start)
        else:
            _sort_in_place(keys, size)
        j = 0
        while j < size:
            c = keys[j] >> 32
            stop = j
            while stop < size and keys[stop] >> 32 == c:
                place = begin + (keys[stop] & low_word)
                source[begin + stop] = words[place] & low_word
                held[stop - j] = amounts[place]
                stop += 1
            if stop - j > 1:
                _sort_in_place(held, stop - j)
            total = 0.0
            for k in range(stop - j):
                total += held[k]
            out_column[at] = c
            out_quantity[at] = total
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
    ``number_not_finite``, ``number_out_of_range``, ``size_too_large`` (2**32 rows).
    """
    amounts = reals(quantity, "quantity", shape=np.shape(quantity)[:1])
    size = amounts.shape
    if amounts.size >= 2**32:
        raise InputError(
            "size_too_large", "too many position rows", value=amounts.size, limit="below 2**32"
        )
    owner = codes(account, "account", shape=size, low=0, below=n_accounts)
    name = codes(column, "column", shape=size, low=0, below=n_columns)
    row_ptr = np.empty(n_accounts + 1, np.int64)
    out_column = np.empty(size, np.int32)
    out_quantity = np.empty(size)
    lots = np.empty(size, np.int32)
    source = np.empty(size, np.int64)
    entries = order_kernel.run(
        owner,
        name,
        amounts,
        n_accounts,
        n_columns,
        row_ptr,
        out_column,
        out_quantity,
        lots,
        source,
        np.empty(size, np.int64),
        np.empty(size),
    )
    return Ordered(row_ptr, out_column[:entries], out_quantity[:entries], lots[:entries], source)


def sum_lots(ordered: Ordered, values: npt.ArrayLike) -> Floats:
    """A value per input row summed over the lots of each entry, ``[M]``.

    The lots of an entry are added in rising order of the value, so the bits do not depend on the
    order of the input.
    """
    given = reals(values, "values", shape=ordered.source.shape)[ordered.source]
    if given.size == ordered.lots.size:
        return given
    entry = np.repeat(np.arange(ordered.lots.size), ordered.lots)
    several = ordered.lots[entry] > 1
    total = np.zeros(ordered.lots.size)
    total[entry[~several]] = given[~several]
    entry, part = entry[several], given[several]
    order = np.lexsort((part, entry))
    starts = np.flatnonzero(np.diff(entry, prepend=-1))
    total[entry[starts]] = np.add.reduceat(part[order], starts)
    if not np.isfinite(total).all():
        raise InputError("number_not_finite", "the sum of lots overflows", limit="finite numbers")
    return total
