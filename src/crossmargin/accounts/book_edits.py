"""A book of one account with lines added, changed or taken out; nothing else of it moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind

__all__ = ["edited", "money_line", "one_account", "without"]


def one_account(book: Book, place: str) -> str:
    """The name of the only account; InputError ``option_unknown`` otherwise."""
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "the book of a venue account is of one account",
            place=place,
            value=f"{len(book)} accounts",
            limit="1 account",
            remedy="Name it in the file.",
        )
    return book.account[0]


def money_line(book: Book, venue: str, currency: str) -> Instrument:
    """The balance line of a currency: the book's own, else a new one of the venue."""
    for item in book.instruments.items:
        if item.kind == Kind.ASSET and item.underlying == currency:
            return item
    return Instrument(venue, currency, Kind.ASSET, currency, "USD", currency)


def edited(
    book: Book,
    add: Mapping[Instrument, float] | None = None,
    drop: Collection[tuple[str, str]] = (),
) -> Book:
    """The book with quantities added and the lines of ``drop`` (venue, native id) taken out.

    Orders in a dropped instrument go with it. What the venue reported of the equity moves with the
    money that is added. Entry prices of lines that stay are kept.
    """
    name = one_account(book, "a unified account")
    add = add or {}
    gone = set(drop)
    old = book.instruments
    items = [item for item in old.items if item.key not in gone]
    table = Instruments.of([*items, *add])
    place = table.index_of()
    lines = []
    for j, column in enumerate(book.column.tolist()):
        item = old.items[column]
        if item.key not in gone:
            entry = float(book.entry_price[j]) if bool(book.entry_known[j]) else None
            lines.append(Line(name, place[item.key], float(book.quantity[j]), entry))
    for item, quantity in add.items():
        if quantity != 0.0:
            lines.append(Line(name, place[item.key], quantity))
    orders: list[Order] = [
        replace(order, column=place[old.items[order.column].key])
        for order in book.orders.items
        if old.items[order.column].key not in gone
    ]
    equity = dict(book.reported.equity)
    for item, quantity in add.items():
        if (name, item.underlying) in equity:
            equity[name, item.underlying] += quantity
    made = Book.of(table, lines, orders, replace(book.reported, equity=equity), (name,))
    return replace(made, choices=book.choices)


def without(book: Book, item: Instrument, money: Instrument) -> Book:
    """The book less one line; where that is its last, a line of the money that holds nothing."""
    last = all(each.key == item.key for each in book.instruments.items)
    return edited(book, {money: 0.0} if last and money.key != item.key else {}, drop=(item.key,))
