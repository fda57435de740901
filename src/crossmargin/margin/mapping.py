"""A book of one venue as contracts that another lists, explicitly, with what the mapping loses.

The dollar payoff is kept: an inverse option of q coins pays what a linear one of q coins pays; an
inverse future of n dollars at mark F moves in dollars like ``n / F`` coins. What cannot be kept is
named: the carry between index and forward in an option's mark, a dated future that stands as a
perpetual where the venue lists none, the price risk of coin balances that become dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.listings import COIN, LISTED, counterpart, forms_of, main_currency
from crossmargin.margin.model import Listed, ModelSpec
from crossmargin.market.view import View

__all__ = ["Mapped", "map_book", "map_for"]


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


def map_for(book: Book, view: View, spec: ModelSpec) -> Mapped:
    """The book as contracts of the model's venue, in the forms that the model declares."""
    return map_book(book, view, spec.venue, forms=forms_of(spec))


def map_book(
    book: Book,
    view: View,
    venue: str,
    usdc_usd: float | None = None,
    *,
    forms: tuple[Listed, ...] | None = None,
) -> Mapped:
    """The book as contracts that ``venue`` lists, each of the same payoff in dollars.

    ``forms`` are what it lists (default: the table of `listings`). A balance keeps its currency
    where contracts settle in it, else it becomes the venue's main one; ``usdc_usd`` is dollars per
    unit of that (default: the view's; else par, and said so). Raises InputError
    ``instrument_unknown`` for a contract whose underlying or kind has no counterpart.
    """
    chosen = forms or LISTED.get(venue, LISTED["derive"])
    main = main_currency(chosen)
    par, assumed = _dollar_price(view, main, usdc_usd)
    old = book.instruments
    targets = _targets(old, venue, chosen)
    kept = _kept(old, book, chosen)
    cash = {name: asset(venue, name) for name in dict.fromkeys((main, *kept))}
    table = Instruments.of([*(t for t in targets if t is not None), *cash.values()])
    place = table.index_of()
    to_new = np.array([place[t.key] if t is not None else -1 for t in targets], np.int32)
    origin = np.full(len(table), -1, np.int32)
    origin[to_new[to_new >= 0]] = np.flatnonzero(to_new >= 0)
    turn = _turn(old, view, targets)
    into = {name: place[item.key] for name, item in cash.items()}
    lines = _lines(book, view, to_new, turn, into, par, main)
    mapped_view = _view(view, table, origin, turn.unit, main, par)
    losses = _what_is_lost(book, view, targets, kept, main, par)
    balances = {item.underlying for item in old.items if item.kind == Kind.ASSET}
    if not balances <= set(kept) or any(t is not None and t.settle == main for t in targets):
        losses = (*assumed, *losses)
    orders = _orders(book, to_new, turn)
    mapped = Book.of(table, lines, orders, None, tuple(book.account))
    return Mapped(
        mapped,
        mapped_view,
        losses,
        frozen(origin, np.int32),
        frozen(to_new, np.int32),
        frozen(turn.factor, np.float64),
        frozen(turn.unit, np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    """By row of the old table: size and price factors, and whether coin settlement is left, met."""

    factor: Floats
    unit: Floats
    to_dollars: Bools  # settles in coin, its counterpart does not
    to_coin: Bools


def _turn(old: Instruments, view: View, targets: Sequence[Instrument | None]) -> _Turn:
    """Coins stay: an inverse future counts in dollars of its mark, everything else in coins.

    The mark of an option that leaves coin settlement becomes dollars at its forward, and back.
    """
    new_inverse = np.array([t is not None and t.inverse for t in targets], np.bool_)
    new_size = np.array([1.0 if t is None else t.multiplier for t in targets], np.float64)
    option = old.kind == Kind.OPTION
    turned = new_inverse & ~option & (view.mark > 0.0)
    coins = np.where(turned, new_size / np.where(turned, view.mark, 1.0), new_size)
    same = old.inverse == new_inverse
    factor = np.where(same, old.multiplier / new_size, coin_size(old, view) / coins)
    factor = np.where(old.kind == Kind.ASSET, 1.0, factor)
    forward = (view.forward + view.forward_settled) if len(view.forward) else np.zeros(1)
    at_expiry = np.where(option, forward[np.maximum(old.expiry, 0)], 1.0)
    contract = np.array([t is not None for t in targets], np.bool_)
    to_dollars = contract & old.inverse & ~new_inverse
    to_coin = contract & ~old.inverse & new_inverse
    unit = np.where(to_dollars & option, at_expiry, 1.0)
    safe = np.where(at_expiry > 0.0, at_expiry, 1.0)
    unit = np.where(to_coin & option, 1.0 / safe, unit)
    return _Turn(factor, unit, to_dollars, to_coin)


def _dollar_price(view: View, main: str, given: float | None) -> tuple[float, tuple[str, ...]]:
    names = view.instruments.names
    known = given or (float(view.usd[names.index(main)]) if main in names else 0.0)
    known = known or view.read("usd", main, 0.0)
    if known > 0.0 and view.read("assumed_usd", main, 0.0) == 0.0:
        return known, ()
    if known > 0.0:
        return known, (f"{main} is assumed at {known:g} USD: the snapshot's source quotes none",)
    return 1.0, (f"{main} is taken at par: the snapshot holds no price of it",)


def _targets(
    old: Instruments, venue: str, forms: tuple[Listed, ...]
) -> tuple[Instrument | None, ...]:
    """Counterparts by row; None for a balance.

    Two contracts that become one are lines of their own, so that they never net by being mapped:
    a dated future beside a perpetual, or perpetuals of two settlement currencies.
    """
    found: list[Instrument | None] = []
    dollars = all(form.quote == "USD" and form.settle != COIN for form in forms)
    taken: set[tuple[str, str]] = set()
    natural = [i for i in old.items if i.kind != Kind.ASSET]
    first = {i.key: counterpart(i, venue, forms) for i in natural}
    exact = {
        t.key for i in natural if (t := first[i.key]).inverse == i.inverse and t.kind == i.kind
    }
    for item in old.items:
        if item.kind == Kind.ASSET:
            found.append(None)
            continue
        made = first[item.key]
        apart = made.kind != item.kind or (
            made.kind == Kind.PERPETUAL and dollars and item.quote != "USD"
        )
        unlike = made.inverse != item.inverse and made.key in exact and not dollars
        if item.kind != Kind.OPTION and (apart or unlike or made.key in taken):
            made = replace(made, native_id=f"{made.native_id} for {item.native_id}")
        taken.add(made.key)
        found.append(made)
    return tuple(found)


def _kept(old: Instruments, book: Book, forms: tuple[Listed, ...]) -> tuple[str, ...]:
    """Currencies of balances in which contracts of the venue settle, in order of name."""
    coin = any(form.settle == COIN for form in forms)
    plain = {form.settle for form in forms}
    contracts = {item.underlying for item in old.items if item.kind != Kind.ASSET}
    held = {item.underlying for item in old.items if item.kind == Kind.ASSET}
    held |= {currency for _, currency in book.reported.equity}
    return tuple(sorted(n for n in held if n in plain or (coin and n in contracts)))


def _lines(
    book: Book,
    view: View,
    to_new: Ints,
    turn: _Turn,
    into: Mapping[str, int],
    par: float,
    main: str,
) -> list[Line]:
    """Positions line by line; balances (or reported equity less option value) as cash.

    Entry prices are carried where no balance is given: equity is then rebuilt from them.
    """
    table = book.instruments
    usd = view.usd[table.settle]
    lines: list[Line] = []
    entries = _entries(book, view, turn)
    option_value = np.where(table.kind == Kind.OPTION, table.multiplier * view.mark, 0.0)
    for a, name in enumerate(book.account):
        cash_usd, given = 0.0, False
        own: list[Line] = []
        value: dict[str, float] = {}
        amounts: dict[str, float] = {}
        balances: list[Line] = []
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            column, quantity = int(book.column[j]), float(book.quantity[j])
            item = table.items[column]
            value[item.settle] = value.get(item.settle, 0.0) + quantity * option_value[column]
            if item.kind == Kind.ASSET:
                amounts[item.settle] = quantity
                continue
            size = quantity * float(turn.factor[column])
            entry = float(entries[j]) if book.entry_known[j] else None
            own.append(Line(name, int(to_new[column]), size, entry))
        for currency in sorted(set(amounts) | {c for n, c in book.reported.equity if n == name}):
            reported = book.reported.equity.get((name, currency))
            rate = float(usd[_settle_row(table, currency)])
            amount = amounts.get(currency, 0.0)
            if reported is not None:
                amount = reported - value.get(currency, 0.0)
            if currency in into and currency != main:
                balances.append(Line(name, into[currency], amount))
            else:
                cash_usd += amount * rate
            given = True
        if given:  # the profit since the entry prices is in the balance
            own = [replace(line, entry_price=None) for line in own]
            own += balances
            if cash_usd != 0.0 or not balances:
                own.append(Line(name, into[main], cash_usd / par))
        lines += own
    return lines


def _entries(book: Book, view: View, turn: _Turn) -> Floats:
    """[N] entry prices that give the mapped positions the same profit in dollars, at the index.

    A coin option's profit ``q (mark - entry)`` coins is worth the index; an inverse future's
    ``n (1/entry - 1/mark)`` coins likewise, on ``n / mark`` coins of a linear contract. The other
    way round the same equations are solved for the entry in coin.
    """
    table, column = book.instruments, book.column
    mark, index = view.mark[column], view.index[table.pair][column]
    option = table.kind[column] == Kind.OPTION
    leaves, meets = turn.to_dollars[column], turn.to_coin[column]
    entry = np.where(book.entry_known, book.entry_price, 1.0)
    mapped_mark = mark * turn.unit[column]
    safe = np.where(leaves & ~option, entry, 1.0)
    from_option = mapped_mark - (mark - entry) * index
    from_future = mark - (mark / safe - 1.0) * index
    out = np.where(leaves, np.where(option, from_option, from_future), entry)
    whole = np.where(index > 0.0, index, 1.0)
    part = 1.0 + np.where(meets, (mark - entry) / whole, 0.0)
    to_option = mapped_mark - (mark - entry) / whole
    to_future = mark / np.where(part > 0.0, part, 1.0)
    return np.where(meets, np.where(option, to_option, to_future), out)


def _orders(book: Book, to_new: Ints, turn: _Turn) -> list[Order]:
    """The orders in the new table: sizes as positions, limits in the unit of the new price."""
    return [
        replace(
            order,
            column=int(to_new[order.column]),
            remaining=order.remaining * float(turn.factor[order.column]),
            limit_price=order.limit_price * float(turn.unit[order.column]),
        )
        for order in book.orders.items
        if to_new[order.column] >= 0
    ]


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


def _view(
    view: View, table: Instruments, origin: Ints, unit: Floats, main: str, par: float
) -> View:
    """The same market in the new table's order, each price in the unit of the new contract."""
    old = view.instruments
    known = np.maximum(origin, 0)
    kept = origin >= 0

    def moved(values: Floats) -> Floats:
        return frozen(np.where(kept, (values * unit)[known], 1.0), np.float64)

    expiries = {(key[0], key[3]): k for k, key in enumerate(old.expiries)}
    of_expiry = np.array([expiries[key[0], key[3]] for key in table.expiries], np.int64)
    index = [_index(view, *pair) for pair in table.pairs]
    names = {name: k for k, name in enumerate(old.names)}
    usd = [
        par if name == main else float(view.usd[names[name]]) if name in names else 1.0
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
        reads=_reads(view, table, origin),
    )


def _index(view: View, underlying: str, quote: str) -> float:
    """The index in the new quote currency, else in the first kind of dollar that the view has."""
    pairs = {pair: k for k, pair in enumerate(view.instruments.pairs)}
    for each in (quote, "USD", "USDC", "USDT"):
        if (underlying, each) in pairs:
            return float(view.index[pairs[underlying, each]])
    return 1.0


def _reads(view: View, table: Instruments, origin: Ints) -> dict[str, Mapping[str, float]]:
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


def _what_is_lost(
    book: Book,
    view: View,
    targets: Sequence[Instrument | None],
    kept: tuple[str, ...],
    main: str,
    par: float,
) -> tuple[str, ...]:
    """Each loss in a sentence with its size."""
    table = book.instruments
    out: list[str] = []
    pairs = [(i, t) for i, t in zip(table.items, targets, strict=True) if t is not None]
    coins = sorted({i.settle for i, t in pairs if i.inverse and not t.inverse})
    if coins:
        into = "/".join(sorted({t.settle for i, t in pairs if i.inverse and not t.inverse}))
        out.append(
            f"{', '.join(coins)}-settled contracts stand as {into} contracts of equal dollar payoff"
        )
    met = sorted({i.settle for i, t in pairs if t.inverse and not i.inverse})
    if met:
        out.append(
            f"{', '.join(met)}-settled contracts stand as coin contracts of equal dollar value at "
            "the mark: their payoff in dollars is the same where the index is the mark"
        )
    futures = [i.native_id for i, t in pairs if i.kind != t.kind]
    if futures:
        shown = ", ".join(futures[:4]) + (", …" if len(futures) > 4 else "")
        out.append(
            "dated futures stand as perpetuals: carry, expiry and their hedge of the options' "
            f"basis are lost: {shown}"
        )
    quoted = sorted({t.quote for i, t in pairs if t.quote == main != "USD" and i.quote == "USD"})
    if quoted:
        out.append(
            f"prices and strikes in USD stand as {main}, which is {par:g} USD: "
            f"{par - 1.0:+.2%} of every dollar"
        )
    out += _lost_carry(book, view, targets)
    inverse = {i.settle for i in table.items if i.inverse}
    turned = {i.underlying for i in table.items if i.kind == Kind.ASSET} - set(kept)
    risky = sorted(turned & inverse)
    if risky:
        out.append(
            f"balances in {', '.join(risky)} become {main} at the index: their price risk is lost, "
            "and what they hedged stands bare"
        )
    return tuple(out)


def _lost_carry(book: Book, view: View, targets: Sequence[Instrument | None]) -> tuple[str, ...]:
    """What the marks of options gain or lose by leaving coin at the forward."""
    table = book.instruments
    carry_usd = 0.0
    for j, column in enumerate(book.column.tolist()):
        item, target = table.items[column], targets[column]
        if target is None or item.kind != Kind.OPTION or not view.ok[column]:
            continue
        e = int(table.expiry[column])
        gap = float(view.forward[e] + view.forward_settled[e] - view.index[table.pair[column]])
        if item.inverse and not target.inverse:
            carry_usd += float(book.quantity[j]) * item.multiplier * float(view.mark[column]) * gap
        elif target.inverse and not item.inverse:
            share = gap / (gap + float(view.index[table.pair[column]]))
            carry_usd -= (
                float(book.quantity[j]) * item.multiplier * float(view.mark[column]) * share
            )
    if round(carry_usd) == 0:
        return ()
    return (
        f"option marks are carried at the forward, not the index: {carry_usd:+,.0f} USD of value",
    )
