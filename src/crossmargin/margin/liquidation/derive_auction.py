"""Derive's Dutch auction of an account whose maintenance balance is under zero.

    buffered  BM = MM + (MM - MtM) buffer               MM, MtM with cash; MM in one scenario
    fee       f(1, 0) |MtM| fee                         to the security module when it starts
    discount  d(t): start -> cutoff over the fast time, then -> 0 over the slow time, linearly
    largest   f(d, R) = BM / (BM - MtM d - R (1 - d)),  BM at most 0; R cash paid in by earlier bids
    bid       x <= f of everything but R, for x d (MtM - R)
    ends      BM >= 0, or the time is over: what is under MM is then auctioned as insolvent

While a bid is paid its cash is reserved: later bidders take a share of the rest alone. An account
whose MtM is not above zero is insolvent: taking all of it is *paid*

    insolvent  min(MtM, 0) + (MM - min(MtM, 0)) t / length, then MM;   ends at MM >= 0

by the security module; a share is of what then stands. The scenario is named by who starts the
auction; anyone may name a worse one. Solvent auctions reproduce the venue's recorded actions; the
insolvent rule is the contract's, without recorded numbers.
Source: derivexyz/v2-core at 7736900d, re-stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.liquidation.steps import Levels, Market, Outcome, Step, levels_of, scaled
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.usdc_pools import CASH
from crossmargin.market.view import View

__all__ = ["Auction", "Bid", "DutchAuction", "Terms"]

FOLDER = "derive-auction"
# A taken share restores the buffer exactly; what is left of it is the rounding of sums of dollars.
ROUNDING = 1e-9
_LEVEL = ("fee_rate", "buffer", "start_discount", "cutoff_discount")


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of an auction; fractions and seconds."""

    start_discount: float
    cutoff_discount: float
    fast_seconds: float
    slow_seconds: float
    insolvent_seconds: float
    fee_rate: float
    buffer: float
    whole_below: float = 0.0  # an account whose MtM is less may be taken whole; 0: none

    @staticmethod
    def of(parameters: Parameters) -> Terms:
        """The terms of a parameter set; ModelError ``parameter_missing`` for one that is absent."""
        names = (*_LEVEL, "fast_seconds", "slow_seconds", "insolvent_seconds")
        return Terms(**{name: parameters.number(f"auction.{name}") for name in names})

    @staticmethod
    def as_of(when_ms: int) -> Terms:
        """The terms in force at a moment."""
        return Terms.of(load(FOLDER, when_ms))

    def discount(self, elapsed_s: float) -> float:
        """Share of MtM that a bidder pays."""
        if elapsed_s < self.fast_seconds:
            fallen = (self.start_discount - self.cutoff_discount) * elapsed_s / self.fast_seconds
            return self.start_discount - fallen
        left = 1.0 - (elapsed_s - self.fast_seconds) / self.slow_seconds
        return self.cutoff_discount * max(left, 0.0)

    def buffered(self, levels: Levels) -> float:
        """BM: the maintenance balance that ends an auction once it is not negative."""
        return levels.mm + (levels.mm - levels.value) * self.buffer

    def largest(self, levels: Levels, discount: float, reserved: float) -> float:
        """The largest share that one bid may take."""
        if levels.value < self.whole_below:
            return 1.0
        short = min(self.buffered(levels), 0.0)
        if short == 0.0:
            return 0.0
        return short / (short - levels.value * discount - reserved * (1.0 - discount))

    def fee(self, levels: Levels) -> float:
        """What starting an auction costs the account; nothing where it is insolvent."""
        if levels.value <= 0.0:
            return 0.0
        return self.largest(levels, 1.0, 0.0) * levels.value * self.fee_rate

    def insolvent_price(self, levels: Levels, elapsed_s: float) -> float:
        """What all of an insolvent account costs: never above 0, the bidder is paid."""
        base = min(levels.value, 0.0)
        passed = min(max(elapsed_s / self.insolvent_seconds, 0.0), 1.0)
        return base + (levels.mm - base) * passed


@dataclass(frozen=True, slots=True)
class Bid:
    """Someone takes up to ``share`` of what the account then holds."""

    at_ms: int
    share: float


