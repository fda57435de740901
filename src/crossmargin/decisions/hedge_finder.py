"""The least hedge of each kind that keeps an account above its floor at every price, by cost.

With g(S) the account less its floor at the hedge's expiry and h(S) what one unit of a structure
pays less what it costs (premium of a coin-settled option is coin: it is worth S), the sizes that
hold the floor at every price of the grid are an interval, exactly:

    Q >= -g / h  where g < 0  (none if h <= 0 there),      Q <= g / -h  where h < 0

The smallest size, in whole lots, is taken; of all strikes the structure that costs least until the
horizon. A put spread and a ratio put spread lose their hold further down by their nature: they need
hold down to ``crash`` times the price only, and the answer says how far they do. No structure buys
more than twice the coins that the account stands for: more is no hedge but a position of its own.
No more calls are sold than the account covers: a rise beyond the grid cannot break the floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.clock import NEVER_MS
from crossmargin.decisions.hedge_chain import Chain, Side
from crossmargin.decisions.price_grid import BookWorth, Lines, grid_of
from crossmargin.market.depth import loss_a_unit
from crossmargin.market.fees import FeeTerms, fee_of_trade
from crossmargin.market.view import View

__all__ = [
    "FAMILIES",
    "Field",
    "Found",
    "Leg",
    "Path",
    "least_size",
    "path_of",
    "perp_short",
    "search",
]

FAMILIES = (
    "put",
    "put spread",
    "collar",
    "zero-cost collar",
    "ratio put spread",
    "call",
    "perp short",
    "cheapest mix",
)
_RATIO = 2.0  # puts sold for each one bought in a ratio put spread
_FLAT = 1e-100  # dollars a unit: what moves less than this moves nothing
_SHARES = (0.0, 0.25, 0.5, 0.75)  # of the life at which the path is valued


class Leg(NamedTuple):
    """A row of the view and its signed size a unit of the structure."""

    row: int
    ratio: float


class Path(NamedTuple):
    """The account with a hedge: its least value over the floor, at expiry and before it.

    ``least_usd`` and ``at``: value and price where value less floor is least. ``holds_from`` and
    ``holds_to``: the prices around today's between which the floor holds (0 and infinity: all).
    """

    least_usd: float
    at: float
    slack_usd: float
    holds_from: float
    holds_to: float
    marked_slack_usd: float
    marked_at: float
    marked_share: float  # of the hedge's life


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What every search shares. ``floor_usd + floor_coins S`` is the floor at a price."""

    book: BookWorth
    floor_usd: float
    floor_coins: float
    crash: float  # a spread holds down to this share of the price
    cap: float  # a collar leaves at least this rise
    response: float
    lot: float
    most: float = np.inf  # coins that a structure may buy
    top: float = 3.0

    @property
    def lines(self) -> Lines:
        """The contracts."""
        return self.book.lines

    def floor(self, prices: Floats) -> Floats:
        """[G] dollars."""
        return np.asarray(self.floor_usd + self.floor_coins * prices)

    def grid(self, more: list[float]) -> Floats:
        """The prices at which the floor is checked, each strike among them."""
        return grid_of(self.lines.price, [*self.book.strikes(), *more], self.top)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One structure and its size. ``cash`` is [legs] settlement currency a unit of the structure.

    ``cost_usd``: premium and fees paid less received, at today's prices, for the whole size.
    """

    family: str
    legs: tuple[Leg, ...]
    size: float
    years: float
    expiry_ms: int
    cash: tuple[float, ...]
    cost_usd: float
    strike_of_no_cost: float | None = None
    carry_usd: float = 0.0  # funding expected until the horizon, paid positive; inside the cost

    def value(self, lines: Lines, prices: Floats, years: float, response: float = 0.0) -> Floats:
        """[G] dollars that the hedge is worth, what it cost taken off (coin at its price)."""
        total = np.zeros(prices.shape)
        for leg, cash in zip(self.legs, self.cash, strict=True):
            worth = lines.values([leg.row], prices, years, response)[0]
            total = total + leg.ratio * worth - cash * lines.money(leg.row, prices)
        return self.size * total


def least_size(gap: Floats, unit: Floats, lot: float, free: Bools | None = None) -> float | None:
    """The smallest whole lots Q with ``gap + Q unit >= 0`` at every price, None if there is none.

    ``free`` prices are not asked. Zero where the gap is nowhere negative.
    """
    asked = np.ones(gap.shape, np.bool_) if free is None else ~free
    g, h = gap[asked], unit[asked]
    short = g < 0.0
    if (h[short] <= _FLAT).any():
        return None
    falls = h < -_FLAT
    low = float((-g[short] / h[short]).max(initial=0.0))
    high = float((g[falls] / -h[falls]).min(initial=np.inf))
    size = round(float(np.ceil(low / lot - 1e-9)) * lot, 12)
    return size if size <= high * (1.0 + 1e-12) + 1e-12 else None


class _Draft(NamedTuple):
    """A structure before its size: legs, cash a unit by leg, where the floor need not hold."""

    legs: tuple[Leg, ...]
    cash: tuple[float, ...]
    spread: bool = False
    strike_of_no_cost: float | None = None


def search(field: Field, chain: Chain, families: tuple[str, ...]) -> list[Found]:
    """The cheapest structure of each family on one expiry; families without any are left out.

    Of zero-cost collars the one whose call is struck highest: their costs are all about nothing.
    """
    lines = field.lines
    strikes = [*chain.puts.strike.tolist(), *chain.calls.strike.tolist()]
    prices = field.grid(strikes)
    gap = field.book.at(prices, chain.years, field.response) - field.floor(prices)
    rows = [*chain.puts.rows, *chain.calls.rows]
    worth = dict(zip(rows, lines.values(rows, prices, chain.years), strict=True))
    low = prices < field.crash * lines.price
    # coins that the account gains per dollar of a rise without end: no more calls are sold
    cover = float((gap[-1] - gap[-2]) / (prices[-1] - prices[-2])) + field.floor_coins
    out = []
    for family in families:
        best: Found | None = None
        least = np.inf
        for draft in _drafts(field, chain, family):
            unit = np.zeros(prices.shape)
            spent = 0.0
            for leg, cash in zip(draft.legs, draft.cash, strict=True):
                money = lines.money(leg.row, prices)
                unit = unit + leg.ratio * worth[leg.row] - cash * money
                spent += cash * float(lines.usd[leg.row])
            size = least_size(gap, unit, field.lot, low if draft.spread else None)
            if not size or size * _bought(lines, draft.legs) > field.most * (1.0 + 1e-9):
                continue
            if size * _sold_calls(lines, draft.legs) > cover * (1.0 + 1e-9):
                continue
            made = -draft.strike_of_no_cost if draft.strike_of_no_cost else size * spent
            if made < least - 1e-9:  # ties: the lowest strikes
                least = made
                best = Found(
                    family, draft.legs, size, chain.years, chain.expiry_ms, draft.cash,
                    size * spent, draft.strike_of_no_cost,
                )  # fmt: skip
        if best is not None:
            out.append(best)
    return out


def _sold_calls(lines: Lines, legs: tuple[Leg, ...]) -> float:
    """Coins under the sold calls of a unit."""
    return sum(
        max(-leg.ratio, 0.0) * lines.items[leg.row].multiplier
        for leg in legs
        if lines.items[leg.row].right > 0
    )


def _bought(lines: Lines, legs: tuple[Leg, ...]) -> float:
    """Coins under the largest bought leg of a unit."""
    return max(max(leg.ratio, 0.0) * lines.items[leg.row].multiplier for leg in legs)


def _drafts(field: Field, chain: Chain, family: str) -> Iterator[_Draft]:
    """Every structure of a family that the quotes allow."""
    puts, calls = chain.puts, chain.calls
    if family == "call":
        yield from (_Draft(*_one(calls, k)) for k in calls.bought())
    for k in puts.bought() if family not in ("call", "perp short", "cheapest mix") else ():
        leg, cash = _one(puts, k)
        if family == "put":
            yield _Draft(leg, cash)
        elif family in ("put spread", "ratio put spread"):
            ratio = 1.0 if family == "put spread" else _RATIO
            for j in puts.sold():
                if j < k:
                    sold, got = _one(puts, j, -ratio)
                    yield _Draft((*leg, *sold), (*cash, *got), True)
        elif family == "collar":
            for j in calls.sold():
                if calls.strike[j] >= (1.0 + field.cap) * field.lines.price:
                    sold, got = _one(calls, j, -1.0)
                    yield _Draft((*leg, *sold), (*cash, *got))
        elif family == "zero-cost collar":
            yield from _zero_cost(field, chain, k)


def _zero_cost(field: Field, chain: Chain, k: int) -> Iterator[_Draft]:
    """The highest call whose bid pays for the put's ask, fees of both inside."""
    calls = chain.calls
    leg, cash = _one(chain.puts, k)
    owed = cash[0]
    paying = [
        j
        for j in calls.sold()
        if calls.sell[j] >= owed and calls.strike[j] > max(field.lines.price, chain.puts.strike[k])
    ]
    if not paying:
        return
    j = paying[-1]
    strike = float(calls.strike[j])
    later = [i for i in calls.sold() if i > j]
    if later:  # between the last strike that pays and the next that does not
        i = later[0]
        share = float((calls.sell[j] - owed) / (calls.sell[j] - calls.sell[i]))
        strike += share * float(calls.strike[i] - calls.strike[j])
    sold, got = _one(calls, j, -1.0)
    yield _Draft((*leg, *sold), (*cash, *got), False, strike)


