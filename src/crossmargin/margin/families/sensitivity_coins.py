"""Sensitivities of coins: what every contract carries, and how coins are aggregated.

Numbers are this project's own calibration (``scripts/calibrate_sensitivities.py``); a second set
takes weight and correlations of price from a proposal for a separate crypto class. Per unit, in
dollars, with S the index, F the forward, v the mark volatility, t the life, H the horizon:

    delta      x = d value for 1 % of the coin's price = delta S / 100
    vega       x = v d value / d v, at one of four expiries (7, 30, 90, 180 days: nearest by log)
    curvature  x = -1/2 gamma F^2 (RW / 100 / Phi^-1(99 %))^2 min(1, t / H)

A loss of -gamma over a move of q = Phi^-1(99.5 %) standard deviations is q^2 x, so curvature is q^2
times the root over coins of what is short; a coin that is long on balance pays for no other. The
price correlation of two coins is that of their classes, squared for curvature; vega multiplies that
of expiries by one number for any two coins. Concentration is a surcharge beside the roots:

    sum over coins and expiries of |weight x| (CR - 1),   CR = max(1, sqrt(|sum of x of coin| / T))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.sensitivity_forms import Block, Loads, Space, surcharges
from crossmargin.margin.families.whole_account import (
    DollarMarket,
    coin_names,
    is_money,
    names_used,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, of_underlying
from crossmargin.pricing.greeks import greeks

__all__ = [
    "CLASSES",
    "GROUPS",
    "TENORS",
    "CoinSpace",
    "Exposures",
    "class_of",
    "coin_space",
    "concentration",
    "exposures",
    "horizon_days",
    "weight_of",
]

CLASSES = ("BTC", "ETH", "large", "other", "pegged")
TENORS = ("d7", "d30", "d90", "d180")
GROUPS = ("delta", "vega", "curvature")
_TENOR_DAYS = np.array([7.0, 30.0, 90.0, 180.0])
_Q99, _Q995 = NormalDist().inv_cdf(0.99), NormalDist().inv_cdf(0.995)


@dataclass(frozen=True, slots=True)
class Exposures:
    """What one unit of each instrument carries, in dollars; 0 where nothing."""

    delta_per_cent: Floats  # [I]
    vega: Floats  # [I] volatility times d value / d volatility
    curvature: Floats  # [I] positive where the unit loses on a large move
    tenor: Ints  # [I] row of TENORS


@dataclass(frozen=True, slots=True)
class CoinSpace:
    """The aggregation of a pool: entries are coins (delta), coin and expiry (vega), coins."""

    coins: tuple[str, ...]
    space: Space  # without concentration
    crowded: Space  # the same entries with their concentration sets
    loads: Loads


def class_of(coin: str, parameters: Parameters) -> str:
    """The class of a coin: its own entry, pegged for money, other for what is not named."""
    name = f"coin.{coin}.class"
    if name in parameters:
        return str(parameters.get(name))
    return "pegged" if is_money(coin) else "other"


def horizon_days(parameters: Parameters) -> float:
    """The horizon of the chosen set."""
    return 1.0 if parameters.get("calibration.set") == "one_day" else 10.0


def _base(parameters: Parameters) -> str:
    chosen = str(parameters.get("calibration.set"))
    return "ten_day" if chosen == "extension" else chosen


def weight_of(name: str, parameters: Parameters) -> float:
    """Per cent: the risk weight of a class."""
    if parameters.get("calibration.set") == "extension" and name != "pegged":
        return parameters.number("extension.weight")
    return parameters.number(f"{_base(parameters)}.weight.{name}")


def _price_correlation(first: str, second: str, parameters: Parameters) -> float:
    """Of two different coins, by class; 1 for two of a class that holds one coin."""
    pegged = "pegged" in (first, second)
    if parameters.get("calibration.set") == "extension":
        if pegged:
            return parameters.number(f"extension.{'pegged' if first == second else 'across'}")
        return parameters.number("extension.floating")
    table = f"{_base(parameters)}.correlation"
    if pegged:
        return parameters.number(f"{table}.pegged_{'pegged' if first == second else 'across'}")
    for name in (f"{table}.{first}_{second}", f"{table}.{second}_{first}"):
        if name in parameters:
            return parameters.number(name)
    return 1.0


def _vega_weight(name: str, tenor: str, parameters: Parameters) -> float:
    table = _base(parameters)
    coin = name if name in ("BTC", "ETH") else "other"
    ratio = parameters.number(f"{table}.expiry.{tenor}")
    return parameters.number(f"{table}.vega.{coin}") * ratio


def _tenor_correlation(i: int, j: int, parameters: Parameters) -> float:
    if i == j:
        return 1.0
    first, second = TENORS[min(i, j)], TENORS[max(i, j)]
    return parameters.number(f"{_base(parameters)}.expiry_correlation.{first}_{second}")


def exposures(market: DollarMarket, parameters: Parameters) -> Exposures:
    """The sensitivities of one unit of each row of a pool; see the module."""
    part, view = market.part, market.view
    count = len(part)
    delta = np.where(market.moving, market.delta * market.index_usd * 0.01, 0.0)
    vega, curvature = np.zeros(count), np.zeros(count)
    tenor = np.zeros(count, np.int32)
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
    if len(rows):
        expiry = part.expiry[rows]
        forward, years, vol = market.forward[expiry], market.years[expiry], view.vol[rows]
        right = part.right[rows].astype(np.float64)
        unit = greeks(forward, part.strike[rows], years, vol, right)
        settle = market.settle_usd[rows]
        usd = np.where(part.inverse[rows], market.index_usd[rows] / forward, settle)
        size = usd * part.multiplier[rows]
        vega[rows] = unit.vega * vol * size
        weight = of_underlying(part, rows, lambda n: weight_of(class_of(n, parameters), parameters))
        horizon = horizon_days(parameters)
        days = 365.0 * years
        moved = (0.01 * weight / _Q99) ** 2 * np.minimum(1.0, days / horizon)
        curvature[rows] = -0.5 * unit.gamma * forward * forward * size * moved
        tenor[rows] = _nearest(days)
    return Exposures(delta, vega, curvature, tenor)


def _nearest(days: Floats) -> Ints:
    """The expiry of TENORS whose ratio to each life is nearest to 1; the shorter of equals."""
    edges = np.sqrt(_TENOR_DAYS[1:] * _TENOR_DAYS[:-1])
    return np.searchsorted(edges, days, side="left").astype(np.int32)


def coin_space(market: DollarMarket, found: Exposures, parameters: Parameters) -> CoinSpace:
    """Entries, matrices and loads of a pool under a set of numbers."""
    part = market.part
    coins = coin_names(part)
    coins = (*coins, *sorted(names_used(part) - set(coins)))
    place = {coin: k for k, coin in enumerate(coins)}
    classes = [class_of(coin, parameters) for coin in coins]
    space = _space(classes, parameters)
    every = np.arange(len(part))
    coin = of_underlying(part, every, lambda name: place[name]).astype(np.int32)
    count, many = len(coins), len(TENORS)
    entry = np.stack(
        [coin, count + coin * many + found.tenor, count * (1 + many) + coin], axis=1
    ).astype(np.int32)
    factor = np.stack([found.delta_per_cent, found.vega, found.curvature], axis=1)
    kept = factor != 0.0
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    loads = Loads(start, entry[kept], factor[kept])
    return CoinSpace(coins, space, _crowded(space, classes, parameters), loads)


def _space(classes: Sequence[str], parameters: Parameters) -> Space:
    """One bucket a group: correlations tell coins and expiries apart, so nothing is cut off."""
    count, many = len(classes), len(TENORS)
    code = np.array([CLASSES.index(name) for name in classes], np.int32)
    coin = np.arange(count, dtype=np.int32)
    tenor = np.tile(np.arange(many, dtype=np.int32), count)
    weights = [weight_of(name, parameters) for name in classes]
    vegas = [_vega_weight(name, tenor, parameters) for name in classes for tenor in TENORS]
    same, different = _matrices(parameters)
    ones = np.ones((1, 1, 1))
    return Space(
        bucket=np.repeat(np.arange(3, dtype=np.int32), [count, count * many, count]),
        concentration=np.full(count * (2 + many), -1, np.int32),
        code=np.concatenate([code, tenor, code]),
        name=np.concatenate([coin, np.repeat(coin, many), coin]),
        weight=np.concatenate([weights, vegas, np.ones(count)]),
        bucket_group=np.arange(3, dtype=np.int32),
        family=np.arange(3, dtype=np.int32),
        place=np.zeros(3, np.int32),
        residual=np.zeros(3, np.bool_),
        threshold_usd=np.zeros(0),
        same=same,
        different=different,
        gamma_of=np.zeros(3, np.int32),
        gamma=ones,
        within=np.ones(3, np.bool_),
        curvature=np.zeros(3, np.bool_),
        scale=np.array([1.0, 1.0, _Q995 * _Q995]),
        one_sided=np.array([False, False, True]),
    )


def _matrices(parameters: Parameters) -> tuple[Floats, Floats]:
    """[3, C, C] correlations of delta (by class), vega (by expiry) and curvature (by class)."""
    width = len(CLASSES)
    price = np.ones((width, width))
    for i, first in enumerate(CLASSES):
        for j, second in enumerate(CLASSES):
            price[i, j] = _price_correlation(first, second, parameters)
    tenors = np.ones((width, width))
    for i in range(len(TENORS)):
        for j in range(len(TENORS)):
            tenors[i, j] = _tenor_correlation(i, j, parameters)
    across = parameters.number(f"{_base(parameters)}.vega_across.coins")
    ones = np.ones((width, width))
    same = np.stack([ones, tenors, ones])
    return same, np.stack([price, across * tenors, price**2])


def _crowded(space: Space, classes: Sequence[str], parameters: Parameters) -> Space:
    """The same entries with a concentration set a coin, for delta and for vega."""
    count, many = len(classes), len(TENORS)
    coin = np.arange(count, dtype=np.int32)
    sets = np.concatenate([coin, count + np.repeat(coin, many), np.full(count, -1, np.int32)])
    delta = [parameters.number(f"threshold.{name}") for name in classes]
    floating = [name if name != "pegged" else "other" for name in classes]
    vega = [parameters.number(f"vega_threshold.{name}") for name in floating]
    limit = np.array([*delta, *vega], np.float64)
    return replace(space, concentration=sets.astype(np.int32), threshold_usd=limit)


def concentration(
    found: CoinSpace, book: Block, orders: Block | None = None
) -> tuple[Floats, Floats]:
    """[A] the surcharges for delta and vega; with orders, no less than after any of their fills.

    ``book`` and ``orders`` are CSR: row, column, quantity (signed).
    """
    total = surcharges(found.crowded, found.loads, book, orders)
    return total[:, 0], total[:, 1]
