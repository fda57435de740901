"""One door to every way of choosing weights, and from weights to trades.

| method | weights |
|---|---|
| `max-sharpe` | most return above the risk-free one per volatility |
| `min-variance`, `max-return` | the two ends of the frontier |
| `target-return`, `target-volatility`, `utility` | a point of it |
| `risk-parity` | equal contributions to risk |
| `max-diversification` | most weighted volatility per volatility |
| `hierarchical` | hierarchical risk parity (no limits but long only) |
| `min-es`, `min-worst-loss` | of the scenarios that the history is |
| `equal` | 1/n each |

A back-test runs the same door at every date, so that what is recommended is what was tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.estimators import Estimate, estimate
from crossmargin.decisions.hierarchical import hierarchical_risk_parity
from crossmargin.decisions.intents import Intents, Trade
from crossmargin.decisions.mean_variance import Frontier, Portfolio, frontier
from crossmargin.decisions.portfolio_backtest import Rule
from crossmargin.decisions.risk_parity import maximum_diversification, risk_budgets
from crossmargin.decisions.shortfall import TailPortfolio, minimum_shortfall, minimum_worst_loss
from crossmargin.decisions.weight_limits import WeightLimits, weight_limits

__all__ = ["METHODS", "Choice", "Method", "choose", "rebalancing_trades", "rule_of"]

METHODS = (
    "max-sharpe",
    "min-variance",
    "max-return",
    "target-return",
    "target-volatility",
    "utility",
    "risk-parity",
    "max-diversification",
    "hierarchical",
    "min-es",
    "min-worst-loss",
    "equal",
)
_TARGETED = ("target-return", "target-volatility", "utility")


@dataclass(frozen=True, slots=True)
class Method:
    """``target``: return or volatility per period, or the risk aversion; ``risk_free`` per period;
    ``level`` of the expected shortfall; the estimator's own choices."""

    name: str = "max-sharpe"
    target: float | None = None
    risk_free: float = 0.0
    level: float = 0.95
    estimator: str = "ledoit-wolf"
    mean: str = "sample"
    decay: float = 0.97

    def __post_init__(self) -> None:
        if self.name not in METHODS:
            raise InputError(
                "option_unknown", "method is unknown", value=self.name, limit=", ".join(METHODS)
            )
        if (self.name in _TARGETED) != (self.target is not None) and not self._scenarios():
            raise InputError(
                "option_unknown",
                "a target belongs to a method that takes one",
                place=self.name,
                value=self.target,
                limit=", ".join((*_TARGETED, "min-es", "min-worst-loss (a return)")),
                remedy="Give the target, or leave it out.",
            )

    def _scenarios(self) -> bool:
        return self.name in ("min-es", "min-worst-loss")


@dataclass(frozen=True, slots=True)
class Choice:
    """Weights, the estimate behind them, and how they were found (residuals of the conditions)."""

    weights: Floats
    method: Method
    estimate: Estimate
    solver: str
    primal: float
    dual: float
    cost: float


def choose(
    returns: npt.ArrayLike,
    method: Method,
    limits: WeightLimits | None = None,
    *,
    line: tuple[Estimate, Frontier] | None = None,
) -> Choice:
    """Weights from ``returns [T, n]``, simple, oldest first.

    ``line``: the estimate and its frontier where they are known already. Errors: those of the
    method, among them InputError ``option_unknown`` for limits that a method does not know.
    """
    r = np.array(returns, np.float64)
    if r.ndim != 2:
        raise InputError("shape_wrong", "returns", value=r.shape, limit="[T, n]")
    allowed = weight_limits(r.shape[1]) if limits is None else limits
    known = (
        estimate(r, method.estimator, mean=method.mean, decay=method.decay)
        if line is None
        else line[0]
    )
    if method.name in ("equal", "hierarchical"):
        return _without_limits(method, known, allowed)
    found = _found(r, method, known, allowed, None if line is None else line[1])
    return Choice(found.weights, method, known, found.solver, found.primal, found.dual, found.cost)


