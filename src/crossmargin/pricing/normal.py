"""Scalar pieces that every pricing kernel shares: exp, log and normal tail without libm calls.

Plain straight-line code, so that LLVM vectorises the loops that call it. With a >= 0

    N(-a) = exp(-a^2/2) * P(a) / Q(a)

Two rationals: 6/7, absolute error of N below 2.5e-16 (for values), and 9/10, relative error of N
below 3e-15 up to a = 8 and that of rounding a^2/2 beyond (for Greeks and implied volatility).
Coefficients are near-minimax fits of erfcx on [0, 28) in 60-digit arithmetic, and of the inverse
hyperbolic tangent in 40.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.jit import helper

__all__ = ["exp_negative", "log_ratio", "tail_absolute", "tail_relative"]

ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer in the low bits
LOG2_E = 1.4426950408889634
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
ROUND_BITS = 4843621399236968448  # the bits of ROUND
HALF_OCTAVE = 1 << 51
SMALLEST = -708.0  # exp of it is still a normal number


@helper
def exp_negative(x: Any) -> Any:
    """exp(x) for x <= 709, clamped below at exp(-708); relative error 5e-16."""
    x = max(x, SMALLEST)
    t = x * LOG2_E + ROUND
    k = t - ROUND
    r = x - k * LN2_HIGH
    r = r - k * LN2_LOW
    p = 2.7626357241447223e-07
    p = p * r + 2.764018079620985e-06
    p = p * r + 2.4801504346997686e-05
    p = p * r + 0.00019841170270440067
    p = p * r + 0.0013888888932488599
    p = p * r + 0.008333333385667782
    p = p * r + 0.04166666666657314
    p = p * r + 0.16666666666554406
    p = p * r + 0.5000000000000006
    p = p * r + 1.0000000000000067
    p = p * r + 1.0
    bits = np.float64(p).view(np.int64) + (np.float64(t).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)


@helper
def log_ratio(a: Any, b: Any) -> Any:
    """ln(a / b) of two positive normal numbers, relative error 4e-16 also where a is close to b.

    ``a`` is scaled by a power of two to within a factor 1.5 of ``b``, so that their difference is
    exact; then ln(a/b) = 2 artanh((a - b)/(a + b)).
    """
    bits = np.float64(a).view(np.int64)
    octaves = (bits - np.float64(b).view(np.int64) + HALF_OCTAVE) >> 52
    near = np.int64(bits - (octaves << 52)).view(np.float64)
    k = np.int64(octaves + ROUND_BITS).view(np.float64) - ROUND
    f = (near - b) / (near + b)
    s = f * f
    p = 0.06852365205112824
    p = p * s + 0.06598474771614224
    p = p * s + 0.07694766066600878
    p = p * s + 0.09090860296316691
    p = p * s + 0.11111111635346445
    p = p * s + 0.1428571428295393
    p = p * s + 0.2000000000000553
    p = p * s + 0.3333333333333333
    f = f + f
    return k * LN2_HIGH + (f + (f * (s * p) + k * LN2_LOW))


@helper
def tail_absolute(a: Any) -> Any:
    """P, Q of degree 6/7 with N(-a) = exp(-a^2/2) P/Q to 2.3e-16 absolute; a >= 0."""
    p = 0.3989496569576503
    p = p * a + 7.926732579766735
    p = p * a + 72.15938646977767
    p = p * a + 384.01944820009606
    p = p * a + 1269.43189465308
    p = p * a + 2506.0021724605117
    p = p * a + 2495.2330805507117
    q = a + 19.870136565961523
    q = q * a + 181.86123580951025
    q = q * a + 982.6700836864817
    q = q * a + 3358.8568071063114
    q = q * a + 7219.661025731367
    q = q * a + 8993.820246073044
    q = q * a + 4990.4661611014235
    return p, q


@helper
def tail_relative(a: Any) -> Any:
    """P, Q of degree 9/10 with N(-a) = exp(-a^2/2) P/Q to 3e-15 relative; a >= 0."""
    p = 0.3989422804003157
    p = p * a + 10.72387401789789
    p = p * a + 141.14605929927274
    p = p * a + 1176.7260941130876
    p = p * a + 6796.256846795651
    p = p * a + 28103.23380058565
    p = p * a + 83210.88757634939
    p = p * a + 170812.07666190944
    p = p * a + 222760.95086196135
    p = p * a + 143704.2773049403
    q = a + 26.88076582625862
    q = q * a + 354.8007031473562
    q = q * a + 2976.495661713708
    q = q * a + 17387.490396051857
    q = q * a + 73340.21052212827
    q = q * a + 224916.92073677818
    q = q * a + 492975.1942867357
    q = q * a + 736364.8915162523
    q = q * a + 674840.7500898108
    q = q * a + 287408.5546098806
    return p, q
