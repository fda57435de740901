"""Drift v2 margin in integers: weights and ratios 1e4, imf 1e6, dollars and prices 1e6, base 1e9.

    s = isqrt(10 size + 1)                            size in 1e-9 of the base
    premium   max(w, w - floor(w/5) + floor(s imf / 1e7))               liabilities, perpetuals
    discount  min(w, floor(1.1e6 x 1e4 / (1e6 + floor(s imf / 1e5))))   assets, open profit
    perpetual worst side x max(quote price, TWAP) x max(custom, ratio) + 0.01 an open order
    spot      the riskier of all bids and all asks filled, by what it leaves free; asks on a tie

Division cuts off toward zero, but a token's negative value is rounded down. A level is initial,
fill (the mean of the other two, halved in integers) or maintenance.
Source: drift-labs/protocol-v2 at 0ae3e3b1. The Python client of the venue rounds otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import isqrt

from crossmargin.margin.families.exact_units import quotient_to_zero

__all__ = [
    "ORDER_MARGIN",
    "Level",
    "PerpMarket",
    "PerpPosition",
    "SpotMarket",
    "SpotPosition",
    "Strict",
    "asset_weight",
    "liability_weight",
    "margin_ratio",
    "perp_margin",
    "scaled_initial_asset_weight",
    "size_discount",
    "size_premium",
    "spot_margin",
    "token_value",
    "unrealized_asset_weight",
]

WEIGHT = 10_000
PRICE = 1_000_000
BASE = 10**9
ORDER_MARGIN = 10_000  # a cent an open order
UPNL_MAX = 100 * PRICE  # of one position, initial margin alone


class Level(StrEnum):
    """Which requirement is asked for."""

    INITIAL = "I"
    FILL = "F"
    MAINTENANCE = "M"


@dataclass(frozen=True, slots=True)
class Strict:
    """An oracle price and its five-minute average; without one the price stands for both."""

    price: int
    twap: int | None = None

    @property
    def low(self) -> int:
        """What an asset is valued at."""
        return self.price if self.twap is None else min(self.price, self.twap)

    @property
    def high(self) -> int:
        """What a liability is valued at."""
        return self.price if self.twap is None else max(self.price, self.twap)


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """Weights of a token. ``scale_start`` 0: no scaling by ``deposits`` (tokens of all users)."""

    initial_asset: int
    maintenance_asset: int
    initial_liability: int
    maintenance_liability: int
    decimals: int
    imf: int = 0
    scale_start: int = 0
    deposits: int = 0


@dataclass(frozen=True, slots=True)
class PerpMarket:
    """Ratios of a perpetual; high-leverage ratios are both 0 where the mode is not offered."""

    initial: int
    maintenance: int
    imf: int = 0
    upnl_initial: int = 0
    upnl_maintenance: int = 0
    upnl_imf: int = 0
    upnl_imbalance_max: int = 0
    net_unsettled: int = 0
    leverage_initial: int = 0
    leverage_maintenance: int = 0
    prediction: bool = False


@dataclass(frozen=True, slots=True)
class SpotPosition:
    """Tokens held or owed; ``bids`` >= 0 and ``asks`` <= 0 are the sums of open orders."""

    amount: int
    bids: int = 0
    asks: int = 0
    orders: int = 0


@dataclass(frozen=True, slots=True)
class PerpPosition:
    """Base held, the quote that it left, and the sums of open orders."""

    base: int
    quote: int
    bids: int = 0
    asks: int = 0
    orders: int = 0


def size_premium(size: int, imf: int, weight: int, *, bounded: bool = True) -> int:
    """Weight or ratio of a liability of ``size`` (1e-9); never under ``weight`` where bounded."""
    if imf == 0:
        return weight
    found = weight - weight // 5 + isqrt(10 * size + 1) * imf // 10_000_000
    return max(weight, found) if bounded else found


def size_discount(size: int, imf: int, weight: int) -> int:
    """Weight of an asset of ``size`` (1e-9)."""
    if imf == 0:
        return weight
    root = isqrt(10 * size + 1)
    return min(weight, 1_100_000 * WEIGHT // (1_000_000 + root * imf // 100_000))


def _scaled(size: int, decimals: int) -> int:
    """Token amount in 1e-9 of a token."""
    power: int = 10**decimals
    return size // (power // BASE) if power > BASE else size * BASE // power


def token_value(amount: int, decimals: int, price: int) -> int:
    """Dollars of a token amount: toward zero, a debt rounded up in size."""
    power: int = 10**decimals
    return amount * price // power  # floor: down for a debt, toward zero for an asset


def _strict_value(amount: int, decimals: int, price: Strict) -> int:
    return token_value(amount, decimals, price.low if amount > 0 else price.high)


def scaled_initial_asset_weight(market: SpotMarket, price: int) -> int:
    """Initial asset weight, scaled down where all deposits are worth more than the start."""
    if market.scale_start == 0:
        return market.initial_asset
    value = token_value(market.deposits, market.decimals, price)
    if value < market.scale_start:
        return market.initial_asset
    return market.initial_asset * market.scale_start // value


def asset_weight(size: int, market: SpotMarket, price: int, level: Level) -> int:
    """Weight of an asset of ``size`` tokens (smallest units)."""
    if level is Level.MAINTENANCE:
        weight = market.maintenance_asset
    else:
        weight = scaled_initial_asset_weight(market, price)
        if level is Level.FILL:
            weight = (weight + market.maintenance_asset) // 2
    return size_discount(_scaled(size, market.decimals), market.imf, weight)


def liability_weight(size: int, market: SpotMarket, level: Level) -> int:
    """Weight of a borrow of ``size`` tokens (smallest units)."""
    weight = _of_level(market.initial_liability, market.maintenance_liability, level)
    return size_premium(_scaled(size, market.decimals), market.imf, weight)


def _of_level(initial: int, maintenance: int, level: Level) -> int:
    if level is Level.FILL:
        return (initial + maintenance) // 2
    return initial if level is Level.INITIAL else maintenance


def margin_ratio(size: int, market: PerpMarket, level: Level, *, high: bool = False) -> int:
    """Margin ratio of a perpetual of ``size`` (1e-9); ``high``: the holder's leverage mode.

    In that mode the size premium is that of the ordinary ratio r, unbounded; below r the mode's
    own ratio rises with it from its floor: h + max(1, r - h) f, f = [1 - (r - s) / (r / 5)]+.
    """
    offered = market.leverage_initial > 0 and market.leverage_maintenance > 0
    if not (high and offered):
        ratio = _of_level(market.initial, market.maintenance, level)
        return size_premium(size, market.imf, ratio)
    own = _of_level(market.leverage_initial, market.leverage_maintenance, level)
    if level is Level.MAINTENANCE:
        return size_premium(size, market.imf, own)
    ordinary = _of_level(market.initial, market.maintenance, level)
    sized = size_premium(size, market.imf, ordinary, bounded=False)
    if sized == ordinary:
        return own
    if sized > ordinary:
        return sized
    million = 1_000_000
    share = max(million - (ordinary - sized) * million // max(ordinary // 5, 1), 0)
    return own + max(ordinary - own, 1) * share // million


def unrealized_asset_weight(profit: int, market: PerpMarket, level: Level) -> int:
    """Weight of a position's open profit (1e-6 dollars); a loss counts in full."""
    if profit <= 0:
        return WEIGHT
    if level is Level.MAINTENANCE:
        return market.upnl_maintenance
    weight = market.upnl_initial
    if weight == 0:
        return 0
    if 0 < market.upnl_imbalance_max < market.net_unsettled:
        weight = weight * market.upnl_imbalance_max // market.net_unsettled
        if weight == 0:
            return 0
    return size_discount(profit * 1000, market.upnl_imf, weight)


