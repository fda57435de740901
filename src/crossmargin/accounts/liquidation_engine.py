"""How a house takes an account apart that broke its maintenance margin, step by step.

    trigger      down(counted) < up(MM), in a pool of its own where the model's pools stand apart
    step         the best candidate of :mod:`liquidation_order`, at the fewest lots that do
    stops        down(counted) >= up((1 + buffer) MM): at the buffer, at most a lot beyond it
    closes out   everything at once where equity is gone, or where no step makes less short
    deficit      the fund, then winners (where deleveraging is asked for), else bad debt by name
    identity     account + fund + counterparties + fees + unpaid is the same at every step

The market is asked anew at each step; what prices did to the account in between is paid by, or to,
the counterparties. With order ``best`` every order is carried out and the one that leaves least
unpaid, then most equity, is taken; each is shown with what it cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, final

import numpy as np

from crossmargin.accounts.liquidation_account import Judge, on_own_lines
from crossmargin.accounts.liquidation_order import (
    ORDERS,
    Bench,
    CostOf,
    Order,
    Terms,
    Traded,
    Tried,
    choose,
    touch_cost,
)
from crossmargin.accounts.waterfall import Cover, Purses, Winner, cover, dollars, down, up
from crossmargin.core.arrays import Floats
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError, MarketDataError, SolverError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.liquidation.steps import Market, Outcome, Step
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["Attempt", "HouseLiquidation", "HouseOutcome", "HouseStep", "both_prices", "no_bidder"]

# A position is gone after 1 / max_share steps; a liquidation that takes more is not ending.
STEPS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class HouseStep(Step):
    """One step; money in smallest units. ``purses`` are those after it."""

    legs: tuple[Traded, ...] = ()
    lots: int = 0
    cost: int = 0
    fee: int = 0
    penalty: int = 0
    moved: int = 0  # what prices did to the account since the step before
    covers: tuple[Cover, ...] = ()
    purses: Purses = field(default_factory=lambda: Purses(0))
    short: int = 0  # of the buffer, after the step
    mm: int = 0
    counted: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one order would come to; money in smallest units."""

    order: Order
    steps: int
    paid: int  # cost, fees and penalties
    equity: int
    unpaid: int
    ended: str


@dataclass(frozen=True, slots=True)
class HouseOutcome(Outcome):
    """The steps in the order that was used, why that one, and the purses before and after."""

    order: Order
    why: str
    attempts: tuple[Attempt, ...]
    before: Purses
    after: Purses
    decimals: int
    moved: int = 0  # what prices did to the account after the last step

    @property
    def bad_debt_usd(self) -> float:
        """Dollars that nobody covered."""
        return dollars(-self.after.unpaid, self.decimals)


