"""A book at another venue that lists every contract of it in the same form: nothing is lost.

Quote, settlement, strike and expiry stay as they are; only names and the size of a contract change.
Balances stay balances, and what the venue reports stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, format_id, parse
from crossmargin.market.view import View

__all__ = ["counterparts", "renamed_book", "renamed_reads", "renamed_view"]


def counterparts(items: Sequence[Instrument], venue: str) -> tuple[Instrument, ...] | None:
    """Each contract as ``venue`` lists it in the same form; None where it lists one in no such.

    None too for balances alone: no contract says that the venue takes their currencies.
    """
    if all(item.kind == Kind.ASSET for item in items):
        return None
    out = []
    for item in items:
        found = _counterpart(item, venue)
        if found is None:
            return None
        out.append(found)
    return tuple(out)


def _counterpart(item: Instrument, venue: str) -> Instrument | None:
    """The contract in the venue's own size; in the book's where the venue's is not known."""
    if item.kind == Kind.ASSET and item.native_id == item.underlying:
        return asset(venue, item.underlying)
    if item.kind == Kind.DEBT:
        return None
    expiry_ms = item.expiry_ms if item.kind in (Kind.OPTION, Kind.FUTURE) else None
    try:
        name = format_id(venue, replace(item, venue=venue, native_id=""))
    except InputError:
        return None
    for multiplier in (None, item.multiplier):
        try:
            return parse(venue, name, multiplier=multiplier, expiry_ms=expiry_ms)
        except InputError:
            continue
    return None


def renamed_book(book: Book, table: Instruments, to_new: Ints, factor: Floats) -> Book:
    """The positions and orders over the new table; ``factor[I]`` new units a unit."""
    owner = np.repeat(np.arange(len(book)), np.diff(book.row)).tolist()
    lines = [
        Line(
            book.account[owner[j]],
            int(to_new[column]),
            float(book.quantity[j]) * float(factor[column]),
            float(book.entry_price[j]) if book.entry_known[j] else None,
        )
        for j, column in enumerate(book.column.tolist())
    ]
    orders = [
        replace(
            order,
            column=int(to_new[order.column]),
            remaining=order.remaining * float(factor[order.column]),
        )
        for order in book.orders.items
    ]
    made = Book.of(table, lines, orders, book.reported, tuple(book.account))
    return replace(made, choices=book.choices)


def renamed_view(view: View, table: Instruments, origin: Ints) -> View:
    """The same market in the order of the new table; ``origin[i]`` is the old row."""
    old = view.instruments
    names = {name: k for k, name in enumerate(old.names)}
    pairs = {pair: k for k, pair in enumerate(old.pairs)}
    expiries = {key: k for k, key in enumerate(old.expiries)}
    of_name = [names[name] for name in table.names]
    of_pair = [pairs[pair] for pair in table.pairs]
    of_expiry = np.array([expiries[key] for key in table.expiries], np.int64)
    label = {old.label(int(row)): table.label(k) for k, row in enumerate(origin.tolist())}

    def rows(values: Floats) -> Floats:
        return frozen(values[origin], np.float64)

    def flags(values: Bools) -> Bools:
        return frozen(values[origin], np.bool_)

    return replace(
        view,
        instruments=table,
        index=frozen(view.index[of_pair], np.float64),
        usd=frozen(view.usd[of_name], np.float64),
        forward=frozen(view.forward[of_expiry], np.float64),
        forward_settled=frozen(view.forward_settled[of_expiry], np.float64),
        rate=frozen(view.rate[of_expiry], np.float64),
        life_ms=frozen(view.life_ms[of_expiry], np.int64),
        mark=rows(view.mark),
        vol=rows(view.vol),
        bid=rows(view.bid),
        ask=rows(view.ask),
        has_bid=flags(view.has_bid),
        has_ask=flags(view.has_ask),
        ok=flags(view.ok),
        failures=tuple(replace(f, subject=label.get(f.subject, f.subject)) for f in view.failures),
        reads=renamed_reads(view, table, origin),
    )


def renamed_reads(view: View, table: Instruments, origin: Ints) -> dict[str, Mapping[str, float]]:
    """What is read by contract, under the contract's new name: funding is paid there too."""
    old = view.instruments
    pairs = [(old.items[row], table.items[k]) for k, row in enumerate(origin.tolist()) if row >= 0]
    subjects = {f"{a.venue}|{a.native_id}": f"{b.venue}|{b.native_id}" for a, b in pairs}
    names = {a.native_id: b.native_id for a, b in pairs}
    reads = dict(view.reads)
    for field_name, renamed in (
        ("funding_8h", subjects),
        ("open_interest", subjects),
        ("vol_confidence", names),
    ):
        known = view.reads.get(field_name, {})
        reads[field_name] = {renamed[key]: known[key] for key in known if key in renamed}
    return reads
