"""Liquidation in rounds: what is taken, how much of it, and when it stops, as a venue's rules say.

    ratio     maintenance margin / what counts against it; liquidated above the trigger
    pro rata  the least multiple of the slice, of every position, after which ratio < target
    largest   a slice of the position whose closing lowers the maintenance margin most; the slice
              is of what was held at the start, so that a position is gone after 1 / slice rounds
    hedge     delta laid off with the perpetual, first or where closing does not help; hedges stay
    fee       fee_of_mm x share x maintenance margin before the step

A round is judged by the model itself: every candidate of a round is an account of one population.
Positions are closed at the mark, or at the executable side where the rules say so: a position
without a quote can then not be closed. A step changes equity by what closing costs against the mark
and by the fee, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.liquidation.steps import Market, Outcome, Step
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.pools import by_row
from crossmargin.margin.run import run
from crossmargin.margin.whatif_greeks import GreekTable
from crossmargin.market.view import View

__all__ = ["Rounds", "Rules"]

# A book that rounds do not cure after so many is not cured by more of them.
ROUNDS_MAX = 10_000
# Less of a coin than this is no delta: hedging it would trade dust for ever.
_FLAT_COINS = 1e-9


@dataclass(frozen=True, slots=True)
class Rules:
    """A venue's numbers; ratios and shares are fractions."""

    trigger_ratio: float
    target_ratio: float
    round_ms: int
    slice_share: float
    pick: str
    hedge: str
    price: str  # mark or executable
    fee_of_mm: float

    @staticmethod
    def of(parameters: Parameters) -> Rules:
        """The rules of a parameter set; ModelError ``parameter_missing`` for one that is absent."""
        return Rules(
            parameters.number("rounds.trigger_ratio"),
            parameters.number("rounds.target_ratio"),
            int(parameters.number("rounds.round_ms")),
            parameters.number("rounds.slice_share"),
            str(parameters.get("rounds.pick")),
            str(parameters.get("rounds.hedge")),
            str(parameters.get("rounds.price")),
            parameters.number("rounds.fee_of_mm"),
        )

    @staticmethod
    def as_of(folder: str, when_ms: int, changes: dict[str, object] | None = None) -> Rules:
        """The rules of a venue in force at a moment, with changes within their bounds."""
        found = load(folder, when_ms)
        return Rules.of(overlay(found, changes, "user") if changes else found)


class _State(NamedTuple):
    """[V] variants in the model's currency."""

    equity: Floats
    counted: Floats
    mm: Floats

    def ratio(self) -> Floats:
        """Maintenance margin over what counts; without anything that counts it is beyond any."""
        bare = self.counted <= 0.0
        safe = np.where(bare, 1.0, self.counted)
        return np.where(bare, np.where(self.mm > 0.0, np.inf, 0.0), self.mm / safe)


class _Candidate(NamedTuple):
    """What a round could do: quantities after it, and what it costs against the mark."""

    what: str
    share: float
    quantity: Floats
    slippage: float  # not positive