def _one(side: Side, place: int, ratio: float = 1.0) -> tuple[tuple[Leg], tuple[float]]:
    """A leg and its cash a unit: paid positive."""
    price = side.buy[place] if ratio > 0.0 else side.sell[place]
    return (Leg(side.rows[place], ratio),), (ratio * float(price),)


def perp_short(
    field: Field, view: View, row: int, terms: FeeTerms, years: float, lot: float
) -> Found | None:
    """The smallest sale of a perpetual that holds the floor over ``years``; None if none does.

    Sold at the bid with the fee. The funding of the last eight hours is expected to stay: it is in
    the cost with its sign, and in the floor only where the seller pays it.
    """
    lines = field.lines
    item, mark, bid = lines.items[row], float(view.mark[row]), float(view.bid[row])
    index = float(view.index[view.instruments.pair[row]])
    loss = loss_a_unit(item, bid, mark, -1.0)
    loss += fee_of_trade(
        FeeTerms(terms.share, terms.cap, 0.0),
        option=False, inverse=item.inverse, amount=item.multiplier, price=bid, index=index,
    )  # fmt: skip
    notional = item.multiplier / mark if item.inverse else item.multiplier * mark
    subject = f"{item.venue}|{item.native_id}"
    rate = view.read("funding_8h", subject, 0.0) * 3.0 * 365.0 * years  # received by the seller
    carry = -rate * notional
    leg, paid = (Leg(row, -1.0),), (loss + max(carry, 0.0),)
    prices = field.grid([])
    draft = Found("perp short", leg, 1.0, years, NEVER_MS, paid, 0.0)
    gap = field.book.at(prices, years, field.response) - field.floor(prices)
    size = least_size(gap, draft.value(lines, prices, years), lot)
    if not size:
        return None
    usd = float(lines.usd[row])
    cost = size * (loss + carry) * usd
    return Found("perp short", leg, size, years, NEVER_MS, paid, cost, carry_usd=size * carry * usd)


