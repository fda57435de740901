"""One account and its variants: what it would hold after trades, as a population of a model.

A variant is the account's canonical row with positions changed, new ones inserted in their place,
and the cash of the trades booked on the balance line of the settlement currency. Quantities are
summed as decimals, as a book sums its lots, so that a variant has the bits of the changed book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, frozen
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Bound, PoolAnswer, Priced, Requirement
from crossmargin.margin.pools import at_home, cut, lies_in
from crossmargin.margin.whatif_lots import Lots
from crossmargin.margin.whatif_rows import (
    Changes,
    Row,
    Rows,
    as_pool,
    every_row,
    repeated,
)
from crossmargin.margin.whatif_trades import Fill

__all__ = ["COLUMNS", "Ground", "States", "sees_all"]

# What is read of a model's sheet, in the order of the rows of ``States.values``.
COLUMNS = ("im", "mm", "counted_im", "counted_mm", "cash", "equity")
_NONE, _VENUE, _BALANCES, _REBUILT = range(4)
# One flag, False and True: the common what-if has one variant.
_SURE = (frozen([False], np.bool_), frozen([True], np.bool_))
_FEW = 3  # trades of one row whose sum is kept for other variants


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
    """The account in one pool as it stands."""

    def __init__(self, number: int, base: Requirement) -> None:
        self.number = number
        self.priced: Priced = base.priced[number]
        held = cut(base.book, self.priced.pool, 0)
        self.held = held
        self.row = Row.of(held, len(self.priced.pool.instruments))
        self.local = {int(c): k for k, c in enumerate(self.priced.pool.columns.tolist())}
        self.values = np.array([[base.sheet[name][number]] for name in COLUMNS])
        self.scenario = base.scenario[number : number + 1]
        self.source = base.source[number : number + 1]
        self.at_least = bool(base.at_least[number])
        im, mm, counted_im, counted_mm, _, _ = self.values[:, 0].tolist()
        # Of the account as it stands: IM, and what counts less what is required at both levels.
        self.standing = im, counted_im - im, counted_mm - mm
        self.entries = True


class Ground:
    """The account as it stands under a model, laid out so that variants cost one call a pool."""

    def __init__(self, base: Requirement) -> None:
        self.base = base
        self.model, self.parameters = base.via, base.parameters
        self.book = base.book
        self.account = base.book.account[0]
        self.row = Row.of(base.book, len(base.book.instruments))
        self.lots = Lots(base.book, self.row, base.view, self._carries)
        table = base.book.instruments
        traded = [k for k, item in enumerate(table.items) if item.kind != Kind.ASSET]
        self.pools = tuple(_Pool(number, base) for number in range(len(base.priced)))
        parts = [(pool.standing, pool.priced.usd_per_unit) for pool in self.pools]
        self.standing_usd = (
            sum(own[0] * rate for own, rate in parts),
            sum(own[1] * rate for own, rate in parts),
            sum(own[2] * rate for own, rate in parts),
        )
        self.index = [[c.name for c in base.sheet.columns].index(name) for name in COLUMNS]
        self.home = [at_home(base.book, pool.priced.pool)[0] for pool in self.pools]
        self.pool_of = self._places()
        self.cash_column = _cash_columns(base.book)
        self.has_balance = bool(np.isin(base.source, (_VENUE, _BALANCES)).any())
        self.booked = [self._is_booked(column) for column in self.cash_column]
        self.all_booked = all(self.booked[k] for k in traded)
        self._reads: dict[tuple[int, bool, bool], bool] = {}
        self._carried: dict[int, bool] = {}
        self._whole = any(sees_all(pool.priced) for pool in self.pools)
        self._shared = any("pool_of" in pool.priced.pool.facts for pool in self.pools)
        apart = (k for k in range(len(table.items)) if self._lies_apart(k))
        self._first = min((self.pool_of[k] for k in apart if k in self.row.at), default=-1)
        for pool in self.pools:
            pool.entries = self.lots.keeps_entries and self._entries_matter(pool, traded)
        if self._whole and any(pool.entries for pool in self.pools):
            for pool in self.pools:  # a pool that sees every row may read the entry of each
                pool.entries = True

    def _places(self) -> list[int]:
        """The pool of every row of the table; of an asset of several pools, the account's home.

        Behind walls the pool is where the row lies by the account's own choices: each sees all.
        """
        out = [0] * len(self.book.instruments)
        if any("walls" in pool.priced.pool.facts for pool in self.pools):
            wide = every_row(self.book)
            for pool in self.pools:
                for column in np.flatnonzero(lies_in(wide, pool.priced.pool)).tolist():
                    out[column] = pool.number
            return out
        for pool, home in zip(self.pools, self.home, strict=True):
            for column in pool.priced.pool.columns.tolist():
                apart = self._lies_apart(column)
                if not sees_all(pool.priced) if apart else home:
                    out[column] = pool.number
        return out

    def _lies_apart(self, column: int) -> bool:
        """Whether a row lies in one pool alone: every contract, and an asset with a pool."""
        if self.book.instruments.kind[column] != Kind.ASSET:
            return True
        facts = self.pools[0].priced.pool.facts
        return "pool_of" in facts and int(facts["pool_of"][column]) >= 0

    def _is_booked(self, cash_column: int) -> bool:
        """Whether a trade's cash goes to that balance line: a rebuilt equity has none."""
        if cash_column < 0:
            return False
        source = int(self.base.source[self.pool_of[cash_column]])
        return source in (_VENUE, _BALANCES) or (source == _NONE and self.has_balance)

    def position(self, column: int) -> float:
        """What is held of a row of the table."""
        j = self.row.at.get(column)
        return 0.0 if j is None else float(self.row.quantity[j])

    def _carries(self, column: int) -> bool:
        """Whether the model reads the entry price of a new lot of this contract, as things stand.

        It is asked with two prices, once for each pool, kind, and held or not.
        """
        known = self._carried.get(column)
        if known is None:
            known = self._carried[column] = self._asked(column)
        return known

    def _asked(self, column: int) -> bool:
        j = self.row.at.get(column)
        if j is not None and not self.row.known[j]:
            return False
        option = bool(self.book.instruments.kind[column] == Kind.OPTION)
        key = self.pool_of[column], option, j is None
        if key not in self._reads:
            size = 1.0 if j is None else float(self.row.quantity[j]) or 1.0
            table = self.book.instruments
            coin = option and bool(table.inverse[column])
            scale = 1.0 if coin else float(self.base.view.index[table.pair[column]])
            found = []
            for price in (scale, 0.5 * scale):
                fill = Fill(column, size, price, "given", 0.0, 0.0, 0.0, 0.0, 0.0)
                answers = self._general([[fill]], cash=False)
                found.append([each[0][5, 0] for each in answers])
            self._reads[key] = found[0] != found[1]
        return self._reads[key]

    def _entries_matter(self, pool: _Pool, traded: Sequence[int]) -> bool:
        """Whether variants of a pool need entry prices: of what is held, or of a new lot."""
        if pool.held.entry_known.any():
            found = []
            for scale in (1.0, 0.5):
                price = frozen(pool.held.entry_price * scale, np.float64)
                held = replace(pool.held, entry_price=price)
                sheet = self.model.margin(pool.priced, held, self.parameters).sheet
                found.append([values.tobytes() for values in sheet.values])
            if found[0] != found[1]:
                return True
        kind, ok = self.book.instruments.kind, self.base.view.ok
        for option in (True, False):
            mine = (
                k
                for k in traded
                if self.pool_of[k] == pool.number
                and bool(kind[k] == Kind.OPTION) is option
                and ok[k]
                and k not in self.row.at
            )
            column = next(mine, None)
            if column is not None and self._carries(column):
                return True
        return False

    # -- variants ----------------------------------------------------------------------------

    def changes(self, variants: Sequence[Sequence[Fill]], *, cash: bool = True) -> Changes:
        """What the variants change, columns of the table; without ``cash`` no flow is booked."""
        out = Changes(len(variants))
        lots = self.lots
        totals: dict[tuple[float, ...], float] = {}  # variants share most of their trades
        decimals: dict[float, Decimal] = {}
        for v, fills in enumerate(variants):
            amounts: dict[int, list[float]] = {}
            for fill in fills:
                amounts.setdefault(fill[0], []).append(fill[1])
            for column, flow in lots.flows(fills) if cash else ():
                if self.booked[column]:
                    amounts.setdefault(self.cash_column[column], []).append(flow)
            for column in sorted(amounts):
                more, entry, known = amounts[column], 0.0, False
                key = (column, *more) if len(more) <= _FEW else ()
                after = totals.get(key)
                if after is None:
                    after = lots.total(column, more, decimals)
                    if key:
                        totals[key] = after
                if lots.keeps_entries and self.pools[self.pool_of[column]].entries:
                    own = [fill for fill in fills if fill[0] == column]
                    if own:
                        after, entry, known = lots.merged(column, lots.after(column, own))
                out.variant.append(v)
                out.column.append(column)
                out.quantity.append(after)
                out.entry.append(entry)
                out.known.append(known)
        return out

    def changed_book(self, fills: Sequence[Fill]) -> Book:
        """The book after the trades, built from its lots: what a full recompute starts from.

        Reduce-only orders that have nothing left to reduce are gone, as a venue cancels them.
        """
        after = dict(self.lots.held)
        for column in dict.fromkeys(fill.column for fill in fills):
            mine = [fill for fill in fills if fill.column == column]
            after[column] = self.lots.after(column, mine)
        for column, cash in self.lots.flows(fills):
            if self.booked[column]:
                into = self.cash_column[column]
                lot = Line(self.account, into, cash, None, (), None, "what-if")
                after[into] = [*after.get(into, ()), lot]
        lines = [line for column in sorted(after) for line in after[column]]
        net: dict[int, float] = {}
        for line in lines:
            net[line.column] = net.get(line.column, 0.0) + line.quantity
        orders = [
            order
            for order in self.book.orders.items
            if not order.reduce_only or order.side * net.get(order.column, 0.0) < 0.0
        ]
        reported = replace(self.book.reported, equity=self._reported_after(fills))
        made = Book.of(self.book.instruments, lines, orders, reported, (self.account,))
        return replace(made, choices=self.book.choices)

    def _reported_after(self, fills: Sequence[Fill]) -> dict[tuple[str, str], float]:
        """The venue's equities with what the trades gain against the mark, less their fees."""
        equity = dict(self.book.reported.equity)
        if not equity:
            return equity
        items = self.book.instruments.items
        for fill in fills:
            key = self.account, items[fill.column].settle
            cash = self.cash_column[fill.column]
            # A currency that the venue does not name beside others is empty there.
            if key in equity or self.base.source[self.pool_of[cash]] == _VENUE:
                equity[key] = equity.get(key, 0.0) + fill.gain - fill.fee
        return equity

    def evaluate(self, variants: Sequence[Sequence[Fill]]) -> States:
        """Margin of every variant: one call of the model for each pool that one of them touches.

        Where a pool sees the whole account every pool is margined again.
        """
        if self._whole or (self._shared and self._moves(variants)):
            found = self._general(variants)
        else:
            found = self._by_pool(variants)
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
            None if self.all_booked else self._unbooked(variants),
        )

    def _moves(self, variants: Sequence[Sequence[Fill]]) -> bool:
        """Whether a variant's assets lie in another pool than the account's."""
        home = self.home.index(True)
        for fills in variants:
            first = min(self.pool_of[fill.column] for fill in fills)
            if (first if self._first < 0 else min(first, self._first)) != home:
                return True
        return False

    def _by_pool(self, variants: Sequence[Sequence[Fill]]) -> list[_Found]:
        """Every pool's answers; pools that no variant touches keep theirs."""
        changes = self.changes(variants)
        whole = self._book(self._rows(changes), variants) if self._shared else None
        return [
            self._margined(pool, *own, changes, variants, whole)
            for pool, own in zip(self.pools, self._by_columns(changes), strict=True)
        ]

    def _by_columns(self, changes: Changes) -> list[tuple[list[int], Changes]]:
        """Of each pool the variants that touch it, and their changes in its own columns."""
        which: list[list[int]] = [[] for _ in self.pools]
        parts = [Changes(0) for _ in self.pools]
        for k, column in enumerate(changes.column):
            pool = self.pools[self.pool_of[column]]
            mine, part, v = which[pool.number], parts[pool.number], changes.variant[k]
            if not mine or mine[-1] != v:
                mine.append(v)
            part.add(
                len(mine) - 1,
                pool.local[column],
                changes.quantity[k],
                changes.entry[k],
                changes.known[k],
            )
        for mine, part in zip(which, parts, strict=True):
            part.variants = len(mine)
        return list(zip(which, parts, strict=True))

    def _margined(
        self,
        pool: _Pool,
        which: list[int],
        own: Changes,
        changes: Changes,
        variants: Sequence[Sequence[Fill]],
        whole: Book | None,
    ) -> _Found:
        count = len(variants)
        if not which:
            same = pool.values, pool.scenario, pool.source
            low = _SURE[pool.at_least]
            if count > 1:
                same = same[0].repeat(count, axis=1), same[1].repeat(count), same[2].repeat(count)
                low = low.repeat(count)
            return *same, None, low
        some = variants if len(which) == count else [variants[v] for v in which]
        rows = pool.row.with_changes(own, pool.entries)
        if not self._shared:  # no rule of the pools looks beyond them
            whole = self._book(rows, some)
        elif whole is None or len(which) < count:
            whole = self._book(self._rows(changes.only(which)), some)
        held = as_pool(rows, whole)
        answer = self.model.margin(pool.priced, held, self.parameters)
        values, scenario, source, low = self._read(answer)
        if len(which) == count:
            every = _SURE[True] if count == 1 else np.ones(count, np.bool_)
            return values, scenario, source, every, low
        wide = pool.values.repeat(count, axis=1)
        scenarios, sources = pool.scenario.repeat(count), pool.source.repeat(count)
        flag, lows = np.zeros(count, np.bool_), np.full(count, pool.at_least)
        wide[:, which], scenarios[which], sources[which] = values, scenario, source
        flag[which], lows[which] = True, low
        return wide, scenarios, sources, flag, lows

    def _general(self, variants: Sequence[Sequence[Fill]], *, cash: bool = True) -> list[_Found]:
        """Every pool's answers, cut from the whole book: right where assets change their pool."""
        whole = self._book(self._rows(self.changes(variants, cash=cash)), variants)
        out: list[_Found] = []
        for pool in self.pools:
            held = cut(whole, pool.priced.pool, 0)
            answer = self.model.margin(pool.priced, held, self.parameters)
            values, scenario, source, low = self._read(answer)
            out.append((values, scenario, source, np.ones(len(variants), np.bool_), low))
        return out

    def _read(self, answer: PoolAnswer) -> tuple[Floats, Ints, Bytes, Bools]:
        sheet = answer.sheet.values
        low = answer.at_least
        if low is None:
            low = _SURE[answer.bound is Bound.AT_LEAST]
            low = low if len(answer.sheet) == 1 else low.repeat(len(answer.sheet))
        return np.array([sheet[k] for k in self.index]), answer.scenario, answer.source, low

    def _rows(self, changes: Changes) -> Rows:
        """The variants over the whole table."""
        return self.row.with_changes(changes, any(pool.entries for pool in self.pools))

    def _book(self, rows: Rows, variants: Sequence[Sequence[Fill]]) -> Book:
        """The variants as accounts of one book."""
        count = len(variants)
        base, alone = self.book, count == 1
        names = (self.account,) if alone else tuple(map(str, range(count)))
        return Book(
            instruments=base.instruments,
            account=names,
            row=rows.row,
            column=rows.column,
            quantity=rows.quantity,
            entry_price=rows.entry_price,
            entry_known=rows.entry_known,
            orders=base.orders if alone else repeated(base.orders, count),
            reported=self._reported(names, variants),
            choices={
                name: values if alone else np.repeat(values, count)
                for name, values in base.choices.items()
            },
        )

    def _reported(self, names: tuple[str, ...], variants: Sequence[Sequence[Fill]]) -> Reported:
        said = self.book.reported
        if not said.equity and not said.holds:
            return said
        equity: dict[tuple[str, str], float] = {}
        holds: dict[tuple[str, str], Mapping[str, float]] = {}
        for name, fills in zip(names, variants, strict=True):
            for (_, currency), amount in self._reported_after(fills).items():
                equity[name, currency] = amount
            for (_, currency), amounts in said.holds.items():
                holds[name, currency] = amounts
        return Reported(equity, holds)

    def _unbooked(self, variants: Sequence[Sequence[Fill]]) -> tuple[Floats, ...]:
        """[P][V] cash that no line took."""
        out = tuple(np.zeros(len(variants)) for _ in self.pools)
        for v, fills in enumerate(variants):
            for column, cash in self.lots.flows(fills):
                if not self.booked[column]:
                    number = self.pool_of[column]
                    rate = self.usd_of(column) / self.pools[number].priced.usd_per_unit
                    out[number][v] += cash * rate
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


_Found = tuple[Floats, Ints, Bytes, Bools | None, Bools]


def sees_all(priced: Priced) -> bool:
    """Whether a pool reads rows that other pools margin: the equity of the whole account."""
    return bool(priced.pool.facts.get("sees_all", False))


def _cash_columns(book: Book) -> list[int]:
    """For every row of the table the balance line of its settlement currency; -1 where none is."""
    items = book.instruments.items
    line = {(i.venue, i.underlying): k for k, i in enumerate(items) if i.kind == Kind.ASSET}
    return [line.get((item.venue, item.settle), -1) for item in items]
