"""What it costs to leave: value of an account at mark, at touch, at depth, and over some days.

Of every future, perpetual and option that is held, closing against the market of one instant:

    mark    the venue's mark, no cost
    touch   the whole size at the best price of the closing side, and the taker's fee
    depth   the walk over the visible levels, the impact beyond them, and the fee
    days    N equal slices on N days, each against a book that has filled again: N cost(q / N)

Cost = value at mark less value there, in dollars; it is below zero where a quote is better than the
mark. What has no quote is bounded (:mod:`crossmargin.accounts.exit_market`) in every column. An
option may instead be hedged to its expiry (:mod:`crossmargin.accounts.run_off`); the cheaper way is
that of least expected cost. Days to close: size over a share of a day's volume and of open
interest. Balances and coins held stay at their index; open orders are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.accounts.run_off import RunOff, run_off
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import lies_in
from crossmargin.margin.totals import account_totals, room_usd, stands_apart
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.margin.whatif_trades import error_of
from crossmargin.market.costs import TradeCost
from crossmargin.market.depth import Depth
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["BASES", "DAYS_MAX", "Exit", "LegExit", "Standing", "exit_of"]

DAYS_MAX = 365
BASES = ("mark", "touch", "depth", "days", "cheaper")
CLOSE, RUN_OFF, WAIT = "close", "hedge", "wait"  # now; until it expires; for a quote


@dataclass(frozen=True, slots=True)
class LegExit:
    """Leaving one line. Dollars; costs positive, below zero where a quote beats the mark.

    ``parts`` split ``depth_usd`` by component. ``bound`` says how a leg without a quote is bounded,
    empty where it is quoted; ``source`` where the depth is from: levels, touch size, touch, none.
    ``days_to_close`` and ``volume_day`` are None where neither volume nor open interest is known;
    ``left`` are units still open after the days asked for, at that pace. ``waiting_risk_usd``: one
    standard deviation of the line's value while it is closed over those days.
    """

    row: int
    item: Instrument
    quantity: float
    mark: float  # price unit
    touch: float  # price unit
    bound: str
    source: str
    shown: float | None  # units visible on the closing side
    worth_usd: float  # an option at mark; 0 for futures, whose profit is in the equity
    touch_usd: float
    depth_usd: float
    parts: tuple[tuple[str, float], ...]
    days_usd: float
    volume_day: float | None
    days_to_close: float | None
    left: float | None
    waiting_risk_usd: float
    run_off: RunOff | None
    cost: TradeCost  # of any signed size of this contract on that side

    @property
    def way(self) -> str:
        """close (now) or hedge (to run off), whichever is expected to cost less, or wait.

        What has no quote cannot be closed now: it is hedged, or waits for one.
        """
        if self.run_off is None:
            return WAIT if self.bound else CLOSE
        if self.bound or self.run_off.total_usd < self.depth_usd:
            return RUN_OFF
        return CLOSE

    @property
    def cheaper_usd(self) -> float:
        """The cost of that way; the bound of a line that waits."""
        if self.run_off is not None and self.way == RUN_OFF:
            return self.run_off.total_usd
        return self.depth_usd

    def cost_usd(self, basis: str) -> float:
        """The cost on one of :data:`BASES`."""
        return {
            "mark": 0.0,
            "touch": self.touch_usd,
            "depth": self.depth_usd,
            "days": self.days_usd,
            "cheaper": self.cheaper_usd,
        }[basis]


@dataclass(frozen=True, slots=True)
class Standing:
    """The account less what it costs to leave, on one basis; dollars and shares of what counts.

    ``im_usage`` and ``mm_usage`` are requirement over what counts for it; None where nothing does.
    Where pools stand apart they are those of the pool with least left.
    """

    basis: str
    cost_usd: float
    equity_usd: float
    im_usage: float | None
    mm_usage: float | None
    over_mm_usd: float


@dataclass(frozen=True, slots=True)
class Exit:
    """The account: its lines in the book's order, and its standing on every basis."""

    legs: tuple[LegExit, ...]
    standings: tuple[Standing, ...]
    days: float

    @property
    def unquoted(self) -> tuple[LegExit, ...]:
        """Lines that have no quote on the side that closes them."""
        return tuple(leg for leg in self.legs if leg.bound)

    @property
    def days_to_close(self) -> float | None:
        """Days until the last line is closed; None where one is unknown, 0 without lines."""
        known = [leg.days_to_close for leg in self.legs]
        found = [each for each in known if each is not None]
        return max(found, default=0.0) if len(found) == len(known) else None