def path_of(field: Field, hedge: Found | None, years: float) -> Path:
    """The account over the grid: at the hedge's expiry (``years``) and on the way there.

    On the way both volatilities are tried, each strike's own and the one that answers the price;
    the worse counts.
    """
    lines = field.lines
    more = [] if hedge is None else [lines.items[leg.row].strike for leg in hedge.legs]
    prices = field.grid(more)
    floor = field.floor(prices)

    def slack(t: float, response: float) -> Floats:
        value = field.book.at(prices, t, response)
        if hedge is not None:
            value = value + hedge.value(lines, prices, t, response)
        return value - floor

    end = slack(years, field.response)
    worst = int(np.argmin(end))
    here = int(np.searchsorted(prices, lines.price))
    bad = np.flatnonzero(end < -1e-6)
    below, above = bad[bad <= here], bad[bad > here]
    marked = (np.inf, 0.0, 0.0)
    for share in _SHARES:
        for response in sorted({0.0, field.response}):
            gap = slack(share * years, response)
            k = int(np.argmin(gap))
            marked = min(marked, (float(gap[k]), float(prices[k]), share))
    return Path(
        float(end[worst] + floor[worst]),
        float(prices[worst]),
        float(end[worst]),
        float(prices[below[-1]]) if len(below) else 0.0,
        float(prices[above[0]]) if len(above) else np.inf,
        *marked,
    )
