"""One account and its variants: what it would hold after trades, as a population of a model.

A variant is the account's canonical row with positions changed, new ones inserted in their place,
and the cash of the trades booked on the balance line of the settlement currency. Quantities are
summed as decimals, as a book sums its lots, so that a variant has the bits of the changed book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Context, Decimal
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, Longs, frozen
from crossmargin.instruments.book import Book, Line, Orders, Reported, merge_lots
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Bound, PoolBook, Priced, Requirement
from crossmargin.margin.pools import cut
from crossmargin.margin.whatif_trades import Fill

__all__ = ["COLUMNS", "Ground", "States"]

# What is read of a model's sheet, in the order of the rows of ``States.values``.
COLUMNS = ("im", "mm", "counted_im", "counted_mm", "cash", "equity")
# Wide enough to add any two floats as decimals without rounding.
_WIDE = Context(prec=1200)
_NONE, _VENUE, _BALANCES, _REBUILT = range(4)
# One flag, False and True: the common what-if has one variant.
_SURE = (frozen([False], np.bool_), frozen([True], np.bool_))


class _Change(NamedTuple):
    column: int  # of the pool
    quantity: float
    entry: float
    known: bool


class States(NamedTuple):
    """V variants over P pools. ``values[p]`` is ``[6, V]`` in the pool's currency: COLUMNS.

    ``touched[p]`` says which variants change the pool, None where none does; ``at_least`` which
    are lower bounds. ``unbooked[p]`` is cash of the trades that no balance line took (no balance
    is known), in the pool's currency; None where every line took its own.
    """

    values: tuple[Floats, ...]
    scenario: tuple[Ints, ...]
    source: tuple[Bytes, ...]
    touched: tuple[Bools | None, ...]
    at_least: Bools
    unbooked: tuple[Floats, ...] | None

    @property
    def variants(self) -> int:
        """How many variants there are."""
        return int(self.values[0].shape[1])

    def without_first(self) -> States:
        """All variants but the first."""
        return States(
            tuple(each[:, 1:] for each in self.values),
            tuple(each[1:] for each in self.scenario),
            tuple(each[1:] for each in self.source),
            tuple(None if each is None else each[1:] for each in self.touched),
            self.at_least[1:],
            None if self.unbooked is None else tuple(each[1:] for each in self.unbooked),
        )


class _Pool:
    """The account's row in one pool, ready to be changed."""

    def __init__(self, number: int, base: Requirement, keep_entries: bool) -> None:
        self.number = number
        self.priced: Priced = base.priced[number]
        self.held: PoolBook = cut(base.book, self.priced.pool, 0)
        size = len(self.priced.pool.instruments)
        self.at = {int(c): j for j, c in enumerate(self.held.column.tolist())}
        self.lower = np.searchsorted(self.held.column, np.arange(size)).tolist()
        self.values = np.array([[base.sheet[name][number]] for name in COLUMNS])
        self.scenario = base.scenario[number : number + 1]
        self.source = base.source[number : number + 1]
        self.at_least = bool(base.at_least[number])
        im, mm, counted_im, counted_mm, _, _ = self.values[:, 0].tolist()
        # Of the account as it stands: IM, and what counts less what is required at both levels.
        self.standing = im, counted_im - im, counted_mm - mm
        self.entries = keep_entries and _entries_matter(base, number, self.held)

    def rows(self, changes: Sequence[Sequence[_Change]]) -> tuple[Longs, Ints, Floats, list[int]]:
        """CSR of the variants and, flat, the place of each change in it."""
        count, size = len(changes), len(self.held.column)
        where: list[int] = []
        column: list[int] = []
        fresh: list[float] = []
        fixed: list[int] = []
        amount: list[float] = []
        places: list[int] = []
        bounds = [0]
        for v, own in enumerate(changes):
            start = v * size
            for change in own:
                j = self.at.get(change.column)
                if j is None:
                    place = start + self.lower[change.column]
                    places.append(place + len(where))
                    where.append(place)
                    column.append(change.column)
                    fresh.append(change.quantity)
                else:
                    places.append(start + j + len(where))
                    fixed.append(start + j)
                    amount.append(change.quantity)
            bounds.append(start + size + len(where))
        alone = count == 1
        quantity = self.held.quantity.copy() if alone else np.tile(self.held.quantity, count)
        quantity[fixed] = amount
        columns = self.held.column if alone else np.tile(self.held.column, count)
        row = np.array(bounds, np.int64)
        if not where:
            return row, columns, quantity, places
        total = count * size + len(where)
        into = np.array(where, np.int64) + np.arange(len(where))
        old = np.ones(total, np.bool_)
        old[into] = False
        wide_column, wide = np.empty(total, np.int32), np.empty(total)
        wide_column[into], wide[into] = column, fresh
        wide_column[old], wide[old] = columns, quantity
        return row, wide_column, wide, places

    def entry_arrays(
        self, changes: Sequence[Sequence[_Change]], column: Ints, places: list[int]
    ) -> tuple[Floats, Bools]:
        """Entry prices of the variants; unknown everywhere where no rule reads them."""
        size = len(column)
        if not self.entries:
            return np.zeros(size), np.zeros(size, np.bool_)
        price, known = np.zeros(size), np.zeros(size, np.bool_)
        lookup = np.full(len(self.priced.pool.instruments), -1, np.int64)
        lookup[self.held.column] = np.arange(len(self.held.column))
        j = lookup[column]
        old = j >= 0
        price[old], known[old] = self.held.entry_price[j[old]], self.held.entry_known[j[old]]
        flat = [change for own in changes for change in own]
        price[places] = [change.entry for change in flat]
        known[places] = [change.known for change in flat]
        return price, known


