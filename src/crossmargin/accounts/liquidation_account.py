"""One account as a liquidation sees it: levels of many variants of it at once, and where cash goes.

    levels[V, G]   equity, counted and mm in dollars; G the pools where each stands apart, else one
    leaves[N, G]   dollars of equity that a line holds: what closing all of it leaves in cash

A model's balance may hold the open profit of a position already, or not; what a closed position
leaves is therefore read off the model's own equity. Equity is linear in what is closed at the mark;
what rounding leaves is put on the balance by :meth:`Judge.settled`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset
from crossmargin.margin.model import MarginModel, Plan, Priced, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row
from crossmargin.margin.run import margin_block, run
from crossmargin.margin.surface_grid import shifted_book
from crossmargin.margin.totals import stands_apart, usd_per_row
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View

__all__ = ["Judge", "Levels", "is_cash", "on_own_lines", "with_cash_rows"]

_MONEY = DOLLAR_PEGGED | OTHER_MONEY
# Where cash of any kind may go: the plain dollar first, then the stablecoins that venues settle in.
_FIRST = ("USD", "USDC", "USDT")
# A coin is sold where the model counts it at its price, but for the rounding of a float sum.
_AT_MARK = 1e-6
# Of an account's equity: less than this is the rounding of a float sum.
_NOISE = 1e-12


@dataclass(frozen=True, slots=True)
class Levels:
    """[V, G] dollars of V variants of an account, in each of G pools that stand apart."""

    equity: Floats
    counted: Floats
    mm: Floats


class Judge:
    """An account in one market under one model; prices are read once for every variant.

    Raises InputError ``shape_wrong`` for a book of several accounts, ``currency_unknown`` where no
    line could take the cash, the failure of an account that cannot be margined, and what the model
    raises.
    """

    def __init__(
        self,
        book: Book,
        view: View,
        model: MarginModel,
        parameters: Parameters,
        like: Judge | None = None,
    ) -> None:
        if len(book) != 1:
            raise InputError(
                "shape_wrong",
                "one account is liquidated at a time",
                value=len(book),
                limit="1 account",
                remedy="Cut the account out of the population.",
            )
        self.book, self.view, self.model, self.parameters = book, view, model, parameters
        self.items = book.instruments.items
        self._plan: Plan
        self._priced: tuple[Priced, ...]
        if like is not None and like.view is view:
            self._plan, self._priced = like._plan, like._priced  # the same market: nothing to read
        else:
            found = run(book, view, model, parameters)
            _refuse_failures(found)
            self._plan, self._priced = found.plan, found.priced
        self.apart = stands_apart(model.spec) and not model.spec.walls
        pools = self._plan.pools
        self.names = tuple(pool.label for pool in pools) if self.apart else ("account",)
        self._group = np.arange(len(pools)) if self.apart else np.zeros(len(pools), np.int64)
        if model.spec.walls:
            self._refuse_walls()
        self.now = self.levels(book.quantity[None, :])
        self.cash = self._cash_lines()
        self.leaves = self._leaves()
        self.lines = self._open()

    def levels(self, quantity: Floats) -> Levels:
        """Levels of variants of the account: [V, N] quantities of its lines."""
        count = len(quantity)
        stacked = _stacked(self.book, quantity)
        out = np.zeros((3, count, len(self.names)))
        answers = margin_block(
            self.model, self._plan, self._priced, stacked, (0, count), self.parameters
        )
        for number, answer in enumerate(answers):
            rate = self._priced[number].usd_per_unit
            for k, name in enumerate(("equity", "counted_mm", "mm")):
                column = by_row(answer.sheet.account, answer.sheet[name] * rate, count)
                out[k, :, self._group[number]] += column
        return Levels(*out)

    def _refuse_walls(self) -> None:
        """Behind walls a bucket pays from what is posted to it: only the core is taken apart."""
        stacked = _stacked(self.book, self.book.quantity[None, :])
        answers = margin_block(
            self.model, self._plan, self._priced, stacked, (0, 1), self.parameters
        )
        for pool, answer in zip(self._plan.pools[1:], answers[1:], strict=True):
            if any(float(answer.sheet[name][0]) != 0.0 for name in ("mm", "equity")):
                raise InputError(
                    "option_unknown",
                    "a liquidation does not reach behind walls",
                    place=f"{self.book.account[0]} {pool.label}",
                    value=self.model.spec.name,
                    limit=f"positions and money in {self._plan.pools[0].label} alone",
                    remedy="Give what lies in that bucket as an account of its own under another "
                    "model.",
                )

    def group_of(self, j: int) -> int:
        """The pool, of those that stand apart, in which a line is margined."""
        if not self.apart:
            return 0
        column = int(self.book.column[j])
        return next(g for g, pool in enumerate(self._plan.pools) if column in pool.columns)

    def variants(self, after: Floats, cost_usd: Floats) -> Floats:
        """[V, N] quantities where lines have ``after[V, N]`` left, cash in and [V, G] costs out.

        What a line leaves goes to the balance of its settlement currency, or to that of its pool.
        """
        quantity = after.copy()
        closed = after != self.book.quantity
        for j in np.flatnonzero(closed.any(axis=0)).tolist():
            held = float(self.book.quantity[j])
            share = (held - after[:, j]) / held
            for g in range(len(self.names)):
                line = self._cash_of(j, g)
                quantity[:, line] += share * self.leaves[j, g] / self.price_usd(line)
        for g in range(len(self.names)):
            quantity[:, self.cash[g]] -= cost_usd[:, g] / self.price_usd(self.cash[g])
        return quantity

    def settled(self, quantity: Floats, wanted_usd: Floats) -> tuple[Book, Levels]:
        """The account with [N] quantities whose cash makes equity the wanted [G] dollars.

        It moves what the rounding of float sums left open, and what a deficit's cover brought.
        """
        fixed = quantity.copy()
        levels = self.levels(fixed[None, :])
        for g in range(len(self.names)):
            gap = float(wanted_usd[g] - levels.equity[0, g])
            if gap != 0.0:
                fixed[self.cash[g]] += gap / self.price_usd(self.cash[g])
        levels = self.levels(fixed[None, :])
        return _with(self.book, fixed), levels

    def moved(self, view: View) -> Judge:
        """The same account in another market; profit of futures is settled on the way.

        Where the model counts the profit of a future by itself, it is left to the model.
        """
        after = Judge(self.book, view, self.model, self.parameters)
        noise = _NOISE * max(1.0, float(np.abs(self.now.equity).sum()))
        kind = self.book.instruments.kind[self.book.column]
        future = (kind == Kind.PERPETUAL) | (kind == Kind.FUTURE)
        # Closing a future whose profit stands on the balance already leaves nothing.
        counted = ((np.abs(self.leaves) > noise) | (np.abs(after.leaves) > noise)).any(axis=1)
        held, unlined_usd = shifted_book(self.book, self.view, view, future & counted)
        quantity = held.quantity.copy()
        quantity[self.cash[0]] += unlined_usd / after.price_usd(self.cash[0])
        return Judge(_with(held, quantity), view, self.model, self.parameters, after)

    def price_usd(self, j: int) -> float:
        """Dollars of a unit of the currency that settles a line."""
        names = self.book.instruments.names
        return float(self.view.usd[names.index(self.items[int(self.book.column[j])].settle)])

    # -- lines -------------------------------------------------------------------------------

    def _cash_lines(self) -> list[int]:
        """The balance of each pool where cash without a home goes."""
        out = []
        held = list(enumerate(self.book.column.tolist()))
        settles = [self.items[c].settle for _, c in held if self.items[c].kind != Kind.ASSET]
        for g, name in enumerate(self.names):
            lines = {self.items[c].underlying: j for j, c in held if is_cash(self.items[c])}
            wanted: Sequence[str] = (*_FIRST, *settles)
            if self.apart:
                wanted = (self._plan.pools[g].currency,)
            line = next((lines[w] for w in wanted if w in lines), None)
            if line is None or self.price_usd(line) <= 0.0:
                raise InputError(
                    "currency_unknown",
                    "the account has no line on which the cash of a liquidation could stand",
                    place=f"{self.book.account[0]} {name}",
                    value=", ".join(dict.fromkeys(wanted)),
                    remedy="Give the balance of that currency, 0 if it has none.",
                )
            out.append(line)
        return out

    def _cash_of(self, j: int, g: int) -> int:
        """The line that takes what closing a line leaves in a pool."""
        if self.apart:
            return self.cash[g]
        settle = self.items[int(self.book.column[j])].settle
        if self.items[int(self.book.column[j])].kind == Kind.ASSET:
            return self.cash[g]
        for k, column in enumerate(self.book.column.tolist()):
            item = self.items[column]
            if is_cash(item) and item.underlying == settle and self.price_usd(k) > 0.0:
                return k
        return self.cash[g]

    def _leaves(self) -> Floats:
        """[N, G] dollars of equity that leave with each line, were it not there."""
        size = len(self.book.column)
        quantity = np.tile(self.book.quantity, (size, 1))
        np.fill_diagonal(quantity, 0.0)
        return np.asarray(self.now.equity[0] - self.levels(quantity).equity)

    def _open(self) -> tuple[int, ...]:
        """Lines that may be closed: contracts, and coins that the model counts at their price."""
        out = []
        for j, column in enumerate(self.book.column.tolist()):
            item, size = self.items[column], float(self.book.quantity[j])
            if size == 0.0:
                continue
            contract = item.kind in (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
            if contract or (item.kind == Kind.ASSET and self._sold(j, item, size)):
                out.append(j)
        return tuple(out)

    def _sold(self, j: int, item: Instrument, size: float) -> bool:
        if self.apart or item.underlying in _MONEY or j in self.cash:
            return False
        worth = size * float(self.view.usd[self.book.instruments.names.index(item.underlying)])
        return abs(float(self.leaves[j, 0]) - worth) <= _AT_MARK * abs(worth)


def is_cash(item: Instrument) -> bool:
    """Whether a line is a plain balance of a currency or coin."""
    return item.kind == Kind.ASSET and item.settle == item.underlying


def with_cash_rows(book: Book, apart: bool) -> Book:
    """The book over a table in which cash of a liquidation has a row to stand on.

    ``apart``: a row of each currency that settles a contract; else one, where the account holds
    neither dollars nor a currency that settles one. Nothing more is held.
    """
    items = book.instruments.items
    held = [items[c] for c in book.column.tolist()]
    known = {item.underlying for item in held if is_cash(item)}
    contracts = [item for item in held if item.kind not in (Kind.ASSET, Kind.DEBT)]
    settles = list(dict.fromkeys((item.venue, item.settle) for item in contracts))
    missing = [pair for pair in settles if pair[1] not in known]
    if not apart:
        missing = [] if known & {*_FIRST, *(name for _, name in settles)} else missing[:1]
    there = {(i.venue, i.underlying) for i in items if is_cash(i)}
    more = [asset(venue, name) for venue, name in missing if (venue, name) not in there]
    if not more:
        return book
    table = Instruments.of([*items, *more])
    place = table.index_of()
    moved: Ints = np.array([place[item.key] for item in items], np.int32)
    return replace(
        book,
        instruments=table,
        column=frozen(moved[book.column], np.int32),
        orders=replace(book.orders, column=frozen(moved[book.orders.column], np.int32), items=()),
        lines=(),
    )


def on_own_lines(book: Book, view: View, model: MarginModel, parameters: Parameters) -> Book:
    """The account without orders and reported figures, with cash lines and the equity that it had.

    What a venue reports as equity, and what is rebuilt from entry prices where no balance is given,
    is put on the balance: a step must be able to change it. Orders are gone: they are cancelled
    first. The table has the rows of :func:`with_cash_rows`.
    """
    said = {currency: equity for (_, currency), equity in book.reported.equity.items()}
    bare = replace(book, orders=Orders.none(1), reported=Reported(), lines=(), exact=None)
    bare = _with_lines(bare, _unheld_cash(book, stands_apart(model.spec)))
    if len(bare.column) == len(book.column) and not said and not book.reported.holds:
        return bare
    before = _equity_usd(book, view, model, parameters)
    items, quantity = bare.instruments.items, bare.quantity.copy()
    columns = bare.column.tolist()
    worth = bare.quantity * bare.instruments.multiplier[bare.column] * view.mark[bare.column]
    for j, column in enumerate(columns):
        name = items[column].underlying
        if is_cash(items[column]) and name in said:
            option = [items[c].kind == Kind.OPTION and items[c].settle == name for c in columns]
            quantity[j] = said[name] - float(worth[np.array(option, np.bool_)].sum())
    bare = _with(bare, quantity)
    return Judge(bare, view, model, parameters).settled(bare.quantity, before)[0]


def _equity_usd(book: Book, view: View, model: MarginModel, parameters: Parameters) -> Floats:
    """[G] dollars of equity of the only account, as the model reads it."""
    found = run(book, view, model, parameters)
    _refuse_failures(found)
    usd = found.sheet["equity"] * usd_per_row(found)
    pools = len(found.plan.pools)
    own = by_row(found.sheet.pool, usd, pools)
    return own if stands_apart(model.spec) else np.array([own.sum()])


def _refuse_failures(found: Requirement) -> None:
    if found.failures:
        failure = found.failures[0]
        raise InputError(failure.code, failure.reason, place=failure.subject)


def _unheld_cash(book: Book, apart: bool) -> list[int]:
    """Rows of the table on which cash of a liquidation could stand, and of which none is held."""
    items = book.instruments.items
    held = {items[c].underlying for c in book.column.tolist() if is_cash(items[c])}
    settles = {
        items[c].settle
        for c in book.column.tolist()
        if items[c].kind not in (Kind.ASSET, Kind.DEBT)
    }
    if not apart and held & {*_FIRST, *settles}:
        return []
    rows = [
        k
        for k, item in enumerate(items)
        if is_cash(item) and item.underlying in settles and item.underlying not in held
    ]
    return rows if apart else rows[:1]


def _with_lines(book: Book, columns: Sequence[int]) -> Book:
    """The book of one account with empty lines put in."""
    column = np.concatenate([book.column, np.array(columns, np.int32)])
    order = np.argsort(column, kind="stable")

    def put(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.zeros(len(columns), values.dtype)])[order]

    return replace(
        book,
        row=frozen([0, len(column)], np.int64),
        column=frozen(column[order], np.int32),
        quantity=frozen(put(book.quantity), np.float64),
        entry_price=frozen(put(book.entry_price), np.float64),
        entry_known=frozen(put(book.entry_known), np.bool_),
    )


def _with(book: Book, quantity: Floats) -> Book:
    """The account with other quantities; entry prices stay."""
    return replace(book, quantity=frozen(quantity, np.float64), lines=(), exact=None)


def _stacked(book: Book, quantity: Floats) -> Book:
    """Variants of one account as the accounts of a population."""
    count, size = quantity.shape
    return replace(
        book,
        account=tuple(str(k) for k in range(count)),
        row=frozen(np.arange(count + 1) * size, np.int64),
        column=frozen(np.tile(book.column, count), np.int32),
        quantity=frozen(quantity.reshape(-1), np.float64),
        entry_price=frozen(np.tile(book.entry_price, count), np.float64),
        entry_known=frozen(np.tile(book.entry_known, count), np.bool_),
        orders=Orders.none(count),
        choices={name: np.repeat(values, count) for name, values in book.choices.items()},
        lines=(),
        exact=None,
    )
