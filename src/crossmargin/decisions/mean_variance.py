"""Mean and variance: the exact efficient frontier and the portfolios on it.

    least w'Sw  at each  m'w - cost  within the limits of the weights

The frontier is a list of turning points (:mod:`crossmargin.decisions.critical_line`). Between two
of them weights are a straight line, so a target of return, of risk, of utility or of the Sharpe
ratio is a closed form, not a search. Returns and variances are those of the period of ``mean`` and
``covariance``; weights are shares of the budget.

Source: Markowitz (1952), Portfolio selection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.critical_line import Quadratic, walk
from crossmargin.decisions.weight_limits import WeightLimits, weight_limits

__all__ = ["Frontier", "Portfolio", "frontier", "minimum_variance"]

_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One answer. ``mean`` is net of ``cost``, both per period; ``price`` is dVariance/dMean / 2.

    ``primal`` and ``dual``: the largest residuals of the conditions of an optimum, of the
    programme's scale; ``solver`` says what found it.
    """

    weights: Floats
    mean: float
    variance: float
    cost: float
    price: float
    method: str
    solver: str
    primal: float
    dual: float
    status: str = "optimal"

    @property
    def volatility(self) -> float:
        """Standard deviation per period."""
        return float(np.sqrt(max(self.variance, 0.0)))

    def sharpe(self, risk_free: float = 0.0) -> float:
        """``(mean - risk_free) / volatility``; InputError where there is no risk to divide by."""
        if self.volatility == 0.0:
            raise InputError(
                "number_out_of_range",
                "a portfolio without risk has no Sharpe ratio",
                place="volatility",
                value=0.0,
                limit="above 0",
            )
        return (self.mean - risk_free) / self.volatility


