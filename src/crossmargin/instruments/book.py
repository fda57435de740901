"""What is held: positions, open orders and balances of one account or a population of them.

A book is a compressed sparse matrix ``[account, instrument]``. Cash, collateral and spot are lines
of kind ASSET, so that a rule may shock or haircut them with the rest. Lots of one instrument are
merged; open orders are never netted into a quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, digest, finite, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instruments, Kind

__all__ = ["Book", "Line", "Order", "Orders", "Reported", "account_of"]


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


@dataclass(frozen=True, slots=True)
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
        """CSR from a sequence of orders; the order of equal accounts is kept."""
        place = {name: code for code, name in enumerate(accounts)}
        items = tuple(sorted(orders, key=lambda o: (place[o.account], o.column)))
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


@dataclass(frozen=True, slots=True)
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

    @staticmethod
    def of(
        instruments: Instruments,
        lines: Sequence[Line],
        orders: Sequence[Order] = (),
        reported: Reported | None = None,
        accounts: Sequence[str] | None = None,
    ) -> Book:
        """A book from lines: sorted, lots merged in an order that does not depend on the input.

        Raises InputError ``number_not_finite`` for a quantity or entry price that is not finite.
        """
        named = {line.account for line in lines} | {order.account for order in orders}
        account = tuple(accounts) if accounts is not None else tuple(sorted(named))
        place = {name: code for code, name in enumerate(account)}

        def key(line: Line) -> tuple[int, int, float, float]:
            price = line.entry_price
            return (
                place[line.account],
                line.column,
                line.quantity,
                -1.0 if price is None else price,
            )

        ordered = tuple(sorted(lines, key=key))
        sizes = np.array([line.quantity for line in ordered], np.float64)
        finite(
            sizes, "quantity", lambda k: ordered[k].place or instruments.label(ordered[k].column)
        )
        row, column, quantity, entry, known = _merge(ordered, place, len(account))
        return Book(
            instruments=instruments,
            account=account,
            row=frozen(row, np.int64),
            column=frozen(column, np.int32),
            quantity=frozen(quantity, np.float64),
            entry_price=frozen(entry, np.float64),
            entry_known=frozen(known, np.bool_),
            orders=Orders.of(orders, account),
            reported=reported or Reported(),
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
        """A population from arrays that are already canonical (see pricing.netting.order_positions).

        Entry prices are unknown. Raises InputError if a quantity is not finite.
        """
        count = len(row) - 1
        finite(quantity, "quantity", lambda k: f"position {k}")
        size = len(column)
        return Book(
            instruments=instruments,
            account=account if account is not None else _Numbered(count),
            row=frozen(row, np.int64),
            column=frozen(column, np.int32),
            quantity=frozen(quantity, np.float64),
            entry_price=frozen(np.zeros(size), np.float64),
            entry_known=frozen(np.zeros(size, np.bool_), np.bool_),
            orders=Orders.none(count),
        )

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
        """Hash of instruments, accounts, quantities, entry prices, balances and what was reported."""
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


def _merge(
    ordered: Sequence[Line], place: Mapping[str, int], accounts: int
) -> tuple[Longs, list[int], list[float], list[float], list[bool]]:
    """CSR of sorted lines; the entry price of merged lots is the quantity-weighted one.

    Lots whose quantities cancel, or of which one has no entry price, have no entry price together.
    """
    row = np.zeros(accounts + 1, np.int64)
    column: list[int] = []
    quantity: list[float] = []
    entry: list[float] = []
    known: list[bool] = []
    start = 0
    while start < len(ordered):
        first = ordered[start]
        stop = start
        while stop < len(ordered) and (
            ordered[stop].account == first.account and ordered[stop].column == first.column
        ):
            stop += 1
        lots = ordered[start:stop]
        total = sum(lot.quantity for lot in lots)
        prices = [lot.entry_price for lot in lots]
        sure = all(price is not None for price in prices) and (total != 0.0)
        column.append(first.column)
        quantity.append(total)
        known.append(sure)
        if sure and len(lots) == 1:
            entry.append(float(prices[0] or 0.0))
        elif sure:
            entry.append(sum(lot.quantity * (lot.entry_price or 0.0) for lot in lots) / total)
        else:
            entry.append(0.0)
        row[place[first.account] + 1] += 1
        start = stop
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