def _liability(base: int, price: int, market: PerpMarket) -> int:
    """Dollars at stake: notional, or what a prediction can lose."""
    if market.prediction and base < 0:
        return -base * max(PRICE - price, 0) // BASE
    return abs(base) * max(price, 0) // BASE


def perp_margin(
    position: PerpPosition,
    market: PerpMarket,
    price: int,
    quote: Strict,
    level: Level,
    *,
    custom: int = 0,
    high: bool = False,
) -> tuple[int, int, int]:
    """(requirement, weighted profit, raw profit) of a position, 1e-6 dollars, 1e-6 USDC the last.

    ``custom`` is the holder's own ratio. The worst side is that of the larger liability.
    """
    with_bids, with_asks = position.base + position.bids, position.base + position.asks
    bid_value, ask_value = (_liability(base, price, market) for base in (with_bids, with_asks))
    worst, value = (with_asks, ask_value) if ask_value >= bid_value else (with_bids, bid_value)
    value = value * quote.high // PRICE
    ratio = max(custom, margin_ratio(abs(worst), market, level, high=high))
    requirement = value * ratio // WEIGHT + position.orders * ORDER_MARGIN
    raw = quotient_to_zero(position.base * max(price, 0), BASE) + position.quote
    weighted = raw
    weight = unrealized_asset_weight(raw, market, level)
    if weight != WEIGHT:
        weighted = quotient_to_zero(weighted * weight, WEIGHT)
    worth = quote.low if raw > 0 else quote.high if raw < 0 else quote.price
    if worth != PRICE:
        weighted = quotient_to_zero(weighted * worth, PRICE)
    if level is Level.INITIAL:
        weighted = min(weighted, UPNL_MAX)
    return requirement, weighted, raw


