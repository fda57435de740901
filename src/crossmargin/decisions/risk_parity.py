"""Risk shared out: contributions, budgets, diversification.

Volatility is homogeneous of degree one, so it is the sum of ``w_i (S w)_i / sigma`` (Euler). A
portfolio of risk budgets ``b`` solves, with the one scale ``c`` at which its weights reach the
budget,

    min  w'Sw/2 - c sum_i b_i ln w_i   subject to  low <= w <= high,   1'w = budget

whose free weights carry risk in proportion to ``b`` (c is found by bisection: the bounds are part
of the inner problem, the budget is not).

Sources: Maillard, Roncalli and Teiletche (2010), The properties of equally weighted risk
contribution portfolios; Richard and Roncalli (2019), Constrained risk budgeting portfolios;
Griveau-Billion, Richard and Roncalli (2013), A fast algorithm for computing high-dimensional risk
parity portfolios; Choueifaty and Coignard (2008), Toward maximum diversification.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.mean_variance import Portfolio, frontier
from crossmargin.decisions.weight_limits import WeightLimits, weight_limits
from crossmargin.statistics.checks import matrix, numbers
from crossmargin.statistics.covariance import psd_checked

__all__ = [
    "Contributions",
    "diversification_ratio",
    "maximum_diversification",
    "risk_budgets",
    "risk_contributions",
]

_STEPS = 1000
_HALVINGS = 200
_NEAR = 1e-6  # of the scale: what a Newton step still gains where no search is needed


class Contributions(NamedTuple):
    """``volatility``; ``marginal[n]`` dVolatility/dw; ``total[n]`` adding up to volatility;
    ``share[n]`` adding up to 1; ``effective``: 1 over the sum of squared shares."""

    volatility: float
    marginal: Floats
    total: Floats
    share: Floats
    effective: float


def risk_contributions(weights: npt.ArrayLike, covariance: npt.ArrayLike) -> Contributions:
    """Euler's parts of the volatility of ``weights [n]``.

    Errors: InputError ``number_out_of_range`` where there is no risk to share.
    """
    w, s = np.array(weights, np.float64), psd_checked(covariance)
    _same(len(w), len(s), "weights")
    turned = s @ w
    variance = float(w @ turned)
    if not variance > 0.0:
        raise InputError(
            "number_out_of_range",
            "a portfolio without risk has no contributions",
            place="variance",
            value=variance,
            limit="above 0",
        )
    volatility = float(np.sqrt(variance))
    marginal = turned / volatility
    total = w * marginal
    share = total / volatility
    return Contributions(volatility, marginal, total, share, 1.0 / float(share @ share))


def risk_budgets(
    covariance: npt.ArrayLike,
    budgets: npt.ArrayLike | None = None,
    limits: WeightLimits | None = None,
) -> Portfolio:
    """Long-only weights whose risk is in proportion to ``budgets [n]`` (equal where not given).

    Of the limits the bounds and the budget count. Errors: InputError ``number_out_of_range`` for
    budgets that are not positive, bounds below zero, or bounds that cannot add up; ModelError
    ``matrix_not_psd``; ``option_unknown`` for limits that this definition does not know.
    """
    s = psd_checked(covariance)
    n = len(s)
    b = np.full(n, 1.0 / n) if budgets is None else np.array(budgets, np.float64)
    _same(len(b), n, "budgets")
    allowed = weight_limits(n) if limits is None else limits
    _known(allowed, b, s)
    low, high = allowed.low, allowed.high
    scale = float(np.sqrt(np.diagonal(s).max()))
    q, b = s / scale**2, b / b.sum()
    x = 1.0 / np.sqrt(np.diagonal(q) * n)
    x = _weights(q, b, 1.0, np.zeros(n), np.full(n, np.inf), x)
    x *= allowed.budget / x.sum()  # without bounds the scale only stretches
    if not ((x >= low) & (x <= high)).all():
        x = _bounded(q, b, allowed, x)
    inside = (x > low) & (x < high)
    parts = x * (q @ x)
    level = float((parts[inside] / b[inside]).mean()) if inside.any() else 0.0
    dual = float(np.abs(parts[inside] / b[inside] - level).max(initial=0.0))
    return Portfolio(
        x,
        0.0,
        float(x @ s @ x),
        0.0,
        0.0,
        "risk budgets",
        "projected Newton and bisection",
        abs(float(x.sum()) - allowed.budget),
        dual,
    )


def _bounded(q: Floats, b: Floats, limits: WeightLimits, x: Floats) -> Floats:
    """The scale at which the bounded weights reach the budget, by bisection."""
    low, high = limits.low, limits.high
    x = np.clip(x, low, high)
    below, above = 0.0, float(x @ q @ x)
    while _weights(q, b, above, low, high, x).sum() < limits.budget and above < 1e30:
        above *= 4.0
    for _ in range(_HALVINGS):
        c = 0.5 * (below + above)
        x = _weights(q, b, c, low, high, x)
        gap = float(x.sum()) - limits.budget
        below, above = (c, above) if gap < 0.0 else (below, c)
        if above - below <= 4e-16 * above or gap == 0.0:
            break
    return x


def _weights(q: Floats, b: Floats, c: float, low: Floats, high: Floats, start: Floats) -> Floats:
    """The inner problem at one scale: Newton on what does not rest at a bound, projected."""
    x = np.clip(np.maximum(start, 1e-12), low, high)
    value, last = _barrier(q, b, c, x), np.inf
    for _ in range(_STEPS):
        slope = q @ x - c * b / x
        resting = ((x <= low) & (slope > 0.0)) | ((x >= high) & (slope < 0.0))
        free = np.flatnonzero(~resting)
        bent = q[np.ix_(free, free)] + np.diag(c * b[free] / x[free] ** 2)
        step = np.zeros(len(x))
        step[free] = -np.linalg.solve(bent, slope[free])
        gain = -float(slope @ step)
        if gain <= _NEAR * c:  # Newton alone from here, until rounding is all that is left
            if gain >= 0.5 * last:
                return x
            x, last = np.clip(x + step, low, high), gain
            value = _barrier(q, b, c, x)
            continue
        share, last = 1.0, np.inf
        while True:
            new = np.clip(np.maximum(x + share * step, 0.05 * x), low, high)
            after = _barrier(q, b, c, new)
            if after <= value - 1e-4 * float(slope @ (x - new)) or share < 1e-10:
                break
            share *= 0.5
        if share < 1e-10:
            return x  # nothing is left to gain but rounding
        x, value = new, after
    raise SolverError(
        "solver_failed",
        "risk budgets were not reached",
        value=_STEPS,
        limit="steps",
        remedy="Two assets are nearly one: leave one out, or shrink the covariance.",
    )


def _barrier(q: Floats, b: Floats, c: float, x: Floats) -> float:
    return 0.5 * float(x @ q @ x) - c * float(b @ np.log(x))


def _known(limits: WeightLimits, budgets: Floats, covariance: Floats) -> None:
    if len(limits.rows) or limits.distances or limits.margins:
        raise InputError(
            "option_unknown",
            "risk budgets know bounds and a budget alone",
            place="limits",
            limit="no rows, turnover or margin",
            remedy="Take a point of the frontier for those.",
        )
    _same(limits.count, len(budgets), "limits")
    if not (np.isfinite(budgets) & (budgets > 0.0)).all():
        raise InputError(
            "number_out_of_range", "a risk budget must be positive", place="budgets", limit="> 0"
        )
    if (limits.low < 0.0).any() or not limits.budget > 0.0:
        raise InputError(
            "number_out_of_range", "risk budgets are long only", place="bounds", limit="0 or more"
        )
    if (np.diagonal(covariance) <= 0.0).any():
        raise InputError(
            "number_out_of_range",
            "an asset without risk has no budget of it",
            place=f"asset {int(np.argmin(np.diagonal(covariance)))}",
            limit="a positive variance",
            remedy="Leave it out.",
        )
    if not limits.low.sum() <= limits.budget <= limits.high.sum():
        raise InputError(
            "number_out_of_range",
            "the bounds cannot add up to the budget",
            place="bounds",
            value=(float(limits.low.sum()), float(limits.high.sum())),
            limit=f"around {limits.budget:g}",
            remedy="Loosen the bounds.",
        )


def diversification_ratio(weights: npt.ArrayLike, covariance: npt.ArrayLike) -> float:
    """``sum w_i sigma_i / sqrt(w'Sw)``: 1 for one asset, sqrt(n) for n equal independent ones."""
    w, s = np.array(weights, np.float64), psd_checked(covariance)
    parts = risk_contributions(w, s)
    return float(w @ np.sqrt(np.diagonal(s))) / parts.volatility


def maximum_diversification(
    covariance: npt.ArrayLike, limits: WeightLimits | None = None, *, indefinite: bool = False
) -> Portfolio:
    """The most :func:`diversification_ratio`: the Sharpe ratio with volatilities for returns.

    ``mean`` of the answer is the weighted volatility, its ``sharpe()`` the ratio. ``indefinite``:
    see :func:`crossmargin.decisions.critical_line.walk`.
    """
    s = matrix(covariance, "covariance")
    deviation = np.sqrt(numbers(np.diagonal(s), "variance", above=0.0))
    found = frontier(deviation, s, limits, indefinite=indefinite).maximum_sharpe()
    return Portfolio(
        found.weights,
        found.mean,
        found.variance,
        found.cost,
        found.price,
        "maximum diversification",
        found.solver,
        found.primal,
        found.dual,
    )


def _same(have: int, need: int, what: str) -> None:
    if have != need:
        raise InputError("shape_wrong", f"{what} are of other assets", value=have, limit=str(need))
