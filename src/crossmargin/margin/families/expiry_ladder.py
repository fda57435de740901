"""Buckets of time to expiry: where on the ladder a row stands."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.margin.families.whole_account import DollarMarket
from crossmargin.margin.parameter_files import Parameters

__all__ = ["bucket_labels", "bucket_of", "ladder_days"]

_DAYS_A_YEAR = 365.0
NO_EXPIRY = 0  # coins and perpetuals


def ladder_days(parameters: Parameters) -> Floats:
    """Upper ends of the buckets in days, rising; ``ladder.days`` of a set.

    Raises ModelError ``parameter_out_of_bounds`` where they do not rise.
    """
    days = np.array([float(row[0]) for row in parameters.get("ladder.days")])
    if (np.diff(days) < 0.0).any():
        raise ModelError(
            "parameter_out_of_bounds",
            "the ends of the expiry buckets must rise",
            place="ladder.days",
            value=days.tolist(),
            limit="rising days",
            remedy="Sort the rows.",
        )
    return frozen(days, np.float64)


def bucket_of(market: DollarMarket, days: Floats) -> Ints:
    """[I] 0 without an expiry, else 1 + the first bucket whose end is not before it."""
    life = market.life_years * _DAYS_A_YEAR
    # An expiry to the millisecond must not fall out of its bucket by a rounding.
    place = 1 + np.searchsorted(days, life * (1.0 - 1e-12), side="left")
    return frozen(np.where(market.part.expiry >= 0, place, NO_EXPIRY), np.int32)


def bucket_labels(days: Floats) -> tuple[str, ...]:
    """Names of the buckets in the order of their codes."""
    ends = [f"{day:g}" for day in days.tolist()]
    inner = [f"{low} to {high} d" for low, high in zip(["0", *ends], ends, strict=False)]
    return ("no expiry", *inner, f"over {ends[-1]} d" if ends else "dated")
