"""A canonical row of positions and its variants: changed in place, or with new columns put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.instruments.book import Book, Orders
from crossmargin.margin.model import PoolBook

__all__ = ["Change", "Row", "Rows", "as_pool", "repeated"]


class Change(NamedTuple):
    """What a column holds after the trade; the entry price counts where ``known``."""

    column: int
    quantity: float
    entry: float
    known: bool


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

    def with_changes(self, changes: Sequence[Sequence[Change]], entries: bool) -> Rows:
        """One row a variant; its changes are in rising order of column.

        Without ``entries`` every entry price is unknown: no rule reads one.
        """
        count, size = len(changes), len(self.column)
        alone = count == 1
        fresh: list[Change] = []
        where: list[int] = []
        fixed: list[int] = []
        moved: list[Change] = []
        bounds = [0]
        for v, own in enumerate(changes):
            start = v * size
            for change in own:
                j = self.at.get(change[0])
                if j is None:
                    where.append(start + self._lower[change[0]])
                    fresh.append(change)
                else:
                    fixed.append(start + j)
                    moved.append(change)
            bounds.append(start + size + len(where))
        quantity = self.quantity.copy() if alone else np.tile(self.quantity, count)
        if fixed:
            quantity[fixed] = [change[1] for change in moved]
        columns = self.column if alone else np.tile(self.column, count)
        row = np.array(bounds, np.int64)
        total = count * size + len(where)
        price: Floats = np.zeros(total)
        known: Bools = np.zeros(total, np.bool_)
        if not where:
            if entries:
                price, known = self._entries(count, fixed, moved)
            return Rows(row, columns, quantity, price, known)
        into, old = _split(where, total)
        wide_column, wide = np.empty(total, np.int32), np.empty(total)
        wide_column[into], wide[into] = [c[0] for c in fresh], [c[1] for c in fresh]
        wide_column[old], wide[old] = columns, quantity
        if entries:
            price[old], known[old] = self._entries(count, fixed, moved)
            price[into], known[into] = [c[2] for c in fresh], [c[3] for c in fresh]
        return Rows(row, wide_column, wide, price, known)

    def _entries(self, count: int, fixed: list[int], moved: list[Change]) -> tuple[Floats, Bools]:
        price, known = np.tile(self.entry, count), np.tile(self.known, count)
        price[fixed], known[fixed] = [c[2] for c in moved], [c[3] for c in moved]
        return price, known


def _split(where: list[int], total: int) -> tuple[Longs, Bools]:
    """Places of what is put in before the given places, and a mask of all others."""
    into = np.array(where, np.int64) + np.arange(len(where))
    old = np.ones(total, np.bool_)
    old[into] = False
    return into, old


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
