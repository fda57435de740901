"""Weights over one period or several with costs: one convex programme, of which one step is traded.

    max over w_1 .. w_H of  sum over h of  mu_h'w_h - gamma/2 w_h'Sigma w_h - sum_i c_i(w_h - w_h-1)

Weights are shares of wealth, cash is what they leave of one and earns nothing; mu and Sigma are of
one period, c_i(z) is convex and piecewise linear with c_i(0) = 0, a share of wealth. One period is
the no-trade region of Dybvig and Pezzo: asset i rests exactly where its gradient mu - gamma Sigma w
lies within its cost of both directions. Carry (funding, borrow) enters as lines of mu. The
conditions of the optimum are checked on the answer where no bound stands in the way.
Sources: DeMiguel, Mei and Nogales (2016), Multiperiod portfolio optimization with many risky assets
and general transaction costs; Boyd et al. (2017), Multi-period trading via convex optimization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, finite, frozen
from crossmargin.core.errors import ModelError
from crossmargin.decisions.checked import number, refused, vector
from crossmargin.decisions.convex_qp import solve_qp
from crossmargin.statistics.covariance import psd_checked

__all__ = ["Plan", "Sides", "plan", "proportional_sides", "tension"]

# What the answer may violate its conditions by, in units of the objective's gradient.
_RESIDUAL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Cost of one asset: (width, slope) of purchases and of sales, in weight and cost a weight.

    Slopes rise on each side and buy[0] + sell[0] >= 0, so that the cost is convex; the last width
    may be infinite.
    """

    buy_width: Floats
    buy_slope: Floats
    sell_width: Floats
    sell_slope: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """``weights[H, N]`` after each trade; the first is to be traded, the others are a forecast.

    ``trade[N]`` = weights[0] - held; exactly 0 where the asset rests. ``objective`` of the plan and
    ``idle`` of never trading; ``residual`` is the largest violation of the conditions.
    """

    weights: Floats
    trade: Floats
    objective: float
    idle: float
    residual: float


def proportional_sides(cost: npt.ArrayLike, count: int) -> tuple[Sides, ...]:
    """One slope both ways for each asset, or one for all."""
    each = np.broadcast_to(finite(np.asarray(cost, np.float64), "cost"), (count,))
    endless = np.array([np.inf])
    return tuple(
        Sides(endless, np.array([number("cost", c, 0.0)]), endless, np.array([c]))
        for c in each.tolist()
    )


def tension(
    mu: npt.ArrayLike, covariance: npt.ArrayLike, aversion: float, weights: npt.ArrayLike
) -> Floats:
    """mu - gamma Sigma w of each asset: what one more unit of weight earns, before its cost.

    The asset rests while it lies between minus the cost of selling and the cost of buying.
    """
    sigma = psd_checked(covariance)
    held = vector("weights", weights, len(sigma))
    wanted = vector("mu", mu, len(sigma))
    return np.asarray(wanted - number("aversion", aversion, 0.0) * (sigma @ held))


