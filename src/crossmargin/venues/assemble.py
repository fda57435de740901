"""Rows of any source to a book: one path for files, ccxt and the venues' own replies.

A row is a position, an open order or a balance in the venue's own unit. Here names become
contracts, duplicates are refused, and what a venue reports of an account is kept apart from what
is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, is_pair, parse

__all__ = ["Row", "RowKind", "assemble"]

Pairs = tuple[tuple[str, str], ...]
Figures = tuple[tuple[str, float], ...]


class RowKind(Enum):
    """What a row is."""

    POSITION = "position"
    ORDER = "order"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read. ``quantity`` is the signed holding, the remaining size or the amount.

    ``item`` is the contract where the reader knows it already; else ``venue`` and ``name`` are
    looked up. A balance may come without an amount where only its equity is known.
    """

    kind: RowKind
    account: str
    venue: str
    name: str
    quantity: float | None
    place: str = field(compare=False)
    entry_price: float | None = None
    multiplier: float | None = None
    expiry_ms: int | None = None
    tags: Pairs = ()
    time_ms: int | None = None
    side: int = 0
    limit_price: float = 0.0
    reduce_only: bool = False
    mmp: bool = False
    group: str = ""
    equity: float | None = None
    holds: Figures = ()
    reported: Figures = ()
    item: Instrument | None = field(default=None, compare=False)


def assemble(
    rows: Iterable[Row],
    place: str,
    *,
    allow_duplicates: bool = False,
    accounts: Sequence[str] | None = None,
    choices: Mapping[str, Mapping[str, float]] | None = None,
) -> Book:
    """The book of the rows. ``choices[name][account]`` are what an account chose (0 where not).

    Raises InputError: ``book_empty``, ``duplicate_row``, ``instrument_unknown``, and those of
    :meth:`Book.of`.
    """
    kept = tuple(rows)
    if not kept:
        raise InputError(
            "book_empty",
            "the book holds no position, order or balance",
            place=place,
            limit="at least one line",
            remedy="Check that this is the file you meant.",
        )
    if not allow_duplicates:
        _refuse_twins(kept)
    items = _contracts(kept)
    table = Instruments.of(items)
    column = table.index_of()
    lines = [
        _line(row, column[item.key])
        for row, item in zip(kept, items, strict=True)
        if row.kind is not RowKind.ORDER and row.quantity is not None
    ]
    orders = [
        _order(row, column[item.key])
        for row, item in zip(kept, items, strict=True)
        if row.kind is RowKind.ORDER
    ]
    book = Book.of(table, lines, orders, _reported(kept), accounts)
    if not choices:
        return book
    return _with_choices(book, choices)


def _with_choices(book: Book, choices: Mapping[str, Mapping[str, float]]) -> Book:
    from dataclasses import replace

    columns = {
        name: frozen([chosen.get(account, 0.0) for account in book.account], np.float64)
        for name, chosen in sorted(choices.items())
    }
    return replace(book, choices=columns)


def _refuse_twins(rows: Sequence[Row]) -> None:
    first: dict[Row, str] = {}
    for row in rows:
        place = first.setdefault(row, row.place)
        if place != row.place:
            raise InputError(
                "duplicate_row",
                f"the row is identical in every column to that at {place}",
                place=row.place,
                value=f"{row.kind.value} {row.account} {row.venue} {row.name} {row.quantity}",
                limit="rows that differ",
                remedy="Remove one, or allow duplicates if they are two lots.",
            )


def _contracts(rows: Sequence[Row]) -> list[Instrument]:
    """The contract of each row; one name is looked up once."""
    known: dict[tuple[object, ...], Instrument] = {}
    found = []
    for row in rows:
        key = (row.venue, row.name, row.multiplier, row.expiry_ms, row.kind is RowKind.BALANCE)
        item = row.item or known.get(key)
        if item is None:
            item = known[key] = _lookup(row)
        found.append(item)
        if row.kind is RowKind.POSITION and item.kind is Kind.ASSET:
            _refuse_asset_position(row, item)
    return found


def _lookup(row: Row) -> Instrument:
    try:
        if row.kind is RowKind.BALANCE:
            return asset(row.venue, row.name)
        return parse(row.venue, row.name, multiplier=row.multiplier, expiry_ms=row.expiry_ms)
    except InputError as cause:
        # The same error with the row's place in front: a person looks for the line first.
        raise InputError(
            cause.code,
            cause.message,
            place=f"{row.place} {cause.place}".rstrip(),
            value=row.venue if cause.place == "venue" else row.name,
            limit=cause.limit,
            remedy=cause.remedy,
        ) from None


def _refuse_asset_position(row: Row, item: Instrument) -> None:
    pair = is_pair(item)
    if pair or row.entry_price is not None:
        what = "a spot pair is traded, not held" if pair else "cash has no entry price"
        raise InputError(
            "instrument_unknown",
            what,
            place=row.place,
            value=row.name,
            limit="a derivative, or a balance in one currency",
            remedy=f"Give the holding as a balance in {item.underlying}.",
        )


def _line(row: Row, column: int) -> Line:
    return Line(
        account=row.account,
        column=column,
        quantity=row.quantity or 0.0,
        entry_price=row.entry_price,
        tags=row.tags,
        time_ms=row.time_ms,
        place=row.place,
    )


def _order(row: Row, column: int) -> Order:
    return Order(
        account=row.account,
        column=column,
        side=row.side,
        remaining=row.quantity or 0.0,
        limit_price=row.limit_price,
        reduce_only=row.reduce_only,
        mmp=row.mmp,
        group=row.group,
        tags=row.tags,
        time_ms=row.time_ms,
        place=row.place,
    )


def _reported(rows: Sequence[Row]) -> Reported:
    """What the venue says of (account, currency); said twice is refused, for it must not add up."""
    equity: dict[tuple[str, str], float] = {}
    holds: dict[tuple[str, str], Mapping[str, float]] = {}
    fields: dict[tuple[str, str], Mapping[str, float]] = {}
    for row in rows:
        if row.kind is not RowKind.BALANCE:
            continue
        key = row.account, row.name
        if row.equity is not None:
            _once(equity, key, row)
            equity[key] = row.equity
        if row.holds:
            _once(holds, key, row)
            holds[key] = dict(row.holds)
        if row.reported:
            _once(fields, key, row)
            fields[key] = dict(row.reported)
    return Reported(equity=equity, holds=holds, fields=fields)


def _once(known: Mapping[tuple[str, str], object], key: tuple[str, str], row: Row) -> None:
    if key in known:
        raise InputError(
            "duplicate_row",
            "the equity or holds of an account's currency are given twice",
            place=row.place,
            value=" ".join(key),
            limit="one line with equity an account and currency",
            remedy="Keep one, or use an account name for each venue.",
        )
