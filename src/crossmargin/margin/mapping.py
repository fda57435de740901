"""A coin-settled book as its linear equivalents, explicitly, with what the mapping loses.

The dollar payoff is kept: an inverse option of q coins pays what a linear one of q coins pays; an
inverse future of n dollars at mark F moves in dollars like ``n / F`` coins. What cannot be kept is
named: the carry between index and forward in an option's mark, a dated future that stands as a
perpetual, the price risk of coin balances that become dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, format_id
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.mapping_same_form import (
    counterparts,
    renamed_book,
    renamed_reads,
    renamed_view,
)
from crossmargin.market.view import View

__all__ = ["Mapped", "map_book"]

CASH = "USDC"


@dataclass(frozen=True, slots=True)
class Mapped:
    """The mapped book and view; ``origin[i]`` is the row of the old table (-1: cash).

    By row of the old table: ``place`` is its new row (-1: a balance), ``size_factor`` and
    ``price_unit`` turn its sizes and prices into those of the new contract.
    """

    book: Book
    view: View
    losses: tuple[str, ...]
    origin: Ints = field(default_factory=lambda: frozen(np.zeros(0), np.int32))
    place: Ints = field(default_factory=lambda: frozen(np.zeros(0), np.int32))
    size_factor: Floats = field(default_factory=lambda: frozen(np.zeros(0), np.float64))
    price_unit: Floats = field(default_factory=lambda: frozen(np.zeros(0), np.float64))


def map_book(book: Book, view: View, venue: str, usdc_usd: float | None = None) -> Mapped:
    """The book as contracts of ``venue``: in the same form where it lists all of them so.

    Else as contracts that settle in USDC.
    ``usdc_usd`` is dollars per USDC (default: the view's; else par, and said so). Raises InputError
    ``instrument_unknown`` for a contract whose underlying or kind has no counterpart.
    """
    same = counterparts(book.instruments.items, venue)
    if same is not None:
        return _renamed(book, view, same)
    par, losses = _usdc_price(view, usdc_usd)
    targets = [_target(item, venue) for item in book.instruments.items]
    cash_item = asset(venue, CASH)
    table = Instruments.of([*(t for t in targets if t is not None), cash_item])
    place = table.index_of()
    to_new = np.array([place[t.key] if t is not None else -1 for t in targets], np.int32)
    origin = np.full(len(table), -1, np.int32)
    origin[to_new[to_new >= 0]] = np.flatnonzero(to_new >= 0)
    factor = _quantity_factor(book.instruments, view)
    lines = _lines(book, view, to_new, factor, place[cash_item.key], par)
    mapped_view = _view(view, table, origin, par)
    losses += _what_is_lost(book, view, targets)
    orders = _orders(book, view, to_new, factor)
    mapped = Book.of(table, lines, orders, None, tuple(book.account))
    return Mapped(
        mapped,
        mapped_view,
        losses,
        frozen(origin, np.int32),
        frozen(to_new, np.int32),
        frozen(factor, np.float64),
        frozen(_price_unit(book.instruments, view), np.float64),
    )


def _renamed(book: Book, view: View, targets: Sequence[Instrument]) -> Mapped:
    """The book under other names and contract sizes; nothing else changes."""
    old = book.instruments
    table = Instruments.of(targets)
    place = table.index_of()
    to_new = np.array([place[item.key] for item in targets], np.int32)
    origin = np.empty(len(table), np.int32)
    origin[to_new] = np.arange(len(old), dtype=np.int32)
    factor = old.multiplier / table.multiplier[to_new]
    return Mapped(
        renamed_book(book, table, to_new, factor),
        renamed_view(view, table, origin),
        (),
        frozen(origin, np.int32),
        frozen(to_new, np.int32),
        frozen(factor, np.float64),
        frozen(np.ones(len(old)), np.float64),
    )


def _usdc_price(view: View, given: float | None) -> tuple[float, tuple[str, ...]]:
    names = view.instruments.names
    known = given or (float(view.usd[names.index(CASH)]) if CASH in names else 0.0)
    known = known or view.read("usd", CASH, 0.0)
    if known > 0.0 and view.read("assumed_usd", CASH, 0.0) == 0.0:
        return known, ()
    if known > 0.0:
        return known, (f"USDC is assumed at {known:g} USD: the snapshot's source quotes none",)
    return 1.0, ("USDC is taken at par: the snapshot holds no price of it",)


def _target(item: Instrument, venue: str) -> Instrument | None:
    """The counterpart of a contract; None for a balance, which becomes USDC cash."""
    if item.kind == Kind.ASSET:
        return None
    if item.kind not in (Kind.OPTION, Kind.PERPETUAL, Kind.FUTURE):
        raise InputError(
            "instrument_unknown",
            "no counterpart at the other venue",
            place=f"{item.venue} {item.native_id}",
            value=item.kind.name.lower(),
            limit="options, perpetuals, dated futures and balances",
            remedy="Remove the line.",
        )
    kind = Kind.PERPETUAL if item.kind == Kind.FUTURE else item.kind
    linear = Instrument(
        venue,
        "",
        kind,
        item.underlying,
        CASH,
        CASH,
        multiplier=1.0 if item.inverse and kind == Kind.PERPETUAL else item.multiplier,
        right=item.right,
        strike=item.strike,
        expiry_ms=item.expiry_ms if kind == Kind.OPTION else 2**63 - 1,
        average_ms=item.average_ms,
    )
    quoted = replace(linear, quote="USD")  # both venues quote in USD and settle in USDC
    name = format_id(venue, quoted)
    if item.kind == Kind.FUTURE:
        name = f"{name} for {item.native_id}"  # its own line: it must not net with the perpetual
    elif item.kind == Kind.PERPETUAL and item.quote != "USD":
        name = f"{name} for {item.native_id}"
    return replace(quoted, native_id=name)


def _quantity_factor(instruments: Instruments, view: View) -> Floats:
    """[I] mapped quantity per unit: coins for an inverse future, else 1."""
    turned = instruments.inverse & (instruments.kind != Kind.OPTION)
    return np.where(turned, coin_size(instruments, view), 1.0)


def _lines(
    book: Book, view: View, to_new: Ints, factor: Floats, cash_column: int, par: float
) -> list[Line]:
    """Positions line by line; balances (or reported equity less option value) as USDC.

    Entry prices are carried where no balance is given: equity is then rebuilt from them.
    """
    table = book.instruments
    usd = view.usd[table.settle]
    lines: list[Line] = []
    entries = _entries(book, view)
    option_value = np.where(table.kind == Kind.OPTION, table.multiplier * view.mark, 0.0)
    for a, name in enumerate(book.account):
        cash_usd, given = 0.0, False
        own: list[Line] = []
        value: dict[str, float] = {}
        amounts: dict[str, float] = {}
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            column, quantity = int(book.column[j]), float(book.quantity[j])
            item = table.items[column]
            value[item.settle] = value.get(item.settle, 0.0) + quantity * option_value[column]
            if item.kind == Kind.ASSET:
                amounts[item.settle] = quantity
                continue
            size = quantity * float(factor[column])
            entry = float(entries[j]) if book.entry_known[j] else None
            own.append(Line(name, int(to_new[column]), size, entry))
        for currency in sorted(set(amounts) | {c for n, c in book.reported.equity if n == name}):
            reported = book.reported.equity.get((name, currency))
            rate = float(usd[_settle_row(table, currency)])
            amount = amounts.get(currency, 0.0)
            if reported is not None:
                amount = reported - value.get(currency, 0.0)
            cash_usd += amount * rate
            given = True
        if given:  # the profit since the entry prices is in the balance
            own = [replace(line, entry_price=None) for line in own]
            own.append(Line(name, cash_column, cash_usd / par))
        lines += own
    return lines


def _entries(book: Book, view: View) -> Floats:
    """[N] entry prices that give the mapped positions the same profit in dollars, at the index.

    A coin option's profit ``q (mark - entry)`` coins is worth the index; an inverse future's
    ``n (1/entry - 1/mark)`` coins likewise, on ``n / mark`` coins of a linear contract.
    """
    table, column = book.instruments, book.column
    mark, index = view.mark[column], view.index[table.pair][column]
    option = table.kind[column] == Kind.OPTION
    coin = table.inverse[column]
    entry = np.where(book.entry_known, book.entry_price, 1.0)
    mapped_mark = mark * _price_unit(table, view)[column]
    safe = np.where(coin & ~option, entry, 1.0)
    from_option = mapped_mark - (mark - entry) * index
    from_future = mark - (mark / safe - 1.0) * index
    return np.where(coin, np.where(option, from_option, from_future), entry)


def _orders(book: Book, view: View, to_new: Ints, factor: Floats) -> list[Order]:
    """The orders in the new table: sizes as positions, option limits in dollars at the forward."""
    unit = _price_unit(book.instruments, view)
    return [
        replace(
            order,
            column=int(to_new[order.column]),
            remaining=order.remaining * float(factor[order.column]),
            limit_price=order.limit_price * float(unit[order.column]),
        )
        for order in book.orders.items
        if to_new[order.column] >= 0
    ]


def _price_unit(table: Instruments, view: View) -> Floats:
    """[I] mapped price per unit of price: the forward for a coin option, else 1."""
    forward = (view.forward + view.forward_settled) if len(view.forward) else np.zeros(1)
    coin_option = table.inverse & (table.kind == Kind.OPTION)
    return np.where(coin_option, forward[np.maximum(table.expiry, 0)], 1.0)


def _settle_row(table: Instruments, currency: str) -> int:
    for row, item in enumerate(table.items):
        if item.settle == currency:
            return row
    raise InputError(
        "currency_unknown",
        "equity is reported in a currency of which the book holds nothing",
        value=currency,
        remedy="Give the balance line of that currency.",
    )


def _view(view: View, table: Instruments, origin: Ints, par: float) -> View:
    """The same market in the new table's order: option marks in dollars at the forward."""
    old = view.instruments
    known = np.maximum(origin, 0)
    kept = origin >= 0
    forward = (view.forward + view.forward_settled) if len(view.forward) else np.zeros(1)
    expiry = np.maximum(old.expiry, 0)
    coin_option = old.inverse & (old.kind == Kind.OPTION)
    unit = np.where(coin_option, forward[expiry], 1.0)

    def moved(values: Floats) -> Floats:
        return frozen(np.where(kept, (values * unit)[known], 1.0), np.float64)

    expiries = {(key[0], key[3]): k for k, key in enumerate(old.expiries)}
    of_expiry = np.array([expiries[key[0], key[3]] for key in table.expiries], np.int64)
    pairs = {pair[0]: k for k, pair in enumerate(old.pairs) if pair[1] in ("USD", "USDC", "USDT")}
    index = [float(view.index[pairs[pair[0]]]) if pair[0] in pairs else 1.0 for pair in table.pairs]
    names = {name: k for k, name in enumerate(old.names)}
    usd = [
        par if name == CASH else float(view.usd[names[name]]) if name in names else 1.0
        for name in table.names
    ]
    return replace(
        view,
        instruments=table,
        index=frozen(index, np.float64),
        usd=frozen(usd, np.float64),
        forward=frozen(view.forward[of_expiry], np.float64),
        forward_settled=frozen(view.forward_settled[of_expiry], np.float64),
        rate=frozen(view.rate[of_expiry], np.float64),
        life_ms=frozen(view.life_ms[of_expiry], np.int64),
        mark=moved(view.mark),
        vol=frozen(np.where(kept, view.vol[known], 0.0), np.float64),
        bid=moved(view.bid),
        ask=moved(view.ask),
        has_bid=frozen(kept & view.has_bid[known], np.bool_),
        has_ask=frozen(kept & view.has_ask[known], np.bool_),
        ok=frozen(~kept | view.ok[known], np.bool_),
        failures=tuple(
            replace(f, subject=table.label(int(np.flatnonzero(origin == row)[0])))
            for row in range(len(old))
            for f in view.failures
            if f.subject == old.label(row) and (origin == row).any()
        ),
        reads=renamed_reads(view, table, origin),
    )


def _what_is_lost(book: Book, view: View, targets: Sequence[Instrument | None]) -> tuple[str, ...]:
    """Each loss in a sentence with its size."""
    table = book.instruments
    out: list[str] = []
    coins = sorted({i.settle for i in table.items if i.inverse})
    if coins:
        out.append(
            f"{', '.join(coins)}-settled contracts stand as USDC contracts of equal dollar payoff"
        )
    futures = [item.native_id for item in table.items if item.kind == Kind.FUTURE]
    if futures:
        shown = ", ".join(futures[:4]) + (", …" if len(futures) > 4 else "")
        out.append(
            "dated futures stand as perpetuals: carry, expiry and their hedge of the options' "
            f"basis are lost: {shown}"
        )
    if not coins:
        return tuple(out)
    carry_usd = 0.0
    for j, column in enumerate(book.column.tolist()):
        item = table.items[column]
        if item.kind == Kind.OPTION and item.inverse and view.ok[column]:
            e = int(table.expiry[column])
            gap = float(view.forward[e] + view.forward_settled[e] - view.index[table.pair[column]])
            carry_usd += float(book.quantity[j]) * item.multiplier * float(view.mark[column]) * gap
    if round(carry_usd) != 0:
        out.append(
            "option marks are carried at the forward, not the index: "
            f"{carry_usd:+,.0f} USD of value"
        )
    balances = [i.underlying for k, i in enumerate(table.items) if targets[k] is None]
    risky = sorted({name for name in balances if name in coins})
    if risky:
        out.append(
            f"balances in {', '.join(risky)} become USDC at the index: their price risk is lost, "
            "and what they hedged stands bare"
        )
    return tuple(out)