def plan(
    mu: npt.ArrayLike,
    covariance: npt.ArrayLike,
    aversion: float,
    held: npt.ArrayLike,
    costs: Sequence[Sides],
    *,
    low: npt.ArrayLike = -np.inf,
    high: npt.ArrayLike = np.inf,
    gross: float | None = None,
    budget: float | None = None,
    last: npt.ArrayLike | None = None,
) -> Plan:
    """The best path of weights from ``held[N]``; ``mu`` is [N] or [H, N].

    ``low``, ``high`` bound each weight, ``gross`` the sum of absolute weights, ``budget`` is the
    sum of weights (None: cash is what they leave), ``last`` where the path must end.

    Raises InputError for shapes and bounds; ModelError ``matrix_not_psd``, ``solver_failed`` where
    no weights satisfy all, ``optimum_unproven``.
    """
    sigma = psd_checked(covariance)
    n = len(sigma)
    start = vector("held", held, n)
    drift = finite(np.atleast_2d(np.asarray(mu, np.float64)), "mu")
    if drift.shape[1] != n or len(costs) != n:
        raise refused("mu and costs", (drift.shape, len(costs)), f"one for each of {n} assets")
    bounds = [np.broadcast_to(np.asarray(b, np.float64), (n,)) for b in (low, high)]
    if np.isnan(bounds).any() or (bounds[0] > bounds[1]).any():
        raise refused("bounds", None, "low <= high")
    for sides in costs:
        _convex(sides)
    risk = number("aversion", aversion, 0.0)
    programme = _Programme(drift, sigma, risk, start, costs)
    programme.bound(bounds[0], bounds[1], gross, last)
    if budget is not None:
        programme.spend(number("budget", budget))
    weights = programme.solved()
    trade = weights[0] - start
    # the solver's own zero: what is below its tolerance is no trade
    trade = np.where(np.abs(trade) <= 1e-8, 0.0, trade)
    weights[0] = start + trade
    objective = _value(drift, sigma, risk, start, costs, weights)
    idle = _value(drift, sigma, risk, start, costs, np.repeat(start[None], len(drift), axis=0))
    free = bool(np.isinf(bounds).all()) and gross is None and last is None and budget is None
    residual = _residual(drift, sigma, risk, start, costs, weights) if free else 0.0
    if residual > _RESIDUAL * max(1.0, float(np.abs(drift).max())):
        raise ModelError(
            "optimum_unproven",
            "the weights found are not the optimum",
            place="multi-period plan",
            value=residual,
            limit=f"<= {_RESIDUAL:g}",
            remedy="Scale the returns to one period and the costs to shares of wealth.",
        )
    return Plan(frozen(weights, np.float64), frozen(trade, np.float64), objective, idle, residual)


def _convex(sides: Sides) -> None:
    rising = all((np.diff(s) >= 0.0).all() for s in (sides.buy_slope, sides.sell_slope))
    if not (rising and sides.buy_slope[0] + sides.sell_slope[0] >= 0.0):
        raise refused("costs", None, "convex: slopes that rise, and no gain of a round trip")


class _Programme:
    """Columns of one step: N weights, then the pieces of purchases and of sales asset by asset."""

    def __init__(
        self, drift: Floats, sigma: Floats, risk: float, start: Floats, costs: Sequence[Sides]
    ) -> None:
        self.n, self.steps = len(start), len(drift)
        self.start, self.sigma, self.risk = start, sigma, risk
        widths, slopes, owner, way = [], [], [], []
        for k, each in enumerate(costs):
            sides = (each.buy_width, each.buy_slope, 1.0), (each.sell_width, each.sell_slope, -1.0)
            for width, slope, sign in sides:
                widths += width.tolist()
                slopes += slope.tolist()
                owner += [k] * len(width)
                way += [sign] * len(width)
        self.owner, self.way = np.array(owner, np.int64), np.array(way)
        self.block = self.n + len(widths)
        self.cost = np.concatenate([np.concatenate([-row, slopes]) for row in drift])
        none = np.zeros(len(widths))
        self.low = np.tile(np.concatenate([np.full(self.n, -np.inf), none]), self.steps)
        self.high = np.tile(np.concatenate([np.full(self.n, np.inf), widths]), self.steps)
        self.rows: list[tuple[float, float, list[int], list[float]]] = []
        for h in range(self.steps):
            for k in range(self.n):
                self._balance(h, k)

    def _balance(self, h: int, k: int) -> None:
        """w_h - w_h-1 - bought + sold = 0."""
        own = np.flatnonzero(self.owner == k)
        at = [h * self.block + k, *(h * self.block + self.n + own).tolist()]
        values = [1.0, *(-self.way[own]).tolist()]
        known = self.start[k] if h == 0 else 0.0
        if h > 0:
            at.append((h - 1) * self.block + k)
            values.append(-1.0)
        self.rows.append((known, known, at, values))

    def bound(
        self, low: Floats, high: Floats, gross: float | None, last: npt.ArrayLike | None
    ) -> None:
        for h in range(self.steps):
            at = slice(h * self.block, h * self.block + self.n)
            self.low[at], self.high[at] = low, high
        if last is not None:
            end = vector("last", last, self.n)
            at = slice((self.steps - 1) * self.block, (self.steps - 1) * self.block + self.n)
            self.low[at] = self.high[at] = end
        if gross is not None:
            self._limit_gross(number("gross", gross, 0.0))

    def spend(self, budget: float) -> None:
        """The weights of each step add up to the budget."""
        for h in range(self.steps):
            at = [h * self.block + k for k in range(self.n)]
            self.rows.append((budget, budget, at, [1.0] * self.n))

    def _limit_gross(self, gross: float) -> None:
        """Columns a >= |w| behind all others, and their sum at most ``gross`` in each step."""
        first = len(self.cost)
        count = self.n * self.steps
        self.cost = np.concatenate([self.cost, np.zeros(count)])
        self.low = np.concatenate([self.low, np.zeros(count)])
        self.high = np.concatenate([self.high, np.full(count, np.inf)])
        for h in range(self.steps):
            mine = [first + h * self.n + k for k in range(self.n)]
            for k, column in enumerate(mine):
                weight = h * self.block + k
                self.rows.append((0.0, np.inf, [column, weight], [1.0, 1.0]))
                self.rows.append((0.0, np.inf, [column, weight], [1.0, -1.0]))
            self.rows.append((-np.inf, gross, mine, [1.0] * self.n))

    def solved(self) -> Floats:
        """[H, N] weights; ModelError ``solver_failed``."""
        columns = len(self.cost)
        curve = np.zeros((columns, columns))
        for h in range(self.steps):
            at = slice(h * self.block, h * self.block + self.n)
            curve[at, at] = self.risk * self.sigma
        full = np.zeros((len(self.rows), columns))
        for k, (_, _, at_columns, values) in enumerate(self.rows):
            full[k, at_columns] = values
        low = np.array([row[0] for row in self.rows])
        high = np.array([row[1] for row in self.rows])
        rows = np.vstack([full, np.eye(columns)])
        low, high = np.concatenate([low, self.low]), np.concatenate([high, self.high])
        same = low == high
        above, below = np.isfinite(high) & ~same, np.isfinite(low) & ~same
        found = solve_qp(
            curve,
            self.cost,
            rows[same],
            low[same],
            np.vstack([rows[above], -rows[below]]),
            np.concatenate([high[above], -low[below]]),
        )[: self.steps * self.block]
        return np.array(found.reshape(self.steps, self.block)[:, : self.n])