@dataclass(frozen=True, slots=True)
class _Fill:
    """One side of a spot position's orders filled."""

    amount: int
    orders: int  # dollars that the fill pays (negative) or brings
    value: int
    weighted: int

    @property
    def free(self) -> int:
        return self.weighted + self.orders


def _weighted(amount: int, value: int, market: SpotMarket, price: int, level: Level) -> int:
    if value == 0:
        return 0
    if value > 0:
        weight = asset_weight(abs(amount), market, price, level)
    else:
        weight = liability_weight(abs(amount), market, level)
    return quotient_to_zero(value * weight, WEIGHT)


def _side(
    position: SpotPosition, filled: int, market: SpotMarket, price: Strict, level: Level
) -> _Fill:
    orders = token_value(-filled, market.decimals, price.high)
    amount = position.amount + filled
    value = _strict_value(position.amount, market.decimals, price) - orders
    return _Fill(amount, orders, value, _weighted(amount, value, market, price.price, level))


def _custom(fill: _Fill, market: SpotMarket, price: int, custom: int) -> _Fill:
    """The fill under the holder's own margin ratio: never softer than the initial weights."""
    if custom == 0 or fill.weighted == 0:
        return fill
    size = abs(fill.amount)
    if fill.weighted < 0:
        weight = max(liability_weight(size, market, Level.INITIAL), WEIGHT + custom)
    else:
        own = max(WEIGHT - custom, 0)
        weight = min(asset_weight(size, market, price, Level.INITIAL), own)
    return replace(fill, weighted=quotient_to_zero(fill.value * weight, WEIGHT))


def spot_margin(
    position: SpotPosition,
    market: SpotMarket | None,
    price: Strict,
    level: Level,
    *,
    custom: int = 0,
    decimals: int = 6,
) -> tuple[int, int]:
    """(requirement, collateral) of a token; ``market`` None is the quote token, at its own value.

    What is positive of the riskier side adds to collateral, what is negative to the requirement.
    """
    if market is None:
        value = _strict_value(position.amount, decimals, price)
        return max(-value, 0), max(value, 0)
    asks = _side(position, position.asks, market, price, level)
    bids = _side(position, position.bids, market, price, level)
    worst = asks if asks.free <= bids.free else bids
    worst = _custom(worst, market, price.price, custom)
    requirement = position.orders * ORDER_MARGIN
    collateral = 0
    counted = worst.weighted if worst.value != 0 else 0
    for part in (counted, worst.orders):
        requirement += max(-part, 0)
        collateral += max(part, 0)
    return requirement, collateral
