"""OKX portfolio margin (centralised-venues 2), one account at a time, in plain Python.

A leg's ``expiry`` is the time of its expiry; its quote and settlement currency follow from its
name, ``<coin>-<quote>-…``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import fsum

from .black import delta, price
from .types import DAY_MS, YEAR_MS, Leg

QUOTES = ("USDT", "USD", "USDC")
PAIRS = (("USDT", "USD"), ("USDT", "USDC"), ("USDC", "USD"))


@dataclass(frozen=True)
class Tier:
    """What the venue states for a group of coins."""

    moves: tuple[float, ...] = (-0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12)
    extreme: float = 0.24
    annual: float = 0.05
    least: float = 0.002
    minimum: float = 0.0045
    steps: tuple[tuple[float, float], ...] = ((1e15, 1.0),)


@dataclass(frozen=True)
class Rules:
    """The numbers and readings of a parameter set."""

    tier: Tier = field(default_factory=Tier)
    im_factor: float = 1.3
    share: float = 0.5
    hours: float = 24.0
    vols: tuple[tuple[float, float, float], ...] = (
        (0.0, 0.30, 0.50),
        (30.0, 0.25, 0.35),
        (60.0, 0.20, 0.25),
    )
    dollar_value: bool = True
    floor_dated: bool = True
    spot_charged: bool = True
    option_code: bool = False
    depeg: tuple[tuple[float, float], ...] = ((1e6, 0.005), (5e6, 0.01))
    per_delta: float = 0.02
    fee: float = 0.0003
    fee_cap: float = 0.125


@dataclass(frozen=True)
class Market:
    """Index by (coin, quote) in the quote, dollars a unit of each currency, time."""

    index: Mapping[tuple[str, str], float]
    usd: Mapping[str, float]
    now_ms: int


def quote_of(leg: Leg) -> str:
    return leg.name.split("-")[1]


def vol_moves(days: float, table: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Points and share, on straight lines between the rows."""
    if days <= table[0][0]:
        return table[0][1], table[0][2]
    for (a, p, s), (b, q, t) in pairwise(table):
        if days <= b:
            x = (days - a) / (b - a)
            return p + x * (q - p), s + x * (t - s)
    return table[-1][1], table[-1][2]


def scenarios(rules: Rules) -> list[tuple[float, str, float]]:
    """(move, what the volatility does, weight) in the order of the model."""
    out = [
        (move, vol, 1.0)
        for move in rules.tier.moves
        for vol in ("up points", "up share", "same", "down points", "down share")
    ]
    out += [(sign * rules.tier.extreme, "same", rules.share) for sign in (-1.0, 1.0)]
    return [*out, (0.0, "later", 1.0)]


def leg_pnl(leg: Leg, move: float, vol: str, market: Market, rules: Rules) -> float:
    """Dollars that one position gains."""
    quote = quote_of(leg)
    index = market.index[leg.underlying, quote]
    today = index * market.usd[quote]
    then = today * (1.0 + move) if rules.dollar_value else today
    if leg.kind in ("future", "perpetual"):
        if leg.inverse:
            coins = leg.quantity * leg.multiplier / index
            return coins * (1.0 - 1.0 / (1.0 + move)) * then
        return leg.quantity * leg.multiplier * index * move * market.usd[quote]
    life = leg.life_ms
    points, share = vol_moves(life / DAY_MS, rules.vols)
    sigma = {
        "up points": leg.vol + points,
        "up share": leg.vol * (1.0 + share),
        "down points": max(leg.vol - points, 0.0),
        "down share": leg.vol * max(1.0 - share, 0.0),
    }.get(vol, leg.vol)
    if vol == "later":
        life = max(life - round(rules.hours * DAY_MS / 24), 0)
    before, after = leg.forward + leg.settled, leg.forward * (1.0 + move) + leg.settled
    old = price(leg.right, before, leg.strike, leg.vol, leg.life_ms / YEAR_MS)
    new = price(leg.right, after, leg.strike, sigma, life / YEAR_MS)
    size = leg.quantity * leg.multiplier
    if leg.inverse:
        return size * (new / after * then - old / before * today)
    return size * (new - old) * market.usd[quote]


def leg_delta(leg: Leg, market: Market, rules: Rules) -> float:
    """Coins; an option in coin less its premium where its coins are worth today's index."""
    quote = quote_of(leg)
    index = market.index[leg.underlying, quote]
    if leg.kind in ("future", "perpetual"):
        size = leg.quantity * leg.multiplier
        return size / index if leg.inverse else size
    forward = leg.forward + leg.settled
    unit = delta(leg.right, forward, leg.strike, leg.vol, leg.life_ms / YEAR_MS)
    paid = 0.0 if rules.dollar_value else leg.mark
    own = unit - paid if leg.inverse else unit * forward / index
    return leg.quantity * leg.multiplier * own


def cash_delta(leg: Leg, market: Market, rules: Rules) -> float:
    """Dollars; a future at its mark."""
    quote = quote_of(leg)
    if leg.kind in ("future", "perpetual"):
        value = leg.quantity * leg.multiplier * market.usd[quote]
        return value if leg.inverse else value * leg.mark
    return leg_delta(leg, market, rules) * market.index[leg.underlying, quote] * market.usd[quote]