def _paid(sides: Sides, z: float) -> float:
    """Cost of one trade."""
    width, slope = (
        (sides.buy_width, sides.buy_slope) if z > 0.0 else (sides.sell_width, sides.sell_slope)
    )
    edge = np.concatenate([[0.0], np.cumsum(width[:-1])])
    return float((slope * np.minimum(np.maximum(abs(z) - edge, 0.0), width)).sum())


def _value(
    drift: Floats,
    sigma: Floats,
    risk: float,
    start: Floats,
    costs: Sequence[Sides],
    weights: Floats,
) -> float:
    total, before = 0.0, start
    for row, w in zip(drift, weights, strict=True):
        total += float(row @ w) - 0.5 * risk * float(w @ sigma @ w)
        moved = (w - before).tolist()
        total -= sum(_paid(sides, z) for sides, z in zip(costs, moved, strict=True))
        before = w
    return total


def _residual(
    drift: Floats,
    sigma: Floats,
    risk: float,
    start: Floats,
    costs: Sequence[Sides],
    weights: Floats,
) -> float:
    """Of the conditions: the gradients from a step on add up to a slope of that step's cost."""
    gradient = drift - risk * weights @ sigma
    ahead = np.cumsum(gradient[::-1], axis=0)[::-1]
    moved = np.diff(np.vstack([start, weights]), axis=0)
    worst = 0.0
    for k, sides in enumerate(costs):
        for h in range(len(drift)):
            low, high = _slopes(sides, float(moved[h, k]))
            worst = max(worst, low - float(ahead[h, k]), float(ahead[h, k]) - high)
    return worst


def _slopes(sides: Sides, z: float) -> tuple[float, float]:
    """The interval of slopes of the cost at a trade, but for rounding at an edge."""
    if abs(z) <= 1e-9:
        return -float(sides.sell_slope[0]), float(sides.buy_slope[0])
    width, slope = (
        (sides.buy_width, sides.buy_slope) if z > 0.0 else (sides.sell_width, sides.sell_slope)
    )
    edge = np.concatenate([[0.0], np.cumsum(width[:-1])])
    below = max(int(np.searchsorted(edge, abs(z) - 1e-8, side="right")) - 1, 0)
    above = max(int(np.searchsorted(edge, abs(z) + 1e-8, side="right")) - 1, 0)
    low, high = float(slope[below]), float(slope[above])
    return (low, high) if z > 0.0 else (-high, -low)
