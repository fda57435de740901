"""The region in which a drifted portfolio is best left alone, one asset in closed form.

    single period    no trade while |mu - gamma sigma^2 w| <= c, c one way and paid once
    continuous       Merton weight pi = mu/(gamma sigma^2); half-width
                     (3/(4 gamma) pi^2 (1-pi)^2 spread)^(1/3) for the full spread (bid = ask less
                     it), the same as (3/(2 gamma) pi^2 (1-pi)^2 k)^(1/3) one way k = spread/2
    fixed cost       a trade must gain what it costs; it then goes into the interior

The exact continuous bounds pi -+ lambda/(gamma sigma^2) solve the free boundary with the gap
lambda; the lower one is a weight at the ask, the upper one at the bid. Everything a year. Sources:
Dybvig and Pezzo (2019), Mean-variance portfolio rebalancing with transaction costs; Gerhold,
Guasoni, Muhle-Karbe and Schachermayer (2014), Finance and Stochastics 18:1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossmargin.core.errors import ModelError
from crossmargin.decisions.checked import number

__all__ = ["Continuous", "continuous", "expansion_half_width", "fixed_gain_half_width", "single"]


@dataclass(frozen=True, slots=True)
class Continuous:
    """Bounds of one risky asset under power utility and a proportional cost.

    ``gap`` is lambda (a year), ``premium`` = mu - sqrt(mu^2 - lambda^2) what the spread costs of
    expected return a year, ``turnover`` the shares traded a year over the shares held.
    """

    merton: float
    lower: float
    upper: float
    gap: float
    premium: float
    turnover: float


def single(mu: float, vol: float, aversion: float, cost: float) -> tuple[float, float]:
    """(lower, upper) weight of the single-period region; ``cost`` one way, a share of notional.

    ``mu`` and ``vol`` are those of the period. Raises InputError ``number_out_of_range``.
    """
    scale = number("aversion", aversion, 0.0, above=True) * number("vol", vol, 0.0, above=True) ** 2
    share = number("cost", cost, 0.0)
    return (number("mu", mu) - share) / scale, (mu + share) / scale


def expansion_half_width(weight: float, aversion: float, spread: float) -> float:
    """Leading term of the half-width around a Merton weight; ``spread`` is the full one."""
    risk = number("aversion", aversion, 0.0, above=True)
    square = number("weight", weight) ** 2 * (1.0 - weight) ** 2
    wide = 0.75 / risk * square * number("spread", spread, 0.0, 1.0)
    return float(wide ** (1.0 / 3.0))


def fixed_gain_half_width(vol: float, aversion: float, fixed: float) -> float:
    """How far a weight may stray in one period before a fixed cost (share of wealth) is earned.

    Moving to the middle gains gamma sigma^2 d^2/2; it pays once that exceeds ``fixed``.
    """
    scale = number("aversion", aversion, 0.0, above=True) * number("vol", vol, 0.0, above=True) ** 2
    return math.sqrt(2.0 * number("fixed", fixed, 0.0) / scale)


def continuous(mu: float, vol: float, aversion: float, spread: float) -> Continuous:
    """Exact bounds: ``mu`` is the excess drift, ``spread`` the full bid-ask spread of the ask.

    With c = (mu^2 - lambda^2)/(gamma sigma^4) and m = 2 mu/sigma^2 - 1 the gap solves

        int from pi- to pi+ of dw / (c - m w - (1 - gamma) w^2)
            = ln(pi+ (1 - pi-) / (pi- (1 - pi+))) - ln(1 - spread)

    Raises InputError ``number_out_of_range``; ModelError ``solver_failed`` where no gap is found.
    """
    sigma, risk = number("vol", vol, 0.0, above=True), number("aversion", aversion, 0.0, above=True)
    share = number("spread", spread, 0.0, 0.999)
    variance = sigma * sigma
    merton = number("mu", mu) / (risk * variance)
    if share == 0.0 or merton in (0.0, 1.0):  # nothing is ever traded at none of it and all of it
        return Continuous(merton, merton, merton, 0.0, 0.0, math.inf if share == 0.0 else 0.0)
    gap = _gap(mu, variance, risk, share)
    lower, upper = (mu - gap) / (risk * variance), (mu + gap) / (risk * variance)
    premium = abs(mu) - math.sqrt(mu * mu - gap * gap)
    turnover = _turnover(2.0 * mu / variance - 1.0, variance, lower, upper, share)
    return Continuous(merton, lower, upper, gap, premium, turnover)


def _log_ratio(lower: float, upper: float) -> float:
    """ln(u/l) at a spread of nothing: of the shares' worth over the cash, from edge to edge."""
    return math.log(upper / lower) + math.log((1.0 - lower) / (1.0 - upper))


