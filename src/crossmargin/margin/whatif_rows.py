"""A canonical row of positions and its variants: changed in place, or with new columns put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.instruments.book import Book, Orders
from crossmargin.margin.model import PoolBook

__all__ = ["Changes", "Row", "Rows", "as_pool", "every_row", "repeated"]


class Changes:
    """What variants hold after their trades: entry k is of variant ``variant[k]``, in its order.

    Plain lists side by side: a ranking has tens of thousands of entries, and a record for each
    would cost more than the arithmetic. Variants ascend, and inside each its columns; the entry
    price counts where ``known``.
    """

    __slots__ = ("column", "entry", "known", "quantity", "variant", "variants")

    def __init__(self, variants: int) -> None:
        self.variants = variants
        self.variant: list[int] = []
        self.column: list[int] = []
        self.quantity: list[float] = []
        self.entry: list[float] = []
        self.known: list[bool] = []

    def add(self, variant: int, column: int, quantity: float, entry: float, known: bool) -> None:
        """One more entry."""
        self.variant.append(variant)
        self.column.append(column)
        self.quantity.append(quantity)
        self.entry.append(entry)
        self.known.append(known)

    def only(self, which: Sequence[int]) -> Changes:
        """The variants of the given rising numbers, numbered anew."""
        place = {v: k for k, v in enumerate(which)}
        some = Changes(len(which))
        for k, v in enumerate(self.variant):
            if v in place:
                values = self.column[k], self.quantity[k], self.entry[k], self.known[k]
                some.add(place[v], *values)
        return some


class Rows(NamedTuple):
    """CSR of V variants; inside each the columns ascend."""

    row: Longs
    column: Ints
    quantity: Floats
    entry_price: Floats
    entry_known: Bools


class Row:
    """One account's row over a table of ``size`` instruments."""

    def __init__(
        self, column: Ints, quantity: Floats, entry: Floats, known: Bools, size: int
    ) -> None:
        self.column, self.quantity, self.entry, self.known = column, quantity, entry, known
        self.at = {int(c): j for j, c in enumerate(column.tolist())}
        self._lower = np.searchsorted(column, np.arange(size)).tolist()

    @staticmethod
    def of(held: Book | PoolBook, size: int) -> Row:
        """The row of a book, or of a part of one, with a single account."""
        return Row(held.column, held.quantity, held.entry_price, held.entry_known, size)

    def with_changes(self, changes: Changes, entries: bool) -> Rows:
        """One row a variant.

        Without ``entries`` every entry price is unknown: no rule reads one.
        """
        count, size = changes.variants, len(self.column)
        alone = count == 1
        where: list[int] = []  # places of new columns, and their entries
        fresh: list[int] = []
        fixed: list[int] = []  # places of columns that are held, and their entries
        moved: list[int] = []
        for k, column in enumerate(changes.column):
            start = changes.variant[k] * size
            j = self.at.get(column)
            if j is None:
                where.append(start + self._lower[column])
                fresh.append(k)
            else:
                fixed.append(start + j)
                moved.append(k)
        quantity = self.quantity.copy() if alone else np.tile(self.quantity, count)
        if fixed:
            quantity[fixed] = [changes.quantity[k] for k in moved]
        columns = self.column if alone else np.tile(self.column, count)
        total = count * size + len(where)
        row = np.array([0, total]) if alone else np.arange(count + 1) * size
        price: Floats = np.zeros(total)
        known: Bools = np.zeros(total, np.bool_)
        if not where:
            if entries:
                price, known = self._entries(changes, fixed, moved)
            return Rows(row, columns, quantity, price, known)
        if not alone:
            more = np.bincount([changes.variant[k] for k in fresh], minlength=count)
            row[1:] += np.cumsum(more)
        into, old = _split(where, total)
        wide_column, wide = np.empty(total, np.int32), np.empty(total)
        wide_column[into] = [changes.column[k] for k in fresh]
        wide[into] = [changes.quantity[k] for k in fresh]
        wide_column[old], wide[old] = columns, quantity
        if entries:
            price[old], known[old] = self._entries(changes, fixed, moved)
            price[into] = [changes.entry[k] for k in fresh]
            known[into] = [changes.known[k] for k in fresh]
        return Rows(row, wide_column, wide, price, known)

    def _entries(
        self, changes: Changes, fixed: list[int], moved: list[int]
    ) -> tuple[Floats, Bools]:
        count = changes.variants
        price, known = np.tile(self.entry, count), np.tile(self.known, count)
        price[fixed] = [changes.entry[k] for k in moved]
        known[fixed] = [changes.known[k] for k in moved]
        return price, known


def _split(where: list[int], total: int) -> tuple[Longs, Bools]:
    """Places of what is put in before the given places, and a mask of all others."""
    into = np.array(where, np.int64) + np.arange(len(where))
    old = np.ones(total, np.bool_)
    old[into] = False
    return into, old


def every_row(book: Book) -> Book:
    """The one account of a book with a position of nothing in every row of its table."""
    size = len(book.instruments)
    nothing = np.zeros(size)
    return replace(
        book,
        row=np.array([0, size]),
        column=np.arange(size, dtype=np.int32),
        quantity=nothing,
        entry_price=nothing,
        entry_known=np.zeros(size, np.bool_),
    )


def as_pool(rows: Rows | Book, whole: Book) -> PoolBook:
    """Rows over a pool's instruments; ``whole`` is the block that they are part of."""
    count = len(rows.row) - 1
    return PoolBook(
        rows.row,
        rows.column,
        rows.quantity,
        rows.entry_price,
        rows.entry_known,
        np.arange(count, dtype=np.int32),
        whole,
    )


def repeated(orders: Orders, count: int) -> Orders:
    """The orders of one account as those of ``count`` accounts."""
    size = len(orders.column)
    if size == 0:
        return Orders.none(count)
    return Orders(
        row=np.arange(count + 1) * size,
        column=np.tile(orders.column, count),
        bid=np.tile(orders.bid, count),
        ask=np.tile(orders.ask, count),
        limit_price=np.tile(orders.limit_price, count),
        reduce_only=np.tile(orders.reduce_only, count),
        mmp=np.tile(orders.mmp, count),
        group=orders.group * count,
    )
