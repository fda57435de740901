"""The sample market and its smallest book, prepared for what-ifs of any contract."""

from __future__ import annotations

from functools import cache
from typing import Any

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.whatif import Prepared, prepare
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import book_path, market_path
from crossmargin.venues.books import read_book
from crossmargin.venues.market_file import read_snapshot

CALL, PUT, SWAP = "BTC-10JUL26-72000-C", "BTC-10JUL26-59000-P", "BTC-PERPETUAL"
OTHER = "ETH-PERPETUAL"
NAMES = (CALL, PUT, SWAP, OTHER, "BTC-17JUL26-65000-P", "BTC-31JUL26-80000-C")


@cache
def snapshot() -> Snapshot:
    return read_snapshot(market_path())


@cache
def retail() -> Book:
    return read_book(book_path("retail-short-vol"))


def ready(model: str = "deribit-spm", book: Book | None = None, **options: Any) -> Prepared:
    """The account with all of NAMES in its table."""
    items = [parse("deribit", name) for name in NAMES]
    return prepare(book or retail(), snapshot(), model_named(model), candidates=items, **options)


def leg(prepared: Prepared, name: str, size: float, price: float | None = None) -> Leg:
    return Leg(prepared.column[name], size, price)


def bare(*held: tuple[str, float]) -> Book:
    """An account of positions and balances by name; nothing else is known of it."""
    table = Instruments.of(parse("deribit", name) for name, _ in held)
    place = table.index_of()
    return Book.of(table, [Line("a", place["deribit", name], size) for name, size in held])
