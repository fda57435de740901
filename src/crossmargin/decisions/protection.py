"""Protection of an account: candidates of every kind, checked, planned, margined and ranked.

Ranked: what holds the floor at every price first, then what holds it furthest down; among equals
by the expected cost until the horizon. The margin of each is the exact model's, all candidates in
one population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS, NEVER_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.hedge_chain import Chain, Missing, chains_of, perpetual_of
from crossmargin.decisions.hedge_finder import (
    FAMILIES,
    Field,
    Found,
    Path,
    path_of,
    perp_short,
    search,
)
from crossmargin.decisions.hedge_mix import cheapest_mix, highest_floor
from crossmargin.decisions.hedge_rolls import Plan, plan_of, term_of
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.decisions.price_grid import BookWorth, grid_of, vol_response
from crossmargin.instruments.book import Book
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_trades import Leg as Wanted
from crossmargin.market.history import moves
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.statistics.checks import number

__all__ = ["Ask", "Candidate", "Margins", "Protection", "protect"]

_MOST = 2.0  # a hedge buys no more than so many times the coins that the account stands for
_UP = 1.5  # the price at which what is kept of the upside is read


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted. ``floor`` is a share of the equity today, or ``floor_price`` is given.

    ``floor_price``: the account may not be worth less than it would be at that price by itself.
    ``unit`` ``usd`` or ``coin``: what the floor is counted in. ``crash``: how far down spreads must
    hold, as a share of the price. ``cap``: the rise that a collar leaves at least. ``response``:
    the exponent of volatility to the price; None takes it from the market's history.
    """

    underlying: str
    floor: float = 0.8
    floor_price: float | None = None
    days: float = 60.0
    unit: str = "usd"
    families: tuple[str, ...] = FAMILIES
    expiries: int = 4
    crash: float = 0.5
    cap: float = 0.2
    response: float | None = None
    lot: float | None = None

    def __post_init__(self) -> None:
        number(self.floor, "floor", above=0.0, below=1.0)
        number(self.days, "days", above=0.0, below=3650.0)
        number(self.crash, "crash", above=-1e-12, below=1.0)
        number(self.cap, "cap", above=-1e-12)
        for name in ("floor_price", "lot"):
            if getattr(self, name) is not None:
                number(getattr(self, name), name, above=0.0)
        if self.response is not None:
            number(self.response, "response", above=-1e-12, below=5.0)
        _one_of("unit", [self.unit], ("usd", "coin"))
        _one_of("strategy", self.families, FAMILIES, "strategies")
        if self.expiries < 1:
            raise InputError(
                "number_out_of_range",
                "expiries to search are refused",
                place="--expiries",
                value=self.expiries,
                limit=">= 1",
                remedy="Give 1 or more.",
            )


