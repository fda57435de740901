"""What the market says of leaving one contract: quote or bound, depth, a day's volume, cost object.

Depth comes from the levels that are given, else from the sizes at the touch, else the touch alone
is known and the impact begins there. Beyond what is visible a size z costs the square-root law with
one day's move and one day's volume V:

    perpetual            Y F sigma sqrt(1/365) |z| sqrt(|z|/V)
    future               the same with V of the perpetual, where that is larger
    option               Y vega vol_move |z| sqrt(|z|/V of its expiry)
                         + Y |Delta| F sigma sqrt(1/365) |z| sqrt(|Delta z|/V of the perpetual)

Who takes a position hedges its delta in the perpetual and its volatility in the expiry: a
contract's own volume says how fast it can be left (days to close), not what its risk is priced at.
The expiry's volume stands for the perpetual's where the market has none.

Where the side that closes has no quote the price is a bound: a bought option is worth its intrinsic
value, a sold one costs the higher of mark and surface volatility plus stated points, a future the
mark and a stated fraction. A bound is never better than the mark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.accounts.run_off import Hedge
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.cost_parts import Fixed, Part, Power, Steps, impact_square_root
from crossmargin.market.costs import TradeCost
from crossmargin.market.depth import Depth, walk_parts
from crossmargin.market.fees import fee_of_trade
from crossmargin.market.fields import contract_subject, pair_subject, split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import black_value

__all__ = ["Desk", "Quote", "Sensitivity"]

_DAYS_OF_VOL = 30
# A price of nothing cannot stand in a book; a sale at this one brings nothing.
_NOTHING = 1e-300


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Of one unit, in dollars: F Delta, F^2 Gamma, and one day's standard deviations.

    ``spot_move_usd`` is that of the underlying's move, ``vol_move_usd`` of volatility's.
    """

    delta_usd: float
    cash_gamma_usd: float
    spot_move_usd: float
    vol_move_usd: float

    @property
    def move_usd(self) -> float:
        """One day's standard deviation, both moves independent."""
        return math.hypot(self.spot_move_usd, self.vol_move_usd)


@dataclass(frozen=True, slots=True)
class Quote:
    """One contract on the side that closes it.

    ``touch``: best price of that side in the price unit, or the bound. ``bound`` says how it is
    bounded, empty where it is quoted. ``shown``: units visible, None where no size is known.
    ``source`` of the depth: levels, touch size, touch. ``volume_day``: 0 where unknown.
    """

    touch: float
    bound: str
    shown: float | None
    source: str
    volume_day: float
    pace_day: float
    at_touch: TradeCost  # spread and fee at the touch for any size
    cost: TradeCost  # walk and impact too


