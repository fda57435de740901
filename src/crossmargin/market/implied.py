"""The volatilities that prices carry, and which prices carry none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats
from crossmargin.market.fields import IV_MAX, IV_MIN

__all__ = ["TIME_VALUE_MIN", "vols_of_prices"]

# A mark is rounded to a tick of 1e-4 of the forward at worst; a time value of less than half of it
# is as well none at all.
TIME_VALUE_MIN = 5e-5


def vols_of_prices(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    right: npt.ArrayLike,
    price: npt.ArrayLike,
) -> tuple[Floats, Bools]:
    """Black-76 volatility of undiscounted prices in quote currency, ``[N]``, and where it is known.

    Unknown (volatility 0) where the time value is within rounding of nothing, the price is beyond
    the bounds of the option, no life is left, or the volatility is outside the accepted range.
    Errors: ``number_not_finite``, ``number_out_of_range``.
    """
    # a kernel is compiled or loaded: only where a volatility has to be implied
    from crossmargin.pricing.implied_vol import IvStatus, implied_vol

    f, k, c, p = (np.asarray(a, np.float64) for a in (forward, strike, right, price))
    found = implied_vol(p, f, k, years, c)
    carried = p - np.maximum(c * (f - k), 0.0) >= TIME_VALUE_MIN * f
    vol = np.asarray(found.vol, np.float64)
    solved = np.asarray(found.status) == IvStatus.FOUND
    known = np.asarray(solved & carried & (vol >= IV_MIN) & (vol <= IV_MAX), np.bool_)
    return np.where(known, vol, 0.0), known
