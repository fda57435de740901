"""Options re-priced and summed by account in one pass: no risk array is kept.

For position j of account a, an option of expiry e with signed size q and volatility sigma

    net[a, s] = sum_j q_j black(forward[e, s], K_j, w_j) unit[e, s]
    w_j       = max(vol_floor[e, s], sigma_j vol_factor[e, s] + vol_shift[e, s])

the value of ``pricing.revalue`` without discount, times what its unit is worth in the scenario. For
books whose every account stands in a market of its own, where a risk array would be read once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.pricing.normal import exp_negative, tail_absolute
from crossmargin.pricing.revalue import LOG_FLOOR, STEEP, TINY

__all__ = ["net_options", "net_options_kernel"]


@kernel(
    "f8[:,:], f8[:,:], f8[:,:], f8[:,:], f8[:,:], i4[:], i4[:], f8[:], f8[:], f8[:], f8[:], "
    "out f8[:,:]"
)
def net_options_kernel(  # one argument per table of the formula
    forward: Any,
    unit: Any,
    vol_factor: Any,
    vol_shift: Any,
    vol_floor: Any,
    owner: Any,
    expiry: Any,
    size: Any,
    strike: Any,
    right: Any,
    vol: Any,
    out: Any,
) -> None:
    """The loop of :func:`net_options`, unchecked; all tables padded to whole vectors."""
    expiries, width = forward.shape
    log_forward = np.empty((expiries, width))
    for e in range(expiries):
        for s in range(width):
            log_forward[e, s] = math.log(max(forward[e, s], LOG_FLOOR))
    spread = np.empty(width)
    for j in range(size.size):
        e = expiry[j]
        # by both indices: a row as an array of its own costs a count of references
        sigma, at = vol[j], owner[j]
        log_strike = math.log(max(strike[j], LOG_FLOOR))
        k, q = strike[j], size[j]
        is_put = right[j] < 0.0
        f_up, f_down = (0.0, -1.0) if is_put else (1.0, 0.0)
        k_up, k_down = (0.0, k) if is_put else (-k, 0.0)
        flat = 0
        for s in range(width):
            spread[s] = max(vol_floor[e, s], sigma * vol_factor[e, s] + vol_shift[e, s])
            flat += 1 if spread[s] <= 0.0 else 0
        if flat > 0:
            for s in range(width):
                w = spread[s]
                if w <= 0.0:  # its value is added here, and nothing below
                    out[at, s] += q * unit[e, s] * max(right[j] * (forward[e, s] - k), 0.0)
        for s in range(width):
            w = spread[s]
            r = (log_forward[e, s] - log_strike) / max(w, TINY)
            r = min(max(r, -STEEP), STEEP)
            d1 = r + 0.5 * w
            d2 = r - 0.5 * w
            p1, q1 = tail_absolute(abs(d1))
            p2, q2 = tail_absolute(abs(d2))
            p1 = -p1 if d1 >= 0.0 else p1
            p2 = -p2 if d2 >= 0.0 else p2
            f = forward[e, s]
            density = f * exp_negative(-0.5 * d1 * d1)
            steps = f * (f_up if d1 >= 0.0 else f_down) + (k_up if d2 >= 0.0 else k_down)
            value = density * ((p1 * q2 - p2 * q1) / (q1 * q2)) + steps
            out[at, s] += q * unit[e, s] * (value if w > 0.0 else 0.0)


def net_options(
    tables: tuple[Floats, Floats, Floats, Floats, Floats],
    owner: Ints,
    expiry: Ints,
    size: Floats,
    strike: Floats,
    right: Floats,
    vol: Floats,
    accounts: int,
) -> Floats:
    """``[A, S8]`` sums; ``tables`` are forward, unit, vol factor, shift and floor, ``[E, S8]``.

    Positions of an account are added in the order in which they come. Nothing is checked: the
    caller's numbers are those of a view and a scenario set.
    """
    out = np.zeros((accounts, tables[0].shape[1]))
    net_options_kernel.run(
        *(np.ascontiguousarray(table) for table in tables),
        np.ascontiguousarray(owner, np.int32),
        np.ascontiguousarray(expiry, np.int32),
        size,
        strike,
        np.ascontiguousarray(right, np.float64),
        vol,
        out,
    )
    return out
