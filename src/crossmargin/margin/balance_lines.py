"""A book and its view with a balance line of every settlement currency in the table.

A rule that puts balances at risk can only be asked for the least cash if the table has a line on
which the cash would stand. The line holds nothing, so no number of another rule changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.market.view import View

__all__ = ["with_balance_lines"]


def with_balance_lines(book: Book, view: View) -> tuple[Book, View]:
    """``book`` and ``view`` over a table that has an ASSET row of each settlement currency."""
    table = book.instruments
    held = {(i.venue, i.underlying) for i in table.items if i.kind == Kind.ASSET}
    wanted = sorted({(i.venue, i.settle) for i in table.items} - held)
    if not wanted:
        return book, view
    missing = [asset(venue, name) for venue, name in wanted]
    whole = Instruments.of([*table.items, *missing])
    place = whole.index_of()
    to_new = np.array([place[item.key] for item in table.items], np.int64)
    orders = replace(book.orders, column=frozen(to_new[book.orders.column], np.int32))
    column = frozen(to_new[book.column], np.int32)
    wider = replace(book, instruments=whole, column=column, orders=orders, lines=())
    return wider, _widen(view, whole, missing, to_new)


def _widen(view: View, whole: Instruments, missing: list[Instrument], to_new: np.ndarray) -> View:
    """The view over the wider table: new rows are priced by what a unit is worth in dollars."""
    old = view.instruments
    names = {name: k for k, name in enumerate(old.names)}
    pairs = {pair: k for k, pair in enumerate(old.pairs)}
    usd = {name: float(view.usd[k]) for name, k in names.items()}
    usd.setdefault("USD", 1.0)

    def moved(values: Floats, rest: float) -> Floats:
        out = np.full(len(whole), rest)
        out[to_new] = values
        return frozen(out, np.float64)

    mark = moved(view.mark, 1.0).copy()
    ok = np.ones(len(whole), np.bool_)
    ok[to_new] = view.ok
    place = whole.index_of()
    for item in missing:
        mark[place[item.key]] = usd.get(item.underlying, 0.0)
        ok[place[item.key]] = usd.get(item.underlying, 0.0) > 0.0
    flags = np.zeros((2, len(whole)), np.bool_)
    flags[0, to_new], flags[1, to_new] = view.has_bid, view.has_ask
    index = [
        float(view.index[pairs[pair]]) if pair in pairs else usd.get(pair[0], 0.0)
        for pair in whole.pairs
    ]
    return replace(
        view,
        instruments=whole,
        index=frozen(index, np.float64),
        usd=frozen([usd.get(name, 0.0) for name in whole.names], np.float64),
        mark=frozen(mark, np.float64),
        vol=moved(view.vol, 0.0),
        bid=moved(view.bid, 0.0),
        ask=moved(view.ask, 0.0),
        has_bid=frozen(flags[0], np.bool_),
        has_ask=frozen(flags[1], np.bool_),
        ok=frozen(ok, np.bool_),
    )