@dataclass(frozen=True, slots=True)
class Frontier:
    """Turning points from the most return to the least variance.

    ``price[T]``: of return in variance, falling to 0; ``weights[T, n]``; ``mean[T]`` net of
    ``cost[T]``; ``variance[T]``. ``joint[T - 1]``: the covariance of neighbours.
    """

    price: Floats
    weights: Floats
    mean: Floats
    cost: Floats
    variance: Floats
    joint: Floats
    solver: str
    primal: float
    dual: float
    steps: int

    @property
    def count(self) -> int:
        """How many turning points."""
        return len(self.price)

    def at(self, place: float, method: str) -> Portfolio:
        """At ``place`` from 0 (most return) to T - 1 (least variance): a line between points."""
        k = min(int(place), max(self.count - 2, 0))
        share = place - k
        j = min(k + 1, self.count - 1)
        return Portfolio(
            (1.0 - share) * self.weights[k] + share * self.weights[j],
            float((1.0 - share) * self.mean[k] + share * self.mean[j]),
            float(self._variance(np.array([k]), np.array([share]))[0]),
            float((1.0 - share) * self.cost[k] + share * self.cost[j]),
            float((1.0 - share) * self.price[k] + share * self.price[j]),
            method,
            self.solver,
            self.primal,
            self.dual,
        )

    def minimum_variance(self) -> Portfolio:
        """The least variance; where several have it, the one of most return."""
        return self.at(self.count - 1.0, "minimum variance")

    def maximum_return(self) -> Portfolio:
        """The most return; where several have it, the one of least variance."""
        return self.at(0.0, "maximum return")

    def at_return(self, target: float) -> Portfolio:
        """The least variance among portfolios that earn ``target`` or more.

        Errors: InputError ``number_out_of_range`` above the most return.
        """
        _finite(target, "target return")
        if target > self.mean[0] * (1.0 + _SAME) + _SAME * abs(self.mean[0]):
            raise InputError(
                "number_out_of_range",
                "no portfolio within the limits earns so much",
                place="target return",
                value=target,
                limit=f"{self.mean[0]:.12g} or less",
                remedy="Lower the target, or loosen the bounds.",
            )
        return self.at(float(self._places(np.array([target]))[0]), f"target return {target:g}")

    def at_volatility(self, target: float) -> Portfolio:
        """The most return among portfolios of volatility ``target`` or less.

        Errors: InputError ``number_out_of_range`` below the least volatility.
        """
        _finite(target, "target volatility")
        least = float(self.variance[-1])
        if target < 0.0 or target * target < least * (1.0 - 1e-10):
            raise InputError(
                "number_out_of_range",
                "no portfolio within the limits has so little risk",
                place="target volatility",
                value=target,
                limit=f"{np.sqrt(max(least, 0.0)):.12g} or more",
                remedy="Raise the target, or loosen the bounds.",
            )
        wanted = target * target
        if wanted >= self.variance[0]:
            return self.at(0.0, f"target volatility {target:g}")
        k = int(np.flatnonzero(self.variance > wanted)[-1])
        if k == self.count - 1:
            return self.at(float(k), f"target volatility {target:g}")
        a, b, c = self._segment(k)
        root = float(np.sqrt(max(float(b * b - a * (c - wanted)), 0.0)))
        share = float(c - wanted) / float(root - b) if root > b else 1.0
        return self.at(k + float(np.clip(share, 0.0, 1.0)), f"target volatility {target:g}")

    def at_utility(self, aversion: float) -> Portfolio:
        """The most ``mean - aversion / 2 variance``; aversion above 0."""
        _finite(aversion, "risk aversion")
        if aversion <= 0.0:
            raise InputError(
                "number_out_of_range",
                "risk aversion must be positive",
                value=aversion,
                limit="above 0",
                remedy="The portfolio of most return takes no account of risk.",
            )
        price = 1.0 / aversion
        if price >= self.price[0]:
            return self.at(0.0, f"risk aversion {aversion:g}")
        k = int(np.flatnonzero(self.price > price)[-1])
        share = (self.price[k] - price) / (self.price[k] - self.price[k + 1])
        return self.at(k + float(share), f"risk aversion {aversion:g}")

    def maximum_sharpe(self, risk_free: float = 0.0) -> Portfolio:
        """The most ``(mean - risk_free) / volatility``, ``risk_free`` per period.

        On a line of weights the ratio has one stationary point in closed form; the best of them
        and of the turning points is the answer. Errors: InputError ``number_out_of_range`` where no
        portfolio earns more than ``risk_free``, or one does so without risk.
        """
        _finite(risk_free, "risk-free return")
        excess = self.mean - risk_free
        if excess[0] <= 0.0:
            raise InputError(
                "number_out_of_range",
                "no portfolio within the limits earns more than the risk-free return",
                place="risk-free return",
                value=risk_free,
                limit=f"below {self.mean[0]:.12g}, the most return",
                remedy="Hold the risk-free asset, lower its return, or take minimum variance.",
            )
        k = np.arange(self.count - 1)
        a, b, c = self._segment(k)
        rise = np.diff(excess)
        below = excess[:-1] * a - rise * b
        share = np.divide(rise * c - excess[:-1] * b, below, where=below != 0.0, out=0.0 * below)
        # Where the stationary point lies beyond the segment, or is the worst ratio and no best one
        # (its return is below the risk-free one), an end of the segment is best: both are asked.
        place = np.concatenate([k + np.clip(share, 0.0, 1.0), np.arange(self.count)])
        first = np.minimum(place.astype(np.int64), max(self.count - 2, 0))
        part = place - first
        gain = (1.0 - part) * excess[first] + part * excess[np.minimum(first + 1, self.count - 1)]
        variance = self._variance(first, part)
        if (variance[gain > 0.0] <= 0.0).any():
            raise InputError(
                "number_out_of_range",
                "a portfolio without risk earns more than the risk-free return",
                place="covariance",
                limit="a positive variance",
                remedy="Take its return as the risk-free one, or leave that asset out.",
            )
        ratio = np.where(gain > 0.0, gain, -np.inf) / np.sqrt(np.maximum(variance, 1e-300))
        return self.at(float(place[int(np.argmax(ratio))]), "maximum Sharpe ratio")

    def sample(self, count: int) -> tuple[Floats, Floats, Floats]:
        """Equal steps of return: mean ``[count]``, variance ``[count]``, weights ``[count, n]``."""
        if count < 2:
            raise InputError(
                "number_out_of_range", "points are refused", value=count, limit="2 or more"
            )
        means = np.linspace(self.mean[0], self.mean[-1], count)
        return means, *self.at_returns(means)

    def at_returns(self, means: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Variance ``[K]`` and weights ``[K, n]`` at returns within the frontier's range."""
        place = self._places(np.asarray(means, np.float64))
        k = np.minimum(place.astype(np.int64), max(self.count - 2, 0))
        share = (place - k)[:, None]
        after = np.minimum(k + 1, self.count - 1)
        weights = (1.0 - share) * self.weights[k] + share * self.weights[after]
        return self._variance(k, place - k), weights

    def _places(self, means: Floats) -> Floats:
        """Where along the turning points each return is: mean falls with the place."""
        if self.count == 1:
            return np.zeros(len(means))
        rising = -self.mean
        k = np.clip(np.searchsorted(rising, -means, side="left"), 1, self.count - 1) - 1
        gap = self.mean[k] - self.mean[k + 1]
        share = np.divide(self.mean[k] - means, gap, where=gap > 0.0, out=np.ones(len(means)))
        return np.asarray(k + np.clip(share, 0.0, 1.0))

    def _segment(self, k: int | npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        """``a t^2 + 2 b t + c``: the variance between points k and k + 1."""
        before, after, joint = self.variance[k], self.variance[np.add(k, 1)], self.joint[k]
        return before - 2.0 * joint + after, joint - before, before

    def _variance(self, k: npt.NDArray[np.int64], share: Floats) -> Floats:
        if self.count == 1:
            return self.variance[k]
        own, other = self.variance[k], self.variance[k + 1]
        rest = 1.0 - share
        return np.asarray(
            rest * rest * own + 2.0 * rest * share * self.joint[k] + share * share * other
        )


def frontier(
    mean: npt.ArrayLike,
    covariance: npt.ArrayLike,
    limits: WeightLimits | None = None,
    *,
    indefinite: bool = False,
) -> Frontier:
    """The exact efficient frontier of ``mean [n]`` and ``covariance [n, n]`` within the limits.

    Without limits: long only, fully invested. Errors: InputError ``shape_wrong``,
    ``number_not_finite``; those of :func:`crossmargin.decisions.critical_line.walk`.
    """
    m, s = _checked(mean, covariance)
    allowed = weight_limits(len(m)) if limits is None else limits
    if allowed.count != len(m):
        raise InputError(
            "shape_wrong", "limits are of other weights", value=allowed.count, limit=str(len(m))
        )
    columns = allowed.columns()
    size = len(columns.low)
    q = np.zeros((size, size))
    q[: len(m), : len(m)] = s
    net = -np.array(columns.price)
    net[: len(m)] += m
    problem = Quadratic(
        q,
        net,
        columns.matrix(),
        np.array(columns.least),
        np.array(columns.most),
        np.array(columns.low),
        np.array(columns.high),
        tuple(columns.names),
    )
    path = walk(problem, indefinite=indefinite)
    weights = np.ascontiguousarray(path.x[:, : len(m)])
    turned = weights @ s
    return Frontier(
        path.price,
        weights,
        path.x @ net,
        path.x @ np.array(columns.price),
        np.einsum("ti,ti->t", weights, turned),
        np.einsum("ti,ti->t", weights[:-1], turned[1:]),
        f"critical line, started by {path.start}",
        path.primal,
        path.dual,
        path.steps,
    )


def minimum_variance(covariance: npt.ArrayLike, limits: WeightLimits | None = None) -> Portfolio:
    """The least variance within the limits; its ``mean`` is 0, for there is none."""
    s = np.array(covariance, np.float64)
    return frontier(np.zeros(len(s)), s, limits).minimum_variance()


def _checked(mean: npt.ArrayLike, covariance: npt.ArrayLike) -> tuple[Floats, Floats]:
    m, s = np.array(mean, np.float64), np.array(covariance, np.float64)
    if m.ndim != 1 or len(m) == 0 or s.shape != (len(m), len(m)):
        raise InputError(
            "shape_wrong", "returns and covariance", value=(m.shape, s.shape), limit="[n], [n, n]"
        )
    for what, values in (("mean", m), ("covariance", s)):
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise InputError(
                "number_not_finite",
                f"{what} is not finite",
                place=f"{what}{place}",
                value=float(values[tuple(place)]),
                limit="finite numbers",
                remedy="Drop the asset, or fill its history.",
            )
    size = float(np.abs(s).max())
    if float(np.abs(s - s.T).max()) > 1e-10 * size:
        raise InputError(
            "number_out_of_range",
            "the covariance is not symmetric",
            place="covariance",
            value=float(np.abs(s - s.T).max()),
            limit="a difference of 1e-10 of the largest entry",
        )
    return m, 0.5 * (s + s.T)


def _finite(value: float, what: str) -> None:
    if not np.isfinite(value):
        raise InputError(
            "number_not_finite", f"{what} is not finite", place=what, value=value, limit="finite"
        )