def _gap(mu: float, variance: float, risk: float, share: float) -> float:
    from scipy.optimize import brentq  # a solver is loaded when one is needed

    merton = mu / (risk * variance)
    start = risk * variance * expansion_half_width(merton, risk, share)
    # Both weights stay on the Merton weight's own side of 0 and 1.
    most = min(abs(mu), abs(mu - risk * variance)) * (1.0 - 1e-12)

    def excess(gap: float) -> float:
        return _mismatch(mu, variance, risk, gap) + math.log1p(-share)

    low, high = 0.0, min(start, 0.5 * most)
    while excess(high) < 0.0 and high < most:
        low, high = high, min(1.5 * high, most)
    for _ in range(200):  # back from where there is no solution at all
        if math.isfinite(excess(high)):
            break
        middle = 0.5 * (low + high)
        if excess(middle) < 0.0:
            low = middle
        else:
            high = middle
    if excess(high) < 0.0:
        raise ModelError(
            "solver_failed",
            "the free boundary has no solution at that spread",
            place="spread",
            value=share,
            limit="a smaller spread",
            remedy="Lower the spread: at this one the asset is not traded at all.",
        )
    return float(brentq(excess, low, high, xtol=1e-16, rtol=1e-14, maxiter=500))


def _mismatch(mu: float, variance: float, risk: float, gap: float) -> float:
    """ln(1/(1 - spread)) that a gap stands for; 0 at no gap, and it rises with it."""
    if gap == 0.0:
        return 0.0
    from scipy.integrate import quad

    lower, upper = (mu - gap) / (risk * variance), (mu + gap) / (risk * variance)
    c = (mu * mu - gap * gap) / (risk * variance * variance)
    m = 2.0 * mu / variance - 1.0

    # 1/slope - 1/(w (1 - w)), whose parts agree at both edges: no digits are lost to the logs.
    def integrand(w: float) -> float:
        own = w * (1.0 - w)
        bend = risk * (w - lower) * (w - upper)
        return -bend / ((own + bend) * own)

    # Inside the region the slope keeps the sign of w (1 - w); where it does not, no spread is wide
    # enough. Its extreme is where its own slope is none.
    own_sign = 1.0 if 0.0 < mu / (risk * variance) < 1.0 else -1.0
    least = c - m * lower - (1.0 - risk) * lower * lower, c - m * upper - (1.0 - risk) * upper**2
    turn = -m / (2.0 * (1.0 - risk)) if risk != 1.0 else math.inf
    inner = [c - m * turn - (1.0 - risk) * turn * turn] if lower < turn < upper else []
    if min(own_sign * each for each in (*least, *inner)) <= 0.0:
        return math.inf
    found, _ = quad(integrand, lower, upper, epsabs=1e-15, epsrel=1e-12, limit=200)
    return float(found)


def _turnover(m: float, variance: float, lower: float, upper: float, share: float) -> float:
    """Shares bought and sold a year over those held, from the local times at both edges."""
    width = _log_ratio(lower, upper) - math.log1p(-share)
    if abs(m * width) < 1e-9:  # the limit of no drift of the ratio
        return abs(variance / 2.0 * ((1.0 - lower) + (1.0 - upper)) / width)
    bought = (1.0 - lower) / math.expm1(m * width)
    sold = (1.0 - upper) / math.expm1(-m * width)
    return abs(variance / 2.0 * m * (bought - sold))
