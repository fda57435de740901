"""Black-76 in scalars, for the marks of the conformance world: nothing of the pricing room."""

from __future__ import annotations

from math import erfc, log, sqrt

__all__ = ["price"]

_ROOT_HALF = sqrt(0.5)


def _normal_cdf(x: float) -> float:
    """N(x) by the complementary error function: full relative accuracy in the left tail."""
    return 0.5 * erfc(-x * _ROOT_HALF)


def price(right: int, forward: float, strike: float, vol_annual: float, tau_years: float) -> float:
    """Undiscounted value of one option; intrinsic value where no variance is left.

    right (F N(right d1) - K N(right d2)), d1 = ln(F/K)/s + s/2, d2 = d1 - s, s = vol sqrt(tau);
    ``right`` is 1 for a call and -1 for a put, the value is in the unit of the forward.
    """
    spread = vol_annual * sqrt(tau_years)
    if spread <= 0.0:
        return max(right * (forward - strike), 0.0)
    d1 = log(forward / strike) / spread + 0.5 * spread
    d2 = d1 - spread
    if right > 0:
        return forward * _normal_cdf(d1) - strike * _normal_cdf(d2)
    return strike * _normal_cdf(-d2) - forward * _normal_cdf(-d1)
