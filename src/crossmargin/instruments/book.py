"""What is held: positions, open orders and balances of one account or a population of them.

A book is a compressed sparse matrix ``[account, instrument]``. Cash, collateral and spot are lines
of kind ASSET, so that a rule may shock or haircut them with the rest. Lots of one instrument are
merged; open orders are never netted into a quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, digest, finite, frozen, owned
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instruments, Kind

__all__ = [
    "QUANTITY_MAX",
    "Book",
    "Line",
    "Order",
    "Orders",
    "Reported",
    "account_of",
    "merge_lots",
]

QUANTITY_MAX = 1e24  # beyond any token's supply in its smallest unit; sums stay far from overflow


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was held or read: a lot of an instrument, or a balance (kind ASSET)."""

    account: str
    column: int  # row of the instrument in the book's table
    quantity: float
    entry_price: float | None = None
    tags: tuple[tuple[str, str], ...] = ()  # (("desk", "vol"), ("client", "7"))
    time_ms: int | None = None
    place: str = ""  # file and line, for messages


@dataclass(frozen=True, slots=True)
class Order:
    """A resting order; ``remaining`` is positive, ``side`` +1 buys and -1 sells."""

    account: str
    column: int
    side: int
    remaining: float
    limit_price: float
    reduce_only: bool = False
    mmp: bool = False  # maker protection
    group: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    time_ms: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Open orders as CSR by account: M rows, ``bid`` and ``ask`` are sizes >= 0, one of them 0."""

    row: Longs  # [A+1]
    column: Ints  # [M]
    bid: Floats
    ask: Floats
    limit_price: Floats
    reduce_only: Bools
    mmp: Bools
    group: tuple[str, ...]
    items: tuple[Order, ...] = ()

    @staticmethod
    def none(accounts: int) -> Orders:
        """No orders for a population of the given size."""
        zero = frozen(np.zeros(0), np.float64)
        flag = frozen(np.zeros(0), np.bool_)
        row = frozen(np.zeros(accounts + 1), np.int64)
        return Orders(row, frozen(np.zeros(0), np.int32), zero, zero, zero, flag, flag, ())

    @staticmethod
    def of(orders: Sequence[Order], accounts: Sequence[str]) -> Orders:
        """CSR from a sequence of orders, in an order that does not depend on the input's."""
        place = {name: code for code, name in enumerate(accounts)}
        items = tuple(sorted(orders, key=lambda order: _order_order(order, place)))
        counts = np.bincount([place[o.account] for o in items], minlength=len(accounts))
        size = np.array([o.remaining for o in items], np.float64)
        buys = np.array([o.side > 0 for o in items], np.bool_)
        return Orders(
            row=frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
            column=frozen([o.column for o in items], np.int32),
            bid=frozen(np.where(buys, size, 0.0), np.float64),
            ask=frozen(np.where(buys, 0.0, size), np.float64),
            limit_price=frozen([o.limit_price for o in items], np.float64),
            reduce_only=frozen([o.reduce_only for o in items], np.bool_),
            mmp=frozen([o.mmp for o in items], np.bool_),
            group=tuple(o.group for o in items),
            items=items,
        )


