"""The second-order expansion of option values in dollars: what Greeks say of a shift.

A move m of the index S carries every forward of the underlying with it: S' = S (1 + m) and
F' = F (1 + m). The dollar value of one contract is ``U = unit * B(F, K, vol, years)`` with B the
Black-76 value, and

    P&L ~ D dS + 1/2 G dS^2 + V dv + Th dt + X dS dv + 1/2 W dv^2
    D = dU/dS  G = d2U/dS2  V = dU/dv  Th = -dU/dyears  X = d2U/dSdv  W = d2U/dv2

``unit`` is in dollars per unit of B. What settles in coin is worth the shocked index: its dollars
are B(F') S' / F' with S'/F' = S/F whatever the move, so ``unit = multiplier S / F`` makes it a
linear contract, and the coin needs no term of its own.

The expansion is local. Far from the unshocked market a square grows where a value is linear: a
short call that doubles in price loses the double of what it can. Nothing here knows how far is
far; the caller compares with a revaluation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.pricing.checks import reals, together
from crossmargin.pricing.greeks import greeks

__all__ = ["TERMS", "Expansion", "expanded", "option_expansion", "straight"]

TERMS = ("delta", "gamma", "vega", "theta", "vanna", "volga")


class Expansion(NamedTuple):
    """Dollar Greeks of one long unit of each row, ``[N]``.

    ``delta`` in coins, ``gamma`` coins per dollar of index, ``vega`` dollars per 1.00 of vol,
    ``theta`` dollars per year that passes, ``vanna`` coins per 1.00 of vol, ``volga`` dollars per
    1.00 of vol squared.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    vanna: Floats
    volga: Floats


def option_expansion(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    vol: npt.ArrayLike,
    right: npt.ArrayLike,
    index: npt.ArrayLike,
    unit: npt.ArrayLike,
) -> Expansion:
    """The expansion of N options; the inputs are broadcast together.

    ``index`` is the underlying in dollars and above zero; ``unit`` the dollars per unit of the
    Black-76 value. Where no spread is left (no time, no vol) delta is its limit and the rest zero.
    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    f, k, t, v, s, u = together(forward, strike, years, vol, index, unit)
    spot = reals(s.ravel(), "index", low=0.0).reshape(s.shape)
    size = reals(u.ravel(), "unit").reshape(u.shape)
    if not (spot > 0.0).all():
        first = int(np.argmin(spot.ravel() > 0.0))
        raise InputError(
            "number_out_of_range",
            "the index of an expansion must be above zero",
            place=f"row {first}",
            value=float(spot.ravel()[first]),
            limit="> 0",
            remedy="Give the index of the underlying.",
        )
    found = greeks(f, k, t, v, right)
    carry = f / spot  # dF/dS: the forward moves with the index, in proportion
    slope = size * carry
    return Expansion(
        slope * found.delta,
        slope * carry * found.gamma,
        size * found.vega,
        size * found.theta,
        slope * found.vanna,
        size * found.volga,
    )


def straight(delta: npt.ArrayLike) -> Expansion:
    """The expansion of what is linear in the index: it has a delta alone, and is exact."""
    coins = reals(np.asarray(delta, np.float64), "delta")
    nothing = np.zeros_like(coins)
    return Expansion(coins, nothing, nothing, nothing, nothing, nothing)


def expanded(
    expansion: Expansion,
    index_change: npt.ArrayLike,
    vol_change: npt.ArrayLike,
    years_passed: npt.ArrayLike,
) -> Floats:
    """The six terms of each row in each scenario, ``[6, N, S]`` in the order of :data:`TERMS`.

    The changes are ``[N, S]``: dollars of index, 1.00 of vol, years. The P&L is the sum of the
    terms from the left. Errors: ``shape_wrong``, ``number_not_finite``.
    """
    moved = np.asarray(index_change, np.float64)
    rows, count = expansion.delta.size, moved.shape[-1]
    shape = (rows, count)
    ds = reals(moved, "index_change", shape=shape)
    dv = reals(np.asarray(vol_change, np.float64), "vol_change", shape=shape)
    dt = reals(np.asarray(years_passed, np.float64), "years_passed", shape=shape)
    out = np.empty((len(TERMS), rows, count))
    delta, gamma, vega, theta, vanna, volga = (each[:, None] for each in expansion)
    out[0] = delta * ds
    out[1] = 0.5 * gamma * ds * ds
    out[2] = vega * dv
    out[3] = theta * dt
    out[4] = vanna * ds * dv
    out[5] = 0.5 * volga * dv * dv
    return out
