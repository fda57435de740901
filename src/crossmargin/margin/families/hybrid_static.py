"""Static margin of a bucket in dollars, position by position, and floors on the gross notional.

    perpetual, future    share x notional at mark
    short option         (share x index + mark) x size;  a long one is paid for
    coin held or owed    share x value
    floor                share x gross notional at the index

The first two are those of ``fixed-rate``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.families.additive import Charge
from crossmargin.margin.families.hybrid_buckets import Bucket
from crossmargin.margin.families.whole_account import DollarMarket
from crossmargin.margin.model import Fills, PoolBook
from crossmargin.margin.pools import by_row, is_kind, row_of_position

__all__ = ["Static", "grown", "static_of"]


@dataclass(frozen=True, slots=True)
class Static:
    """Charges of one bucket: initial and maintenance, and the floors of both."""

    im: Charge
    mm: Charge
    floor_im: Charge
    floor_mm: Charge


def static_of(market: DollarMarket, bucket: Bucket) -> Static:
    """The charges of one unit of each row under a bucket's shares."""
    im, mm = (_charge(market, bucket, level) for level in (0, 1))
    gross = np.where(market.moving, market.coins * market.index_usd, 0.0)
    floors = [_linear(share * gross, share * gross) for share in bucket.floor]
    return Static(im, mm, *floors)


def _charge(market: DollarMarket, bucket: Bucket, level: int) -> Charge:
    part, view = market.part, market.view
    future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)
    option = is_kind(part, Kind.OPTION)
    coin = is_kind(part, Kind.ASSET) & market.moving
    price = np.where(part.inverse, 1.0, view.mark)
    notional = np.where(future, coin_size(part, view) * price, 0.0) * bucket.future[level]
    unit = np.where(part.inverse, 1.0, view.index[part.pair])
    short = np.where(option, (bucket.option[level] * unit + view.mark) * part.multiplier, 0.0)
    held = np.where(coin, market.index_usd * bucket.coin[level], 0.0)
    both = notional * market.settle_usd + held
    return _linear(both, both + short * market.settle_usd)


def _linear(long: Floats, short: Floats) -> Charge:
    nothing = np.zeros(len(long))
    return Charge(long, short, nothing, nothing)


def grown(charge: Charge, held: PoolBook, fills: Fills) -> Floats:
    """[A] the most that fills can add to a linear charge: each contract at its worse side.

    Convex in the size of a contract, so the most is at all of its buys or all of its sells; exact
    for the sum, because contracts do not net.
    """
    accounts, count = len(held.row) - 1, np.int64(len(charge.long) + 1)
    owner = row_of_position(fills.row)
    key = owner * count + fills.column
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(first):
        return np.zeros(accounts)
    buys = np.add.reduceat(np.maximum(fills.size, 0.0), first)
    sells = np.add.reduceat(np.maximum(-fills.size, 0.0), first)
    mine = row_of_position(held.row) * count + held.column
    at = np.searchsorted(mine, key[first])
    there = at < len(mine)
    there[there] = mine[at[there]] == key[first][there]
    now = np.zeros(len(first))
    now[there] = held.quantity[at[there]]
    column = fills.column[first]

    def cost(size: Floats) -> Floats:
        return np.where(size > 0.0, charge.long[column] * size, -charge.short[column] * size)

    more = np.maximum(cost(now + buys), cost(now - sells)) - cost(now)
    return by_row(owner[first], np.maximum(more, 0.0), accounts)
