"""What a dollar of an asset costs to trade and to hold, as the one cost object in dollars.

The unit of the cost is one dollar of notional, so that purchases and sales are dollars bought
positive. Components of a trade: fee, half spread, 3/2-power impact, gas; of holding: funding (a
long position pays a positive rate), borrow of what is owed. All rates are shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.decisions.checked import number
from crossmargin.decisions.multi_period import Sides
from crossmargin.market.cost_parts import (
    Fixed,
    Part,
    Power,
    funding,
    impact_square_root,
    proportional,
)
from crossmargin.market.costs import TradeCost

__all__ = ["CostTerms", "weight_sides"]

# Components of every trade and every holding, in the order in which they are added and shown.
COMPONENTS = ("fee", "spread", "impact", "gas", "funding", "borrow")


@dataclass(frozen=True, slots=True)
class CostTerms:
    """Of one asset: ``fee`` and ``half_spread`` are shares of notional one way, a fee below zero is
    a rebate; ``gas_usd`` each trade; ``impact`` the coefficient Y of the square-root law with
    ``vol_day`` (share a day) and ``volume_day_usd``; ``funding_8h`` a share of a long position
    each eight hours; ``borrow_annual`` a share a year of a position that is short.
    """

    fee: float = 0.0
    half_spread: float = 0.0
    impact: float = 0.0
    vol_day: float = 0.0
    volume_day_usd: float = 0.0
    gas_usd: float = 0.0
    funding_8h: float = 0.0
    borrow_annual: float = 0.0

    def __post_init__(self) -> None:
        number("fee", self.fee, -0.01, 0.5)
        number("half_spread", self.half_spread, max(0.0, -self.fee), 0.5)
        for name in ("impact", "vol_day", "volume_day_usd", "gas_usd", "borrow_annual"):
            number(name, getattr(self, name), 0.0)
        number("funding_8h", self.funding_8h, -0.1, 0.1)
        if self.impact > 0.0:
            number("volume_day_usd", self.volume_day_usd, 0.0, above=True)

    @property
    def one_way(self) -> float:
        """Share of notional of a small trade: fee and half spread."""
        return self.fee + self.half_spread

    def trade(self) -> TradeCost:
        """Cost in dollars of a trade of signed dollars."""
        parts: list[Part] = [
            proportional("fee", self.fee, self.fee),
            proportional("spread", self.half_spread, self.half_spread),
        ]
        if self.impact > 0.0:
            parts.append(impact_square_root(self.vol_day, self.volume_day_usd, self.impact))
        if self.gas_usd > 0.0:
            parts.append(Fixed("gas", self.gas_usd))
        return TradeCost(tuple(parts))

    def carry(self, days: float) -> TradeCost:
        """Cost in dollars of holding signed dollars for so many days; received is negative."""
        years = number("days", days, 0.0) / 365.0
        return TradeCost(
            (
                funding(1.0, self.funding_8h, 24.0 * days),
                proportional("borrow", 0.0, self.borrow_annual * years),
            )
        )


def weight_sides(terms: CostTerms, wealth_usd: float, largest: float = 4.0) -> Sides:
    """The cost of a trade as shares of wealth over weights, straight pieces up to ``largest``.

    The proportional part has one piece; an impact is cut into chords that lie above it by at most
    1.5 %. Gas is left out: it is decided by comparison, not by slope.
    """
    wealth = number("wealth_usd", wealth_usd, 0.0, above=True)
    cost = terms.trade()
    if not any(isinstance(part, Power) for part in cost.parts):
        endless, slope = np.array([np.inf]), np.array([terms.one_way])
        return Sides(endless, slope, endless, slope)
    width, slope = cost.pieces(1.0, largest * wealth, 1.5)
    width = width / wealth
    width[-1] = np.inf
    slope = np.maximum.accumulate(slope)  # what rounding leaves of a straight part
    return Sides(width, slope, width, slope)
