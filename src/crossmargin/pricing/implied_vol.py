"""Implied volatility from a price or from a time value, without a branch or a loop that may fail.

Let ``m = min(F, K)``, ``X = |ln(F/K)|``, ``h = X/w``, ``t = w/2`` and ``R`` the Mills ratio
``N(-z)/phi(z)``. The out-of-the-money option and what it lacks of its bound ``m`` are

    b = price/m     = phi(h - t) (R(h - t) - R(h + t))
    c = 1 - price/m = phi(h - t) (R(t - h) + R(t + h))

Below half the bound ``ln b`` is matched, above it ``ln c``: neither cancels. Three Householder
steps of third order from a guess that is good to a few per cent everywhere:

* below the inflection ``w = sqrt(2X)``: the Bachelier formula, inverted by a small rational in
  ``sqrt(-ln price)`` (or linearly, near the money);
* above it: the quadratic in ``w`` with the slope of ``ln c`` at the inflection and the curvature
  1/4 of its tail.

For small ``w`` the difference of two Mills ratios is a Taylor series in ``t``, whose derivatives
follow from ``R' = zR - 1``. The relative error of the vol is at most 1e-13 plus four ulp of the
price times the condition number (tested down to prices of 1e-290 and up to 1e-13 below the bound).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bytes, Floats
from crossmargin.core.jit import helper, kernel
from crossmargin.pricing.checks import reals, rights, together
from crossmargin.pricing.normal import exp_negative, log_ratio, tail_relative

__all__ = [
    "ImpliedVol",
    "IvStatus",
    "implied_vol",
    "implied_vol_from_time_value",
    "implied_vol_kernel",
]

SQRT_2PI = 2.5066282746310002
LOG_SQRT_2PI = 0.9189385332046727
LEAST = 1e-300
ROUNDING = 8.9e-16  # four ulp: what the subtraction of an intrinsic value may leave
SMALL_SPREAD = 0.1  # below it the Taylor series is used
LARGEST_SPREAD = 100.0
BLOCK = 256  # rows


class IvStatus(IntEnum):
    """Why there is no volatility; its name for a user is the error code ``iv_undetermined``."""

    FOUND = 0
    NO_TIME_VALUE = 1  # at or under intrinsic, within rounding
    ABOVE_BOUND = 2  # a call at or above its forward, a put at or above its strike
    NO_LIFE = 3  # no time is left, or the forward or the strike is zero


class ImpliedVol(NamedTuple):
    """``vol`` is a fraction per year, -1 wherever ``status`` (an :class:`IvStatus`) is not 0."""

    vol: Floats
    status: Bytes


@helper
def _mills(a: Any) -> Any:
    """N(-a)/phi(a), a >= 0."""
    p, q = tail_relative(a)
    return SQRT_2PI * (p / q)


@helper
def _taylor(h: Any, t: Any) -> Any:
    """R(h - t) - R(h + t) for small t, from the odd derivatives of R at h."""
    r0 = _mills(h)
    r1 = h * r0 - 1.0
    r2 = h * r1 + r0
    r3 = h * r2 + 2.0 * r1
    r4 = h * r3 + 3.0 * r2
    r5 = h * r4 + 4.0 * r3
    r6 = h * r5 + 5.0 * r4
    r7 = h * r6 + 6.0 * r5
    r8 = h * r7 + 7.0 * r6
    r9 = h * r8 + 8.0 * r7
    u = t * t
    s = r9 * (1.0 / 362880.0)
    s = s * u + r7 * (1.0 / 5040.0)
    s = s * u + r5 * (1.0 / 120.0)
    s = s * u + r3 * (1.0 / 6.0)
    s = s * u + r1
    return -2.0 * t * s


@helper
def _first_guess(x: Any, price: Any, log_b: Any, log_c: Any) -> Any:
    """Total standard deviation to a few per cent; ``price`` is relative to the bound."""
    turn = math.sqrt(2.0 * x)
    tail = _mills(turn) * (1.0 / SQRT_2PI)
    below = 0.5 - tail  # b and c at the inflection
    above = 0.5 + tail
    # Bachelier: scaled = Q x with Q = g(h) exp(-h^2/2)/h, g = 1 - hR(h)
    scaled = price * exp_negative(-0.5 * x) * SQRT_2PI
    depth = max(0.5 * x - log_b - LOG_SQRT_2PI + log_ratio(x, 1.0), -1.3)
    s = math.sqrt(depth + 3.0)
    top = -0.54853659 + s * (1.45924887 + s * (-1.24838136 + s * 0.39807626))
    bottom = 1.0 + s * (-0.70536296 + s * 0.27618591)
    normal = x * bottom / top if depth > -1.2 else scaled + 1.2533 * x
    slope = 1.0 / (SQRT_2PI * above)
    rise = max(log_ratio(above, 1.0) - log_c, 0.0)
    outer = turn + 4.0 * (math.sqrt(slope * slope + 0.5 * rise) - slope)
    return min(normal, turn) if price < below else outer


@helper
def _householder(w: Any, x: Any, log_b: Any, log_c: Any, upper: Any, series: Any) -> Any:
    """One third-order step on ln b, or on -ln c where ``upper``; ``series`` is b where positive."""
    inverse = 1.0 / w
    h = x * inverse
    t = 0.5 * w
    z = h - t
    p1, q1 = tail_relative(abs(z))
    p2, q2 = tail_relative(h + t)
    joint = SQRT_2PI / (q1 * q2)
    r1 = (p1 * q2) * joint
    r2 = (p2 * q1) * joint
    # sqrt(2 pi) exp(z^2/2) - R(|z|) is the Mills ratio of the negative side
    half = 0.5 * z * z
    e = SQRT_2PI * exp_negative(min(half, 700.0)) - r1
    # b, c over phi(h - t)
    b = series if series > 0.0 else (r1 if z >= 0.0 else e) - r2
    c = (r1 if z <= 0.0 else e) + r2
    y = max(c if upper else b, LEAST)
    value = log_ratio(y, 1.0) - LOG_SQRT_2PI - half
    gap = (value - log_c) if upper else (log_b - value)
    k = 1.0 / y
    k1 = -k if upper else k
    curve = (h * h - t * t) * inverse
    slant = h * inverse
    second = curve - k1
    third = curve * curve - 3.0 * slant * slant - 0.25 - 3.0 * curve * k1 + 2.0 * k * k
    newton = gap * y
    top = 1.0 + 0.5 * second * newton
    bottom = 1.0 + newton * (second + third * newton * (1.0 / 6.0))
    sound = top > 0.0 and bottom > 0.0
    move = newton * (top if sound else 1.0) / (bottom if sound else 1.0)
    return w + min(max(move, -0.5 * w), w)


@kernel("f8[:], f8[:], f8[:], f8[:], out f8[:], out i1[:]")
def implied_vol_kernel(
    time_value: Any, forward: Any, strike: Any, years: Any, vol: Any, status: Any
) -> None:
    """The loop of :func:`implied_vol_from_time_value`, unchecked.

    Blocks of rows, one short loop per stage: the processor overlaps the rows of a short loop.
    """
    x, log_b, log_c = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    w, series, code = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for begin in range(0, vol.size, BLOCK):
        count = min(BLOCK, vol.size - begin)
        for n in range(count):
            i = begin + n
            f, k = max(forward[i], LEAST), max(strike[i], LEAST)
            small = min(f, k)
            price = time_value[i]
            missing = small - price
            low = price <= max(small * LEAST, LEAST)  # below it digits are gone
            high = missing <= ROUNDING * small
            dead = years[i] <= 0.0 or forward[i] <= 0.0 or strike[i] <= 0.0
            code[n] = 3.0 if dead else (1.0 if low else (2.0 if high else 0.0))
            price = 0.5 * small if low or high else price
            missing = 0.5 * small if low or high else missing
            log_b[n] = log_ratio(price, small)
            log_c[n] = log_ratio(missing, small)
            x[n] = max(log_ratio(max(f, k), small), LEAST)
            w[n] = price / small
            series[n] = 0.0
        for n in range(count):
            w[n] = min(_first_guess(x[n], w[n], log_b[n], log_c[n]), LARGEST_SPREAD)
        for step in range(3):
            if step == 2:
                for n in range(count):
                    if w[n] < SMALL_SPREAD:
                        series[n] = _taylor(x[n] / w[n], 0.5 * w[n])
            for n in range(count):
                upper = log_b[n] > log_c[n]
                w[n] = _householder(w[n], x[n], log_b[n], log_c[n], upper, series[n])
        for n in range(count):
            i = begin + n
            live = code[n] == 0.0
            vol[i] = w[n] / math.sqrt(max(years[i], LEAST)) if live else -1.0
            status[i] = np.int8(code[n])


def implied_vol(
    price: npt.ArrayLike,
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    right: npt.ArrayLike,
) -> ImpliedVol:
    """Implied vol of undiscounted prices; the inputs are broadcast together.

    The time value is ``price - max(+-(F - K), 0)``; where that is within four ulp of the price
    (deep in the money) the price no longer carries the vol, and the status says so. Errors:
    ``number_not_finite``, ``number_out_of_range``.
    """
    p, f, k, t, c = _inputs(price, forward, strike, years, right)
    side = rights(c.ravel(), f.size).reshape(f.shape)
    inside = np.maximum(side * (f - k), 0.0)
    value = reals(p.ravel(), "price").reshape(p.shape) - inside
    value = np.where((inside > 0.0) & (value <= ROUNDING * p), 0.0, value)
    return implied_vol_from_time_value(value, f, k, t)


def implied_vol_from_time_value(
    time_value: npt.ArrayLike,
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
) -> ImpliedVol:
    """Implied vol of the time value of an option (the same for call and put), undiscounted.

    The time value lies between 0 and min(F, K). Deep in the money this carries digits that the
    price has lost. Errors: ``number_not_finite``, ``number_out_of_range``.
    """
    given = _inputs(time_value, forward, strike, years)
    shape = given[0].shape
    names = ("time_value", "forward", "strike", "years")
    lows = (-np.inf, 0.0, 0.0, 0.0)
    flat = [reals(a.ravel(), n, low=b) for a, n, b in zip(given, names, lows, strict=True)]
    result = ImpliedVol(np.empty(flat[0].size), np.empty(flat[0].size, np.int8))
    implied_vol_kernel.run(*flat, *result)
    return ImpliedVol(result.vol.reshape(shape), result.status.reshape(shape))


def _inputs(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    return together(*values)