class Desk:
    """Quotes of one market for leaving; nothing is kept but what was read once."""

    def __init__(
        self,
        view: View,
        snapshot: Snapshot,
        schedule: Schedule,
        terms: ExitTerms,
        books: Mapping[tuple[str, str], Depth] | None = None,
    ) -> None:
        """``books``: levels by (venue, native id), in the contract's own units."""
        self.view = view
        self.snapshot = snapshot
        self.schedule = schedule
        self.terms = terms
        self.books = books or {}
        self._sizes = {name: snapshot.values(f"{name}_size") for name in ("bid", "ask")}
        self._interest = snapshot.values("open_interest")
        self._vols: dict[str, float] = {}
        self._named: Mapping[str, Instrument] | None = None
        self._expiries: dict[tuple[str, str, str, int], float] | None = None
        self._hedges: dict[tuple[str, str, str], Hedge | None] = {}

    # -- one contract ----------------------------------------------------------------------------

    def quote(self, k: int, sign: float, view: View | None = None) -> Quote:
        """The contract of row ``k`` on the side of a purchase (``sign`` > 0) or a sale."""
        seen = self.view if view is None else view
        item = seen.instruments.items[k]
        subject = contract_subject(*item.key)
        given = self.books.get(item.key)
        interest = self._interest.get(subject)
        volume = self.terms.volume_day(item, given.volume_day if given else None, interest)
        depth, source, shown, bound = self._depth(seen, k, sign, given)
        price, size = depth.side(sign)
        fees = self.schedule.of(item)
        index = float(seen.index[seen.instruments.pair[k]])
        usd = float(seen.usd[seen.instruments.settle[k]])
        mark = float(seen.mark[k])
        walked = walk_parts(item, depth, fees, mark=mark, index=index, usd=usd)
        top = Depth.of(
            [(float(price[0]), 1.0)] if sign < 0.0 else [],
            [(float(price[0]), 1.0)] if sign > 0.0 else [],
            subject,
        )
        flat = walk_parts(item, top, fees, mark=mark, index=index, usd=usd)
        base = _base_usd(self.schedule, item, (float(price[0]), index), usd)
        ends: list[Part] = [Fixed("base fee", base)] if base else []
        beyond: list[Part] = []
        if volume > 0.0 and not bound:
            visible = float(size.sum()) if shown is not None else 0.0
            beyond.append(self._impact(seen, k, volume, visible))
        return Quote(
            touch=float(price[0]) if price[0] > _NOTHING else 0.0,
            bound=bound,
            shown=shown,
            source=source,
            volume_day=volume,
            pace_day=self.terms.pace_day(volume, interest),
            at_touch=TradeCost((flat[0], flat[2], *ends)),
            cost=TradeCost((*walked, *beyond, *ends)),
        )

    def _impact(self, view: View, k: int, volume: float, visible: float) -> Power:
        """The impact of one contract beyond what is visible; the module has the formula."""
        item, unit = view.instruments.items[k], self.sensitivity(k, view)
        factor, beyond = self.terms.number("impact.coefficient"), (visible, visible)
        if item.kind != Kind.OPTION:
            hedge = self.hedge(item) if item.kind == Kind.FUTURE else None
            traded = 0.0 if hedge is None else hedge.volume_usd / self.notional_usd(k, view)
            return impact_square_root(unit.spot_move_usd, max(traded, volume), factor, beyond)
        expiry = max(self._expiry_volume(item), volume)
        vega = impact_square_root(unit.vol_move_usd, expiry, factor, beyond)
        hedge = self.hedge(item)
        index = float(view.index[view.instruments.pair[k]])
        dollars = index * float(view.usd[view.instruments.quote[k]])
        traded = hedge.volume_usd / dollars if hedge and hedge.volume_usd > 0.0 else expiry
        share = abs(unit.delta_usd) / dollars  # coins of delta that one unit brings
        spot = impact_square_root(unit.spot_move_usd * math.sqrt(share), traded, factor, beyond)
        return Power("impact", vega.scale + spot.scale, 1.5, *beyond)

    def _contracts(self) -> Mapping[str, Instrument]:
        """The marked contracts of the snapshot by subject; a name that says too little is left."""
        if self._named is None:
            found = {}
            for subject in self.snapshot.places("mark"):
                with suppress(InputError):  # a contract size that no table has
                    found[subject] = parse(*split_contract(subject))
            self._named = found
        return self._named

    def _expiry_volume(self, item: Instrument) -> float:
        """Units that trade in a day in all options of a contract's expiry; 0 where unknown."""
        if self._expiries is None:
            found: dict[tuple[str, str, str, int], float] = {}
            for subject, each in self._contracts().items():
                if each.kind == Kind.OPTION:
                    key = (each.venue, each.underlying, each.settle, each.expiry_ms)
                    found[key] = found.get(key, 0.0) + self._interest.get(subject, 0.0)
            self._expiries = found
        mine = (item.venue, item.underlying, item.settle, item.expiry_ms)
        return self.terms.volume_day(item, None, self._expiries.get(mine))

    def _depth(
        self, view: View, k: int, sign: float, given: Depth | None
    ) -> tuple[Depth, str, float | None, str]:
        """(levels of the side, where they are from, units shown, how it is bounded)."""
        item = view.instruments.items[k]
        subject = contract_subject(*item.key)
        if given is not None and len(given.side(sign)[0]):
            return given, "levels", float(given.side(sign)[1].sum()), ""
        there = view.has_ask[k] if sign > 0.0 else view.has_bid[k]
        price = float(view.ask[k] if sign > 0.0 else view.bid[k])
        if given is None and there and price > 0.0:
            size = self._sizes["ask" if sign > 0.0 else "bid"].get(subject)
            known = size is not None and size > 0.0
            level = [(price, size if known and size is not None else 1.0)]
            depth = Depth.of([] if sign > 0.0 else level, level if sign > 0.0 else [], subject)
            return depth, "touch size" if known else "touch", size if known else None, ""
        price, how = self._bound(view, k, sign)
        level = [(max(price, _NOTHING), 1.0)]
        depth = Depth.of([] if sign > 0.0 else level, level if sign > 0.0 else [], subject)
        return depth, "none", None, how

    def _bound(self, view: View, k: int, sign: float) -> tuple[float, str]:
        """(price in the contract's unit, how) where the side that closes has no quote."""
        table = view.instruments
        item, mark = table.items[k], float(view.mark[k])
        if item.kind != Kind.OPTION:
            share = self.terms.number("unquoted.future_fraction")
            return mark * (1.0 + sign * share), f"mark {sign * share:+.1%}"
        forward, years, paid = _dated(view, k)
        unit = paid / forward if item.inverse else paid
        if sign < 0.0:
            intrinsic = unit * max(item.right * (forward - item.strike), 0.0)
            return min(intrinsic, mark), "intrinsic"
        vol = float(view.vol[k])
        pair = pair_subject(item.underlying, item.quote)
        on_surface = self.snapshot.surface(pair).vol(item.expiry_ms, _moneyness(item, forward))
        high = max(vol, on_surface or 0.0) + self.terms.number("unquoted.vol_points")
        value = unit * float(black_value(forward, item.strike, high * math.sqrt(years), item.right))
        return max(value, mark), f"vol {high:.0%}"

    def sensitivity(self, k: int, view: View | None = None) -> Sensitivity:
        """Delta, gamma and a day's move of one unit, in dollars."""
        seen = self.view if view is None else view
        table = seen.instruments
        item, usd_quote = table.items[k], float(seen.usd[table.quote[k]])
        vol = self.vol_annual(item)
        day = math.sqrt(1.0 / 365.0)
        if item.kind != Kind.OPTION:
            notional = self.notional_usd(k, seen)
            return Sensitivity(notional, 0.0, notional * vol * day, 0.0)
        forward, years, paid = _dated(seen, k)
        found = greeks(forward, item.strike, years, float(seen.vol[k]), item.right, paid)
        dollars = item.multiplier * usd_quote
        delta = dollars * forward * float(found.delta)
        vega = dollars * float(found.vega) * self.terms.number("impact.vol_move_day")
        gamma = dollars * forward * forward * float(found.gamma)
        return Sensitivity(delta, gamma, abs(delta) * vol * day, vega)

    def notional_usd(self, k: int, view: View | None = None) -> float:
        """Dollars of one unit of a future or perpetual at its mark."""
        seen = self.view if view is None else view
        table = seen.instruments
        item, usd_quote = table.items[k], float(seen.usd[table.quote[k]])
        return item.multiplier * usd_quote * (1.0 if item.inverse else float(seen.mark[k]))

    def vol_annual(self, item: Instrument) -> float:
        """Volatility of an underlying at the money in 30 days; the stated one without options."""
        if item.underlying not in self._vols:
            when = self.view.as_of_ms + _DAYS_OF_VOL * DAY_MS
            found = (
                self.snapshot.surface(pair_subject(item.underlying, quote)).vol(when, 0.0)
                for quote in dict.fromkeys((item.quote, "USD", "USDC", "USDT"))
            )
            known = next((vol for vol in found if vol is not None), None)
            stated = self.terms.number("impact.vol_annual")
            self._vols[item.underlying] = stated if known is None else known
        return self._vols[item.underlying]

    # -- the hedge -------------------------------------------------------------------------------

    def hedge(self, item: Instrument) -> Hedge | None:
        """The perpetual of a contract's underlying at its venue with most open interest.

        None where the market has none with both quotes.
        """
        key = (item.venue, item.underlying, item.settle)
        if key not in self._hedges:
            self._hedges[key] = self._find_hedge(item)
        return self._hedges[key]

    def _find_hedge(self, item: Instrument) -> Hedge | None:
        found = []
        for subject, each in self._contracts().items():
            mine = (each.venue, each.underlying) == (item.venue, item.underlying)
            if mine and each.kind == Kind.PERPETUAL:
                same = each.settle == item.settle
                found.append((same, self._interest.get(subject, 0.0), each))
        if not found:
            return None
        best = max(found, key=lambda row: (row[0], row[1], row[2].native_id))[2]
        view = self.snapshot.view(Instruments.of([best]), self.view.as_of_ms)
        if not view.ok[0]:
            return None
        buy, sell = self.quote(0, 1.0, view), self.quote(0, -1.0, view)
        if buy.bound or sell.bound:
            return None
        cost = _both_sides(buy, sell)
        funding = self.snapshot.get("funding_8h", contract_subject(*best.key))
        notional = self.notional_usd(0, view)
        return Hedge(best, cost, notional, funding, buy.volume_day * notional)