def _found(
    r: Floats, method: Method, known: Estimate, allowed: WeightLimits, line: Frontier | None
) -> Portfolio | TailPortfolio:
    if method.name == "min-es":
        return minimum_shortfall(r, method.level, allowed, mean=known.mean, target=method.target)
    if method.name == "min-worst-loss":
        return minimum_worst_loss(r, allowed, mean=known.mean, target=method.target)
    if method.name == "risk-parity":
        return risk_budgets(known.covariance, None, allowed)
    if method.name == "max-diversification":
        return maximum_diversification(known.covariance, allowed)
    if line is None:
        line = frontier(known.mean, known.covariance, allowed)
    target = 0.0 if method.target is None else method.target
    if method.name == "max-sharpe":
        return line.maximum_sharpe(method.risk_free)
    if method.name == "min-variance":
        return line.minimum_variance()
    if method.name == "max-return":
        return line.maximum_return()
    if method.name == "target-return":
        return line.at_return(target)
    return (
        line.at_volatility(target)
        if method.name == "target-volatility"
        else line.at_utility(target)
    )


def _without_limits(method: Method, known: Estimate, allowed: WeightLimits) -> Choice:
    """The two that no limit shapes: refused where theirs would not hold."""
    n = len(known.mean)
    if method.name == "equal":
        weights, solver = np.full(n, allowed.budget / n), "none"
    else:
        tree = hierarchical_risk_parity(known.covariance)
        weights, solver = tree.weights * allowed.budget, "tree of correlations"
    outside = (weights < allowed.low - 1e-12) | (weights > allowed.high + 1e-12)
    if outside.any() or len(allowed.rows) or allowed.distances or allowed.margins:
        raise InputError(
            "option_unknown",
            "this method knows no limits, and its weights do not lie within these",
            place=method.name,
            value=int(outside.sum()),
            limit="bounds that hold of themselves, no rows, turnover or margin",
            remedy="Take risk-parity or a point of the frontier.",
        )
    return Choice(
        weights, method, known, solver, abs(float(weights.sum()) - allowed.budget), 0.0, 0.0
    )


def rule_of(method: Method, limits: WeightLimits | None = None) -> Rule:
    """The method as a rule of a back-test. Turnover and costs count from what is held then."""

    def rule(seen: Floats, held: Floats) -> Floats:
        own = limits
        if limits is not None and limits.distances:
            now = held if held.any() else None
            kept = [
                replace(each, origin=now) if now is not None else each for each in limits.distances
            ]
            own = replace(limits, distances=tuple(kept))
        return choose(seen, method, own).weights

    return rule


def rebalancing_trades(
    names: Sequence[str],
    quantities: npt.ArrayLike,
    prices: npt.ArrayLike,
    weights: npt.ArrayLike,
    value: float,
    *,
    cost: float = 0.0,
    least: float = 0.0,
    reason: str = "",
) -> Intents:
    """Trades from ``quantities [n]`` to ``weights [n]`` of ``value`` dollars at ``prices [n]``.

    Sizes in units of the asset; ``cost`` a share of the value traded; trades of less than
    ``least`` dollars are left out. Sales come first: they pay for the purchases.
    """
    held, price = np.array(quantities, np.float64), np.array(prices, np.float64)
    wanted = np.array(weights, np.float64)
    if not len(names) == len(held) == len(price) == len(wanted):
        raise InputError("shape_wrong", "names, quantities, prices and weights differ in number")
    if not (np.isfinite(held).all() and np.isfinite(wanted).all() and np.isfinite(value)):
        raise InputError("number_not_finite", "quantities, weights or value", limit="finite")
    if not (np.isfinite(price) & (price > 0.0)).all():
        raise InputError("number_out_of_range", "a price", limit="finite, above 0")
    size = wanted * value / price - held
    dollars = size * price
    order = sorted(range(len(names)), key=lambda i: (bool(dollars[i] > 0.0), i))
    small = max(least, 1e-9 * abs(value))
    return Intents(
        tuple(
            Trade(
                names[i],
                float(size[i]),
                cost_usd=float(abs(dollars[i]) * cost),
                reason=reason or f"to a weight of {wanted[i]:.4f}",
            )
            for i in order
            if abs(dollars[i]) > small
        )
    )
