"""Scenario sets: what could be, resolved for one view into small tables.

A scenario moves the spot of each pair, and the forward and the volatility of each expiry:
``w = max(vol_floor, vol * vol_factor + vol_shift) * strike_factor`` is the total standard deviation
with which an option is re-priced; the three tables already carry the square root of the life, so
that a rule on the clock, a floor or a time jump is inside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import ModelError

__all__ = ["ScenarioSet", "power_scale", "shocked_forwards"]


@dataclass(frozen=True, slots=True)
class ScenarioSet:
    """S scenarios in the venue's own order: the first of equal losses is the worst.

    Letters: P pairs, E expiries, I instruments. ``move`` and ``vol_label`` are what a person reads.
    """

    label: tuple[str, ...]
    move: Floats  # [S] price move as a fraction, for display
    vol_label: tuple[str, ...]  # [S] up, same, down, linear, abs
    spot: Floats  # [P,S] factor on a delta-one price, any clamp applied
    forward: Floats  # [E,S] quote currency: free part x factor + settled part
    vol_factor: Floats  # [E,S] sqrt(years) x factor
    vol_shift: Floats  # [E,S]
    vol_floor: Floats  # [E,S]
    discount: Floats  # [E]
    root_years: Floats  # [E] sqrt of the unshocked life as the model counts it
    weight: Floats  # [S]
    reflect: Bools  # [S]
    strike_factor: Floats | None = None  # [I,C], rows of options only are read
    skewed: Ints | None = None  # [C] scenarios of ``strike_factor``; None: all, in order

    def __post_init__(self) -> None:
        count = len(self.label)
        for name in ("spot", "forward", "vol_factor", "vol_shift", "vol_floor"):
            table = getattr(self, name)
            if table.ndim != 2 or table.shape[1] != count:
                raise ModelError(
                    "rules_unknown",
                    "a scenario table has the wrong shape",
                    place=name,
                    value=table.shape,
                    limit=f"[*, {count}]",
                )

        wanted = count if self.skewed is None else len(self.skewed)
        if self.strike_factor is not None and self.strike_factor.shape[1] != wanted:
            raise ModelError(
                "rules_unknown",
                "a scenario table has the wrong shape",
                place="strike_factor",
                value=self.strike_factor.shape,
                limit=f"[*, {wanted}]",
            )

    def __len__(self) -> int:
        return len(self.label)

    def factor_by_strike(self, rows: Ints, scenario: int) -> Floats:
        """[R] what a scenario multiplies the spreads of rows by."""
        found = np.ones(len(rows))
        if self.strike_factor is not None:
            skewed = np.arange(len(self)) if self.skewed is None else self.skewed
            for column in np.flatnonzero(skewed == scenario).tolist():
                found = self.strike_factor[rows, column]
        return found


def power_scale(
    days: Floats, short_power: float, long_power: float, floor_days: float, pivot_days: float = 30.0
) -> Floats:
    """[E] ``(30 / max(days, floor)) ** p`` with ``p`` the short power under 30 days.

    The term structure that Deribit, Bybit, Paradex and Derive share: a vol shock quoted at thirty
    days is larger for shorter lives. The power is chosen by the life itself, before the floor.
    """
    counted = np.maximum(days, floor_days)
    power = np.where(days <= pivot_days, short_power, long_power)
    return frozen(np.power(pivot_days / counted, power), np.float64)


def shocked_forwards(free: Floats, settled: Floats, factor: Floats) -> Floats:
    """[E,S] free part times the factor plus the part of the average that is already fixed."""
    return frozen(free[:, None] * np.atleast_2d(factor) + settled[:, None], np.float64)
