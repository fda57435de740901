"""SPAN terms of coins: what a parameter set says, resolved for one market in dollars.

A coin is a combined commodity. Its contracts are its options, futures and perpetuals, inverse and
linear, and the coin itself; arrays are the dollar revaluation of ``whole_account`` with the ranges
of the set, at forwards, after the look-ahead time. A period is an expiry; what has none (a
perpetual, the coin) is one period, the first. Deltas are in coins, rates in dollars a coin.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.span_arrays import (
    Scan,
    ScanPoints,
    composite_delta,
    standard_points,
)
from crossmargin.margin.families.span_engine import SpanTerms, Tables, terms_with
from crossmargin.margin.families.span_terms import (
    Commodity,
    DeliveryRate,
    DeltaSpread,
    Leg,
    Tier,
)
from crossmargin.margin.families.whole_account import DollarMarket, scenario_set
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import is_kind
from crossmargin.pricing.revalue import padded
from crossmargin.scenarios.risk_array import RiskArray
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["UNDATED", "coin_terms", "coins_of", "points_of", "scan_scenarios"]

YEAR_DAYS = 365.0
LEAST_FACTOR = 0.01  # a price never falls to nothing: an inverse contract has no value there
UNDATED = f"{0:015d}"
_CALENDAR = (
    Column("near", 1.0, 4.0), Column("far", 1.0, 4.0), Column("rate", 0.0, 1.0),
)  # fmt: skip
_DAYS = (Column("days", 0.0, 1e5),)
_WORDS = {0: "no move", 1: "a third", 2: "two thirds", 3: "a range"}


def coins_of(parameters: Parameters) -> tuple[str, ...]:
    """The coins that the set has numbers for, in its order."""
    return parameters.tables("coin")


def points_of(parameters: Parameters) -> ScanPoints:
    """The 16 points with the set's extreme move."""
    return standard_points(
        parameters.number("scan.extreme_multiplier"), parameters.number("scan.cover_fraction")
    )


def _label(points: ScanPoints, s: int) -> str:
    move, vol = float(points.price[s]), float(points.vol[s])
    if vol == 0.0:
        return f"price {'up' if move > 0 else 'down'} {abs(move):g} ranges"
    size = _WORDS[round(3.0 * abs(move))]
    side = "" if move == 0.0 else " up" if move > 0.0 else " down"
    return f"price {size}{side}, vol {'up' if vol > 0.0 else 'down'}"


def scan_scenarios(market: DollarMarket, parameters: Parameters) -> ScenarioSet:
    """The points as scenarios: every coin moves by its own ranges.

    A set whose time passes too is not one of volatility alone; its labels say so.
    """
    points, coins = points_of(parameters), coins_of(parameters)
    ahead = parameters.number("scan.look_ahead_days") / YEAR_DAYS
    factor = {
        coin: np.maximum(
            1.0 + points.price * parameters.number(f"coin.{coin}.price_scan"), LEAST_FACTOR
        )
        for coin in coins
    }
    vsr = np.array(
        [
            parameters.number(f"coin.{key[0]}.vol_scan") if key[0] in coins else 0.0
            for key in market.part.expiries
        ]
    )
    shape = (len(vsr), len(points))
    found = scenario_set(
        market,
        [_label(points, s) for s in range(len(points))],
        factor,
        np.ones(shape),
        vol_shift=vsr[:, None] * points.vol,
        weight=points.weight,
        passed_years=ahead,
    )
    later = ", later" if ahead > 0.0 else ""
    words = ["up" + later if v > 0.0 else "down" + later if v < 0.0 else "same" for v in points.vol]
    return replace(found, vol_label=tuple(words))


def _coin_usd(market: DollarMarket, coin: str) -> float:
    """Dollars per coin by its own name, which no other contract of a table can change."""
    part = market.part
    for k, item in enumerate(part.items):
        if item.underlying == coin:
            return float(market.view.usd[part.underlying[k]])
    return 0.0


def _period_names(part: Instruments, coin: str) -> tuple[str, ...]:
    found = {
        f"{item.expiry_ms:015d}"
        for k, item in enumerate(part.items)
        if item.underlying == coin and part.expiry[k] >= 0
    }
    return (UNDATED, *sorted(found))


def _tiers(market: DollarMarket, parameters: Parameters) -> tuple[Tier, ...]:
    """Tiers of expiries by days to go; what has no expiry is in the first."""
    now = market.view.as_of_ms
    days = sorted(float(row[0]) for row in parameters.rows("tier.days", _DAYS))
    ends = [now + round(each * DAY_MS) for each in days]
    starts = [0, *(end + 1 for end in ends)]
    return tuple(
        Tier(k + 1, f"{start:015d}", f"{end:015d}" if end is not None else "")
        for k, (start, end) in enumerate(zip(starts, [*ends, None], strict=True))
    )