@dataclass(frozen=True, slots=True)
class Margins:
    """The account after the hedge, dollars, by the exact model; ``passes``: the venue takes it."""

    im_usd: float
    mm_usd: float
    marginal_im_usd: float
    marginal_mm_usd: float
    room_im_usd: float
    passes: bool


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One hedge. ``depth_share``: the largest share of a leg's quoted size, None if not known.

    ``upside_kept``: its gain over the unhedged gain if the price rises by half, costs inside.
    ``loss_usd``: the most that can be lost at its expiry, from today's equity.
    """

    found: Found
    names: tuple[str, ...]
    sizes: tuple[float, ...]
    prices: tuple[float, ...]
    path: Path
    plan: Plan
    cost_per_year: float
    loss_usd: float
    upside_kept: float | None
    depth_share: float | None
    interest_share: float | None
    against_mark_usd: tuple[float, ...]  # of each leg: what its price and fee lose on the mark
    margins: Margins | None = None

    @property
    def holds(self) -> bool:
        """Whether the floor holds at every price of the grid."""
        return self.path.slack_usd >= -1e-6

    def intents(self) -> Intents:
        """The trades, bought legs first: a sold one then finds its cover."""
        legs = zip(self.names, self.sizes, self.prices, self.against_mark_usd, strict=True)
        return Intents(
            tuple(
                Trade(name, size, price, cost_usd=cost, reason=self.reason())
                for name, size, price, cost in sorted(legs, key=lambda leg: -leg[1])
            )
        )

    def reason(self) -> str:
        """A few words for the intent."""
        return f"{self.found.family}: floor {'holds' if self.holds else 'holds in part'}"


@dataclass(frozen=True, slots=True, eq=False)
class Protection:
    """The answer: the account as it stands, candidates in their order, what could not be priced.

    ``without``: families for which no quoted strikes hold the floor. ``needed``: whether the floor
    is broken anywhere at all without a hedge. ``reach``: where no bought mix holds the floor, the
    highest that one could (dollars at today's price) and its expiry. ``perpetual``: whether one of
    the coin is quoted.
    """

    ask: Ask
    field: Field
    bare: Path
    candidates: tuple[Candidate, ...]
    without: tuple[str, ...]
    missing: tuple[Missing, ...]
    needed: bool
    im_usd: float
    mm_usd: float
    response_from: str
    reach: tuple[float, int] | None = None
    perpetual: bool = True

    @property
    def floor_today_usd(self) -> float:
        """The floor at today's price."""
        return self.field.floor_usd + self.field.floor_coins * self.field.lines.price


def protect(prepared: Prepared, book: Book, view: View, snapshot: Snapshot, ask: Ask) -> Protection:
    """Candidates for one account; ``book`` as it was given, ``view`` sees all of the table.

    Raises InputError for an account that is worth nothing, MarketDataError ``quote_missing`` where
    no option of the coin and no perpetual is there to trade.
    """
    equity = prepared.before.equity_usd
    if not equity > 0.0:
        raise InputError(
            "number_out_of_range",
            f"equity is {equity:,.0f} USD, at or below zero: there is no floor to keep",
            place=prepared.ground.account,
            limit="equity above 0 USD",
            remedy="Give every balance (cash rows of the book), or COIN:AMOUNT in its place to "
            "protect an amount of coins; add money before it is protected.",
        )
    worth = BookWorth.of(book, view, ask.underlying, equity)
    response, told = _response(view, ask)
    field = _field(worth, ask, response, _lot(prepared, view, ask))
    horizon = ask.days / 365.0
    allowed = {item.native_id for item in prepared.table.items}
    terms = prepared.desk.schedule.of
    chains = chains_of(worth.lines, view, terms, allowed)
    used = _chosen(chains, horizon, ask.expiries)
    perp = perpetual_of(worth.lines, view, allowed)
    if not used and perp is None:
        raise MarketDataError(
            "quote_missing",
            "the market quotes no option and no perpetual of the coin",
            place=ask.underlying,
            remedy="Give a market that quotes them.",
        )
    bare = path_of(field, None, horizon)
    found: list[tuple[Found, Chain | None]] = []
    for chain in used:
        found += [(each, chain) for each in search(field, chain, ask.families)]
        if "cheapest mix" in ask.families:
            mixed = cheapest_mix(field, chain)
            found += [(mixed, chain)] if mixed is not None else []
    if perp is not None and "perp short" in ask.families:
        lot = lot_of(worth.lines.items[perp], prepared.desk.schedule.parameters)
        sold = perp_short(field, view, perp, terms(worth.lines.items[perp]), horizon, lot)
        found += [(sold, None)] if sold is not None else []
    term = term_of(worth.lines, chains)
    drafts = [
        _candidate(field, view, snapshot, each, plan_of(worth.lines, each, chain, term, horizon),
                   ask)
        for each, chain in found
    ]  # fmt: skip
    ranked = _margined(prepared, drafts)
    ranked = _once(ranked)
    names = {each.found.family for each in ranked}
    return Protection(
        ask, field, bare, tuple(ranked),
        tuple(family for family in ask.families if family not in names),
        tuple(miss for chain in used for miss in chain.missing),
        bool(bare.slack_usd < -1e-6), prepared.before.im_usd, prepared.before.mm_usd, told,
        _reach(field, used) if "cheapest mix" in set(ask.families) - names else None,
        perp is not None,
    )  # fmt: skip


def _reach(field: Field, used: Sequence[Chain]) -> tuple[float, int] | None:
    """The highest floor that options bought of one expiry hold, where none hold the one asked."""
    known = [(highest_floor(field, chain), chain.expiry_ms) for chain in used]
    best = max(((at, end) for at, end in known if at is not None), default=None)
    level = float(field.floor(np.array([field.lines.price]))[0])
    return best if best is not None and best[0] < level * (1.0 - 1e-9) else None


def _field(worth: BookWorth, ask: Ask, response: float, lot: float) -> Field:
    equity, price = worth.equity_usd, worth.lines.price
    if ask.floor_price is not None:
        at = np.array([ask.floor_price])
        level = float(worth.at(at, ask.days / 365.0, response)[0])
        usd, coins = level, level / ask.floor_price
    else:
        usd, coins = ask.floor * equity, ask.floor * equity / price
    parts = (usd, 0.0) if ask.unit == "usd" else (0.0, coins)
    prices = grid_of(price, worth.strikes())[1:]
    slope = np.diff(worth.at(prices, ask.days / 365.0, response)) / np.diff(prices)
    most = _MOST * float(np.abs(slope).max())
    return Field(worth, *parts, ask.crash, ask.cap, response, lot, most)


def _lot(prepared: Prepared, view: View, ask: Ask) -> float:
    """The smallest size of the coin's options, as the table of lots has it."""
    if ask.lot is not None:
        return ask.lot
    for item in view.instruments.items:
        if item.underlying == ask.underlying and item.right != 0:
            return lot_of(item, prepared.desk.schedule.parameters)
    return 1.0


def _response(view: View, ask: Ask) -> tuple[float, str]:
    if ask.response is not None:
        return ask.response, "given"
    known = view.history.get(ask.underlying)
    if known is None or not len(known.vol):
        return 0.0, "no history of volatility: each strike keeps its own"
    found = moves(view.history, [ask.underlying], DAY_MS)
    price = np.exp(np.concatenate([[0.0], np.cumsum(found.log_return[0])]))
    vol = np.exp(np.concatenate([[0.0], np.cumsum(found.log_vol[0])]))
    return vol_response(price, vol), f"{len(found)} daily moves of the market's history"


def _chosen(chains: Sequence[Chain], horizon: float, count: int) -> list[Chain]:
    """Expiries nearest to the horizon in life, at least a week and an eighth of it long."""
    able = [c for c in chains if c.years >= min(max(horizon / 8.0, 7.0 / 365.0), horizon)]
    able.sort(key=lambda c: (abs(np.log(c.years / horizon)), c.years))
    return sorted(able[:count], key=lambda c: c.expiry_ms)


def _candidate(
    field: Field, view: View, snapshot: Snapshot, found: Found, plan: Plan, ask: Ask
) -> Candidate:
    lines, equity = field.lines, field.book.equity_usd
    items = [lines.items[leg.row] for leg in found.legs]
    sizes = tuple(found.size * leg.ratio for leg in found.legs)
    prices = tuple(
        float(view.ask[leg.row] if leg.ratio > 0.0 else view.bid[leg.row]) for leg in found.legs
    )
    path = path_of(field, found, found.years)
    up = np.array([_UP * lines.price])
    gain = float(field.book.at(up, found.years, field.response)[0]) - equity
    kept = None
    if gain > 0.0:
        kept = (gain + float(found.value(lines, up, found.years)[0])) / gain
    shares: list[float | None] = []
    interests: list[float | None] = []
    for item, size in zip(items, sizes, strict=True):
        subject = f"{item.venue}|{item.native_id}"
        shown = snapshot.get("ask_size" if size > 0.0 else "bid_size", subject)
        shares.append(abs(size) / shown if shown else None)
        held = snapshot.get("open_interest", subject)
        interests.append(abs(size) / held if held else None)
    return Candidate(
        found, tuple(item.native_id for item in items), sizes, prices, path, plan,
        plan.horizon_cost_usd / equity * 365.0 / ask.days, equity - path.least_usd, kept,
        _largest(shares), _largest(interests), _against_mark(field, view, found),
    )  # fmt: skip


def _against_mark(field: Field, view: View, found: Found) -> tuple[float, ...]:
    """Dollars that each leg loses against its mark, fee inside."""
    lines = field.lines
    if found.expiry_ms == NEVER_MS:  # a perpetual has no premium: all it costs is against the mark
        return (found.cost_usd - found.carry_usd,)
    out = []
    for leg, cash in zip(found.legs, found.cash, strict=True):
        at_mark = leg.ratio * lines.items[leg.row].multiplier * float(view.mark[leg.row])
        out.append(found.size * (cash - at_mark) * float(lines.usd[leg.row]))
    return tuple(out)


def _largest(shares: Sequence[float | None]) -> float | None:
    known = [each for each in shares if each is not None]
    return max(known) if len(known) == len(shares) and known else None


def _margined(prepared: Prepared, drafts: Sequence[Candidate]) -> list[Candidate]:
    """Each candidate's margin in one population, then the order of the answer."""
    if not drafts:
        return []
    legs = [
        [
            Wanted(prepared.column[name], size, price)
            for name, size, price in zip(each.names, each.sizes, each.prices, strict=True)
        ]
        for each in drafts
    ]
    ranked = prepared.rank(legs)
    done = []
    for place, number_ in enumerate(ranked.order.tolist()):
        values: list[Floats] = [
            ranked.im_usd, ranked.mm_usd, ranked.marginal_im_usd, ranked.marginal_mm_usd,
            ranked.room_im_usd,
        ]  # fmt: skip
        im, mm, more_im, more_mm, room = (float(v[place]) for v in values)
        margins = Margins(im, mm, more_im, more_mm, room, bool(ranked.passes[place]))
        done.append(replace(drafts[number_], margins=margins))
    return sorted(done, key=_order)


def _once(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Without collars that stand there twice: the zero-cost one is kept."""
    free = {(each.names, each.sizes) for each in ranked if each.found.family == "zero-cost collar"}
    return [
        each
        for each in ranked
        if each.found.family != "collar" or (each.names, each.sizes) not in free
    ]


def _order(each: Candidate) -> tuple[bool, float, float, str, str]:
    low = 0.0 if each.holds else each.path.holds_from
    return not each.holds, low, each.plan.horizon_cost_usd, each.found.family, each.names[0]


def _one_of(
    what: str, given: Sequence[str], known: tuple[str, ...], place: str | None = None
) -> None:
    for each in given:
        if each not in known:
            raise InputError(
                "option_unknown",
                f"no {what} of that name",
                place=place or what,
                value=each,
                limit=", ".join(known),
                remedy="Name one of them.",
            )
