"""States between two days: the market, and the book, of which some parts are still the old ones.

A market has four parts: spot (index, dollar prices, forwards, marks of futures and perpetuals), vol
(volatilities), time (the instant that lives are counted from) and other (rates, quotes, histories,
what else models read, and what an option's mark has beside its formula). With all four of one day
the view is that day's, to the bit. In between an option's mark is

    mark = Black(forward, strike, vol sqrt(life)) + (mark - Black) of the day of ``other``

A contract that one of the days does not price takes the other day's figures on both.

A book of another venue's contracts is mapped anew in every state between, at the prices of that
state: what the mapping turns at a price (dollars of an inverse future into coins, a balance into
dollars) then moves with the price that it hangs on, as it does in a margin of that state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.book import Book, Line, Order, Orders, Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import Mapped, map_for
from crossmargin.margin.model import ModelSpec
from crossmargin.market.view import View
from crossmargin.pricing.revalue import black_value

__all__ = [
    "MARKET_PARTS", "alike", "books_between", "mapped_states", "over", "view_between",
    "without_expired",
]  # fmt: skip

MARKET_PARTS = ("spot", "vol", "time", "other")


def alike(first: View, second: View) -> tuple[View, View, tuple[str, ...]]:
    """Two views of one table in which both price the same contracts, and what was carried over."""
    filled = _filled(first, second), _filled(second, first)
    table = first.instruments
    notes: list[str] = []
    for own, day, other in ((first, "before", "after"), (second, "after", "before")):
        lost = np.flatnonzero(~own.ok & filled[0].ok).tolist()
        text = f"has no price {day}: that of {other} is taken on both"
        notes += [f"{table.label(k)} {text}" for k in lost]
    return *filled, tuple(notes)


def _filled(view: View, other: View) -> View:
    """The view with the figures of another where it has none."""
    take = ~view.ok & other.ok
    table = view.instruments

    def column(name: str) -> Floats:
        return np.asarray(np.where(take, getattr(other, name), getattr(view, name)))

    def known(name: str) -> Floats:
        own = getattr(view, name)
        return np.asarray(np.where(own > 0.0, own, getattr(other, name)))

    settled = view.forward_settled + np.maximum(view.forward, 0.0) > 0.0
    return replace(
        view,
        index=frozen(known("index"), np.float64),
        usd=frozen(known("usd"), np.float64),
        forward=frozen(np.where(settled, view.forward, other.forward), np.float64),
        forward_settled=frozen(
            np.where(settled, view.forward_settled, other.forward_settled), np.float64
        ),
        rate=frozen(np.where(settled, view.rate, other.rate), np.float64),
        mark=frozen(column("mark"), np.float64),
        vol=frozen(column("vol"), np.float64),
        bid=frozen(column("bid"), np.float64),
        ask=frozen(column("ask"), np.float64),
        has_bid=frozen(np.where(take, other.has_bid, view.has_bid), np.bool_),
        has_ask=frozen(np.where(take, other.has_ask, view.has_ask), np.bool_),
        ok=frozen(view.ok | other.ok, np.bool_),
        failures=tuple(
            each for each in view.failures if each.subject in _labels(table, ~view.ok & ~other.ok)
        ),
    )


def _labels(table: Instruments, which: Bools) -> set[str]:
    return {table.label(k) for k in np.flatnonzero(which).tolist()}


def view_between(before: View, after: View, new: Mapping[str, bool]) -> View:
    """The view whose parts (``MARKET_PARTS``) are the new day's where ``new`` says so.

    Both are of one table and price the same contracts (:func:`alike`).
    """
    flags = [new[part] for part in MARKET_PARTS]
    if all(flags):
        return after
    if not any(flags):
        return before
    of = {part: after if new[part] else before for part in MARKET_PARTS}
    spot, vol, time, other = (of[part] for part in MARKET_PARTS)
    table = before.instruments
    mixed = replace(
        other,
        as_of_ms=time.as_of_ms,
        life_ms=time.life_ms,
        index=spot.index,
        usd=spot.usd,
        forward=spot.forward,
        forward_settled=spot.forward_settled,
        vol=vol.vol,
        mark=spot.mark,
        reads={**other.reads, **_dollars_read(spot)},
    )
    option = table.kind == Kind.OPTION
    mark = spot.mark.copy()
    if option.any():
        rest = other.mark[option] - _formula(other, option)
        mark[option] = np.maximum(_formula(mixed, option) + rest, 0.0)
    return replace(mixed, mark=frozen(mark, np.float64))


def _dollars_read(view: View) -> dict[str, Mapping[str, float]]:
    """Dollar prices of currencies outside the table: they are spot, wherever a model reads them."""
    return {name: view.reads.get(name, {}) for name in ("usd", "assumed_usd")}


def _formula(view: View, option: Bools) -> Floats:
    """[N] undiscounted Black value of the options in their price unit (coin where inverse)."""
    table = view.instruments
    expiry = table.expiry[option]
    forward = np.maximum(view.forward[expiry] + view.forward_settled[expiry], 0.0)
    deviation = view.vol[option] * np.sqrt(view.life_ms[expiry] / YEAR_MS)
    value = black_value(forward, table.strike[option], deviation, table.right[option])
    coin = table.inverse[option]
    return np.asarray(np.where(coin, value / np.where(forward > 0.0, forward, 1.0), value))


# -- books ---------------------------------------------------------------------------------------


def without_expired(book: Book, as_of_ms: int) -> Book:
    """The book without the positions and orders of contracts whose life ended by ``as_of_ms``."""
    items = book.instruments.items
    live = {k for k, item in enumerate(items) if item.expiry_ms > as_of_ms}
    lines = [line for line in _lines(book) if line.column in live]
    orders = [order for order in book.orders.items if order.column in live]
    made = Book.of(book.instruments, lines, orders, book.reported, book.account)
    return replace(made, choices=book.choices)


def over(book: Book, table: Instruments, account: str) -> Book:
    """The only account of a book, renamed, over a wider table (its held contracts are in it)."""
    place, own = table.index_of(), book.account[0]
    items = book.instruments.items
    lines = [
        replace(line, account=account, column=place[items[line.column].key])
        for line in _lines(book)
    ]
    orders: list[Order] = [
        replace(order, account=account, column=place[items[order.column].key])
        for order in book.orders.items
    ]
    said = book.reported

    def renamed(values: Mapping[tuple[str, str], object]) -> dict[tuple[str, str], object]:
        return {
            (account, currency): each for (name, currency), each in values.items() if name == own
        }

    reported = Reported(
        equity=renamed(said.equity),  # type: ignore[arg-type] # keys alone change
        holds=renamed(said.holds),  # type: ignore[arg-type] # keys alone change
    )
    return replace(Book.of(table, lines, orders, reported, (account,)), choices=book.choices)


def _lines(book: Book) -> Sequence[Line]:
    if book.lines:
        return book.lines
    out = []
    for j, (column, quantity) in enumerate(
        zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    ):
        entry = float(book.entry_price[j]) if book.entry_known[j] else None
        out.append(Line(book.account[0], column, quantity, entry))
    return out


def books_between(before: Book, after: Book, flags: Bools) -> Book:
    """A population of states of one account: ``flags[V, 3]``, True where a part is the new one.

    Parts are trades (contracts held, with their entry prices), balances (cash, debts, reported
    equity, choices) and orders (with what the venue holds of them). Both books are of one table.
    """
    table = before.instruments
    days = before, after
    row, column, quantity, entry, known = [0], [], [], [], []
    reported: dict[tuple[str, str], float] = {}
    holds: dict[tuple[str, str], Mapping[str, float]] = {}
    names = tuple(str(v) for v in range(len(flags)))
    money = (table.kind == Kind.ASSET) | (table.kind == Kind.DEBT)
    for name, (trades, balances, orders) in zip(names, flags.tolist(), strict=True):
        held = [
            (day, j)
            for day, wanted in ((days[trades], ~money), (days[balances], money))
            for j in np.flatnonzero(wanted[day.column]).tolist()
        ]
        held.sort(key=lambda pair: int(pair[0].column[pair[1]]))
        for day, j in held:
            column.append(int(day.column[j]))
            quantity.append(float(day.quantity[j]))
            entry.append(float(day.entry_price[j]))
            known.append(bool(day.entry_known[j]))
        row.append(len(column))
        for (_, currency), equity in days[balances].reported.equity.items():
            reported[name, currency] = equity
        for (_, currency), amounts in days[orders].reported.holds.items():
            holds[name, currency] = amounts
    choices = {
        choice: np.array(
            [float(days[b].choices[choice][0]) if choice in days[b].choices else 0.0
             for b in flags[:, 1].tolist()]
        )
        for choice in sorted({*before.choices, *after.choices})
    }  # fmt: skip
    return replace(
        before,
        account=names,
        row=frozen(row, np.int64),
        column=frozen(column, np.int32),
        quantity=frozen(quantity, np.float64),
        entry_price=frozen(entry, np.float64),
        entry_known=frozen(known, np.bool_),
        orders=_stacked([days[k].orders for k in flags[:, 2].tolist()]),
        reported=Reported(equity=reported, holds=holds),
        choices=choices,
        lines=(),
        exact=None,
    )


def _stacked(parts: Sequence[Orders]) -> Orders:
    """Orders of single accounts as those of a population."""
    counts = [len(part.column) for part in parts]
    row: Longs = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def column(name: str, kind: type) -> np.ndarray:
        return frozen(np.concatenate([getattr(part, name) for part in parts]), kind)

    return Orders(
        row=frozen(row, np.int64),
        column=column("column", np.int32),
        bid=column("bid", np.float64),
        ask=column("ask", np.float64),
        limit_price=column("limit_price", np.float64),
        reduce_only=column("reduce_only", np.bool_),
        mmp=column("mmp", np.bool_),
        group=tuple(name for part in parts for name in part.group),
    )


def mapped_states(book: Book, view: View, spec: ModelSpec) -> tuple[Book, View, Mapped | None]:
    """A population and its market in the contracts of the model's venue; as they are where own.

    Orders are turned as arrays: a resting order of one day beside the trades of the other need not
    fit them (reduce-only), and is no less an order of that state.

    Raises InputError ``instrument_unknown`` for a contract that has no counterpart there.
    """
    if not is_mapped(spec, book.instruments.items):
        return book, view, None
    mapped = map_for(replace(book, orders=Orders.none(len(book))), view, spec)
    orders = book.orders
    place = mapped.place[orders.column]
    kept = np.flatnonzero(place >= 0)
    factor, unit = (each[orders.column[kept]] for each in (mapped.size_factor, mapped.price_unit))
    account = np.repeat(np.arange(len(book)), np.diff(orders.row))[kept]
    row = np.concatenate([[0], np.cumsum(np.bincount(account, minlength=len(book)))])
    turned = Orders(
        row=frozen(row, np.int64),
        column=frozen(place[kept], np.int32),
        bid=frozen(orders.bid[kept] * factor, np.float64),
        ask=frozen(orders.ask[kept] * factor, np.float64),
        limit_price=frozen(orders.limit_price[kept] * unit, np.float64),
        reduce_only=frozen(orders.reduce_only[kept], np.bool_),
        mmp=frozen(orders.mmp[kept], np.bool_),
        group=tuple(orders.group[k] for k in kept.tolist()),
    )
    return replace(mapped.book, orders=turned), mapped.view, mapped