class Ground:
    """The account as it stands under a model, laid out so that variants cost one call a pool."""

    def __init__(self, base: Requirement) -> None:
        self.base = base
        self.model, self.parameters = base.via, base.parameters
        self.book = base.book
        self.account = base.book.account[0]
        self.lots = _lots(base.book)
        table = base.book.instruments
        traded = [k for k, item in enumerate(table.items) if item.kind != Kind.ASSET]
        self.keeps_entries = any(
            line.entry_price is not None for k in traded for line in self.lots.get(k, ())
        )
        self.pools = tuple(
            _Pool(number, base, self.keeps_entries) for number in range(len(base.priced))
        )
        self.index = [[c.name for c in base.sheet.columns].index(name) for name in COLUMNS]
        self.pool_of, self.local = _places(base)
        self.cash_column = _cash_columns(base.book)
        given = [s in (_VENUE, _BALANCES) for s in base.source.tolist()]
        self.has_balance = any(given)
        self.booked = [self._is_booked(column) for column in self.cash_column]
        self.all_booked = all(self.booked[k] for k in traded)
        self._exact: dict[int, Decimal | None] = {}

    def _is_booked(self, cash_column: int) -> bool:
        """Whether a trade's cash goes to that balance line: a rebuilt equity has none."""
        if cash_column < 0:
            return False
        source = int(self.base.source[self.pool_of[cash_column]])
        return source in (_VENUE, _BALANCES) or (source == _NONE and self.has_balance)

    def position(self, column: int) -> float:
        """What is held of a row of the table."""
        pool = self.pools[self.pool_of[column]]
        j = pool.at.get(self.local[column])
        return 0.0 if j is None else float(pool.held.quantity[j])

    def lot_entry(self, fill: Fill) -> float | None:
        """Entry price of a new lot: its price, or the mark of what is settled to it at once."""
        if not self.keeps_entries:
            return None
        if fill.premium != 0.0 or not self.booked[fill.column]:
            return fill.price
        return float(self.base.view.mark[fill.column])

    def _after(self, column: int, amounts: list[float]) -> float:
        """The quantity of a row after more lots, summed as decimals."""
        if column not in self._exact:
            lots = self.lots.get(column)
            total = None
            for lot in lots or ():
                more = Decimal(repr(float(lot.quantity)))
                total = more if total is None else _WIDE.add(total, more)
            self._exact[column] = total
        held = self._exact[column]
        if held is None and len(amounts) == 1:
            return amounts[0] + 0.0
        total = Decimal(0) if held is None else held
        for amount in amounts:
            total = _WIDE.add(total, Decimal(repr(amount)))
        return float(total)

    def changes(self, fills: Sequence[Fill]) -> dict[int, list[_Change]]:
        """What one variant changes in each pool, in rising order of column."""
        amounts: dict[int, list[float]] = {}
        entries: dict[int, list[Fill]] = {}
        for fill in fills:
            column = fill[0]
            amounts.setdefault(column, []).append(fill[1])
            if self.keeps_entries:
                entries.setdefault(column, []).append(fill)
            if self.booked[column]:
                amounts.setdefault(self.cash_column[column], []).append(fill[8])
        out: dict[int, list[_Change]] = {}
        for column in sorted(amounts):
            number = self.pool_of[column]
            after, entry, known = self._after(column, amounts[column]), 0.0, False
            if self.pools[number].entries and column in entries:
                lots = [*self.lots.get(column, ()), *(self._line(f) for f in entries[column])]
                after, entry, known = merge_lots(lots, self._reciprocal(column))
            change = _Change(self.local[column], after, entry, known)
            out.setdefault(number, []).append(change)
        return out

    def _reciprocal(self, column: int) -> bool:
        item = self.book.instruments.items[column]
        return item.inverse and item.kind != Kind.OPTION

    def _line(self, fill: Fill) -> Line:
        return Line(self.account, fill.column, fill.size, self.lot_entry(fill), (), None, "what-if")

    def reported_after(self, fills: Sequence[Fill]) -> dict[tuple[str, str], float]:
        """The venue's equities with what the trades gain against the mark, less their fees."""
        equity = dict(self.book.reported.equity)
        items = self.book.instruments.items
        for fill in fills:
            key = self.account, items[fill.column].settle
            if key in equity:
                equity[key] += fill.gain - fill.fee
        return equity

    def changed_book(self, fills: Sequence[Fill]) -> Book:
        """The book after the trades, built from its lots: what a full recompute starts from.

        Reduce-only orders that have nothing left to reduce are gone, as a venue cancels them.
        """
        lines = [line for column in sorted(self.lots) for line in self.lots[column]]
        for fill in fills:
            lines.append(self._line(fill))
            if self.booked[fill.column]:
                cash = self.cash_column[fill.column]
                lines.append(Line(self.account, cash, fill.cash, None, (), None, "what-if"))
        net: dict[int, float] = {}
        for line in lines:
            net[line.column] = net.get(line.column, 0.0) + line.quantity
        orders = [
            order
            for order in self.book.orders.items
            if not order.reduce_only or order.side * net.get(order.column, 0.0) < 0.0
        ]
        reported = replace(self.book.reported, equity=self.reported_after(fills))
        made = Book.of(self.book.instruments, lines, orders, reported, (self.account,))
        return replace(made, choices=self.book.choices)

    def evaluate(self, variants: Sequence[Sequence[Fill]]) -> States:
        """Margin of every variant: one call of the model for each pool that one of them touches."""
        per_pool: list[dict[int, list[_Change]]] = [{} for _ in self.pools]
        for v, fills in enumerate(variants):
            for number, changes in self.changes(fills).items():
                per_pool[number][v] = changes
        found = [self._margined(pool, per_pool[pool.number], variants) for pool in self.pools]
        low: Bools = found[0][4]
        for each in found[1:]:
            low = low | each[4]
        source = tuple(each[2] for each in found)
        return States(
            tuple(each[0] for each in found),
            tuple(each[1] for each in found),
            source,
            tuple(each[3] for each in found),
            low,
            None if self.all_booked else self._unbooked(variants, source),
        )

    def _margined(
        self, pool: _Pool, changes: Mapping[int, list[_Change]], variants: Sequence[Sequence[Fill]]
    ) -> tuple[Floats, Ints, Bytes, Bools | None, Bools]:
        """Values, scenario, source, which variants touch the pool, which are lower bounds."""
        count = len(variants)
        if not changes:
            same = pool.values, pool.scenario, pool.source
            low = _SURE[pool.at_least]
            if count > 1:
                same = same[0].repeat(count, axis=1), same[1].repeat(count), same[2].repeat(count)
                low = low.repeat(count)
            return *same, None, low
        which = list(changes)
        held = self._population(pool, list(changes.values()), [variants[v] for v in which])
        answer = self.model.margin(pool.priced, held, self.parameters)
        sheet = answer.sheet.values
        values = np.array([sheet[k] for k in self.index])
        scenario, source = answer.scenario, answer.source
        low = _SURE[answer.bound is Bound.AT_LEAST]
        if answer.at_least is not None:
            low = answer.at_least
        elif len(which) > 1:
            low = low.repeat(len(which))
        if len(which) == count:
            touched = _SURE[True] if count == 1 else np.ones(count, np.bool_)
            return values, scenario, source, touched, low
        wide = pool.values.repeat(count, axis=1)
        scenarios, sources = pool.scenario.repeat(count), pool.source.repeat(count)
        touched, lows = np.zeros(count, np.bool_), np.full(count, pool.at_least)
        wide[:, which], scenarios[which], sources[which] = values, scenario, source
        touched[which], lows[which] = True, low
        return wide, scenarios, sources, touched, lows

    def _population(
        self,
        pool: _Pool,
        changes: Sequence[Sequence[_Change]],
        variants: Sequence[Sequence[Fill]],
    ) -> PoolBook:
        """The variants that touch a pool, as accounts of it."""
        row, column, quantity, places = pool.rows(changes)
        price, known = pool.entry_arrays(changes, column, places)
        count = len(changes)
        base = self.book
        alone = count == 1
        names = (self.account,) if alone else tuple(map(str, range(count)))
        book = Book(
            instruments=base.instruments,
            account=names,
            row=row,
            column=column,
            quantity=quantity,
            entry_price=price,
            entry_known=known,
            orders=base.orders if alone else _repeated(base.orders, count),
            reported=self._reported(names, variants),
            choices={
                name: values if alone else np.repeat(values, count)
                for name, values in base.choices.items()
            },
        )
        account = pool.held.account if alone else np.arange(count, dtype=np.int32)
        return PoolBook(row, column, quantity, price, known, account, book)

    def _reported(self, names: tuple[str, ...], variants: Sequence[Sequence[Fill]]) -> Reported:
        said = self.book.reported
        if not said.equity and not said.holds:
            return said
        equity: dict[tuple[str, str], float] = {}
        holds: dict[tuple[str, str], Mapping[str, float]] = {}
        for name, fills in zip(names, variants, strict=True):
            for (_, currency), amount in self.reported_after(fills).items():
                equity[name, currency] = amount
            for (_, currency), amounts in said.holds.items():
                holds[name, currency] = amounts
        return Reported(equity, holds)

    def _unbooked(
        self, variants: Sequence[Sequence[Fill]], source: Sequence[Bytes]
    ) -> tuple[Floats, ...]:
        """[P][V] cash that no line took; of a rebuilt equity the fees alone."""
        out = tuple(np.zeros(len(variants)) for _ in self.pools)
        for v, fills in enumerate(variants):
            for fill in fills:
                if self.booked[fill.column]:
                    continue
                number = self.pool_of[fill.column]
                rebuilt = source[number][v] == _REBUILT
                rate = self.usd_of(fill.column) / self.pools[number].priced.usd_per_unit
                out[number][v] += (-fill.fee if rebuilt else fill.cash) * rate
        return out

    def haircut(self, column: int, number: int) -> float:
        """The largest share that a pool takes off the currency in which a row settles."""
        name = f"currency.{self.book.instruments.items[column].settle}.haircut"
        cash = self.cash_column[column]
        here = cash >= 0 and self.pool_of[cash] == number
        return self.parameters.number(name) if here and name in self.parameters else 0.0

    def usd_of(self, column: int) -> float:
        """Dollars per unit of the settlement currency of a row."""
        table = self.book.instruments
        return float(self.base.view.usd[table.settle[column]])