@final
@dataclass(frozen=True, slots=True)
class HouseLiquidation:
    """A house's liquidation under any model; a mechanics like those of the venues.

    ``cost``: dollars that a trade costs against the mark (default: the best quote). ``fund``:
    smallest units of the insurance fund. ``winners``: whose profit is taken as the last resort;
    None never deleverages. ``not_before_ms``: the end of the last gap; on a market from before it
    nothing is decided. The book's table has the rows of
    :func:`crossmargin.accounts.liquidation_account.with_cash_rows`.
    """

    model: MarginModel
    parameters: Parameters
    terms: Terms
    cost: CostOf | None = None
    order: Order | Literal["best"] = "best"
    fund: int = 0
    winners: tuple[Winner, ...] | None = None
    not_before_ms: int | None = None
    name: str = "house"

    def run(self, account: Book, market: Market, start_ms: int) -> HouseOutcome:
        """Step after step until nothing is short.

        Raises InputError ``option_unknown`` for an order that there is not, ``shape_wrong`` for
        several accounts, MarketDataError ``market_doubtful`` for a market from before the restart,
        and what the model raises.
        """
        if self.order != "best" and self.order not in ORDERS:
            raise InputError(
                "option_unknown",
                "there is no such order of liquidation",
                place="order",
                value=self.order,
                limit=", ".join(("best", *ORDERS)),
                remedy="Choose one of those.",
            )
        orders = ORDERS if self.order == "best" else (self.order,)
        view = self._seen(market, start_ms)
        if len(account) != 1:
            Judge(account, view, self.model, self.parameters)  # says what is wrong
        book = on_own_lines(account, view, self.model, self.parameters)
        found = [_Run(self, book, market, start_ms, order).outcome() for order in orders]
        if not found[0].steps:
            return replace(found[0], left=account, why="nothing is to be closed")
        best = max(found, key=lambda o: (o.after.unpaid, o.after.account, -orders.index(o.order)))
        attempts = tuple(_attempt(each) for each in found)
        return replace(best, attempts=attempts, why=_why(best, found))

    def _seen(self, market: Market, at_ms: int) -> View:
        """The market at a moment, if it is not from before the restart."""
        view = market(at_ms)
        if self.not_before_ms is not None and view.as_of_ms < self.not_before_ms:
            raise MarketDataError(
                "market_doubtful",
                "the market is older than the end of the last gap: nothing is decided on it",
                place="market",
                value=format_ms(view.as_of_ms),
                limit=f"from {format_ms(self.not_before_ms)} on",
                remedy="Wait until every input is newer than the restart.",
            )
        return view


def _attempt(found: HouseOutcome) -> Attempt:
    house = [step for step in found.steps if isinstance(step, HouseStep)]
    paid = sum(step.cost + step.fee + step.penalty for step in house)
    after = found.after
    return Attempt(found.order, len(found.steps), paid, after.account, after.unpaid, found.ended)


def _why(best: HouseOutcome, found: Sequence[HouseOutcome]) -> str:
    """Why this order, in words."""
    if len(found) == 1:
        return "as asked for"
    rest = [each for each in found if each is not best]
    if best.after.unpaid > max(each.after.unpaid for each in rest):
        return "it leaves the least unpaid"
    ahead = best.after.account - max(
        each.after.account for each in rest if each.after.unpaid == best.after.unpaid
    )
    if ahead == 0:
        return "no other order leaves more equity"
    return f"it leaves {dollars(ahead, best.decimals):,.2f} USD more equity than the next order"


