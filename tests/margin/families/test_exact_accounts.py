"""Cash in quote units: each source of equity, as floats and as exact counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.conformance.world import view_of
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.families.exact_accounts import quote_equity
from crossmargin.margin.model import EquitySource
from crossmargin.margin.models.dydx_v4 import DydxV4
from crossmargin.margin.pools import cut
from tests.margin.families.books import table
from tests.margin.models.test_dydx_v4 import SET


def test_each_source_of_equity() -> None:
    items = table()
    place = {item.underlying: k for k, item in enumerate(items.items)}
    lines = [
        Line("balance", place["USDC"], 12.3456789),
        Line("balance", place["BTC"], 1.0),
        Line("rebuilt", place["BTC"], 1.0, 60_000.0),
        Line("nothing", place["BTC"], 1.0),
        Line("nothing", place["ETH"], 1.0, 1_900.0),
        Line("venue", place["BTC"], 1.0, 60_000.0),
    ]
    book = Book.of(items, lines, reported=Reported(equity={("venue", "USDC"): 7.25}))
    model = DydxV4()
    known = [item for item in items.items if item.kind is Kind.ASSET or item.underlying != "SOL"]
    view = view_of(known).view
    book = Book.of(view.instruments, _moved(lines, items, view.instruments), reported=book.reported)
    pool = model.plan(view.instruments, SET).pools[0]
    priced = model.price(pool, view, SET)
    held = cut(book, pool, 0)
    found = quote_equity(priced, held, 6, lambda k: bool(pool.cash[k]))
    by_name = dict(zip(book.account, zip(found.cash, found.open_profit, strict=True), strict=True))
    assert by_name == {
        "balance": (12_345_678, True),
        "nothing": (0, False),
        "rebuilt": (0, True),
        "venue": (7_250_000, False),
    }
    source = {name: SOURCES[k] for name, k in zip(book.account, found.source, strict=True)}
    assert source["venue"] is EquitySource.VENUE
    exact = tuple(np.arange(len(held.column)).tolist())
    counted = quote_equity(priced, replace(held, exact=exact), 6, lambda k: bool(pool.cash[k]))
    line = int(np.flatnonzero(pool.cash[held.column])[0])
    assert counted.cash[list(book.account).index("balance")] == exact[line]


def _moved(lines: list[Line], old: object, new: object) -> list[Line]:
    place = new.index_of()  # type: ignore[attr-defined] # two tables of contracts
    return [
        replace(line, column=place[old.items[line.column].key])  # type: ignore[attr-defined] # as above
        for line in lines
    ]