def _lots(book: Book) -> dict[int, list[Line]]:
    """The lots of the account by column; its merged lines where it was built from arrays."""
    lines: Sequence[Line] = book.lines
    if not lines:
        entry = zip(book.entry_price.tolist(), book.entry_known.tolist(), strict=True)
        lines = [
            Line(book.account[0], column, quantity, price if known else None)
            for column, quantity, (price, known) in zip(
                book.column.tolist(), book.quantity.tolist(), entry, strict=True
            )
        ]
    out: dict[int, list[Line]] = {}
    for line in lines:
        out.setdefault(line.column, []).append(line)
    return out


def _places(base: Requirement) -> tuple[list[int], list[int]]:
    """Pool, and row in the pool, of every row of the table."""
    size = len(base.book.instruments)
    pool_of, local = [0] * size, [0] * size
    for number, pool in enumerate(base.plan.pools):
        for k, column in enumerate(pool.columns.tolist()):
            pool_of[column], local[column] = number, k
    return pool_of, local


def _cash_columns(book: Book) -> list[int]:
    """For every row of the table the balance line of its settlement currency; -1 where none is."""
    items = book.instruments.items
    line = {(i.venue, i.underlying): k for k, i in enumerate(items) if i.kind == Kind.ASSET}
    return [line.get((item.venue, item.settle), -1) for item in items]


def _entries_matter(base: Requirement, number: int, held: PoolBook) -> bool:
    """Whether the model reads entry prices in this pool: it is asked with others.

    Where a balance is known most models do not, and their variants need not carry them.
    """
    if int(base.source[number]) not in (_VENUE, _BALANCES) or not held.entry_known.any():
        return True
    model, parameters = base.via, base.parameters
    found = []
    for scale in (1.0, 0.5):
        price = frozen(held.entry_price * scale, np.float64)
        answer = model.margin(base.priced[number], replace(held, entry_price=price), parameters)
        found.append([values.tobytes() for values in answer.sheet.values])
    return found[0] != found[1]


def _repeated(orders: Orders, count: int) -> Orders:
    """The orders of one account as those of ``count`` accounts."""
    size = len(orders.column)
    if size == 0:
        return Orders.none(count)
    return Orders(
        row=np.arange(count + 1) * size,
        column=np.tile(orders.column, count),
        bid=np.tile(orders.bid, count),
        ask=np.tile(orders.ask, count),
        limit_price=np.tile(orders.limit_price, count),
        reduce_only=np.tile(orders.reduce_only, count),
        mmp=np.tile(orders.mmp, count),
        group=orders.group * count,
    )