@dataclass(frozen=True, slots=True)
class Reported:
    """What the venue itself says of an account: the equity of a currency, and other fields.

    ``equity[(account, currency)]`` in units of the currency. ``holds[(account, currency)]`` are
    fixed amounts that the venue adds to the initial margin (``open_orders_margin``, ``mmp_margin``,
    ``spot_margin``). ``fields`` keeps every other number of the payload, for checks.
    """

    equity: Mapping[tuple[str, str], float] = field(default_factory=dict)
    holds: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """A accounts as CSR. Inside an account the columns ascend and are distinct: lots are merged."""

    instruments: Instruments
    account: Sequence[str]
    row: Longs  # [A+1]
    column: Ints  # [N]
    quantity: Floats  # [N] signed, in the venue's own unit
    entry_price: Floats  # [N] quantity-weighted over the lots, 0 where unknown
    entry_known: Bools  # [N]
    orders: Orders
    reported: Reported = field(default_factory=Reported)
    choices: Mapping[str, Floats] = field(default_factory=dict)  # [A] what a rule lets one choose
    lines: tuple[Line, ...] = ()  # the lots as read; empty for a population built from arrays
    lots_merged: int = 0  # rows that were merged into another row
    exact: tuple[int, ...] | None = None  # [N] in smallest units, where a protocol counts integers

    @staticmethod
    def of(
        instruments: Instruments,
        lines: Sequence[Line],
        orders: Sequence[Order] = (),
        reported: Reported | None = None,
        accounts: Sequence[str] | None = None,
    ) -> Book:
        """A book from lines: sorted, lots merged exactly, whatever the order of the input.

        Quantities of one instrument are summed as the decimals they were written as, so that a
        position split into lots has the same bits. The entry price is the one that keeps the
        profit: quantity-weighted, and harmonic for inverse futures and perpetuals, whose profit
        is linear in 1/price. Lots that cancel, or of which one has no entry price, have none.
        Raises InputError ``number_not_finite`` for a quantity or entry price that is not finite,
        ``number_out_of_range`` for an inverse entry price that is not positive,
        ``order_invalid`` for an order that contradicts itself or the position it would reduce,
        ``option_unknown`` for an account that is not in ``accounts``.
        """
        reported = reported or Reported()
        named = {line.account for line in lines} | {order.account for order in orders}
        named |= {name for name, _ in (*reported.equity, *reported.holds, *reported.fields)}
        account = tuple(accounts) if accounts is not None else tuple(sorted(named))
        place = {name: code for code, name in enumerate(account)}
        for name in sorted(named - place.keys()):
            raise InputError(
                "option_unknown",
                "a line speaks of an account that the book does not have",
                value=name,
                limit=", ".join(account[:8]),
                remedy="Name the account, or leave the list of accounts out.",
            )
        _check_lines(lines, instruments)
        ordered = tuple(sorted(lines, key=lambda line: _line_order(line, place)))
        row, column, quantity, entry, known = _merge(ordered, place, instruments)
        _check_orders(orders, instruments, _net(ordered))
        return Book(
            instruments=instruments,
            account=account,
            row=frozen(row, np.int64),
            column=frozen(column, np.int32),
            quantity=frozen(quantity, np.float64),
            entry_price=frozen(entry, np.float64),
            entry_known=frozen(known, np.bool_),
            orders=Orders.of(orders, account),
            reported=reported,
            lines=ordered,
            lots_merged=len(ordered) - len(column),
        )

    @staticmethod
    def of_arrays(
        instruments: Instruments,
        row: Longs,
        column: Ints,
        quantity: Floats,
        account: Sequence[str] | None = None,
    ) -> Book:
        """A population from arrays that are already canonical (columns ascend in each account).

        Entry prices are unknown. An array that a caller could still write to is copied: a book
        never changes under its readers. Raises InputError if a quantity is not finite.
        """
        finite(quantity, "quantity", lambda k: f"position {k}")
        parts = owned(row, np.int64), owned(column, np.int32), owned(quantity, np.float64)
        return _population(instruments, *parts, account)

    @staticmethod
    def of_rows(
        instruments: Instruments,
        owner: Ints,
        column: Ints,
        quantity: Floats,
        accounts: int,
        account: Sequence[str] | None = None,
    ) -> Book:
        """A population from position rows in any order: [N] account code, column and quantity.

        Rows of one instrument of one account are lots and are summed; the bits do not depend on
        the order of the rows. Errors: those of ``pricing.positions.order_positions``.
        """
        from crossmargin.pricing.positions import order_positions  # a kernel only this path needs

        ordered = order_positions(owner, column, quantity, accounts, len(instruments))
        book = _population(
            instruments,
            frozen(ordered.row_ptr, np.int64),
            frozen(ordered.column, np.int32),
            frozen(ordered.quantity, np.float64),
            account,
        )
        return replace(book, lots_merged=len(quantity) - len(ordered.column))

    def __len__(self) -> int:
        return len(self.row) - 1

    def rows(self, low: int, high: int) -> Book:
        """Accounts ``low`` to ``high`` (exclusive) as a view without copying positions."""
        first, last = int(self.row[low]), int(self.row[high])
        cut = slice(first, last)
        orders = self.orders
        begin, end = int(orders.row[low]), int(orders.row[high])
        part = slice(begin, end)
        return replace(
            self,
            account=self.account[low:high],
            row=frozen(self.row[low : high + 1] - first, np.int64),
            column=self.column[cut],
            quantity=self.quantity[cut],
            entry_price=self.entry_price[cut],
            entry_known=self.entry_known[cut],
            exact=None if self.exact is None else self.exact[cut],
            orders=Orders(
                row=frozen(orders.row[low : high + 1] - begin, np.int64),
                column=orders.column[part],
                bid=orders.bid[part],
                ask=orders.ask[part],
                limit_price=orders.limit_price[part],
                reduce_only=orders.reduce_only[part],
                mmp=orders.mmp[part],
                group=orders.group[begin:end],
                items=orders.items[begin:end],
            ),
            choices={name: values[low:high] for name, values in self.choices.items()},
        )

    def positions_sha256(self) -> str:
        """Hash of instruments, accounts, quantities, entry prices and what the venue reported."""
        names = tuple(self.account) if not isinstance(self.account, _Numbered) else len(self)
        return digest(
            [
                self.instruments.sha256,
                names,
                self.row,
                self.column,
                self.quantity,
                self.entry_price,
                self.entry_known,
                sorted(self.reported.equity.items()),
                sorted((key, sorted(held.items())) for key, held in self.reported.holds.items()),
                sorted((name, tuple(values.tolist())) for name, values in self.choices.items()),
                *([] if self.exact is None else [self.exact]),
            ]
        )

    def orders_sha256(self) -> str:
        """Hash of the open orders."""
        o = self.orders
        flags = [o.reduce_only, o.mmp]
        return digest([o.row, o.column, o.bid, o.ask, o.limit_price, *flags, o.group])

    def is_cash(self) -> Bools:
        """[N] True for lines of kind ASSET (cash, spot, collateral)."""
        return np.asarray(self.instruments.kind[self.column] == Kind.ASSET)


