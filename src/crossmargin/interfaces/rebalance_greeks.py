"""Delta, gamma and vega of a book back inside their bands: contracts, costs, margin, fills."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.checked import number
from crossmargin.decisions.fill_order import FillOrder, fill_order
from crossmargin.decisions.greek_bands import (
    GREEKS,
    Candidate,
    GreekBand,
    Hedge,
    bring_inside,
    price_of_delta,
)
from crossmargin.decisions.hedge_bands import whalley_wilmott
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.whatif import PreparedBook
from crossmargin.margin.whatif import WhatIf
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_greeks import Greeks, GreekTable
from crossmargin.margin.whatif_trades import Fill, Leg
from crossmargin.market.fields import contract_subject
from crossmargin.market.view import View

__all__ = ["Asked", "GreekPlan", "greek_plan"]

RULES = ("whalley-wilmott",)
# Options per expiry, side and right that are offered where gamma or vega has to be traded.
_STRIKES = 2
_EXPIRIES = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """Half-widths in dollars (delta; gamma as delta a 1 % move; vega a point), None for no band.

    ``delta`` may be the name of a rule. ``inner`` is the inner band as a share of the outer.
    ``aversion`` 1/dollars, ``margin_rate`` a year, ``hold_days`` the time a hedge is held.
    """

    delta: float | str | None = None
    gamma: float | None = None
    vega: float | None = None
    to: str = "edge"
    inner: float = 0.5
    aversion: float = 1e-6
    margin_rate: float = 0.05
    hold_days: float = 7.0
    coins: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class GreekPlan:
    """What was found for each underlying, the intents in the order of their fills, and its check.

    ``order`` and ``after`` are None where nothing is traded. ``split``: dollars of the trades'
    cost by component, which add up to it.
    """

    hedges: Mapping[str, Hedge]
    bands: Mapping[str, Mapping[str, GreekBand]]
    prices: Sequence[Mapping[str, Any]]
    intents: Intents
    order: FillOrder | None
    after: WhatIf | None
    split: Mapping[str, float] = field(default_factory=dict)


def greek_plan(
    prepared: PreparedBook, asked: Asked, names: Sequence[str] | None, underlying: str | None
) -> GreekPlan:
    """Bands, trades and fills of every underlying of the book (or one).

    ``names`` are the contracts that may be traded. Raises InputError ``option_unknown``; what
    :func:`bring_inside` raises.
    """
    if asked.delta is None and asked.gamma is None and asked.vega is None:
        raise InputError(
            "option_unknown",
            "there is no band",
            place="--delta-band",
            limit="a half-width in dollars, or whalley-wilmott",
            remedy="Give --delta-band, --gamma-band or --vega-band, or --targets.",
        )
    shop = _Shop(prepared, asked)
    exposures = shop.exposures()
    if underlying is not None and underlying not in exposures:
        raise InputError(
            "option_unknown",
            "the book has no delta in that underlying",
            place="--underlying",
            value=underlying,
            limit=", ".join(exposures) or "none",
            remedy="Choose another.",
        )
    hedges: dict[str, Hedge] = {}
    bands: dict[str, Mapping[str, GreekBand]] = {}
    prices: list[Mapping[str, Any]] = []
    legs: list[Leg] = []
    trades: list[Trade] = []
    split: dict[str, float] = {}
    for name, found in exposures.items():
        if underlying not in (None, name):
            continue
        own = shop.bands(name, found)
        offered = shop.candidates(name, own, found, names)
        yearly = number("--margin-rate", asked.margin_rate, 0.0)
        rate = yearly * number("--hold-days", asked.hold_days, 0.0) / 365.0
        if not offered and any(own[greek].breached(found[greek]) for greek in own):
            raise InputError(
                "option_unknown",
                "no contract on offer moves what is outside its band and has quotes on both sides",
                place=name,
                limit="a perpetual, future or option with bid and ask; options for gamma and vega",
                remedy="Name contracts (--with), another --underlying, or widen the band.",
            )
        hedge = bring_inside(found, own, [each for _, each in offered], rate)
        hedges[name], bands[name] = hedge, own
        prices += _prices(name, hedge, offered, rate, found, own)
        for (column, each), size in zip(offered, hedge.size.tolist(), strict=True):
            if size:
                legs.append(Leg(column, size))
                trades.append(shop.trade(each, column, size, name, hedge))
                for part, usd in shop.split(column, size):
                    split[part] = split.get(part, 0.0) + usd
    if not legs:
        return GreekPlan(hedges, bands, prices, Intents(), None, None)
    order = fill_order(prepared.core, legs)
    return GreekPlan(
        hedges,
        bands,
        prices,
        Intents(tuple(trades[k] for k in order.order)),
        order,
        prepared.core.whatif(legs),
        split,
    )


class _Shop:
    """The prepared table as a shop of hedges: Greeks, costs and margin of a unit of each."""

    def __init__(self, prepared: PreparedBook, asked: Asked) -> None:
        self.prepared, self.asked, self.core = prepared, asked, prepared.core
        self.view: View = prepared.snapshot.view(self.core.table, prepared.core.base.view.as_of_ms)
        self.greeks = GreekTable(self.view)
        terms = ExitTerms.at(self.view.as_of_ms)
        self.desk = Desk(self.view, prepared.snapshot, self.core.desk.schedule, terms)

    def unit(self, column: int) -> dict[str, float]:
        """Dollar Greeks of one unit."""
        fill = Fill(column, 1.0, 0.0, "", 0.0, 0.0, 0.0, 0.0, 0.0)
        found = self.greeks.after({}, [fill])
        return _dollars(next(iter(found.values())))

    def exposures(self) -> dict[str, dict[str, float]]:
        """Dollar Greeks by underlying, with coin balances where they are asked for."""
        book = self.prepared.book
        view = self.prepared.snapshot.view(book.instruments, self.view.as_of_ms)
        out = {name: _dollars(each) for name, each in GreekTable(view).of_book(book).items()}
        if self.asked.coins:
            for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
                item = book.instruments.items[k]
                if item.kind == Kind.ASSET and item.underlying in out:
                    usd = float(view.usd[view.instruments.settle[k]])
                    out[item.underlying]["delta"] += quantity * usd
        return out

    def bands(self, name: str, exposure: Mapping[str, float]) -> dict[str, GreekBand]:
        """Around zero, as asked."""
        wide: dict[str, float] = {}
        asked = self.asked
        for greek, value in (("delta", asked.delta), ("gamma", asked.gamma), ("vega", asked.vega)):
            if isinstance(value, str):
                wide[greek] = self._by_rule(value, name, exposure)
            elif value is not None:
                wide[greek] = number(f"{greek}_band", value, 0.0)
        goal = {"edge": None, "inner": asked.inner, "target": 0.0}
        if asked.to not in goal:
            raise InputError(
                "option_unknown",
                "not a place to trade to",
                place="--to",
                value=asked.to,
                limit=", ".join(goal),
                remedy="Choose one of them.",
            )
        share = goal[asked.to]
        return {
            greek: GreekBand.around(0.0, half, None if share is None else share * half)
            for greek, half in wide.items()
        }

    def _by_rule(self, rule: str, name: str, exposure: Mapping[str, float]) -> float:
        if rule not in RULES:
            raise InputError(
                "option_unknown",
                "not a rule of a band",
                place="--delta-band",
                value=rule,
                limit=", ".join(RULES),
                remedy="Give one of them, or dollars.",
            )
        items = self.core.table.items
        column = next((k for k, i in enumerate(items) if i.underlying == name
                       and i.kind in (Kind.PERPETUAL, Kind.FUTURE)), None)  # fmt: skip
        hedge = None if column is None else self.desk.hedge(items[column])
        if hedge is None:
            raise MarketDataError(
                "quote_missing",
                "the band needs the cost of a perpetual with bid and ask",
                place=name,
                remedy="Give the band in dollars.",
            )
        spot = exposure["index"]
        gamma = exposure["gamma"] * 100.0 / spot**2
        band = whalley_wilmott(gamma, spot, max(hedge.one_way, 0.0), self.asked.aversion)
        return band.half_width * spot

    # -- what may be traded ----------------------------------------------------------------------

    def candidates(
        self,
        name: str,
        bands: Mapping[str, GreekBand],
        exposure: Mapping[str, float],
        names: Sequence[str] | None,
    ) -> list[tuple[int, Candidate]]:
        """Columns and candidates of an underlying; what has no quote on both sides is left out."""
        items = self.core.table.items
        wanted = None if names is None else {self._named(each) for each in names}
        picked = [
            k
            for k, item in enumerate(items)
            if item.underlying == name
            and item.kind != Kind.ASSET
            and (wanted is None or k in wanted)
            and self.view.ok[k]
            and self.view.has_bid[k]
            and self.view.has_ask[k]
        ]
        if wanted is None:
            linear = [k for k in picked if items[k].kind != Kind.OPTION]
            needs = any(greek in bands for greek in ("gamma", "vega"))
            picked = linear + (self._options(picked) if needs else [])
        sizes = {k: self._largest(k, bands, exposure) for k in picked}
        picked = [k for k in picked if sizes[k] > 0.0]
        margins = self._margins(picked, sizes)
        return [(k, self._candidate(k, sizes[k], margins[k])) for k in picked]

    def _named(self, name: str) -> int:
        """Row of a contract of --with."""
        try:
            return self.prepared.leg_column(name)
        except InputError as error:
            raise InputError(
                error.code,
                "the market lists no such contract",
                place="--with",
                value=name,
                limit="a contract of the book or of the market",
                remedy="Correct the name.",
            ) from None

    def _options(self, columns: Sequence[int]) -> list[int]:
        """The strikes nearest to the forward of the nearest expiries."""
        items = self.core.table.items
        grouped: dict[tuple[int, int], list[int]] = {}
        for k in columns:
            item = items[k]
            if item.kind == Kind.OPTION and item.expiry_ms - self.view.as_of_ms > 2 * DAY_MS:
                grouped.setdefault((item.expiry_ms, item.right), []).append(k)
        out: list[int] = []
        for expiry in sorted({key[0] for key in grouped})[:_EXPIRIES]:
            for right in (1, -1):
                own = grouped.get((expiry, right), [])
                forward = self.view.forward[self.view.instruments.expiry[own[0]]] if own else 0.0
                ranked = sorted(own, key=lambda k: (abs(items[k].strike - forward), k))
                out += ranked[:_STRIKES]
        return out

    def _largest(
        self, k: int, bands: Mapping[str, GreekBand], exposure: Mapping[str, float]
    ) -> float:
        """Twice the size that alone would undo the farthest breach, whole lots."""
        unit, lot = self.unit(k), self._lot(k)
        need = [
            abs(exposure[greek] / unit[greek])
            for greek in GREEKS
            if greek in bands and bands[greek].breached(exposure[greek]) and unit[greek]
        ]
        return math.ceil(2.0 * max(need) / lot) * lot if need else 0.0

    def _lot(self, k: int) -> float:
        return lot_of(self.core.table.items[k], self.core.desk.schedule.parameters)

    def _margins(self, columns: Sequence[int], sizes: Mapping[int, float]) -> dict[int, Any]:
        """Dollars of requirement a unit bought and a unit sold, at half the largest size."""
        if not columns:
            return {}
        half = {k: max(round(sizes[k] / 2.0 / self._lot(k)), 1) * self._lot(k) for k in columns}
        tried = [[Leg(k, sign * half[k])] for k in columns for sign in (1.0, -1.0)]
        ranked = self.core.rank(tried)
        effect = np.empty(len(tried))
        effect[ranked.order] = ranked.marginal_im_usd
        return {
            k: (float(effect[2 * n]) / half[k], float(effect[2 * n + 1]) / half[k])
            for n, k in enumerate(columns)
        }

    def _candidate(self, k: int, largest: float, margins: tuple[float, float]) -> Candidate:
        item = self.core.table.items[k]
        sides = []
        for sign in (1.0, -1.0):
            width, slope = self.desk.quote(k, sign).cost.pieces(sign, largest, 1.5)
            sides.append((width, np.maximum.accumulate(slope)))
        return Candidate(
            item.native_id,
            self.unit(k),
            self._lot(k),
            sides[0],
            sides[1],
            *margins,
            carry_usd=self._carry(k),
        )

    def _carry(self, k: int) -> float:
        """Dollars that a bought unit costs while it is held: funding, or the basis it loses."""
        item, days = self.core.table.items[k], self.asked.hold_days
        if item.kind == Kind.OPTION:
            return 0.0
        notional = self.desk.notional_usd(k)
        if item.kind == Kind.PERPETUAL:
            rate = self.prepared.snapshot.get("funding_8h", contract_subject(*item.key))
            return 0.0 if rate is None else notional * rate * 3.0 * days
        index = float(self.view.index[self.view.instruments.pair[k]])
        left = max((item.expiry_ms - self.view.as_of_ms) / DAY_MS, 1e-9)
        basis = float(self.view.mark[k]) / index - 1.0
        return notional * basis * min(1.0, days / left)

    def split(self, column: int, size: float) -> list[tuple[str, float]]:
        """Dollars of the trade's cost by component."""
        parts = self.desk.quote(column, size).cost.split(size)
        return [(name, float(value)) for name, value in parts]

    def trade(self, each: Candidate, column: int, size: float, name: str, hedge: Hedge) -> Trade:
        """The trade as an intent at the executable side, its cost from the cost object."""
        cost = float(self.desk.quote(column, size).cost.at(size))
        reason = f"{name} {' and '.join(hedge.breached)} outside the band"
        item = self.core.table.items[column]
        return Trade(each.name, size, venue=item.venue, cost_usd=cost, reason=reason)


