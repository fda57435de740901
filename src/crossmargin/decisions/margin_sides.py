"""What a trade may be and costs: tickets of straight pieces a side, and sizes in whole lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Longs

__all__ = ["Sides", "Ticket", "in_whole_lots", "straight"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What may be traded: straight pieces of cost a side (width in units, dollars per unit).

    A side without pieces cannot be traded. ``lot`` 0: any size. ``least``: smallest ticket in
    units. ``fixed_usd``: paid where anything is traded (mixed-integer only).
    """

    name: str
    buy_width: Floats
    buy_slope: Floats
    sell_width: Floats
    sell_slope: Floats
    lot: float = 0.0
    least: float = 0.0
    fixed_usd: float = 0.0

    def cost_usd(self, size: float) -> float:
        """Dollars of the straight pieces at a signed size."""
        bought = size > 0.0
        widths = self.buy_width if bought else self.sell_width
        slopes = self.buy_slope if bought else self.sell_slope
        left, total = abs(size), 0.0
        for width, slope in zip(widths.tolist(), slopes.tolist(), strict=True):
            total += slope * min(left, width)
            left = max(left - width, 0.0)
        return total

    @property
    def low(self) -> float:
        """Largest sale, negative."""
        return -float(self.sell_width.sum())

    @property
    def high(self) -> float:
        """Largest purchase."""
        return float(self.buy_width.sum())


@dataclass(frozen=True, slots=True)
class Sides:
    """Straight pieces of all tickets one behind the other; ``side``: 2 ticket + (1: a sale)."""

    side: Longs
    width: Floats
    slope: Floats

    @classmethod
    def of(cls, tickets: tuple[Ticket, ...]) -> Sides:
        """The pieces of both sides of every ticket, purchases first."""
        width = [side for each in tickets for side in (each.buy_width, each.sell_width)]
        slope = [side for each in tickets for side in (each.buy_slope, each.sell_slope)]
        side = np.repeat(np.arange(len(width)), np.array([len(each) for each in width], np.int64))
        none = np.zeros(0)
        return cls(side, np.concatenate([*width, none]), np.concatenate([*slope, none]))

    def bounds(self, count: int) -> tuple[Floats, Floats]:
        """[J] smallest and largest sizes."""
        sums = np.bincount(self.side, self.width, 2 * count).astype(np.float64)
        return -sums[1::2], sums[::2]


def straight(width: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """Pieces of cost with neighbours of one slope joined."""
    if not len(width):
        return width, slope
    same = np.abs(np.diff(slope)) <= 1e-12 * (np.abs(slope[1:]) + np.abs(slope[:-1]))
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    joined = np.add.reduceat(width, first)
    return joined, np.add.reduceat(width * slope, first) / joined


def in_whole_lots(h: Floats, lot: Floats) -> Floats:
    """[J] sizes less a solver's last bits: a whole lot is one, to twelve decimals."""
    safe = np.where(lot > 0.0, lot, 1.0)
    return np.asarray(np.where(lot > 0.0, np.round(np.rint(h / safe) * safe, 12), h))