def _population(
    instruments: Instruments,
    row: Longs,
    column: Ints,
    quantity: Floats,
    account: Sequence[str] | None,
) -> Book:
    """A book of canonical arrays that nobody else can write to."""
    size = len(column)
    return Book(
        instruments=instruments,
        account=account if account is not None else _Numbered(len(row) - 1),
        row=row,
        column=column,
        quantity=quantity,
        entry_price=frozen(np.zeros(size), np.float64),
        entry_known=frozen(np.zeros(size, np.bool_), np.bool_),
        orders=Orders.none(len(row) - 1),
    )


class _Numbered(Sequence[str]):
    """Account names "0", "1", … made when asked for: a million of them cost nothing."""

    def __init__(self, count: int, first: int = 0) -> None:
        self._range = range(first, first + count)

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, item: int | slice) -> str | Sequence[str]:  # type: ignore[override] # one signature for both overloads
        if isinstance(item, slice):
            part = self._range[item]
            return _Numbered(len(part), part.start)
        return str(self._range[item])


def _line_order(line: Line, place: Mapping[str, int]) -> tuple[object, ...]:
    """Canonical order of lots: of equal lots none can be told apart, so input order is gone."""
    price = -1.0 if line.entry_price is None else line.entry_price
    time = -1 if line.time_ms is None else line.time_ms
    return place[line.account], line.column, line.quantity, price, line.tags, time, line.place


def _order_order(order: Order, place: Mapping[str, int]) -> tuple[object, ...]:
    """Canonical order of open orders."""
    time = -1 if order.time_ms is None else order.time_ms
    flags = (order.reduce_only, order.mmp, order.group, order.tags, time, order.place)
    size = (order.side, order.limit_price, order.remaining)
    return place[order.account], order.column, *size, *flags


def _net(lines: Sequence[Line]) -> dict[tuple[str, int], float]:
    """Sign-carrying total of each account and instrument, for the check of reduce-only orders."""
    total: dict[tuple[str, int], float] = {}
    for line in lines:
        key = line.account, line.column
        total[key] = total.get(key, 0.0) + line.quantity
    return total


def _check_orders(
    orders: Sequence[Order], instruments: Instruments, held: Mapping[tuple[str, int], float]
) -> None:
    """Every order has a side, a size, a price, and reduces what it says it reduces."""
    for order in orders:
        label = order.place or instruments.label(order.column)
        position = held.get((order.account, order.column), 0.0)
        fault: tuple[str, float, str]
        if order.side not in (-1, 1):
            fault = "the side of an order is +1 (buy) or -1 (sell)", order.side, "+1 or -1"
        elif not 0.0 < order.remaining <= QUANTITY_MAX:
            fault = "the remaining size of an order", order.remaining, f"> 0, <= {QUANTITY_MAX:g}"
        elif not 0.0 < order.limit_price <= QUANTITY_MAX:
            fault = "the limit price of an order", order.limit_price, f"> 0, <= {QUANTITY_MAX:g}"
        elif order.reduce_only and order.side * position >= 0.0:
            size = order.side * order.remaining
            against = f"a size against the position of {position:g}"
            fault = "a reduce-only order would open or increase", size, against
        else:
            continue
        raise InputError(
            "order_invalid",
            fault[0],
            place=label,
            value=fault[1],
            limit=fault[2],
            remedy="Correct or remove the order.",
        )