class _Run:
    """One order carried out."""

    def __init__(
        self, house: HouseLiquidation, book: Book, market: Market, start_ms: int, order: Order
    ) -> None:
        self.house, self.terms, self.market, self.order = house, house.terms, market, order
        self.at_ms = start_ms
        self.judge = Judge(book, house._seen(market, start_ms), house.model, house.parameters)
        self.start = {j: float(book.quantity[j]) for j in self.judge.lines}
        groups = len(self.judge.names)
        self.broken, self.gone = [False] * groups, [False] * groups
        equity = sum(self._down(e) for e in self.judge.now.equity[0])
        self.before = self.purses = Purses(equity, house.fund)
        self.cost = house.cost or touch_cost(house.terms)
        self.steps: list[HouseStep] = []

    def outcome(self) -> HouseOutcome:
        ended, moved = "", 0
        for _ in range(STEPS_MAX):
            moved = self._moved() if self.steps else 0
            bench = self._bench()
            if bench.short == 0:
                ended = self._ended()
                break
            found = None if self._insolvent(bench) else choose(bench, self.order)
            if found is not None:
                self._take(bench, found[0], found[1], moved)
            else:
                self._close_out(bench, moved)
        else:
            raise SolverError(
                "solver_failed",
                "the liquidation does not end",
                place=self.judge.book.account[0],
                value=STEPS_MAX,
                limit="steps",
                remedy="Close more in a step, or check the path of the market.",
            )
        steps, left = tuple(self.steps), self.judge.book
        purses = self.before, self.purses
        return HouseOutcome(
            steps, left, ended, self.order, "", (), *purses, self.terms.decimals, moved
        )

    def _down(self, amount: float) -> int:
        return down(float(amount), self.terms.decimals)

    def _bench(self) -> Bench:
        """What is short now; a pool that breaks MM is brought to the buffer from then on."""
        now = self.judge.now
        for g in range(len(self.broken)):
            mm = up(float(now.mm[0, g]), self.terms.decimals)
            self.broken[g] |= self._down(now.counted[0, g]) < mm and not self.gone[g]
        return Bench(self.judge, self.terms, self.cost, self.broken, self.start, self.gone)

    def _insolvent(self, bench: Bench) -> bool:
        pairs = zip(bench.equity, bench.balance, strict=True)
        return any(balance < 0 and equity <= 0 for equity, balance in pairs)

    def _ended(self) -> str:
        if not self.steps:
            return "not liquidatable"
        sources = {each.source for step in self.steps for each in step.covers}
        if "unpaid" in sources:
            d = self.terms.decimals
            return f"closed out, bad debt of {dollars(-self.purses.unpaid, d):,.2f} USD"
        if "deleveraged" in sources:
            return "closed out, the deficit covered by the fund and by deleveraging"
        if "fund" in sources:
            return "closed out, the deficit covered by the insurance fund"
        return "closed out" if any(self.gone) else "buffer restored"

    def _moved(self) -> int:
        """The market of the next moment: what it did to the account is the counterparties'."""
        self.at_ms += self.terms.step_ms
        view = self.house._seen(self.market, self.at_ms)
        if view is self.judge.view:
            return 0
        was = sum(self._down(e) for e in self.judge.now.equity[0])
        self.judge = self.judge.moved(view)
        moved = sum(self._down(e) for e in self.judge.now.equity[0]) - was
        self.purses = self.purses.paid("counterparties", "account", moved)
        return moved

    def _judged(self, book: Book, view: View) -> Judge:
        return Judge(book, view, self.house.model, self.house.parameters, self.judge)

    # -- steps -------------------------------------------------------------------------------

    def _take(self, bench: Bench, tried: Tried, why: str, moved: int) -> None:
        """Carry a step out: money moves in smallest units, and the balance follows it."""
        wanted = self._paid(tried)
        book, _ = self.judge.settled(tried.quantity, wanted)
        self._record(bench, tried, why, moved, book, ())

    def _paid(self, tried: Tried) -> Floats:
        """[G] dollars of equity that the step leaves; the purses have paid."""
        for taker, parts in (
            ("counterparties", tried.cost),
            ("fees", tried.fee),
            ("fund", tried.penalty),
        ):
            self.purses = self.purses.paid("account", taker, sum(parts))  # type: ignore[arg-type] # a party
        out = np.zeros(len(self.broken))
        for g in range(len(out)):
            spent = tried.cost[g] + tried.fee[g] + tried.penalty[g]
            out[g] = self.judge.now.equity[0, g] - dollars(spent, self.terms.decimals)
        return out

    def _close_out(self, bench: Bench, moved: int) -> None:
        """Everything in pools without equity, or that no step helps; who pays what is missing."""
        short = [g for g, balance in enumerate(bench.balance) if balance < 0]
        insolvent = [g for g in short if bench.equity[g] <= 0]
        short = insolvent or short
        candidate = bench.everything(short)
        for g in short:
            self.gone[g] = True
        tried = bench.tried([(candidate, candidate.count)])[0]
        wanted = self._paid(tried)
        deficits = {g: max(-self._down(wanted[g]), 0) for g in short}
        self.purses, covers = cover(self.purses, sum(deficits.values()), self.house.winners)
        for g, units in deficits.items():
            wanted[g] = 0.0 if units else wanted[g]
        book, _ = self.judge.settled(tried.quantity, wanted)
        why = "equity is gone" if insolvent else "no step makes less short"
        self._record(bench, tried, why, moved, book, covers)

    def _record(
        self,
        bench: Bench,
        tried: Tried,
        why: str,
        moved: int,
        book: Book,
        covers: tuple[Cover, ...],
    ) -> None:
        paid, d = tried.paid, self.terms.decimals
        before = self.judge.now
        self.judge = self._judged(book, self.judge.view)
        now, after = self.judge.now, self._bench()
        counted = sum(self._down(c) for c in now.counted[0])
        mm = sum(up(float(m), d) for m in now.mm[0])
        figures = {
            "equity": float(before.equity[0].sum()),
            "mm": float(before.mm[0].sum()),
            "equity_after": float(now.equity[0].sum()),
            "mm_after": float(now.mm[0].sum()),
            "shortfall": dollars(bench.short, d),
            "shortfall_after": dollars(after.short, d),
        }
        share = max(
            (abs(leg.size) / held for leg, held in self._held(bench, tried) if held), default=0.0
        )
        cash = dollars(sum(each.units for each in covers) - paid, d)
        self.steps.append(
            HouseStep(
                self.at_ms,
                tried.candidate.what,
                share,
                cash,
                book,
                figures,
                legs=tried.legs,
                lots=tried.k,
                cost=sum(tried.cost),
                fee=sum(tried.fee),
                penalty=sum(tried.penalty),
                moved=moved,
                covers=covers,
                purses=self.purses,
                short=after.short,
                mm=mm,
                counted=counted,
                why=why,
            )
        )

    def _held(self, bench: Bench, tried: Tried) -> list[tuple[Traded, float]]:
        """Each leg with what its line held before the step."""
        held = bench.judge.book.quantity
        places = [j for j, lots in tried.candidate.lots(tried.k) if lots]
        return [(leg, abs(float(held[j]))) for leg, j in zip(tried.legs, places, strict=True)]


