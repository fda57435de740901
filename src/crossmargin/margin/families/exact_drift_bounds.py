"""Drift accounts in floats, with how far they may be from the integers: for screening.

The floats follow the rules without their floors. A weight or ratio that depends on size is a whole
number of 1e-4, found from a whole root: the floats may be off by little more than one of them,
which is charged on the value that it weighs; every other floor is worth a few units of 1e-6.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.exact_drift import Level, PerpMarket, Strict
from crossmargin.margin.families.exact_drift_accounts import DriftPerp, DriftToken
from crossmargin.margin.families.perp_quotes import perp_accounts
from crossmargin.margin.families.screening import Bounds
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.pools import per_row

__all__ = ["drift_bounds"]

_WEIGHT, _UNIT = 1e-4, 1e-6
_OFF = 1.25 * _WEIGHT  # a floor, and a root that was cut to a whole number
_UNITS = 12.0  # floors of 1e-6 dollars on the way of one position
_ROUNDING = 2.0**-46  # of a sum of up to some hundred products
_UPNL_MAX = 100.0


def drift_bounds(priced: Priced, held: PoolBook, level: Level) -> Bounds | None:
    """Bounds of a block at a level; None where orders, choices or reports come in."""
    book = held.book
    if book.choices or book.reported.equity or held.exact is not None or len(book.orders.column):
        return None
    strict = level is Level.INITIAL
    quote: DriftToken = priced.facts["quote"]
    accounts = perp_accounts(priced, held)
    count = len(held.column)
    have, need, slack, gross = (np.zeros(count) for _ in range(4))
    for k, token in priced.facts["tokens"].items():
        rows = np.flatnonzero(held.column == k)
        if len(rows) and token.market is not None:
            parts = _token(token, held.quantity[rows], level, strict)
            have[rows], need[rows], slack[rows], gross[rows] = parts
    usd = _sides(quote.price, strict)
    for k, perp in priced.facts["perps"].items():
        rows = np.flatnonzero(held.column == k)
        if len(rows):
            profit = accounts.profit[rows]
            parts = _perp(perp, held.quantity[rows], profit, usd, level)
            have[rows], need[rows], slack[rows], gross[rows] = parts
    cash = accounts.cash * np.where(accounts.cash < 0.0, usd[1], usd[0])
    counted = np.maximum(cash, 0.0) + per_row(held.row, have)
    needed = np.maximum(-cash, 0.0) + per_row(held.row, need)
    total = np.abs(cash) + per_row(held.row, gross)
    lines = np.diff(held.row)
    units = (lines + 1.0) * _UNITS * _UNIT * max(usd[1], 1.0)
    return Bounds(counted, needed, per_row(held.row, slack) + units + total * _ROUNDING)


def _sides(price: Strict, strict: bool) -> tuple[float, float]:
    """What an asset and what a liability is valued at."""
    low, high = (price.low, price.high) if strict else (price.price, price.price)
    return low * _UNIT, high * _UNIT


def _premium(size: Floats, imf: int, weight: int) -> Floats:
    """Weight or ratio of a liability, in 1e-4, without its floors; ``size`` in whole coins."""
    root = np.sqrt(1e10 * size + 1.0)
    return np.maximum(weight, weight - weight // 5 + root * imf / 1e7 * (imf > 0))


def _discount(size: Floats, imf: int, weight: Floats) -> Floats:
    """Weight of an asset, in 1e-4, without its floors."""
    root = np.sqrt(1e10 * size + 1.0)
    return np.minimum(weight, 1.1e10 / (1e6 + root * imf / 1e5)) if imf > 0 else weight


def _token(
    token: DriftToken, amount: Floats, level: Level, strict: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    """(collateral, requirement, slack, gross) of positions in one token."""
    market = token.market
    assert market is not None  # the quote token is cash
    low, high = _sides(token.price, strict)
    size = np.abs(amount)
    value = size * np.where(amount < 0.0, high, low)
    initial = level is Level.INITIAL
    asset = float(market.initial_asset if initial else market.maintenance_asset)
    off = _OFF if market.imf else 0.0
    if initial and market.scale_start:
        worth = market.deposits * token.price.price / 10.0**market.decimals
        if worth >= market.scale_start - 2.0:
            asset, off = asset * market.scale_start / max(worth, 1.0), off + _OFF
    owed = market.initial_liability if initial else market.maintenance_liability
    weight = np.where(
        amount < 0.0,
        _premium(size, market.imf, owed),
        _discount(size, market.imf, np.full(len(size), asset)),
    )
    weighted = value * weight * _WEIGHT
    cut = 2.0 * high * 10.0**-market.decimals * weight * _WEIGHT  # of a token's smallest unit
    have, need = np.where(amount > 0.0, weighted, 0.0), np.where(amount < 0.0, weighted, 0.0)
    return have, need, value * off + cut, value + weighted


def _perp(
    perp: DriftPerp, size: Floats, profit: Floats, usd: tuple[float, float], level: Level
) -> tuple[Floats, Floats, Floats, Floats]:
    """(collateral, requirement, slack, gross) of positions in one perpetual."""
    market, price = perp.market, perp.price * _UNIT
    initial = level is Level.INITIAL
    value = np.abs(size) * price * usd[1]
    ratio = _premium(np.abs(size), market.imf, market.initial if initial else market.maintenance)
    need = value * ratio * _WEIGHT
    weight, off = _profit_weight(profit, market, initial)
    worth = np.where(profit > 0.0, usd[0], usd[1])
    weighted = np.where(profit > 0.0, profit * weight * _WEIGHT, profit) * worth
    if initial:
        weighted = np.minimum(weighted, _UPNL_MAX)
    slack = value * (_OFF if market.imf else 0.0) + np.maximum(profit, 0.0) * off * usd[0]
    cut = 4.0 * price * 1e-9 * usd[1] * (1.0 + ratio * _WEIGHT)
    gross = 2.0 * (value + need) + np.abs(profit) * usd[1]
    return weighted, need, slack + cut, gross


def _profit_weight(profit: Floats, market: PerpMarket, initial: bool) -> tuple[Floats, float]:
    """Weight of open profit in 1e-4, and how far it may be off as a fraction."""
    if not initial:
        return np.full(len(profit), float(market.upnl_maintenance)), 0.0
    weight, off = float(market.upnl_initial), _OFF if market.upnl_imf else 0.0
    if weight > 0.0 and 0 < market.upnl_imbalance_max < market.net_unsettled:
        weight, off = weight * market.upnl_imbalance_max / market.net_unsettled, off + _OFF
    found = _discount(np.maximum(profit, 0.0), market.upnl_imf, np.full(len(profit), weight))
    return found, off
