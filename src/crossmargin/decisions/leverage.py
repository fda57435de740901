"""How large, once the weights are known: leverage and collateral from live volatility.

    leverage = min(target volatility / forecast volatility, cap)

A linear position of notional N with collateral C, maintenance rate m and a price that moves by x
against it is not liquidated while equity covers maintenance:

    long    C (1 - beta x) - N x >= m N (1 - x)      x = 1 - exp(-k sigma sqrt(h))
    short   C (1 + beta x) - N x >= m N (1 + x)      x = exp(k sigma sqrt(h)) - 1

``beta`` is what share of the move the collateral makes too: 0 for dollars, 1 for the coin itself.
``k`` is a number of standard deviations over ``h`` periods of volatility sigma: under a normal law
of log returns 3 are passed downwards once in 740 times, in crypto more often; see
:func:`sigmas_of` for the number that a history itself has at a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, sqrt

import numpy as np
import numpy.typing as npt

from crossmargin.core.errors import InputError
from crossmargin.statistics.filters import ewma_variance
from crossmargin.statistics.quantiles import value_at_risk

__all__ = ["Sizing", "collateral_ratio", "live_volatility", "sigmas_of", "sized"]


@dataclass(frozen=True, slots=True)
class Sizing:
    """``leverage``: notional over equity; ``capped``: whether a limit and not the target set it,
    and ``by`` which; ``collateral_ratio``: collateral over notional that a move of k sigma leaves
    unliquidated; ``move``: that move, a share of the price; ``volatility``: the forecast used."""

    leverage: float
    capped: bool
    by: str
    collateral_ratio: float
    leverage_most: float
    move: float
    volatility: float


def live_volatility(returns: npt.ArrayLike, decay: float = 0.97) -> float:
    """EWMA volatility per period for the period after the last of ``returns [T]``, T above 60."""
    r = np.array(returns, np.float64)
    return sqrt(float(ewma_variance(r, decay)[-1]))


def sigmas_of(returns: npt.ArrayLike, level: float = 0.99, decay: float = 0.97) -> float:
    """The loss at ``level`` of ``returns [T]`` over their live volatility at the time."""
    r = np.array(returns, np.float64)
    variance = ewma_variance(r, decay)
    standard = r[60:] / np.sqrt(np.maximum(variance[:-1], 1e-300))
    return float(value_at_risk(standard, level))


def collateral_ratio(
    volatility: float,
    *,
    sigmas: float = 3.0,
    horizon: float = 1.0,
    maintenance: float = 0.05,
    beta: float = 0.0,
    short: bool = False,
) -> tuple[float, float]:
    """Collateral over notional that survives the move, and the move (a share of the price).

    ``volatility`` of log returns per period, ``horizon`` periods. Errors: InputError
    ``number_out_of_range``, also where coin collateral falls by all of itself.
    """
    _within(volatility, "volatility", 0.0)
    _within(sigmas, "sigmas", 0.0)
    _within(horizon, "horizon", 0.0)
    _within(maintenance, "maintenance rate", 0.0, 1.0)
    _within(beta, "beta", 0.0, 1.0)
    step = sigmas * volatility * sqrt(horizon)
    if step > 20.0:
        raise InputError("number_out_of_range", "the move", value=step, limit="20 in logarithms")
    if short:
        move = exp(step) - 1.0
        return (move + maintenance * (1.0 + move)) / (1.0 + beta * move), move
    move = 1.0 - exp(-step)
    return (move + maintenance * (1.0 - move)) / (1.0 - beta * move), move


def sized(
    volatility: float,
    target: float,
    *,
    cap: float = 10.0,
    sigmas: float = 3.0,
    horizon: float = 1.0,
    maintenance: float = 0.05,
    beta: float = 0.0,
    short: bool = False,
) -> Sizing:
    """Leverage for ``target`` volatility of equity per period, never above the cap or above what
    the collateral ratio allows (its inverse). See :func:`collateral_ratio`."""
    _within(target, "target volatility", 0.0)
    _within(cap, "leverage cap", 0.0)
    ratio, move = collateral_ratio(
        volatility,
        sigmas=sigmas,
        horizon=horizon,
        maintenance=maintenance,
        beta=beta,
        short=short,
    )
    most = 1.0 / ratio if ratio > 0.0 else np.inf
    wanted = target / volatility if volatility > 0.0 else np.inf
    limits = {"target": wanted, "cap": cap, "collateral": most}
    by = min(limits, key=lambda name: limits[name])
    return Sizing(limits[by], by != "target", by, ratio, most, move, volatility)


def _within(value: float, what: str, low: float, high: float = np.inf) -> None:
    if not (isfinite(value) and low <= value <= high):
        raise InputError(
            "number_out_of_range",
            f"{what} is refused",
            place=what,
            value=value,
            limit=f"from {low:g} to {high:g}",
        )
