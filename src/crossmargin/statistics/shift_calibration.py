"""From a price history to the width of a shift grid: realised and weighted vol, floor, stress.

Conventions, since they move the result by percents: returns are logarithmic and their mean is
taken as zero; a variance is a mean of squares (divided by n); the weighted variance starts from the
mean square of the first ``SEED`` returns and then follows ``v = decay v + (1 - decay) r^2``, so it
looks at nothing later than the day itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import InputError

__all__ = [
    "SEED",
    "Width",
    "grid_half_width",
    "log_returns",
    "median_size",
    "realised_sigma",
    "relative_changes",
    "shift_quantile",
    "weighted_sigma",
]

SEED = 30  # returns whose mean square starts the weighted variance


@dataclass(frozen=True, slots=True)
class Width:
    """A half-width and what it was made of, all as fractions.

    ``sigma_daily`` is the larger of the two estimates; ``scaled`` is z sigma sqrt(h);
    ``stress`` the largest move over h days in the history.
    """

    realised_daily: float
    weighted_daily: float
    sigma_daily: float
    scaled: float
    stress: float
    half_width: float


def _prices(prices: npt.ArrayLike, least: int) -> Floats:
    """At least ``least`` positive finite prices, or InputError."""
    given = finite(np.asarray(prices, np.float64).ravel(), "price")
    if given.size < least:
        raise InputError(
            "number_out_of_range",
            "the history is too short to calibrate from",
            place="prices",
            value=given.size,
            limit=f"at least {least} prices",
            remedy="Give a longer history.",
        )
    if not (given > 0.0).all():
        first = int(np.argmin(given > 0.0))
        raise InputError(
            "price_not_positive",
            "a price of the history is zero or negative",
            place=f"price {first}",
            value=float(given[first]),
            limit="> 0",
            remedy="Correct or remove the row.",
        )
    return given


def log_returns(prices: npt.ArrayLike) -> Floats:
    """``ln(P_t / P_{t-1})`` of N prices, ``[N - 1]``.

    Errors: ``number_not_finite``, ``number_out_of_range`` (fewer than two), ``price_not_positive``.
    """
    return np.asarray(np.diff(np.log(_prices(prices, 2))))


def relative_changes(prices: npt.ArrayLike, periods: int) -> Floats:
    """``P_t / P_{t-h} - 1`` over ``h = periods``, overlapping, ``[N - h]``; errors as above."""
    given = _prices(prices, _whole(periods) + 1)
    return np.asarray(given[periods:] / given[:-periods] - 1.0)


def realised_sigma(returns: npt.ArrayLike) -> float:
    """Root of the mean square of returns, per period. Errors: no return, or one not finite."""
    given = _returns(returns, 1)
    return math.sqrt(math.fsum((given * given).tolist()) / given.size)


def weighted_sigma(returns: npt.ArrayLike, decay: float) -> float:
    """The exponentially weighted vol after the last return, per period; needs ``SEED`` returns.

    Errors: ``number_out_of_range`` for a decay outside [0, 1) or a short history.
    """
    _within(decay, "decay", 0.0, 1.0 - 2.0**-53)
    given = _returns(returns, SEED)
    squares = (given * given).tolist()
    variance = math.fsum(squares[:SEED]) / SEED
    for square in squares[SEED:]:
        variance = decay * variance + (1.0 - decay) * square
    return math.sqrt(variance)


def grid_half_width(
    prices: npt.ArrayLike,
    *,
    z: float,
    horizon_days: int,
    decay: float,
    floor: float,
    stress_share: float,
    step: float,
) -> Width:
    """Half-width of a grid of price moves from a history of daily prices.

        half_width = up to the next ``step`` of
            max( floor,  (1 - b) z sigma sqrt(h) + b x largest |P_t / P_{t-h} - 1| )

    with sigma the larger of realised and weighted daily vol and b = ``stress_share``: a calm year
    cannot take the whole of a crash out of the grid. Errors: those of the parts, and
    ``number_out_of_range`` for a parameter outside its range.
    """
    _within(z, "z", 0.0, 20.0)
    _within(stress_share, "stress_share", 0.0, 1.0)
    _within(floor, "floor", 0.0, 1.0)
    _within(step, "step", 1e-6, 1.0)
    returns = log_returns(prices)
    realised, weighted = realised_sigma(returns), weighted_sigma(returns, decay)
    sigma = max(realised, weighted)
    scaled = z * sigma * math.sqrt(_whole(horizon_days))
    stress = float(np.abs(relative_changes(prices, horizon_days)).max())
    raw = max(floor, (1.0 - stress_share) * scaled + stress_share * stress)
    return Width(realised, weighted, sigma, scaled, stress, _rounded_up(raw, step))


def shift_quantile(levels: npt.ArrayLike, horizon_days: int, tail: float, step: float) -> float:
    """A relative shift of a level that history exceeds with probability ``tail``, both signs.

    ``tail`` below a half asks for the downward shift (the ``tail`` quantile), above it for the
    upward one; linear interpolation between order statistics; rounded away from zero to ``step``.
    """
    _within(tail, "tail", 0.0, 1.0)
    _within(step, "step", 1e-6, 1.0)
    found = float(np.quantile(relative_changes(levels, horizon_days), tail))
    return math.copysign(_rounded_up(abs(found), step), found)


def median_size(sizes: npt.ArrayLike) -> float:
    """Median of daily sizes (a turnover in dollars); every one at least zero, at least one."""
    given = finite(np.asarray(sizes, np.float64).ravel(), "size")
    if given.size == 0 or not (given >= 0.0).all():
        raise InputError(
            "number_out_of_range",
            "a daily size is negative, or there is none",
            place="sizes",
            value=None if given.size == 0 else float(given.min()),
            limit="at least one, all >= 0",
            remedy="Correct the history.",
        )
    return float(np.median(given))


def _returns(returns: npt.ArrayLike, least: int) -> Floats:
    given = finite(np.asarray(returns, np.float64).ravel(), "return")
    if given.size < least:
        raise InputError(
            "number_out_of_range",
            "too few returns",
            place="returns",
            value=given.size,
            limit=f"at least {least}",
            remedy="Give a longer history.",
        )
    return given


def _whole(periods: int) -> int:
    if periods < 1:
        raise InputError(
            "number_out_of_range",
            "a horizon is a whole number of periods from 1",
            place="horizon_days",
            value=periods,
            limit=">= 1",
        )
    return int(periods)


def _within(value: float, what: str, low: float, high: float) -> None:
    if not low <= value <= high:  # a NaN fails too
        raise InputError(
            "number_out_of_range",
            f"{what} is outside its range",
            place=what,
            value=value,
            limit=f"{low:g} to {high:g}",
        )


def _rounded_up(value: float, step: float) -> float:
    """The least multiple of ``step`` that is not below ``value``, but for the rounding of it."""
    count = math.ceil(value / step - 1e-9)
    return round(count * step, 12)
