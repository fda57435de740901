"""Profit samples drawn from seeds, and our figures of them, for every comparison of quantiles."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.statistics.quantiles import expected_shortfall, mean_of_worst, value_at_risk

__all__ = ["LEVELS", "Case", "cases"]

LEVELS = (0.95, 0.975, 0.99, 0.995)
_SIZES = (499, 715, 1000, 2500, 4001)
_A_LITTLE = 1e-6  # of a level: enough to pass a whole number of outcomes


class Case:
    """One sample at one level, and our figures of it under the conventions that are compared."""

    def __init__(self, pnl: Floats, level: float) -> None:
        self.pnl = pnl
        self.level = level
        mass = len(pnl) * (1.0 - level)
        self.whole = abs(mass - round(mass)) < 1e-9  # of outcomes in the tail: conventions part

    def value(self, *, next_one: bool = False) -> float:
        """Value at risk; ``next_one``: a whole tail ends at the outcome after it."""
        return float(value_at_risk(self.pnl, self.level - _A_LITTLE * next_one))

    def shortfall(self, *, next_one: bool = False) -> float:
        """Mean of all that loses the value at risk or more."""
        return float(expected_shortfall(self.pnl, self.level - _A_LITTLE * next_one))

    def beyond(self, *, next_one: bool = False) -> float:
        """Mean of all that loses more than the value at risk."""
        limit = -self.value(next_one=next_one)
        return float(mean_of_worst(self.pnl, int((self.pnl < limit).sum())))


def cases(seed: int) -> list[Case]:
    """Samples of several sizes at four levels: normal, Student-t, skewed, and with ties."""
    rng = np.random.default_rng(seed)
    out = []
    for size in _SIZES:
        for sample in (
            rng.normal(10.0, 1000.0, size),
            1000.0 * rng.standard_t(3.0, size),
            500.0 - 400.0 * rng.gamma(2.0, 1.0, size),
            np.round(rng.normal(0.0, 30.0, size)),
        ):
            out += [Case(sample, level) for level in LEVELS]
    return out
