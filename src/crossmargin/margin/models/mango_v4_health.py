"""Health of Mango v4 accounts: perpetuals into their settle token, then tokens, then spot orders.

    perpetual u = quote + min(all bids filled, all asks filled);  u > 0 is weighted overall
                side: (base + orders) price weight - orders price
    token       (balance + u) price weight, by the sign of that sum
    spot market min over base and quote of the value of all reserved funds turned that way, as if
                added last to the largest balance that the token can reach

Rows are accounts; columns tokens, perpetuals or spot markets. Source:
blockworks-foundation/mango-v4 at 1303a4a1, health/cache.rs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.margin.families.weighted_sum import Sides, Weighted

__all__ = ["Health", "PerpRisk", "Perps", "SpotMarkets", "health", "perp_value"]


@dataclass(frozen=True, slots=True)
class PerpRisk:
    """[P] prices and weights of perpetuals at one level; ``overall`` weighs what is positive."""

    asset_price: Floats
    liability_price: Floats
    asset_weight: Floats
    liability_weight: Floats
    overall: Floats


@dataclass(frozen=True, slots=True)
class Perps:
    """[A, P] base, the quote beside it, and sums of open orders (both not negative)."""

    base: Floats
    quote: Floats
    bids: Floats
    asks: Floats


@dataclass(frozen=True, slots=True)
class SpotMarkets:
    """[M] tokens of spot markets, and [A, M] what open orders reserve of each.

    ``bid_inverse`` and ``lowest_ask``: 1 / highest bid and lowest ask of the account's own orders;
    0 where none is known.
    """

    base: Ints
    quote: Ints
    reserved_base: Floats
    reserved_quote: Floats
    bid_inverse: Floats
    lowest_ask: Floats


@dataclass(frozen=True, slots=True)
class Health:
    """[A] what counts and what is needed, and [A, P] what each perpetual brings to its token."""

    sides: Sides
    perps: Floats

    @property
    def value(self) -> Floats:
        """[A] health."""
        return self.sides.counted - self.sides.needed


def perp_value(perps: Perps, risk: PerpRisk) -> Floats:
    """[A, P] what perpetuals add to the balance of their settle token."""

    def side(orders: Floats, price: Floats) -> Floats:
        net = perps.base + orders
        asset, liability = (
            risk.asset_weight * risk.asset_price,
            risk.liability_weight * risk.liability_price,
        )
        return np.asarray(net * np.where(net < 0.0, liability, asset) - orders * price)

    bids = side(perps.bids, risk.liability_price)
    asks = side(-perps.asks, risk.asset_price)
    value = perps.quote + np.minimum(bids, asks)
    return np.where(value > 0.0, value * risk.overall, value)


def health(
    balance: Floats,
    tokens: Weighted,
    perps: Perps,
    risk: PerpRisk,
    settle: Ints,
    markets: SpotMarkets,
) -> Health:
    """Health of [A, T] balances (free funds of open orders included, reserved ones not)."""
    brought = perp_value(perps, risk)
    effective = balance.copy()
    for k, token in enumerate(settle.tolist()):
        effective[:, token] += brought[:, k]
    parts = [tokens.contributions(effective), _spot_orders(effective, tokens, markets)]
    return Health(Sides.of(np.concatenate(parts, axis=1)), brought)


def _spot_orders(effective: Floats, tokens: Weighted, markets: SpotMarkets) -> Floats:
    """[A, M] what reserved funds add at least."""
    base, quote = markets.base, markets.quote
    as_base = markets.reserved_base + _turned(
        markets.reserved_quote,
        tokens.asset_price[quote] / tokens.liability_price[base],
        markets.bid_inverse,
    )
    as_quote = markets.reserved_quote + _turned(
        markets.reserved_base,
        tokens.asset_price[base] / tokens.liability_price[quote],
        markets.lowest_ask,
    )
    reach = effective.copy()
    for m in range(len(base)):
        reach[:, base[m]] += as_base[:, m]
        reach[:, quote[m]] += as_quote[:, m]
    effects = [
        _effect(reach[:, token], amount, tokens, token)
        for token, amount in ((base, as_base), (quote, as_quote))
    ]
    return np.where((as_base == 0.0) | (as_quote == 0.0), 0.0, np.minimum(*effects))


def _turned(reserved: Floats, at_oracle: Floats, own_price: Floats) -> Floats:
    """Reserved funds in the other token: at the oracle, or at the account's own price if less."""
    converted = reserved * at_oracle
    return np.where(own_price > 0.0, np.minimum(converted, reserved * own_price), converted)


def _effect(reach: Floats, amount: Floats, tokens: Weighted, token: Ints) -> Floats:
    """[A, M] health of ``amount`` added last to a balance that then is ``reach``."""
    asset = np.minimum(np.maximum(reach, 0.0), amount)
    liability = amount - asset
    of_asset = tokens.asset_weight[token] * tokens.asset_price[token]
    of_liability = tokens.liability_weight[token] * tokens.liability_price[token]
    return np.asarray(asset * of_asset + liability * of_liability)