def _both_sides(buy: Quote, sell: Quote) -> TradeCost:
    """One cost object of two quotes, each of which knows its own side."""
    joined: list[Part] = []
    for one, other in zip(buy.cost.parts, sell.cost.parts, strict=True):
        if isinstance(one, Steps) and isinstance(other, Steps):
            width, slope = other.side(-1.0)
            joined.append(Steps(one.name, one.buy_width, one.buy_slope, width, slope))
        elif isinstance(one, Power) and isinstance(other, Power):
            joined.append(
                Power(one.name, one.scale, one.exponent, one.buy_beyond, other.sell_beyond)
            )
        else:
            joined.append(one)
    return TradeCost(tuple(joined))


def _dated(view: View, k: int) -> tuple[float, float, float]:
    """(forward, years, discount) of a dated contract."""
    e = int(view.instruments.expiry[k])
    years = int(view.life_ms[e]) / YEAR_MS
    forward = float(view.forward[e] + view.forward_settled[e])
    return forward, years, math.exp(-float(view.rate[e]) * years)


def _moneyness(item: Instrument, forward: float) -> float:
    return math.log(item.strike / forward)


def _base_usd(
    schedule: Schedule, item: Instrument, prices: tuple[float, float], usd: float
) -> float:
    """The amount that a venue takes of each trade, in dollars; ``prices``: contract and index."""
    price, index = prices
    terms = schedule.of(item)
    if terms.base == 0.0:
        return 0.0
    option = item.kind == Kind.OPTION
    return usd * fee_of_trade(
        terms, option=option, inverse=item.inverse, amount=0.0, price=price, index=index
    )