# -- scenarios -----------------------------------------------------------------------------------


def no_bidder(cost: CostOf, lost_share: float) -> CostOf:
    """The cost where nobody bids: ``lost_share`` of the value of what is sold is lost on top.

    1 is an auction won at zero. The value is the mark of an option or a coin, the notional of a
    future. Raises InputError ``number_out_of_range`` for a share outside 0 to 1.
    """
    if not 0.0 <= lost_share <= 1.0:
        raise InputError(
            "number_out_of_range",
            "what is lost without a bidder is a share of the value",
            place="lost_share",
            value=lost_share,
            limit="0 to 1",
            remedy="1 is an auction won at zero.",
        )

    def without(view: View, column: int, size: float) -> float:
        table = view.instruments
        item, names = table.items[column], table.names
        usd = float(view.usd[names.index(item.settle)])
        worth = abs(size) * item.multiplier * usd
        if item.kind == Kind.ASSET:
            worth = abs(size) * float(view.usd[names.index(item.underlying)])
        elif item.inverse and item.kind != Kind.OPTION:
            worth /= float(view.mark[column])
        else:
            worth *= float(view.mark[column])
        return cost(view, column, size) + lost_share * worth

    return without


def both_prices(
    house: HouseLiquidation, account: Book, market: Market, start_ms: int, delay_ms: int
) -> tuple[HouseOutcome, HouseOutcome]:
    """The liquidation at prices that are ``delay_ms`` old, and at those of the moment.

    What the delayed one leaves unpaid less than the other, or more, is what the oracle's delay
    hides. Raises InputError ``number_out_of_range`` for a negative delay.
    """
    if delay_ms < 0:
        raise InputError(
            "number_out_of_range",
            "a delay is not negative",
            place="delay_ms",
            value=delay_ms,
            limit=">= 0",
            remedy="Give how old the oracle's price is.",
        )
    late = house.run(account, lambda at_ms: market(at_ms - delay_ms), start_ms)
    return late, house.run(account, market, start_ms)