def exit_of(
    book: Book,
    view: View,
    snapshot: Snapshot,
    requirement: Requirement | None = None,
    *,
    schedule: Schedule | None = None,
    terms: ExitTerms | None = None,
    days: float = 5.0,
    books: Mapping[tuple[str, str], Depth] | None = None,
) -> Exit:
    """What it costs to leave every derivative of the only account of a book.

    ``requirement``: the account under a model, for equity and usage; without it there are no
    standings. ``books``: levels by (venue, native id). ``days``: over how many days the last basis
    closes. Raises InputError ``option_unknown`` for several accounts, ``number_out_of_range`` for
    days, ModelError ``parameter_missing`` for a venue without fees, and a line's own failure where
    the market cannot price it.
    """
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "an exit is of one account",
            value=len(book),
            limit="1 account",
            remedy="Choose an account.",
        )
    if not 0.0 < days <= DAYS_MAX:
        raise InputError(
            "number_out_of_range",
            "the days of an exit are out of bounds",
            place="--days",
            value=days,
            limit=f"above 0, at most {DAYS_MAX}",
            remedy="Give the days over which to close.",
        )
    chosen = Schedule.at(view.as_of_ms) if schedule is None else schedule
    numbers = ExitTerms.at(view.as_of_ms) if terms is None else terms
    desk = Desk(view, snapshot, chosen, numbers, books)
    kinds = (Kind.OPTION, Kind.FUTURE, Kind.PERPETUAL)
    legs = []
    for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        if quantity != 0.0 and view.instruments.items[k].kind in kinds:
            if not view.ok[k]:
                raise _unpriced(view, k)
            legs.append(_leg(desk, k, quantity, days))
    found = () if requirement is None else _standings(legs, requirement, book)
    return Exit(tuple(legs), found, days)


def _unpriced(view: View, k: int) -> CrossMarginError:
    label = view.instruments.label(k)
    return error_of(next(f for f in view.failures if f.subject == label), view)


def _leg(desk: Desk, k: int, quantity: float, days: float) -> LegExit:
    view = desk.view
    table = view.instruments
    item = table.items[k]
    size = -quantity
    quote = desk.quote(k, 1.0 if size > 0.0 else -1.0)
    parts = tuple((name, float(values)) for name, values in quote.cost.split(size))
    known = quote.volume_day > 0.0
    worth = 0.0
    if item.kind == Kind.OPTION:
        usd = float(view.usd[table.settle[k]])
        worth = quantity * item.multiplier * float(view.mark[k]) * usd
    pace = quote.pace_day
    move = desk.sensitivity(k).move_usd
    return LegExit(
        row=k,
        item=item,
        quantity=quantity,
        mark=float(view.mark[k]),
        touch=quote.touch,
        bound=quote.bound,
        source=quote.source,
        shown=quote.shown,
        worth_usd=worth,
        touch_usd=float(quote.at_touch.at(size)),
        depth_usd=float(quote.cost.at(size)),
        parts=parts,
        days_usd=days * float(quote.cost.at(size / days)),
        volume_day=quote.volume_day if known else None,
        days_to_close=abs(quantity) / pace if pace > 0.0 else None,
        left=max(abs(quantity) - days * pace, 0.0) if pace > 0.0 else None,
        # what is open falls evenly to zero: the mean of its square is a third
        waiting_risk_usd=abs(quantity) * move * float(np.sqrt(days / 3.0)),
        run_off=_run_off(desk, k, quantity),
        cost=quote.cost,
    )


def _run_off(desk: Desk, k: int, quantity: float) -> RunOff | None:
    """Hedging the line to expiry; None for what is no living option or has no perpetual."""
    view = desk.view
    item = view.instruments.items[k]
    if item.kind != Kind.OPTION:
        return None
    life_ms = int(view.life_ms[view.instruments.expiry[k]])
    hedge = desk.hedge(item) if life_ms > 0 else None
    if hedge is None:
        return None
    unit = desk.sensitivity(k)
    return run_off(
        quantity,
        quantity * unit.delta_usd,
        quantity * unit.cash_gamma_usd,
        float(view.vol[k]),
        life_ms,
        hedge,
        desk.terms,
    )


def _standings(
    legs: Sequence[LegExit], requirement: Requirement, book: Book
) -> tuple[Standing, ...]:
    """Equity and usage on every basis; the cost of a line counts in the pool that holds it."""
    totals = account_totals(requirement)
    apart = stands_apart(requirement.model) and requirement.book.instruments == book.instruments
    home = _homes(legs, requirement, apart)
    sheet = requirement.sheet
    rates = [requirement.priced[p].usd_per_unit for p in sheet.pool.tolist()]
    found = []
    for basis in BASES:
        costs = [leg.cost_usd(basis) for leg in legs]
        charged = np.bincount(np.array(home, np.int64), weights=costs, minlength=len(rates))
        sides = []
        for need, counted in (("im", "counted_im"), ("mm", "counted_mm")):
            pools = [
                (
                    float(sheet[need][r]),
                    float(sheet[counted][r] - charged[r] / usd),
                    usd,
                )
                for r, usd in enumerate(rates)
            ]
            sides.append(room_usd(pools, apart))
        cost = sum(costs)
        found.append(
            Standing(
                basis=basis,
                cost_usd=float(cost),
                equity_usd=float(totals.equity_usd[0] - cost),
                im_usage=None if sides[0][1] is None else 1.0 - sides[0][1],
                mm_usage=None if sides[1][1] is None else 1.0 - sides[1][1],
                over_mm_usd=float(sides[1][0]),
            )
        )
    return tuple(found)


def _homes(legs: Sequence[LegExit], requirement: Requirement, apart: bool) -> list[int]:
    """[legs] the sheet row whose pool holds each line; the first row where pools are added up."""
    if not apart:
        return [0] * len(legs)
    pools = requirement.sheet.pool.tolist()
    book, table = requirement.book, requirement.plan.pools
    inside = [set(book.column[lies_in(book, table[p])].tolist()) for p in pools]
    return [next((r for r, held in enumerate(inside) if leg.row in held), 0) for leg in legs]