def _calendar(coin: str, usd: float, parameters: Parameters) -> tuple[DeltaSpread, ...]:
    """Spreads between tiers, the cheapest first: so is a book of several possible spreads."""
    rows = parameters.rows(f"coin.{coin}.calendar", _CALENDAR)
    by_rate = sorted((float(rate), int(near), int(far)) for near, far, rate in rows)
    return tuple(
        DeltaSpread(
            (Leg(coin, "A", 1.0, tier=near), Leg(coin, "B", 1.0, tier=far)), "F", rate * usd
        )
        for rate, near, far in by_rate
    )


def _commodity(
    coin: str, market: DollarMarket, parameters: Parameters, periods: tuple[str, ...]
) -> Commodity:
    usd = _coin_usd(market, coin)
    if usd <= 0.0:
        return Commodity(coin)  # no contract of the table is on it

    def number(name: str) -> float:
        return parameters.number(f"coin.{coin}.{name}")

    last = market.view.as_of_ms + round(parameters.number("delivery.days") * DAY_MS)
    near = [p for p in periods if p != UNDATED and int(p) <= last]
    return Commodity(
        coin,
        spreads=_calendar(coin, usd, parameters),
        intra_tiers=_tiers(market, parameters),
        som_rate=number("short_minimum") * usd,
        som_method="sum",
        delivery_method="10",
        delivery=tuple(DeliveryRate(p, number("delivery_spread") * usd, 0.0) for p in near),
        wfpr_method="capped",
        scan_range=number("price_scan") * usd,
    )


def _between(
    coins: tuple[str, ...], market: DollarMarket, parameters: Parameters
) -> tuple[DeltaSpread, ...]:
    """A dollar of one coin's delta against a dollar of another's, pair by pair."""
    credit = parameters.number("inter.credit")
    usd = {coin: _coin_usd(market, coin) for coin in coins}
    return tuple(
        DeltaSpread(
            (Leg(a, "A", 1.0 / usd[a], rate=credit), Leg(b, "B", 1.0 / usd[b], rate=credit)), "W"
        )
        for a, b in combinations(coins, 2)
        if usd[a] > 0.0 and usd[b] > 0.0
    )


def _composite(market: DollarMarket, parameters: Parameters) -> Floats:
    """[I] deltas in coins, options by the weights of seven price points."""
    part, view = market.part, market.view
    delta = market.delta.copy()
    if parameters.choice("delta.kind", "composite") == "plain":
        return delta
    option = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok & (view.vol > 0.0))
    if not len(option):
        return delta
    forward = market.forward_of[option]
    range_of = np.array(
        [parameters.number(f"coin.{part.items[k].underlying}.price_scan") for k in option.tolist()]
    )
    ahead = parameters.number("scan.look_ahead_days") / YEAR_DAYS
    unit = composite_delta(
        forward,
        part.strike[option],
        part.right[option].astype(np.float64),
        market.life_years[option],
        view.vol[option],
        0.0,
        range_of * forward,
        Scan(points_of(parameters), "forward", ahead),
    )
    delta[option] = unit * part.multiplier[option]
    return delta


def coin_terms(
    market: DollarMarket, risk: RiskArray, option_value: Floats, parameters: Parameters
) -> SpanTerms:
    """The terms of one market. ``option_value[I]`` is in settlement currency, a unit."""
    part, coins = market.part, coins_of(parameters)
    points = points_of(parameters)
    place = {coin: c for c, coin in enumerate(coins)}
    periods = tuple(_period_names(part, coin) for coin in coins)
    at = [{name: p for p, name in enumerate(each)} for each in periods]
    commodity = [
        place.get(item.underlying, -1) if moving else -1
        for item, moving in zip(part.items, market.moving.tolist(), strict=True)
    ]
    period = [
        at[c][f"{item.expiry_ms:015d}" if part.expiry[k] >= 0 else UNDATED] if c >= 0 else 0
        for k, (c, item) in enumerate(zip(commodity, part.items, strict=True))
    ]
    option = is_kind(part, Kind.OPTION)
    weight = padded(points.weight[None, :])
    tables = Tables(
        commodity=frozen(commodity, np.int32),
        period=frozen(period, np.int32),
        pnl=frozen((risk.pnl * weight)[:, : len(points)], np.float64),
        delta=frozen(_composite(market, parameters), np.float64),
        right=frozen(np.where(option, part.right, 0), np.int32),
        som_unit=frozen(np.where(option, market.coins, 0.0), np.float64),
        value=frozen(option_value * market.settle_usd, np.float64),
    )
    return terms_with(
        tuple(
            _commodity(coin, market, parameters, names)
            for coin, names in zip(coins, periods, strict=True)
        ),
        periods,
        tables,
        points.paired,
        frozen(np.ones(len(coins)), np.float64),
        inter_spreads=_between(coins, market, parameters),
    )