@final
@dataclass(frozen=True, slots=True)
class Rounds:
    """The rounds of one account under a model; ``cash`` is the balance that profit is settled to.

    The book's table must hold a line of that balance, and the perpetuals that hedges are made with.
    """

    model: MarginModel
    parameters: Parameters
    rules: Rules
    name: str
    cash: str
    # The one book that was valued last: a round asks for it up to five times.
    _last: list[tuple[Book, View, _State]] = field(default_factory=list, compare=False, repr=False)

    def run(self, account: Book, market: Market, start_ms: int) -> Outcome:
        """Round after round until the ratio is safe, or nothing helps, or nothing is left."""
        at_ms, steps = start_ms, list[Step]()
        hedges: set[int] = set()
        state = self._levels([account], market(at_ms))
        if not state.ratio()[0] > self.rules.trigger_ratio:
            return Outcome((), account, "not liquidatable")
        book = self._own(account, market(at_ms))
        if len(book.orders.column):
            book = replace(book, orders=Orders.none(1))
            steps.append(Step(at_ms, "orders cancelled", 0.0, 0.0, book, self._figures(state)))
        if self.rules.hedge == "first":
            step = self._hedged(book, market(at_ms), at_ms, hedges)
            if step is not None:
                steps.append(step)
                book, at_ms = step.left, at_ms + self.rules.round_ms
        start = book.quantity
        for _ in range(ROUNDS_MAX):
            view = market(at_ms)
            if self._safe(self._levels([book], view).ratio()[0]):
                return Outcome(tuple(steps), book, "maintenance restored")
            step = self._round(book, view, at_ms, hedges, start)
            if step is None:
                ended = "nothing left" if not _open(book, hedges) else "nothing lowers the margin"
                return Outcome(tuple(steps), book, ended)
            steps.append(step)
            book, at_ms = step.left, at_ms + self.rules.round_ms
        return Outcome(tuple(steps), book, "")

    def _safe(self, ratio: float) -> bool:
        """Under the target; at the trigger where the venue stops as soon as nothing is breached."""
        rules = self.rules
        return ratio < rules.target_ratio or (ratio <= rules.trigger_ratio <= rules.target_ratio)

    def _own(self, account: Book, view: View) -> Book:
        """The account as it stands on its own lines: no reported figures, perpetuals to hedge with.

        What the venue reports is put on the balance: a step must be able to change it.
        """
        items = account.instruments.items
        held = set(account.column.tolist())
        wanted = [] if self.rules.hedge == "never" else [
            k for k, item in enumerate(items) if item.kind == Kind.PERPETUAL and k not in held
        ]  # fmt: skip
        book = _with_lines(account, wanted) if wanted else account
        said = book.reported
        if not said.equity and not said.holds:
            return book
        equity = float(self._levels([book], view).equity[0])
        book = replace(book, reported=Reported())
        quantity = book.quantity.copy()
        short = equity - float(self._levels([book], view).equity[0])
        quantity[self._cash_line(book)] += short / self._dollars(view, 1.0)
        return replace(book, quantity=frozen(quantity, np.float64))

    # -- one round ---------------------------------------------------------------------------

    def _round(
        self, book: Book, view: View, at_ms: int, hedges: set[int], start: Floats
    ) -> Step | None:
        if self.rules.pick == "pro_rata":
            return self._pro_rata(book, view, at_ms)
        step = self._largest(book, view, at_ms, hedges, start)
        if step is None and self.rules.hedge == "fallback":
            return self._hedged(book, view, at_ms, hedges)
        return step

    def _pro_rata(self, book: Book, view: View, at_ms: int) -> Step | None:
        """The least multiple of the slice that reaches the target; all where none does."""
        count = int(np.ceil(1.0 / self.rules.slice_share - 1e-12))
        moving = _derivative(book) & (book.quantity != 0.0)
        if not moving.any():
            return None
        shares = [min(k * self.rules.slice_share, 1.0) for k in range(1, count + 1)]
        tried = [
            _Candidate("slice", share, np.where(moving, book.quantity * (1.0 - share), 0.0), 0.0)
            for share in shares
        ]
        tried = [self._closed(book, view, each) for each in tried]
        books, after = self._after(book, view, tried)
        safe = np.flatnonzero(after.ratio() < self.rules.target_ratio)
        chosen = int(safe[0]) if len(safe) else len(tried) - 1
        return self._step(book, view, at_ms, tried[chosen], books[chosen])

    def _largest(
        self, book: Book, view: View, at_ms: int, hedges: set[int], start: Floats
    ) -> Step | None:
        """A slice of the position whose closing lowers the maintenance margin most."""
        tried = []
        for j in _open(book, hedges):
            if self.rules.price == "executable" and self._side(book, view, j) is None:
                continue
            quantity = book.quantity.copy()
            quantity[j] = _less(float(quantity[j]), float(start[j]) * self.rules.slice_share)
            label = f"close {book.instruments.items[int(book.column[j])].native_id}"
            one = _Candidate(label, self.rules.slice_share, quantity, 0.0)
            tried.append(self._closed(book, view, one))
        if not tried:
            return None
        books, after = self._after(book, view, tried)
        best = int(np.argmin(after.mm))
        if not after.mm[best] < self._levels([book], view).mm[0]:
            return None
        return self._step(book, view, at_ms, tried[best], books[best])

    def _hedged(self, book: Book, view: View, at_ms: int, hedges: set[int]) -> Step | None:
        """Perpetuals against the delta of every underlying, where that lowers the margin."""
        table = book.instruments
        greeks = GreekTable(view)
        held = greeks.of_book(book)
        quantity = book.quantity.copy()
        added: list[int] = []
        place = {int(c): j for j, c in enumerate(book.column.tolist())}
        for k, item in enumerate(table.items):
            delta = held[item.underlying].delta_coins if item.underlying in held else 0.0
            done = item.underlying in [table.items[c].underlying for c in added]
            if item.kind != Kind.PERPETUAL or done or abs(delta) <= _FLAT_COINS or k not in place:
                continue
            quantity[place[k]] -= delta / greeks.delta_of(k)
            added.append(k)
        if not added:
            return None
        one = self._traded(book, view, _Candidate("hedge delta", 0.0, quantity, 0.0), added)
        books, after = self._after(book, view, [one])
        if not after.mm[0] < self._levels([book], view).mm[0]:
            return None
        hedges.update(place[k] for k in added)
        return self._step(book, view, at_ms, one, books[0])

    # -- prices and equity -------------------------------------------------------------------

    def _side(self, book: Book, view: View, j: int) -> float | None:
        """The price at which a position is closed: the bid of a long, the ask of a short."""
        column = int(book.column[j])
        long = book.quantity[j] > 0.0
        quoted = view.has_bid[column] if long else view.has_ask[column]
        price = float(view.bid[column] if long else view.ask[column])
        return price if bool(quoted) and price > 0.0 else None

    def _closed(self, book: Book, view: View, tried: _Candidate) -> _Candidate:
        """Balances as they are, and the slippage of what is closed."""
        kept = np.where(_derivative(book), tried.quantity, book.quantity)
        return self._traded(book, view, tried._replace(quantity=kept), ())

    def _traded(
        self, book: Book, view: View, tried: _Candidate, hedges: Sequence[int]
    ) -> _Candidate:
        """The cost against the mark, in the model's currency; hedges are made at the mark."""
        if self.rules.price != "executable":
            return tried
        slippage = 0.0
        for j in np.flatnonzero(tried.quantity != book.quantity).tolist():
            column = int(book.column[j])
            price = None if column in hedges else self._side(book, view, j)
            if price is not None:
                traded = float(tried.quantity[j] - book.quantity[j])
                lost = _against_mark(book, view, column, traded, price)
                slippage += lost * self._settled(view, book.instruments.items[column].settle)
        return tried._replace(slippage=slippage)

    def _settled(self, view: View, settle: str) -> float:
        """A unit of a settlement currency in the model's: each line loses in its own coin."""
        currency = self.model.spec.currency
        if currency in ("settle", settle):
            return 1.0
        usd = view.usd[view.instruments.names.index(settle)]
        return float(usd) * self._dollars(view, 1.0) / self._cash_usd(view)

    def _cash_usd(self, view: View) -> float:
        return float(view.usd[view.instruments.names.index(self.cash)])

    def _dollars(self, view: View, amount: float) -> float:
        """An amount of the cash currency in that of the model."""
        if self.model.spec.currency in ("settle", self.cash):
            return amount
        return amount * self._cash_usd(view)

    def _after(
        self, book: Book, view: View, tried: Sequence[_Candidate]
    ) -> tuple[list[Book], _State]:
        """The books that candidates leave: equity moves by slippage and fee alone.

        What a closed position leaves on the balance depends on what the model's balance holds
        already (premium, open profit); so the balance is set from the model's own equity.
        """
        before = self._levels([book], view)
        line = self._cash_line(book)
        bare = self._levels([_with(book, each.quantity) for each in tried], view)
        books = []
        for k, each in enumerate(tried):
            fee = self.rules.fee_of_mm * each.share * float(before.mm[0])
            wanted = float(before.equity[0]) + each.slippage - fee
            quantity = each.quantity.copy()
            quantity[line] += (wanted - float(bare.equity[k])) / self._dollars(view, 1.0)
            books.append(_with(book, quantity))
        return books, self._levels(books, view)

    def _cash_line(self, book: Book) -> int:
        items = book.instruments.items
        for j, column in enumerate(book.column.tolist()):
            if items[column].kind == Kind.ASSET and items[column].underlying == self.cash:
                return j
        raise InputError(
            "currency_unknown",
            "the account has no line on which the cash of a liquidation could stand",
            place=book.account[0],
            value=self.cash,
            remedy="Give its balance, 0 if it has none.",
        )

    def _levels(self, books: Sequence[Book], view: View) -> _State:
        """Equity, what counts and what is required of each book, one call of the model."""
        if len(books) > 1:
            return self._valued(books, view)
        if not self._last or self._last[0][0] is not books[0] or self._last[0][1] is not view:
            self._last[:] = [(books[0], view, self._valued(books, view))]
        return self._last[0][2]

    def _valued(self, books: Sequence[Book], view: View) -> _State:
        found = run(_stacked(books), view, self.model, self.parameters)
        if found.failures:
            failure = found.failures[0]
            raise InputError(failure.code, failure.reason, place=books[0].account[0])
        live = {priced.pool.currency for priced in found.priced}
        if len(live) > 1:
            raise InputError(
                "currency_unknown",
                "pools of different currencies have no level together",
                place=books[0].account[0],
                value=", ".join(sorted(live)),
                limit="one currency",
                remedy="Liquidate pool by pool.",
            )
        sums = (
            by_row(found.sheet.account, found.sheet[name], len(books))
            for name in ("equity", "counted_mm", "mm")
        )
        return _State(*sums)

    def _figures(self, state: _State) -> dict[str, float]:
        return {
            "equity": float(state.equity[0]),
            "counted_mm": float(state.counted[0]),
            "mm": float(state.mm[0]),
            "ratio": float(state.ratio()[0]),
        }

    def _step(self, book: Book, view: View, at_ms: int, done: _Candidate, left: Book) -> Step:
        before = self._levels([book], view)
        fee = self.rules.fee_of_mm * done.share * float(before.mm[0])
        figures = self._figures(before) | {"fee": fee, "slippage": done.slippage}
        after = self._levels([left], view)
        figures |= {f"{name}_after": value for name, value in self._figures(after).items()}
        line = self._cash_line(book)
        cash = float(left.quantity[line] - book.quantity[line])
        return Step(at_ms, done.what, done.share, cash, left, figures)