@dataclass(frozen=True, slots=True)
class Auction:
    """An auction under way: the account as it stands and the cash that bids have paid in."""

    book: Book
    start_ms: int
    solvent: bool
    reserved: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class DutchAuction:
    """The auction of one account under a model of the venue; bids in order of time.

    ``scenario`` is the place of a scenario of the manager in its list; None takes the worst.
    """

    model: MarginModel
    parameters: Parameters
    terms: Terms
    bids: tuple[Bid, ...] = ()
    scenario: int | None = None
    name: str = "derive-auction"

    def levels(self, book: Book, view: View) -> Levels:
        """Value and maintenance balance in the named scenario; the basis is always a candidate.

        Raises InputError ``number_out_of_range`` for a scenario that a manager does not have.
        """
        return levels_of(book, view, self.model, self._named(book))

    def _named(self, book: Book) -> Parameters:
        """The parameters with the named scenario alone."""
        if self.scenario is None:
            return self.parameters
        coins = sorted({i.underlying for i in book.instruments.items if i.kind != Kind.ASSET})
        changes = {}
        for coin in coins:
            key = f"market.{coin}.scenarios"
            rows = self.parameters.get(key)
            if not 0 <= self.scenario < len(rows):
                raise InputError(
                    "number_out_of_range",
                    "the manager has no such scenario",
                    place=key,
                    value=self.scenario,
                    limit=f"0 to {len(rows) - 1}",
                    remedy="Name a scenario by its place in the list, or none for the worst.",
                )
            changes[key] = [rows[self.scenario]]
        return overlay(self.parameters, changes, f"scenario {self.scenario}")

    def run(self, account: Book, market: Market, start_ms: int) -> Outcome:
        """The start and every bid, until the bids or the reason to liquidate end."""
        levels = self.levels(account, market(start_ms))
        if levels.mm >= 0.0:
            return Outcome((), account, "not liquidatable")
        fee = self.terms.fee(levels)
        book = scaled(account, 1.0, CASH, _cash(account) - fee)
        figures = {"value": levels.value, "mm": levels.mm, "bm": self.terms.buffered(levels)}
        steps = [Step(start_ms, "fee", 0.0, -fee, book, figures)]
        state, ended = Auction(book, start_ms, levels.value > 0.0), ""
        for bid in self.bids:
            state, step, ended = self.take(state, bid, market(bid.at_ms))
            if step is not None:
                steps.append(step)
            if ended:
                break
        return Outcome(tuple(steps), state.book, ended)

    def take(self, state: Auction, bid: Bid, view: View) -> tuple[Auction, Step | None, str]:
        """One bid: the auction after it, its step (None where it came too late), why it ended.

        Raises InputError ``number_out_of_range`` for a share outside 0 to 1 or a bid before the
        start.
        """
        elapsed_s = (bid.at_ms - state.start_ms) / 1000.0
        if not 0.0 < bid.share <= 1.0 or elapsed_s < 0.0:
            raise InputError(
                "number_out_of_range",
                "a bid takes a share of the account, after the start",
                value=(bid.share, elapsed_s),
                limit="0 < share <= 1, 0 <= seconds",
            )
        levels = self.levels(state.book, view)
        if state.solvent and levels.value - state.reserved <= 0.0:
            return state, None, "insolvent: to be auctioned anew"
        return (
            self._solvent(state, bid, levels, elapsed_s)
            if state.solvent
            else self._insolvent(state, bid, levels, elapsed_s)
        )

    def _solvent(
        self, state: Auction, bid: Bid, levels: Levels, elapsed_s: float
    ) -> tuple[Auction, Step | None, str]:
        terms = self.terms
        bm = terms.buffered(levels)
        if bm >= -ROUNDING * (abs(levels.value) + abs(levels.mm)):
            return state, None, "buffer restored"
        if elapsed_s >= terms.fast_seconds + terms.slow_seconds:
            return state, None, "over" if levels.mm >= 0.0 else "over: to be auctioned as insolvent"
        discount = terms.discount(elapsed_s)
        largest = terms.largest(levels, discount, state.reserved)
        share = min(bid.share, largest)
        paid = share * discount * (levels.value - state.reserved)
        cash = _cash(state.book)
        left = cash - share * (cash - state.reserved) + paid
        book = scaled(state.book, 1.0 - share, CASH, left)
        figures = {
            "value": levels.value,
            "mm": levels.mm,
            "bm": bm,
            "discount": discount,
            "largest": largest,
            "reserved": state.reserved,
        }
        step = Step(bid.at_ms, "bid", share, paid, book, figures)
        after = Auction(book, state.start_ms, True, state.reserved + paid)
        ended = "all taken" if share == 1.0 else "buffer restored" if share == largest else ""
        return after, step, ended

    def _insolvent(
        self, state: Auction, bid: Bid, levels: Levels, elapsed_s: float
    ) -> tuple[Auction, Step | None, str]:
        if levels.mm >= 0.0:
            return state, None, "maintenance restored"
        price = self.terms.insolvent_price(levels, elapsed_s)
        book = scaled(state.book, 1.0 - bid.share, CASH, _cash(state.book) * (1.0 - bid.share))
        figures = {
            "value": levels.value,
            "mm": levels.mm,
            "module_pays": -price * bid.share,
        }
        step = Step(bid.at_ms, "insolvent bid", bid.share, 0.0, book, figures)
        ended = "all taken" if bid.share == 1.0 else ""
        return Auction(book, state.start_ms, False), step, ended


def _cash(book: Book) -> float:
    """The account's own cash; 0 without a line (which :func:`scaled` refuses)."""
    items = book.instruments.items
    return sum(
        float(q)
        for c, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
        if items[c].kind == Kind.ASSET and items[c].underlying == CASH
    )