def minimum(leg: Leg, market: Market, rules: Rules) -> float:
    """What leaving one position is charged, dollars, before the multiple."""
    if leg.kind in ("future", "perpetual"):
        return rules.tier.minimum * abs(cash_delta(leg, market, rules))
    if not rules.option_code:
        return 0.0
    index = market.index[leg.underlying, quote_of(leg)]
    mark = leg.mark if leg.inverse else leg.mark / index
    plain = leg_delta(leg, market, replace(rules, dollar_value=True))
    unit = abs(plain / (leg.quantity * leg.multiplier)) if leg.quantity else 0.0
    slip = max(rules.per_delta, rules.per_delta * unit)
    if leg.quantity > 0.0:
        slip = min(slip, mark)
    fee = min(rules.fee, rules.fee_cap * mark)
    size = abs(leg.quantity * leg.multiplier)
    return size * (slip + fee) * index * market.usd[quote_of(leg)]


def slices(size: float, tiers: Sequence[tuple[float, float]]) -> float:
    """A charge slice by slice; beyond the last at its rate."""
    total, below = 0.0, 0.0
    for k, (edge, rate) in enumerate(tiers):
        top = size if k == len(tiers) - 1 else min(size, edge)
        total += max(top - below, 0.0) * rate
        below = edge
    return total


def depeg(legs: Sequence[Leg], market: Market, rules: Rules) -> float:
    """Hedges between quote currencies, pair after pair."""
    rest = {q: fsum(cash_delta(g, market, rules) for g in legs if quote_of(g) == q) for q in QUOTES}
    total = 0.0
    for a, b in PAIRS:
        if rest[a] * rest[b] >= 0.0:
            continue
        size = min(abs(rest[a]), abs(rest[b]))
        for q in (a, b):
            rest[q] -= size if rest[q] > 0.0 else -size
        total += slices(size, rules.depeg)
    return total


def basis(legs: Sequence[Leg], used_usd: float, market: Market, rules: Rules) -> float:
    """|net cash delta| of each expiry at its rate, the spot in use at that of a perpetual."""
    groups: dict[object, list[float]] = {}
    for leg in legs:
        groups.setdefault(leg.expiry, []).append(cash_delta(leg, market, rules))
    total = used_usd * rules.tier.least if rules.spot_charged else 0.0
    for expiry, values in groups.items():
        rate = rules.tier.least
        if expiry is not None:
            assert isinstance(expiry, int)
            rate = rules.tier.annual * (expiry - market.now_ms) / YEAR_MS
            if rules.floor_dated:
                rate = max(rate, rules.tier.least)
        total += abs(fsum(values)) * rate
    return total


def unit(
    legs: Sequence[Leg], spot: float, coin: str, market: Market, rules: Rules
) -> dict[str, object]:
    """One risk unit: every term, MMR and IMR."""
    net = fsum(leg_delta(leg, market, rules) for leg in legs)
    used = min(max(-net, 0.0), max(spot, 0.0))
    vector = []
    for move, vol, weight in scenarios(rules):
        own = fsum(leg_pnl(leg, move, vol, market, rules) for leg in legs)
        vector.append(weight * (own + used * market.usd[coin] * move))
    mr1, mr6 = max(-min(vector[:-3]), 0.0), max(-min(vector[-3:-1]), 0.0)
    mr2 = max(-vector[-1], 0.0)
    mr4 = basis(legs, used * market.usd[coin], market, rules)
    mr9 = depeg(legs, market, rules)
    raw = fsum(minimum(leg, market, rules) for leg in legs)
    edges = [edge for edge, _ in rules.tier.steps]
    multiple = rules.tier.steps[min(bisect_left(edges, raw), len(edges) - 1)][1]
    mmr = max(max(mr1, mr2, mr6) + mr4 + mr9, raw * multiple)
    gross = fsum(
        abs(leg.units) * market.index[coin, quote_of(leg)] * market.usd[quote_of(leg)]
        for leg in legs
    )
    return {
        "mr1": mr1,
        "mr2": mr2,
        "mr4": mr4,
        "mr6": mr6,
        "mr7": raw * multiple,
        "mr9": mr9,
        "spot_in_use": used,
        "deriv_mmr": mmr,
        "deriv_imr": rules.im_factor * mmr,
        "vector": vector,
        "gross": gross,
    }


def account(
    equity: Mapping[str, float],
    usd: Mapping[str, float],
    rates: Mapping[str, tuple[tuple[float, float, float], ...]],
    cost: float,
) -> dict[str, float]:
    """Equity in dollars and what is borrowed of it; a currency without rates is charged nothing."""
    out = {"equity": 0.0, "borrowed": 0.0, "borrow_mmr": 0.0, "borrow_imr": 0.0}
    rated = 0.0
    for name, units in equity.items():
        out["equity"] += units * usd[name]
        debt = max(-units, 0.0)
        out["borrowed"] += debt * usd[name]
        if name in rates and debt > 0.0:
            tiers = rates[name]
            place = min(bisect_left([t[0] for t in tiers], debt), len(tiers) - 1)
            rated += debt * usd[name]
            out["borrow_mmr"] += debt * usd[name] * tiers[place][1]
            out["borrow_imr"] += debt * usd[name] * tiers[place][2]
    out["liquidation_cost"] = cost * (rated + out["borrow_mmr"])
    return out