def _dollars(each: Greeks) -> dict[str, float]:
    index = each.index_usd
    return {
        "delta": each.delta_coins * index,
        "gamma": each.gamma_coins_per_usd * index * index / 100.0,
        "vega": each.vega_usd_per_point,
        "index": index,
    }


def _prices(
    name: str,
    hedge: Hedge,
    offered: Sequence[tuple[int, Candidate]],
    rate: float,
    exposure: Mapping[str, float],
    bands: Mapping[str, GreekBand],
) -> list[dict[str, Any]]:
    """Cost per delta of each contract at the size that alone would bring delta to its goal."""
    if "delta" not in bands or "delta" not in hedge.breached:
        return []
    low, high = bands["delta"].inner_low, bands["delta"].inner_high
    need = min(max(exposure["delta"], low), high) - exposure["delta"]
    out = []
    for (_, each), size in zip(offered, hedge.size.tolist(), strict=True):
        if not each.greeks["delta"]:
            continue
        alone = need / each.greeks["delta"]
        parts = price_of_delta(each, alone, rate)
        out.append(
            {
                "underlying": name,
                "instrument": each.name,
                "size_alone": alone,
                **{f"{part}_bp": 1e4 * value for part, value in parts.items()},
                "size": size,
            }
        )
    return sorted(out, key=lambda row: (row["total_bp"], row["instrument"]))
