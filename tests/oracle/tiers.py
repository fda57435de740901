"""Margin by tiers: the maintenance charge as slices of notional, each at the rate of its tier."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[tuple[float, float, float]]  # lower notional, maintenance share, largest leverage


def maintenance(notional: float, rows: Rows) -> float:
    """The sum over tiers of what lies inside a tier times its share."""
    total = 0.0
    for k, (lower, rate, _) in enumerate(rows):
        upper = rows[k + 1][0] if k + 1 < len(rows) else float("inf")
        inside = min(notional, upper) - lower
        if inside > 0.0:
            total += inside * rate
    return total


def initial(notional: float, rows: Rows, chosen: float = 0.0) -> float:
    """Notional over leverage: the largest of the tier, or less where the holder chose less."""
    most = rows[0][2]
    for lower, _, leverage in rows:
        if notional >= lower:
            most = leverage
    return notional / (min(most, chosen) if chosen > 0.0 else most)


def open_sizes(position: float, orders: Sequence[float]) -> tuple[float, float]:
    """(buy open size, sell open size) of one market; orders are signed."""
    buys = sum(size for size in orders if size > 0.0)
    sells = -sum(size for size in orders if size < 0.0)
    return max(0.0, buys + position), max(0.0, sells - position)
