"""Derive standard margin (onchain-protocols 1.4): one account with many markets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum

from .black import derive_price
from .types import YEAR_MS, Leg


@dataclass(frozen=True)
class Perp:
    """A perpetual with what it has not settled."""

    size: float
    value: float = 0.0


@dataclass(frozen=True)
class Market:
    """Feeds of one coin; confidences of forwards by expiry label."""

    spot: float
    perp_price: float = 0.0
    spot_confidence: float = 1.0
    perp_confidence: float = 1.0
    forward_confidence: Mapping[object, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """Holdings by coin."""

    cash: float = 0.0
    options: tuple[Leg, ...] = ()
    perps: Mapping[str, Perp] = field(default_factory=dict)
    base: Mapping[str, float] = field(default_factory=dict)


def _value(leg: Leg) -> float:
    """Value of one option, not discounted."""
    forward = leg.forward + leg.settled
    return derive_price(leg.right, forward, leg.strike, leg.vol, leg.life_ms / YEAR_MS, 1.0)


def _short(leg: Leg, spot: float, p: Mapping[str, float]) -> tuple[float, float]:
    """Balances (IM, MM) of one short line, both negative."""
    n = leg.quantity
    value = _value(leg) * n
    if leg.right > 0:
        out = max(leg.strike - spot, 0.0) / spot
        im = value + max(p["most"] - out, p["least"]) * spot * n
        return im, value + p["mm_call"] * spot * n
    out = max(spot - leg.strike, 0.0) / spot
    mm = value + min(p["mm_put"] * spot * n, p["mm_put_value"] * value)
    im = min(value + max(p["most"] - out, p["least"]) * spot * n, mm * p["offset"])
    return im, mm


def _expiry(legs: list[Leg], spot: float, p: Mapping[str, float]) -> tuple[float, float, bool]:
    """Balances (IM, MM) of one expiry: the better of both ways, and whether that is the second."""
    pairs = [_short(leg, spot, p) for leg in legs if leg.quantity < 0.0]
    alone = fsum(a for a, _ in pairs), fsum(b for _, b in pairs)
    prices = [0.0, *(leg.strike for leg in legs)]
    paid = [
        fsum(leg.quantity * max(leg.right * (price - leg.strike), 0.0) for leg in legs)
        for price in prices
    ]
    calls = fsum(leg.quantity for leg in legs if leg.right > 0)
    forward = legs[0].forward + legs[0].settled
    most = [
        min(*paid, 0.0) + (p[f"unpaired_{level}"] * forward * calls if calls < 0.0 else 0.0)
        for level in ("im", "mm")
    ]
    return max(alone[0], most[0]), max(alone[1], most[1]), most[0] > alone[0]


def _doubt(confidence: float, threshold: float, factor: float) -> float:
    return (1.0 - confidence) * factor if confidence < threshold else 0.0


def _market(
    coin: str, account: Account, market: Market, stable: float, p: Mapping[str, float]
) -> dict[str, float]:
    """What a coin adds to the balances and to mark-to-market."""
    spot = market.spot
    books: dict[object, list[Leg]] = {}
    for leg in account.options:
        if leg.underlying == coin:
            books.setdefault(leg.expiry, []).append(leg)
    perp, base = account.perps.get(coin, Perp(0.0)), account.base.get(coin, 0.0)
    size = abs(perp.size)
    value = perp.value if perp.size != 0.0 else 0.0
    im, mm = (
        [value - size * market.perp_price * p["im_perp"]],
        [value - size * market.perp_price * p["mm_perp"]],
    )
    sure = min(market.spot_confidence, market.perp_confidence)
    im.append(-_doubt(sure, p["perp_threshold"], p["oracle"]) * spot * size)
    shorts, bounded = 0.0, 0
    for label, legs in books.items():
        a, b, by_loss = _expiry(legs, spot, p)
        bounded += by_loss
        short = fsum(-leg.quantity for leg in legs if leg.quantity < 0.0)
        shorts += short
        here = min(
            market.spot_confidence,
            market.forward_confidence.get(label, 1.0),
            *(leg.confidence for leg in legs),
        )
        im += [a, -_doubt(here, p["option_threshold"], p["oracle"]) * spot * short]
        mm.append(b)
    under = max(p["depeg_threshold"] - stable, 0.0) * p["depeg_factor"]
    im.append(-spot * (size + shorts) * under)
    worth = base * spot * p["margin_factor"]
    im.append(worth * p["im_scale"])
    if worth * p["im_scale"] != 0.0:
        im.append(-_doubt(market.spot_confidence, p["base_threshold"], p["oracle"]) * base * spot)
    mm.append(worth)
    values = [leg.quantity * _value(leg) for legs in books.values() for leg in legs]
    return {
        "im": fsum(im),
        "mm": fsum(mm),
        "mtm": fsum([*values, value, base * spot / stable]),
        "bounded": float(bounded),
    }


def margin(
    account: Account,
    markets: Mapping[str, Market],
    stable: float,
    params: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """Balances ``im`` and ``mm`` (solvent where >= 0), mark-to-market with cash, gross value."""
    parts = [_market(coin, account, m, stable, params[coin]) for coin, m in markets.items()]
    gross = [abs(leg.quantity) * (leg.forward + leg.settled) for leg in account.options]
    gross += [abs(perp.size) * markets[coin].perp_price for coin, perp in account.perps.items()]
    gross += [abs(size) * markets[coin].spot for coin, size in account.base.items()]
    found = {
        name: fsum([account.cash, *(part[name] for part in parts)]) for name in ("im", "mm", "mtm")
    }
    found["bounded"] = sum(part["bounded"] for part in parts)
    return {**found, "gross": fsum([abs(account.cash), *gross])}
