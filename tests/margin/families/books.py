"""Pool books made by hand for the tests of families, and a world whose marks are its index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.conformance.world import World
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.model import PoolBook
from crossmargin.margin.pools import cut, make_pool

VENUE = "dydx"
COINS = ("USDC", "BTC", "ETH", "SOL")


def table() -> Instruments:
    """USDC and three perpetuals, in canonical order."""
    cash = Instrument(VENUE, "USDC", Kind.ASSET, "USDC", "USD", "USDC")
    rest = [Instrument(VENUE, f"{c}-USD", Kind.PERPETUAL, c, "USD", "USDC") for c in COINS[1:]]
    return Instruments.of([cash, *rest])


def pool_book(
    quantity: Sequence[Sequence[float]], exact: tuple[int, ...] | None = None
) -> PoolBook:
    """Accounts that hold the first columns of the table."""
    items = table()
    row = frozen(np.cumsum([0, *(len(own) for own in quantity)]), np.int64)
    column = frozen([k for own in quantity for k in range(len(own))], np.int32)
    flat = frozen([q for own in quantity for q in own], np.float64)
    book = Book.of_arrays(items, row, column, flat)
    rows = np.arange(len(items), dtype=np.int32)
    held = cut(book, make_pool(items, rows, "account", "USDC", ("USDC",)), 0)
    return PoolBook(
        held.row,
        held.column,
        held.quantity,
        held.entry_price,
        held.entry_known,
        held.account,
        book,
        exact,
    )


def at_index(world: World) -> World:
    """The world with perpetuals marked at their index."""
    view = world.view
    perpetual = world.instruments.kind == Kind.PERPETUAL
    mark = np.where(perpetual, view.index[world.instruments.pair], view.mark)
    return replace(world, view=replace(view, mark=frozen(mark, np.float64)))
