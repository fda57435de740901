"""Open orders of a block as tables: what protocols that look at both sides of a market read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.margin.model import PoolBook, Priced

__all__ = ["Resting", "dense_orders"]


@dataclass(frozen=True, slots=True)
class Resting:
    """[A, I] sizes bid and asked, quote that the bids reserve, and the account's own best prices.

    ``bid_inverse`` is 1 / highest bid and ``lowest_ask`` the lowest ask; 0 where there is none.
    """

    bids: Floats
    asks: Floats
    quote: Floats
    bid_inverse: Floats
    lowest_ask: Floats


def dense_orders(priced: Priced, held: PoolBook) -> Resting:
    """The open orders of a block that lie in the pool."""
    orders, width = held.book.orders, len(priced.pool.instruments)
    place: Ints = np.full(len(held.book.instruments), -1, np.int32)
    place[priced.pool.columns] = np.arange(width, dtype=np.int32)
    shape = (len(held.row) - 1, width)
    bids, asks, quote, highest = (np.zeros(shape) for _ in range(4))
    least = np.full(shape, np.inf)
    mine = np.flatnonzero(place[orders.column] >= 0)
    owner = np.repeat(np.arange(shape[0]), np.diff(orders.row))[mine]
    at = (owner, place[orders.column[mine]])
    bid, ask, limit = orders.bid[mine], orders.ask[mine], orders.limit_price[mine]
    np.add.at(bids, at, bid)
    np.add.at(asks, at, ask)
    np.add.at(quote, at, bid * limit)
    np.maximum.at(highest, at, np.where(bid > 0.0, limit, 0.0))
    np.minimum.at(least, at, np.where(ask > 0.0, limit, np.inf))
    inverse = np.where(highest > 0.0, 1.0 / np.where(highest > 0.0, highest, 1.0), 0.0)
    return Resting(bids, asks, quote, inverse, np.where(np.isfinite(least), least, 0.0))