def _check_lines(lines: Sequence[Line], instruments: Instruments) -> None:
    """Quantities and entry prices are finite; an inverse entry price is positive."""

    def label(k: int) -> str:
        return lines[k].place or instruments.label(lines[k].column)

    finite(np.array([line.quantity for line in lines], np.float64), "quantity", label)
    prices = [0.0 if line.entry_price is None else line.entry_price for line in lines]
    finite(np.array(prices, np.float64), "entry price", label)
    reciprocal = _reciprocals(instruments)
    for k, line in enumerate(lines):
        price = line.entry_price
        if not abs(line.quantity) <= QUANTITY_MAX:
            raise InputError(
                "number_out_of_range",
                "the quantity is not one that a venue could hold",
                place=label(k),
                value=line.quantity,
                limit=f"-{QUANTITY_MAX:g} to {QUANTITY_MAX:g}",
                remedy="Give the quantity in the venue's own unit.",
            )
        if price is not None and reciprocal[line.column] and not price > 0.0:
            raise InputError(
                "number_out_of_range",
                "the entry price of an inverse contract must be positive",
                place=label(k),
                value=price,
                limit="> 0",
                remedy="Correct the price, or leave it out where it is unknown.",
            )


def _reciprocals(instruments: Instruments) -> list[bool]:
    """Where profit is linear in 1/price: inverse futures and perpetuals, not options."""
    delta_one = (Kind.PERPETUAL, Kind.FUTURE)
    return [item.inverse and item.kind in delta_one for item in instruments.items]


def _exact(number: float) -> Fraction:
    """The decimal that a float was written as: the shortest text that reads back as that float."""
    return Fraction(repr(float(number)))


def merge_lots(lots: Sequence[Line], reciprocal: bool) -> tuple[float, float, bool]:
    """Quantity, entry price and whether it is known, of the lots of one instrument.

    quantity = sum q;  entry = sum q p / sum q, or sum q / sum (q / p) for inverse delta-one.
    Exact rational arithmetic: neither order nor number of lots can change a bit.
    """
    if len(lots) == 1:
        price = lots[0].entry_price
        return lots[0].quantity + 0.0, 0.0 if price is None else price, price is not None
    sizes = [_exact(lot.quantity) for lot in lots]
    total = sum(sizes, Fraction(0))
    prices = [None if lot.entry_price is None else _exact(lot.entry_price) for lot in lots]
    pairs = [(size, price) for size, price in zip(sizes, prices, strict=True) if price is not None]
    if len(pairs) < len(lots) or total == 0:
        return float(total), 0.0, False
    if not reciprocal:
        return float(total), float(sum((q * p for q, p in pairs), Fraction(0)) / total), True
    coins = sum((q / p for q, p in pairs), Fraction(0))
    return float(total), float(total / coins) if coins else 0.0, coins != 0


def _merge(
    ordered: Sequence[Line], place: Mapping[str, int], instruments: Instruments
) -> tuple[Longs, list[int], list[float], list[float], list[bool]]:
    """CSR of sorted lines, one entry for each account and instrument."""
    row = np.zeros(len(place) + 1, np.int64)
    reciprocal = _reciprocals(instruments)
    column: list[int] = []
    quantity: list[float] = []
    entry: list[float] = []
    known: list[bool] = []
    for (account, code), group in groupby(ordered, key=lambda line: (line.account, line.column)):
        total, price, sure = merge_lots(tuple(group), reciprocal[code])
        column.append(code)
        quantity.append(total)
        entry.append(price)
        known.append(sure)
        row[place[account] + 1] += 1
    return np.cumsum(row), column, quantity, entry, known


def account_of(book: Book, name: str) -> int:
    """Position of an account by name; raises InputError if it is not in the book."""
    try:
        return list(book.account).index(name)
    except ValueError:
        raise InputError(
            "option_unknown",
            "no such account in the book",
            value=name,
            limit=", ".join(list(book.account)[:8]),
            remedy="Choose one of the book's accounts.",
        ) from None
