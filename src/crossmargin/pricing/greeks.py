"""Black-76 value and seven Greeks of many options in one pass.

With ``w = vol sqrt(T)``, ``d1,2 = ln(F/K)/w +- w/2``, ``c = +1`` for a call, ``-1`` for a put:

    value = D c (F N(c d1) - K N(c d2))         delta = D c N(c d1)            d value / dF
    gamma = D phi(d1) / (F w)                   vega  = D F phi(d1) sqrt(T)    per 1.00 of vol
    theta = -D F phi(d1) vol / (2 sqrt(T))      per year that passes, forward and D held
    rho   = D c K T N(c d2)                     per 1.00 of rate, spot held: F moves with the rate
    vanna = -D phi(d1) d2 / vol                 d delta / d vol
    volga = vega d1 d2 / vol                    d vega / d vol

Deribit quotes vega and rho per point (divide by 100) and theta per day (divide by 365); with its
rate of zero the rest agrees as it stands. Scaling is for the caller.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import reals, rights, together
from crossmargin.pricing.normal import exp_negative, log_ratio, tail_relative

__all__ = ["Greeks", "greeks", "greeks_kernel"]

SQRT_2PI_INVERSE = 0.3989422804014327
STEEP = 60.0
TINY = 1e-150  # a spread below it is none
LEAST = 1e-300  # stands for a strike or forward of zero under the logarithm


class Greeks(NamedTuple):
    """One array per quantity, ``[N]``; see the module for the formulas."""

    value: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    vanna: Floats
    volga: Floats


@kernel("f8[:], f8[:], f8[:], f8[:], f8[:], f8[:], out f8[:,:]")
def greeks_kernel(
    forward: Any, strike: Any, years: Any, vol: Any, right: Any, discount: Any, out: Any
) -> None:
    """The loop of :func:`greeks`, unchecked; eight rows of ``out`` in the order of the record."""
    value, delta, gamma, vega = out[0], out[1], out[2], out[3]
    theta, rho, vanna, volga = out[4], out[5], out[6], out[7]
    for i in range(forward.size):
        f, k, sigma, paid = forward[i], strike[i], vol[i], discount[i]
        root = math.sqrt(years[i])
        w = sigma * root
        live = 1.0 if w > TINY else 0.0
        r = log_ratio(max(f, LEAST), max(k, LEAST)) / max(w, TINY)
        r = min(max(r, -STEEP), STEEP)
        d1 = r + 0.5 * w
        d2 = r - 0.5 * w
        p1, q1 = tail_relative(abs(d1))
        p2, q2 = tail_relative(abs(d2))
        hump = live * exp_negative(-0.5 * d1 * d1)
        joint = hump / (q1 * q2)
        # N(c d) = (0 or 1) +- tail, and both legs share the hump: F phi(d1) = K phi(d2)
        put = 1.0 if right[i] < 0.0 else 0.0
        first = (p1 * q2) * joint
        first = (-first if d1 >= 0.0 else first) + ((1.0 if d1 >= 0.0 else 0.0) - put)
        second = f * ((p2 * q1) * joint)
        second = (-second if d2 >= 0.0 else second) + k * ((1.0 if d2 >= 0.0 else 0.0) - put)
        density = paid * SQRT_2PI_INVERSE * hump
        slope = density * f * root
        per_vol = live / max(sigma, TINY)
        value[i] = paid * (f * first - second)
        delta[i] = paid * first
        gamma[i] = density / max(f * w, TINY)
        vega[i] = slope
        theta[i] = -0.5 * slope * sigma / max(years[i], TINY)
        rho[i] = paid * years[i] * second
        vanna[i] = -density * d2 * per_vol
        volga[i] = slope * d1 * d2 * per_vol


def greeks(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    vol: npt.ArrayLike,
    right: npt.ArrayLike,
    discount: npt.ArrayLike = 1.0,
) -> Greeks:
    """Value and Greeks of N options; the inputs are broadcast together, all at least zero.

    Where no spread is left (no time or no vol) value and delta are the limits (delta 1, 0 or -1;
    at the money that of the side in the money at equality), the others are zero.
    Errors: ``number_not_finite``, ``number_out_of_range``.
    """
    given = together(forward, strike, years, vol, discount)
    names = ("forward", "strike", "years", "vol", "discount")
    f, k, t, sigma, paid = (
        reals(a.ravel(), name, low=0.0) for a, name in zip(given, names, strict=True)
    )
    side = np.broadcast_to(np.asarray(right, dtype=np.float64), given[0].shape)
    out = np.empty((8, f.size))
    greeks_kernel.run(f, k, t, sigma, rights(side.ravel(), f.size), paid, out)
    return Greeks(*out.reshape(8, *given[0].shape))
