"""What the oracle is given: plain records, one leg a position of one account."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

YEAR_MS = 365 * 86_400_000
DAY_MS = 86_400_000
TIE = 1e-12  # relative distance from the worst within which scenarios count as equal


@dataclass(frozen=True)
class Leg:
    """One position.

    ``kind``: "option", "future", "perpetual" or "asset". ``quantity`` is signed and in the venue's
    unit; ``multiplier`` is underlying a unit, or quote currency a unit for an inverse future.
    ``mark`` is in coin for an inverse option, else in quote currency. ``expiry`` is any label.
    """

    kind: str
    quantity: float
    name: str = ""
    underlying: str = "BTC"
    right: int = 0  # +1 call, -1 put
    strike: float = 0.0
    expiry: object = None
    life_ms: int = 0
    mark: float = 0.0
    vol: float = 0.0
    forward: float = 0.0
    settled: float = 0.0  # part of the settlement average that is fixed already
    rate: float = 0.0
    multiplier: float = 1.0
    inverse: bool = False
    confidence: float = 1.0

    @property
    def units(self) -> float:
        """Underlying held; an inverse future is counted at its own mark."""
        if self.inverse and self.kind in ("future", "perpetual"):
            return self.quantity * self.multiplier / self.mark
        return self.quantity * self.multiplier


def first_worst(values: list[float]) -> int:
    """Index of the first value within 1e-12 relative of the least one."""
    least = min(values)
    slack = TIE * abs(least)
    return next(k for k, value in enumerate(values) if value <= least + slack)


def columns_sum(rows: list[list[float]], width: int) -> list[float]:
    """Sum of each column, correctly rounded."""
    return [fsum(row[k] for row in rows) for k in range(width)]
