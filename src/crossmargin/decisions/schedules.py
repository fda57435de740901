"""Trading one position over time: Almgren-Chriss schedules, Garleanu-Pedersen trading rates.

Almgren-Chriss sell (or buy) X units over T in N slices of tau = T/N; sigma is dollars per unit and
root of the time unit, eps half the spread plus fee (dollars a unit), gamma the permanent impact
(dollars a unit, per unit), eta the temporary one (dollars a unit, per unit and time). With
eta~ = eta - gamma tau/2 and cosh(kappa tau) = 1 + lambda sigma^2 tau^2 / (2 eta~)

    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T)
    E   = gamma X^2/2 + eps sum |n_j| + (eta~/tau) sum n_j^2          V = sigma^2 tau sum x_j^2

lambda (1/dollars) weighs V against E; at none of it the schedule is straight. Source: Almgren and
Chriss (2000), Optimal execution of portfolio transactions, Journal of Risk 3(2).

Garleanu-Pedersen maximise the sum over t of (1-rho)^(t+1) (x'r - gamma x'Sigma x/2) less
(1-rho)^t lambda dx'Sigma dx/2: each step trades the share a/lambda of the way to an aim that is
the frictionless portfolio, less of the part whose forecast decays. Source: Garleanu and Pedersen
(2013), Dynamic trading with predictable returns and transaction costs, Journal of Finance 68:2309.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number, refused

__all__ = ["Pace", "Schedule", "almgren_chriss", "garleanu_pedersen"]

# Beyond it the schedule is one trade at once, and its hyperbolic sines overflow.
_STEEP = 700.0


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """``held[N + 1]`` units from X to 0, ``traded[N]`` a slice, both of the sign of X.

    ``kappa`` is per unit of time, ``half_life`` = 1/kappa (None for the straight schedule).
    ``cost_usd`` expected, ``variance_usd2`` of the shortfall against the arrival price.
    """

    held: Floats
    traded: Floats
    kappa: float
    half_life: float | None
    cost_usd: float
    variance_usd2: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Share of the way to the aim that one step trades, and the weight of a decaying forecast."""

    rate: float
    aim: float


def almgren_chriss(
    units: float,
    time: float,
    slices: int,
    *,
    sigma: float,
    eps: float,
    gamma: float,
    eta: float,
    aversion: float,
) -> Schedule:
    """The schedule of least E + lambda V; the module has formulas and units.

    Raises InputError ``number_out_of_range``: also where eta <= gamma tau / 2, whose costs are not
    convex.
    """
    if slices < 1:
        raise refused("slices", slices, ">= 1")
    whole = number("time", time, 0.0, above=True)
    tau = whole / slices
    steep = number("eta", eta, 0.0) - 0.5 * number("gamma", gamma, 0.0) * tau
    if steep <= 0.0:
        raise InputError(
            "number_out_of_range",
            "permanent impact over one slice exceeds the temporary one: the cost is not convex",
            place="eta",
            value=eta,
            limit=f"> gamma tau / 2 = {0.5 * gamma * tau:g}",
            remedy="Use more slices, or check the units of eta (per unit and time).",
        )
    risk = number("aversion", aversion, 0.0) * number("sigma", sigma, 0.0) ** 2
    # acosh(1 + y) = 2 asinh(sqrt(y/2)): no digits are lost at small lambda
    kappa = 2.0 * math.asinh(0.5 * tau * math.sqrt(risk / steep)) / tau
    left = np.linspace(whole, 0.0, slices + 1)
    held = number("units", units) * _shape(kappa, left, whole)
    held[0], held[-1] = units, 0.0
    traded = -np.diff(held)
    cost = 0.5 * gamma * units * units + number("eps", eps, 0.0) * float(np.abs(traded).sum())
    cost += steep / tau * float((traded * traded).sum())
    variance = sigma * sigma * tau * float((held[1:] * held[1:]).sum())
    half_life = 1.0 / kappa if kappa > 0.0 else None
    return Schedule(
        frozen(held, np.float64), frozen(traded, np.float64), kappa, half_life, cost, variance
    )


def _shape(kappa: float, left: Floats, whole: float) -> Floats:
    """sinh(kappa left) / sinh(kappa whole), its limits at both ends of kappa."""
    if kappa * whole < 1e-6:
        return np.asarray(left / whole)
    if kappa * whole < _STEEP:
        return np.asarray(np.sinh(kappa * left) / math.sinh(kappa * whole))
    return np.asarray(np.exp(np.maximum(kappa * (left - whole), -_STEEP)))


def garleanu_pedersen(
    aversion: float, cost: float, discount: float = 0.0, decay: float = 0.0
) -> Pace:
    """Rate and aim where the cost matrix is ``cost`` times the covariance.

    ``discount`` is rho a step, in [0, 1); ``decay`` phi the share of a forecast that is gone after
    one step: the aim holds 1/(1 + phi a / gamma) of its frictionless position. At no cost the whole
    way is traded. Raises InputError ``number_out_of_range``.
    """
    risk = number("aversion", aversion, 0.0, above=True)
    price, rho = number("cost", cost, 0.0), number("discount", discount, 0.0, 0.999999)
    gone = number("decay", decay, 0.0, 1.0)
    if price == 0.0:
        return Pace(1.0, 1.0)
    kept = 1.0 - rho
    middle = risk * kept + price * rho
    root = math.sqrt(middle * middle + 4.0 * risk * price * kept * kept)
    # the smaller root without its cancellation
    a = 2.0 * risk * price * kept / (root + middle)
    return Pace(a / price, 1.0 / (1.0 + gone * a / risk))
