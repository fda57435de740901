"""An order book of one contract, what walking it costs, and how large an exposure is against it.

Prices and sizes are in the contract's own units (coin for an inverse option, dollars of notional
for an inverse future). The cost of a walk is counted against a reference, usually the mark:

    linear, option    buy  m (p - mark)            sell  m (mark - p)
    inverse future    buy  m (1/mark - 1/p)        sell  m (1/p - 1/mark)

a unit, in settlement currency, times dollars a unit of it: a loss is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.market.cost_parts import Steps, steps
from crossmargin.market.fees import FeeTerms, fee_of_trade

__all__ = ["Depth", "delta_to_liquidity", "loss_a_unit", "walk_parts"]

_Side = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Depth:
    """Levels of one contract, best first; a side may be empty.

    ``volume_day``: units traded in a day where it is known.
    """

    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats
    volume_day: float | None = None

    @staticmethod
    def of(bids: _Side, asks: _Side, place: str, volume_day: float | None = None) -> Depth:
        """Levels (price, size) in any order; equal prices are one level, empty ones are dropped.

        Raises MarketDataError: ``number_not_finite``, ``price_not_positive``,
        ``number_out_of_range`` for a size below zero, ``market_doubtful`` for a crossed book.
        """
        sides = []
        for levels, way in ((bids, -1.0), (asks, 1.0)):
            merged: dict[float, float] = {}
            for price, size in levels:
                _check(price, size, place)
                merged[price] = merged.get(price, 0.0) + size
            kept = sorted(((p, s) for p, s in merged.items() if s > 0.0), key=lambda x: way * x[0])
            sides += [frozen([p for p, _ in kept], np.float64)]
            sides += [frozen([s for _, s in kept], np.float64)]
        if len(sides[0]) and len(sides[2]) and sides[0][0] > sides[2][0]:
            raise MarketDataError(
                "market_doubtful",
                "the best bid of a book is above its best ask",
                place=place,
                value=(float(sides[0][0]), float(sides[2][0])),
                limit="bid <= ask",
                remedy="Give the levels of one instant.",
            )
        if volume_day is not None and not 0.0 <= volume_day < np.inf:
            raise MarketDataError(
                "number_out_of_range",
                "a day's volume is a number of at least 0",
                place=place,
                value=volume_day,
                limit=">= 0",
                remedy="Correct or leave it out.",
            )
        return Depth(sides[0], sides[1], sides[2], sides[3], volume_day)

    def side(self, sign: float) -> tuple[Floats, Floats]:
        """(price, size) that a purchase (``sign`` > 0) or a sale meets, best first."""
        if sign > 0.0:
            return self.ask_price, self.ask_size
        return self.bid_price, self.bid_size

    def within(self, sign: float, reference: float, bp: float) -> float:
        """Units on a side at prices no further than ``bp`` from the reference."""
        price, size = self.side(sign)
        return float(size[sign * (price - reference) <= 1e-4 * bp * reference].sum())


def _check(price: float, size: float, place: str) -> None:
    faults = (
        ("number_not_finite", not (np.isfinite(price) and np.isfinite(size)), "finite numbers"),
        ("price_not_positive", price <= 0.0, "price > 0"),
        ("number_out_of_range", size < 0.0, "size >= 0"),
    )
    for code, wrong, limit in faults:
        if wrong:
            raise MarketDataError(
                code,
                "a level of a book cannot be",
                place=place,
                value=(price, size),
                limit=limit,
                remedy="Correct or remove the level.",
            )


def loss_a_unit(item: Instrument, price: float, mark: float, sign: float) -> float:
    """What one unit loses against the mark, in settlement currency; the module has the formula.

    Below zero where the price is better than the mark.
    """
    if item.inverse and item.kind != Kind.OPTION:
        return item.multiplier * sign * (1.0 / mark - 1.0 / price)
    return item.multiplier * sign * (price - mark)


def walk_parts(
    item: Instrument,
    depth: Depth,
    fees: FeeTerms,
    *,
    mark: float,
    index: float,
    usd: float,
    endless: bool = True,
) -> tuple[Steps, Steps, Steps]:
    """Half spread, book walk and fee of a contract as three components in dollars a unit.

    ``spread``: from the mark to the best price of a side, for every unit; ``walk``: from the best
    price to the level that a unit is taken from; ``fee``: of the price of its level, without the
    base of a trade. ``index`` in quote currency, ``usd`` dollars per unit of settlement currency.
    ``endless``: the last level goes on, for an impact to be added beyond it; else a size beyond
    the book has no price. A side without levels cannot be traded.
    """
    made: dict[str, list[tuple[Floats, Floats]]] = {"spread": [], "walk": [], "fee": []}
    for sign in (1.0, -1.0):
        price, size = depth.side(sign)
        if not len(price):
            for sides in made.values():
                sides.append((price, size))
            continue
        width = np.append(size[:-1], np.inf) if endless else size
        loss = np.array([usd * loss_a_unit(item, p, mark, sign) for p in price.tolist()])
        charged = [usd * _fee(item, fees, p, index) for p in price.tolist()]
        made["spread"].append((np.array([np.inf]), loss[:1]))
        made["walk"].append((width, loss - loss[0]))
        made["fee"].append((width, np.array(charged)))
    found = [steps(name, sides[0], sides[1]) for name, sides in made.items()]
    return found[0], found[1], found[2]


def _fee(item: Instrument, fees: FeeTerms, price: float, index: float) -> float:
    return fee_of_trade(
        FeeTerms(fees.share, fees.cap, 0.0),
        option=item.kind == Kind.OPTION,
        inverse=item.inverse,
        amount=item.multiplier,
        price=price,
        index=index,
    )


def delta_to_liquidity(delta_usd: float, depth_usd: float) -> float | None:
    """``|delta notional| / depth`` within some distance, both in dollars; None without depth."""
    return abs(delta_usd) / depth_usd if depth_usd > 0.0 else None