def _less(held: float, piece: float) -> float:
    """What is left of a position after a piece of it; a rest that is the piece's rounding is 0."""
    rest = abs(held) - abs(piece)
    return float(np.copysign(rest, held)) if rest > 1e-9 * abs(piece) else 0.0


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
        lines=(),
        exact=None,
    )


def _derivative(book: Book) -> np.ndarray:
    return np.asarray(book.instruments.kind[book.column] != Kind.ASSET)


def _open(book: Book, hedges: set[int]) -> list[int]:
    """Places of positions that a round may close."""
    real = np.flatnonzero(_derivative(book) & (book.quantity != 0.0)).tolist()
    return [j for j in real if j not in hedges]


def _against_mark(book: Book, view: View, column: int, traded: float, price: float) -> float:
    """What a trade gains against the mark, settlement currency: not positive at the quotes."""
    item, mark = book.instruments.items[column], float(view.mark[column])
    if item.inverse and item.kind != Kind.OPTION:
        return traded * item.multiplier * (1.0 / price - 1.0 / mark)
    return traded * item.multiplier * (mark - price)


def _with(book: Book, quantity: Floats) -> Book:
    """The account with other quantities; entry prices stay, lots and orders are gone."""
    return replace(
        book,
        quantity=frozen(quantity, np.float64),
        orders=Orders.none(len(book)),
        lines=(),
        exact=None,
    )


def _stacked(books: Sequence[Book]) -> Book:
    """Books of one account over one table as the accounts of a population."""
    first = books[0]
    if len(books) == 1:
        return first
    count, size = len(books), len(first.column)
    return replace(
        first,
        account=tuple(str(k) for k in range(count)),
        row=frozen(np.arange(count + 1) * size, np.int64),
        column=frozen(np.tile(first.column, count), np.int32),
        quantity=frozen(np.concatenate([book.quantity for book in books]), np.float64),
        entry_price=frozen(np.tile(first.entry_price, count), np.float64),
        entry_known=frozen(np.tile(first.entry_known, count), np.bool_),
        orders=Orders.none(count),
        choices={name: np.repeat(values, count) for name, values in first.choices.items()},
    )
