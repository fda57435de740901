"""Which accounts of a population can be margined, and the population that is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Bools, Ints, Longs, frozen
from crossmargin.core.errors import Failure, ModelError
from crossmargin.instruments.book import Book, Orders
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.model import MarginModel, Plan, Priced, Refuses
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut, make_pool, restrict, row_of_position
from crossmargin.market.view import View

__all__ = ["accounts_where", "holdings", "plan_for", "without_refused"]


def holdings(book: Book) -> tuple[tuple[Longs, Ints, Bools], ...]:
    """Positions, then open orders: CSR, the instrument of each row, and whether it holds any.

    A row of size 0 is nothing; an order counts as held, for it may fill at any moment.
    """
    orders = book.orders
    return (
        (book.row, book.column, book.quantity != 0.0),
        (orders.row, orders.column, (orders.bid != 0.0) | (orders.ask != 0.0)),
    )


def accounts_where(book: Book, wanted: Bools) -> Book:
    """The accounts marked in ``wanted[A]``, in their order, with their orders and choices."""
    if wanted.all():
        return book
    counts, order_counts = np.diff(book.row), np.diff(book.orders.row)
    kept = np.repeat(wanted, counts)
    resting = np.repeat(wanted, order_counts)
    names = [book.account[k] for k in np.flatnonzero(wanted).tolist()]
    return replace(
        book,
        account=tuple(names),
        row=frozen(np.concatenate([[0], np.cumsum(counts[wanted])]), np.int64),
        column=frozen(book.column[kept], np.int32),
        quantity=frozen(book.quantity[kept], np.float64),
        entry_price=frozen(book.entry_price[kept], np.float64),
        entry_known=frozen(book.entry_known[kept], np.bool_),
        orders=_orders_where(book.orders, wanted, resting),
        choices={name: values[wanted] for name, values in book.choices.items()},
        exact=None
        if book.exact is None
        else tuple(n for n, keep in zip(book.exact, kept.tolist(), strict=True) if keep),
    )


def _orders_where(orders: Orders, wanted: Bools, resting: Bools) -> Orders:
    counts = np.diff(orders.row)[wanted]
    keep = np.flatnonzero(resting).tolist()
    return replace(
        orders,
        row=frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
        column=frozen(orders.column[resting], np.int32),
        bid=frozen(orders.bid[resting], np.float64),
        ask=frozen(orders.ask[resting], np.float64),
        limit_price=frozen(orders.limit_price[resting], np.float64),
        reduce_only=frozen(orders.reduce_only[resting], np.bool_),
        mmp=frozen(orders.mmp[resting], np.bool_),
        group=tuple(orders.group[k] for k in keep),
        items=tuple(orders.items[k] for k in keep) if orders.items else (),
    )


def plan_for(
    model: MarginModel, book: Book, view: View, parameters: Parameters
) -> tuple[Plan, Book, View, tuple[Failure, ...]]:
    """The plan, and what it is for: an underlying without parameters fails its holders alone.

    A book of one account raises the model's own error.
    """
    table = book.instruments
    try:
        return model.plan(table, parameters), book, view, ()
    except ModelError:
        if len(book) < 2:
            raise
    dead: dict[str, ModelError] = {}
    for name in dict.fromkeys(item.underlying for item in table.items):
        alone = [item for item in table.items if item.underlying == name]
        try:
            model.plan(Instruments.of(alone), parameters)
        except ModelError as error:
            dead[name] = error
    named = np.array([item.underlying in dead for item in table.items], np.bool_)
    if not named.any() or named.all():
        return model.plan(table, parameters), book, view, ()
    lost, failures = _holders(book, named, dead)
    kept = _within(accounts_where(book, ~lost), np.flatnonzero(~named))
    pool = make_pool(table, np.flatnonzero(~named).astype(np.int32), "", "USD", ())
    seen = restrict(view, table, pool)
    return model.plan(kept.instruments, parameters), kept, seen, failures


def _holders(
    book: Book, named: Bools, dead: dict[str, ModelError]
) -> tuple[Bools, tuple[Failure, ...]]:
    """[A] accounts that hold or bid for a dead instrument, and one failure each."""
    lost = np.zeros(len(book), np.bool_)
    failures: list[Failure] = []
    for row, columns, real in holdings(book):
        for j in np.flatnonzero(named[columns] & real).tolist():
            account = int(np.searchsorted(row, j, side="right")) - 1
            if not lost[account]:
                lost[account] = True
                item = book.instruments.items[int(columns[j])]
                cause = dead[item.underlying]
                reason = f"{item.venue} {item.native_id}: {cause.message}"
                failures.append(Failure(book.account[account], cause.code, reason))
    return lost, tuple(failures)


def _within(book: Book, live: np.ndarray) -> Book:
    """The book over the live rows of its table; nothing is held outside them but zeros."""
    table = Instruments.of(book.instruments.items[k] for k in live.tolist())
    place = np.full(len(book.instruments), -1, np.int32)
    place[live] = np.arange(len(live), dtype=np.int32)
    column = place[book.column]
    kept = column >= 0
    counts = np.bincount(row_of_position(book.row)[kept], minlength=len(book))
    return replace(
        book,
        instruments=table,
        row=frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
        column=frozen(column[kept], np.int32),
        quantity=frozen(book.quantity[kept], np.float64),
        entry_price=frozen(book.entry_price[kept], np.float64),
        entry_known=frozen(book.entry_known[kept], np.bool_),
        orders=replace(book.orders, column=frozen(place[book.orders.column], np.int32)),
        lines=(),
        exact=None
        if book.exact is None
        else tuple(n for n, keep in zip(book.exact, kept.tolist(), strict=True) if keep),
    )


def without_refused(
    model: MarginModel, plan: Plan, priced: tuple[Priced, ...], book: Book
) -> tuple[Book, tuple[Failure, ...]]:
    """The accounts that the model margins, and why it refuses the others.

    An account that several pools refuse gives the reason of the first of them.
    """
    if not isinstance(model, Refuses):
        return book, ()
    cause: dict[int, ModelError] = {}
    for pool, market in zip(plan.pools, priced, strict=True):
        for refusal in model.refusals(market, cut(book, pool, 0)):
            cause.setdefault(refusal.row, refusal.error)
    if not cause:
        return book, ()
    kept = np.ones(len(book), np.bool_)
    kept[list(cause)] = False
    failures = tuple(
        Failure(book.account[row], cause[row].code, f"{cause[row].place}: {cause[row].message}")
        for row in sorted(cause)
    )
    return accounts_where(book, kept), failures
