"""Constant-proportion insurance and its relatives: rules, closed forms, the gap and the perpetual.

    cushion   C = V - F                    exposure  E = min(m max(C, 0), cap V)
    gap       the floor breaks in one step if and only if the coin falls by more than 1/m
              against what the safe part earns in it

Values in dollars (or as a share of the wealth at the start: every rule is homogeneous), rates per
year and continuous, times in years. Sources: Black and Perold, Theory of constant proportion
portfolio insurance, 1992; Estep and Kritzman, TIPP, 1988; Leland and Rubinstein, 1988.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.pricing.revalue import black_value
from crossmargin.statistics.checks import number, numbers, series

__all__ = [
    "Gap",
    "Obpi",
    "PerpCheck",
    "cppi_exposure",
    "cppi_terminal",
    "gap_of_moves",
    "gap_probability",
    "multiplier_of_crash",
    "multiplier_of_moves",
    "obpi",
    "obpi_delta",
    "perp_liquidation",
    "tipp_floor",
    "zero_cost_strike",
]


class Gap(NamedTuple):
    """Chance that one step breaks the floor, and that any of the ``steps`` does."""

    step: float
    any: float
    steps: float


class Obpi(NamedTuple):
    """``units`` of coin, each with a put at ``strike`` that costs ``put``: never below the floor.

    ``units`` is also the share of the coin's upside that is kept above the strike.
    """

    strike: float
    units: float
    put: float


class PerpCheck(NamedTuple):
    """Where a bought perpetual is liquidated, and the price at which the wealth is at its floor.

    ``liquidation_price`` 0: never. ``safe``: the floor is reached before the liquidation.
    """

    liquidation_price: float
    floor_price: float
    safe: bool


def multiplier_of_crash(crash: float) -> float:
    """``1 / crash``: the largest multiplier whose floor holds through a fall of that share."""
    return 1.0 / number(crash, "crash", above=0.0, below=1.0 + 1e-12)


def cppi_exposure(
    value: npt.ArrayLike, floor: npt.ArrayLike, multiplier: npt.ArrayLike, cap: float = 1.0
) -> Floats:
    """``min(m max(V - F, 0), cap V)``, never below zero; the arguments are broadcast together.

    ``cap`` 1 borrows nothing; above 1 the perpetual carries leverage.
    """
    v, f = numbers(value, "value"), numbers(floor, "floor")
    m = numbers(multiplier, "multiplier", above=-1e-300)
    number(cap, "cap", above=0.0)
    return np.asarray(np.minimum(m * np.maximum(v - f, 0.0), cap * np.maximum(v, 0.0)))


def tipp_floor(floor: npt.ArrayLike, peak: npt.ArrayLike, share: float) -> Floats:
    """``max(F, share x highest value so far)``: a floor that rises with the wealth, never falls."""
    number(share, "share", above=0.0, below=1.0)
    return np.asarray(np.maximum(numbers(floor, "floor"), share * numbers(peak, "peak")))


def cppi_terminal(
    price_ratio: npt.ArrayLike,
    *,
    value: float,
    floor: float,
    multiplier: float,
    rate: float,
    vol: float,
    years: float,
) -> Floats:
    """Wealth at the horizon under continuous rebalancing, whatever the path to the price:

        V_T = F e^{rT} + (V - F) (S_T/S_0)^m exp((r - m (r - s^2/2) - m^2 s^2/2) T)

    ``floor`` is today's. Black and Perold 1992.
    """
    ratio = numbers(price_ratio, "price ratio", above=0.0)
    m = number(multiplier, "multiplier", above=0.0)
    drift = rate - m * (rate - 0.5 * vol * vol) - 0.5 * (m * vol) ** 2
    grown = (value - floor) * ratio**m * np.exp(drift * years)
    return np.asarray(floor * np.exp(rate * years) + grown)


def gap_probability(
    multiplier: float, step_years: float, steps: float, vol: float, drift: float = 0.0
) -> Gap:
    """The gap under lognormal steps:

        step = N((ln(1 - 1/m) - (drift - s^2/2) dt) / (s sqrt(dt))),   any = 1 - (1 - step)^n

    Zero for a multiplier of 1 or less: a coin cannot lose more than itself. Fat tails make it far
    worse: beside it stands :func:`gap_of_moves`. ``steps`` need not be whole (a year of weeks).
    """
    number(step_years, "step", above=0.0)
    number(vol, "vol", above=0.0)
    number(steps, "steps", above=-1e-300)
    if number(multiplier, "multiplier", above=0.0) <= 1.0:
        return Gap(0.0, 0.0, steps)
    gap = np.log1p(-1.0 / multiplier) - (drift - 0.5 * vol * vol) * step_years
    step = float(np.exp(log_ndtr(gap / (vol * np.sqrt(step_years)))))
    return Gap(step, float(-np.expm1(steps * np.log1p(-step))), steps)


def gap_of_moves(log_returns: npt.ArrayLike, multiplier: float, steps: float) -> Gap:
    """The same from history: the share of steps in which the coin fell by more than 1/m.

    The steps to come are taken as independent, which understates clusters of falls and overstates
    a single one.
    """
    number(steps, "steps", above=-1e-300)
    falls = -np.expm1(series(log_returns, "log returns"))
    limit = 1.0 / number(multiplier, "multiplier", above=0.0)
    step = float(np.count_nonzero(falls > limit)) / falls.size
    whole = 1.0 if step >= 1.0 and steps > 0 else float(-np.expm1(steps * np.log1p(-step)))
    return Gap(step, whole, steps)


def multiplier_of_moves(log_returns: npt.ArrayLike, level: float = 0.999) -> float:
    """``1 / q``, q the fall that a share ``level`` of the steps did not exceed; inverted-CDF rule.

    At ``level`` 1 it is the worst step of the history. Raises InputError where no step fell.
    """
    number(level, "level", above=0.0, below=1.0 + 1e-12)
    falls = np.sort(-np.expm1(series(log_returns, "log returns")))
    place = min(int(np.ceil(level * falls.size - 1e-9)), falls.size) - 1
    if falls[place] <= 0.0:
        raise InputError(
            "number_out_of_range",
            "no step of the history fell at that level: no multiplier follows from it",
            place="log returns",
            value=float(falls[place]),
            limit="a fall",
            remedy="Ask for a higher level.",
        )
    return float(1.0 / falls[place])


def perp_liquidation(
    wealth: float,
    floor: float,
    exposure: float,
    price: float,
    maintenance: float,
    posted: float | None = None,
    *,
    inverse: bool = False,
) -> PerpCheck:
    """The price at which a bought perpetual of ``exposure`` dollars is liquidated.

    Collateral ``posted`` (all of the ``wealth`` where None) in dollars, or in coin worth that many
    where the contract is ``inverse``; ``maintenance`` is the share of the notional required:

        linear    L + E (s - 1) = maintenance E s       s = (E - L) / (E (1 - maintenance))
        inverse   L + E (1 - 1/s) = maintenance E / s   s = E (1 + maintenance) / (L + E)

    ``s`` is the price over today's. The floor is met where ``V + E (s - 1) = F``. A floor below the
    liquidation price is no floor: the position is gone before it is reached.
    """
    for name, each in (("wealth", wealth), ("exposure", exposure), ("price", price)):
        number(each, name, above=0.0)
    number(maintenance, "maintenance", above=-1e-300, below=1.0)
    held = wealth if posted is None else number(posted, "posted", above=0.0)
    if inverse:
        ratio = exposure * (1.0 + maintenance) / (held + exposure)
    else:
        ratio = max((exposure - held) / (exposure * (1.0 - maintenance)), 0.0)
    at_floor = max(1.0 - (wealth - floor) / exposure, 0.0)
    return PerpCheck(price * ratio, price * at_floor, ratio <= at_floor)


def obpi(
    value: float, floor: float, price: float, vol: float, years: float, rate: float = 0.0
) -> Obpi:
    """Coin and puts that pay for themselves: ``N K = floor`` and ``N (S + P(K)) = V``.

    The strike solves ``floor (S + P(K)) = V K``. Raises InputError where the floor is not below
    what the wealth earns without risk, ``V e^{rT}``: no put can be paid for.
    """
    for name, each in (("value", value), ("floor", floor), ("price", price)):
        number(each, name, above=0.0)
    stdev = number(vol, "vol", above=0.0) * np.sqrt(number(years, "years", above=0.0))
    paid = float(np.exp(-rate * years))
    if floor * paid >= value:
        raise InputError(
            "number_out_of_range",
            "the floor is not below what the wealth earns without risk",
            place="floor",
            value=floor,
            limit=f"below {value / paid:.10g}",
            remedy="Ask for a lower floor.",
        )

    def put(strike: float) -> float:
        return float(paid * black_value(price / paid, strike, stdev, -1.0))

    def short(strike: float) -> float:
        return floor * (price + put(strike)) - value * strike

    # Above at K = 0 (no put costs nothing); below in the end, because F e^{-rT} < V.
    high = price
    while short(high) > 0.0:
        high *= 2.0
    strike = float(brentq(short, 1e-12 * price, high, xtol=1e-13 * price, rtol=1e-14))
    return Obpi(strike, floor / strike, put(strike))


def obpi_delta(
    price: npt.ArrayLike, strike: float, vol: float, years: npt.ArrayLike, rate: float = 0.0
) -> Floats:
    """Share of each unit that the synthetic put leaves in the coin: N(d1); 0 or 1 at the end."""
    spot, left = np.broadcast_arrays(
        numbers(price, "price", above=0.0), numbers(years, "years", above=-1e-12)
    )
    w = vol * np.sqrt(np.maximum(left, 0.0))
    live = w > 0.0
    safe = np.where(live, w, 1.0)
    d1 = (np.log(spot / strike) + rate * left) / safe + 0.5 * w
    return np.asarray(np.where(live, ndtr(d1), np.where(spot > strike, 1.0, 0.0)))


def zero_cost_strike(
    cost: float,
    forward: float,
    years: float,
    vol_of: Callable[[float], float] | float,
    rate: float = 0.0,
) -> float:
    """The strike above the forward at which a sold call brings ``cost``: no premium is left.

    ``vol_of``: the volatility of each strike, or one for all; take the volatility of the bid, and
    the put at its ask. Raises InputError where even a call at the forward does not bring that much.
    """
    number(cost, "cost", above=0.0)
    paid = float(np.exp(-rate * years))

    def brings(strike: float) -> float:
        vol = vol_of(strike) if callable(vol_of) else vol_of
        return float(paid * black_value(forward, strike, vol * np.sqrt(years), 1.0)) - cost

    if brings(forward) < 0.0:
        raise InputError(
            "number_out_of_range",
            "no call above the forward brings what the put costs",
            place="zero-cost collar",
            value=cost,
            limit=f"at most {brings(forward) + cost:.10g}",
            remedy="Take a put further out of the money.",
        )
    high = 2.0 * forward
    while brings(high) > 0.0:
        high *= 2.0
    return float(brentq(brings, forward, high, xtol=1e-12 * forward, rtol=1e-14))
