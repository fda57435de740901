"""Black-76 twice: the plain textbook form, and Derive's own order of operations."""

from __future__ import annotations

from math import erfc, exp, log, sqrt

ROOT_HALF = sqrt(0.5)


def normal_cdf(x: float) -> float:
    """N(x) by the complementary error function: full relative accuracy in the left tail."""
    return 0.5 * erfc(-x * ROOT_HALF)


def price(right: int, forward: float, strike: float, vol: float, years: float) -> float:
    """Undiscounted value of one option; intrinsic value where no variance is left."""
    spread = vol * sqrt(years)
    if spread <= 0.0:
        return max(right * (forward - strike), 0.0)
    d1 = log(forward / strike) / spread + 0.5 * spread
    d2 = d1 - spread
    if right > 0:
        return forward * normal_cdf(d1) - strike * normal_cdf(d2)
    return strike * normal_cdf(-d2) - forward * normal_cdf(-d1)


def delta(right: int, forward: float, strike: float, vol: float, years: float) -> float:
    """Undiscounted forward delta N(d1) of a call, N(d1) - 1 of a put; half a step at the money."""
    spread = vol * sqrt(years)
    if spread <= 0.0:
        above = 0.5 if forward == strike else float(forward > strike)
        return above if right > 0 else above - 1.0
    d1 = log(forward / strike) / spread + 0.5 * spread
    return normal_cdf(d1) if right > 0 else -normal_cdf(-d1)


def derive_pair(
    forward: float, strike: float, vol: float, years: float, discount: float
) -> tuple[float, float]:
    """(call, put) of one unit as Derive computes them (onchain-protocols 1.1).

    The put comes from parity on the floored call; both are capped at their no-arbitrage bound.
    """
    if strike == 0.0:
        return forward * discount, 0.0
    if forward == 0.0:
        return 0.0, strike * discount
    spread = vol * sqrt(years)
    moneyness = strike / forward
    if spread >= 24.0:
        call = 1.0
    else:
        spread = spread or 1e-18
        k = log(moneyness or 1e-18)
        d1 = (0.5 * spread * spread - k) / spread
        call = max(normal_cdf(d1) - moneyness * normal_cdf(d1 - spread), 0.0)
    put = max(call + moneyness - 1.0, 0.0)
    return (
        min(call * forward * discount, forward * discount),
        min(put * forward * discount, strike * discount),
    )


def derive_price(
    right: int, forward: float, strike: float, vol: float, years: float, discount: float
) -> float:
    """One side of :func:`derive_pair`."""
    call, put = derive_pair(forward, strike, vol, years, discount)
    return call if right > 0 else put


def discount_factor(rate: float, years: float) -> float:
    """exp(-max(rate, 0) years): Derive lets no negative rate mark an option up."""
    return exp(-max(rate, 0.0) * years)
