"""The volatility that a price carries, and the refusal to name one where it carries none."""

from __future__ import annotations

import math

from crossmargin.core.errors import MarketDataError
from crossmargin.market.fields import IV_MAX, IV_MIN
from crossmargin.pricing.revalue import black_value

__all__ = ["vol_of_price"]

# A mark is rounded to a tick of 1e-4 of the forward at worst; a time value of less than half of it
# is as well none at all.
TIME_VALUE_MIN = 5e-5
HALVINGS = 60


def vol_of_price(forward: float, strike: float, years: float, right: int, price: float) -> float:
    """Black-76 volatility of an undiscounted price in quote currency; a fraction per year.

    Bisection between the accepted bounds. Raises MarketDataError ``iv_undetermined`` where the time
    value is within rounding of nothing, or no volatility within the bounds gives the price.
    """
    inside = max(right * (forward - strike), 0.0)
    time_value = price - inside
    low, high = IV_MIN, IV_MAX
    root = math.sqrt(years) if years > 0.0 else 0.0
    most = float(black_value(forward, strike, high * root, right)) - inside
    least = float(black_value(forward, strike, low * root, right)) - inside
    if time_value < TIME_VALUE_MIN * forward or not least <= time_value <= most:
        raise MarketDataError(
            "iv_undetermined",
            "the price carries no volatility",
            place=f"strike {strike:g}",
            value=price,
            limit=f"time value from {max(least, TIME_VALUE_MIN * forward):g} to {most:g}",
            remedy="Give the volatility, or take it from the surface.",
        )
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if float(black_value(forward, strike, middle * root, right)) - inside < time_value:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
