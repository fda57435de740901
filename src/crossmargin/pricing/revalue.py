"""Black-76 values: instruments x scenarios in one pass, and one price per row.

For instrument ``i`` of expiry ``e`` in scenario ``s``

    w     = max(vol_floor[e, s], vol[i] * vol_factor[e, s] + vol_shift[e, s]) * strike_factor[i, s]
    value = discount[e] * black(forward[e, s], strike[i], w)
    black = +-(F N(+-d1) - K N(+-d2)),  d1,2 = ln(F/K)/w +- w/2

The three vol tables are already multiplied by the square root of the years, so ``w`` is the total
standard deviation. A cell depends on its own inputs alone: the same numbers give the same bits
whatever its place in the row, and whatever else is in the call.

How it is fast: no libm call; ``F phi(d1) = K phi(d2)``, so one exponential serves both normal
tails; the two rationals share one division; put and call differ in two hoisted constants.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, reals, rights, shaped, tables, together
from crossmargin.pricing.normal import exp_negative, log_ratio, tail_absolute, tail_relative

__all__ = ["black_kernel", "black_value", "padded", "padded_width", "revalue", "revalue_kernel"]

LANES = 8  # scenarios are padded to this many: one AVX-512 register
LOG_FLOOR = 1e-300  # stands for zero under the logarithm; the limits below come out exactly
STEEP = 60.0  # ln(F/K)/w beyond this is a tail of exp(-1800): clamped, so no rational overflows
TINY = 1e-200  # below any spread that is not zero


@kernel(
    "f8[:,:], f8[:], f8[:,:], f8[:,:], f8[:,:], i4[:], f8[:], f8[:], f8[:], f8[:,:], b1, "
    "out f8[:,:]"
)
def revalue_kernel(  # one argument per table of the formula
    forward: Any,
    discount: Any,
    vol_factor: Any,
    vol_shift: Any,
    vol_floor: Any,
    expiry: Any,
    strike: Any,
    right: Any,
    vol: Any,
    strike_factor: Any,
    skewed: Any,
    out: Any,
) -> None:
    """The loop of :func:`revalue`, unchecked; all tables padded."""
    expiries, width = forward.shape
    log_forward = np.empty((expiries, width))
    paid = np.empty((expiries, width))
    for e in range(expiries):
        for s in range(width):
            log_forward[e, s] = math.log(max(forward[e, s], LOG_FLOOR))
            paid[e, s] = discount[e] * forward[e, s]
    spread = np.empty(width)
    for i in range(strike.size):
        e = expiry[i]
        sigma = vol[i]
        # by both indices: a row as an array of its own costs a count of references
        for s in range(width):
            spread[s] = max(vol_floor[e, s], sigma * vol_factor[e, s] + vol_shift[e, s])
        if skewed:
            for s in range(width):
                spread[s] *= strike_factor[i, s]
        if strike[i] <= 0.0:  # the forward itself, or nothing: the limit without spread
            spread[:] = 0.0
        log_strike = math.log(max(strike[i], LOG_FLOOR))
        k = discount[e] * strike[i]
        # value = steps of the two legs + density * (difference of the two tails); the tails are
        # the same for call and put, the steps are 1 and 0 for a call, 0 and -1 for a put
        is_put = right[i] < 0.0
        f_up, f_down = (0.0, -1.0) if is_put else (1.0, 0.0)
        k_up, k_down = (0.0, k) if is_put else (-k, 0.0)
        flat = 0
        for s in range(width):
            w = spread[s]
            flat += 1 if w <= 0.0 else 0
            r = (log_forward[e, s] - log_strike) / max(w, TINY)
            r = min(max(r, -STEEP), STEEP)
            d1 = r + 0.5 * w
            d2 = r - 0.5 * w
            p1, q1 = tail_absolute(abs(d1))
            p2, q2 = tail_absolute(abs(d2))
            p1 = -p1 if d1 >= 0.0 else p1
            p2 = -p2 if d2 >= 0.0 else p2
            f = paid[e, s]
            density = f * exp_negative(-0.5 * d1 * d1)
            steps = f * (f_up if d1 >= 0.0 else f_down) + (k_up if d2 >= 0.0 else k_down)
            out[i, s] = density * ((p1 * q2 - p2 * q1) / (q1 * q2)) + steps
        if flat > 0:
            for s in range(width):
                if spread[s] <= 0.0:
                    out[i, s] = max(right[i] * (paid[e, s] - k), 0.0)


@kernel("f8[:], f8[:], f8[:], f8[:], out f8[:]")
def black_kernel(forward: Any, strike: Any, spread: Any, right: Any, out: Any) -> None:
    """The loop of :func:`black_value`, unchecked."""
    for i in range(out.size):
        f, k, w = forward[i], strike[i], spread[i]
        # the out-of-the-money side is a difference of two tails of one sign, the other is parity
        small, large = min(f, k), max(f, k)
        x = log_ratio(max(small, LOG_FLOOR), max(large, LOG_FLOOR))
        r = max(x / max(w, TINY), -STEEP)
        d1 = r + 0.5 * w
        d2 = r - 0.5 * w
        p1, q1 = tail_relative(abs(d1))
        p2, q2 = tail_relative(abs(d2))
        density = small * exp_negative(-0.5 * d1 * d1)
        p1 = -p1 if d1 >= 0.0 else p1
        otm = density * ((p1 * q2 - p2 * q1) / (q1 * q2)) + (small if d1 >= 0.0 else 0.0)
        otm = otm if w > 0.0 and small > 0.0 else 0.0
        inside = right[i] * (f - k)
        out[i] = max(otm, 0.0) + max(inside, 0.0)


def padded_width(scenarios: int) -> int:
    """The number of scenarios, rounded up to a multiple of eight."""
    return -(-scenarios // LANES) * LANES


def padded(table: Floats) -> Floats:
    """The last axis filled up to :func:`padded_width` with copies of its first column."""
    count = table.shape[-1]
    width = padded_width(count)
    if width == count:
        return table
    filled = np.empty((*table.shape[:-1], width))
    filled[..., :count] = table
    filled[..., count:] = table[..., :1]
    return filled


def revalue(
    forward_es: npt.ArrayLike,
    discount_e: npt.ArrayLike,
    vol_factor_es: npt.ArrayLike,
    vol_shift_es: npt.ArrayLike,
    vol_floor_es: npt.ArrayLike,
    expiry_of_i: npt.ArrayLike,
    strike_i: npt.ArrayLike,
    right_i: npt.ArrayLike,
    vol_i: npt.ArrayLike,
    strike_factor_is: npt.ArrayLike | None = None,
    out: Floats | None = None,
) -> Floats:
    """Values of I options in S scenarios, ``[I, S8]`` (S8: S rounded up to eight).

    Columns ``S .. S8`` are copies of scenario 0. Units: the forward's per unit of underlying.
    Forwards, strikes, vols, floors and strike factors are at least zero; limits are exact: no
    spread gives ``max(+-discount*(F - K), 0)``, forward 0 gives 0 or K, strike 0 gives F or 0.

    Accuracy: absolute, 4e-15 of the larger of forward and strike (:func:`black_value` is the
    relative one). Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    Source: Black (1976).
    """
    forward = tables(forward_es, "forward", low=0.0)
    expiries, scenarios = table = forward.shape
    strike = reals(strike_i, "strike", low=0.0)
    rows = strike.shape[0]
    shaped(strike, (rows,), "strike")
    discount = reals(discount_e, "discount", shape=(expiries,), low=0.0)
    factor = reals(vol_factor_es, "vol_factor", shape=table)
    shift = reals(vol_shift_es, "vol_shift", shape=table)
    floor = reals(vol_floor_es, "vol_floor", shape=table, low=0.0)
    vol = reals(vol_i, "vol", shape=(rows,), low=0.0)
    right = rights(right_i, rows)
    expiry = codes(expiry_of_i, "expiry", shape=(rows,), low=0, below=expiries)
    width = padded_width(scenarios)
    if strike_factor_is is None:
        skew = np.ones((1, 1))
    else:
        skew = padded(reals(strike_factor_is, "strike_factor", shape=(rows, scenarios), low=0.0))
    if out is None:
        out = np.empty((rows, width))
    shaped(out, (rows, width), "out")
    revalue_kernel.run(
        padded(forward),
        discount,
        padded(factor),
        padded(shift),
        padded(floor),
        expiry,
        strike,
        right,
        vol,
        skew,
        strike_factor_is is not None,
        out,
    )
    return out


def black_value(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    total_stdev: npt.ArrayLike,
    right: npt.ArrayLike,
) -> Floats:
    """Undiscounted Black-76 value of each row, ``[N]``; the four inputs are broadcast together.

    ``total_stdev`` is vol times the square root of the years. The time value is computed on the
    out-of-the-money side with the relative normal tail, so that the price of a far wing keeps
    its leading digits (relative error about 1e-14 times the condition number of the logarithm).
    """
    f, k, w, r = together(forward, strike, total_stdev, right)
    out = np.empty(f.size)
    black_kernel.run(
        reals(f.ravel(), "forward", low=0.0),
        reals(k.ravel(), "strike", low=0.0),
        reals(w.ravel(), "total_stdev", low=0.0),
        rights(r.ravel(), f.size),
        out,
    )
    return out.reshape(f.shape)
