"""What weights may be: bounds, a budget, linear rows, distance from given weights, margin.

All of it is linear, so one list of columns and rows carries it to every solver of this room:

    low <= w <= high,   1'w = budget,   least <= R w <= most,
    sum_i |w_i - w0_i| <= most  at a cost of  c_i |w_i - w0_i|      (turnover from holdings; from
                                                                    zero it is the gross exposure)
    sum of the terms of a requirement at q(w) <= limit,   q_i = w_i units_i   (its linear pieces,
                                                          crossmargin.margin.pieces)

A distance takes two columns a weight, a margin term one column and a row for each of its pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.margin.pieces import Separable, Term, WorstOf

__all__ = ["Columns", "Distance", "MarginBudget", "WeightLimits", "weight_limits"]


@dataclass(frozen=True, slots=True)
class Distance:
    """``sum |w - origin| <= most`` (infinite: no limit), ``cost`` a unit of weight traded.

    ``cost[n]`` is a share of the value traded, such as 0.0005 for five basis points one way,
    charged once over the period of the returns.
    """

    origin: Floats
    most: float
    cost: Floats
    name: str = "turnover"


@dataclass(frozen=True, slots=True)
class MarginBudget:
    """A requirement made of linear pieces, of quantities ``w * units``, in money up to ``limit``.

    ``units[n]``: quantity of each asset that a weight of 1 buys (net asset value over price).
    """

    terms: tuple[Term, ...]
    units: Floats
    limit: float
    name: str = "margin"

    def at(self, weights: Floats) -> Floats:
        """[...] the requirement of weights [..., n], in the money of the pieces."""
        total = np.zeros(np.shape(weights)[:-1])
        for term in self.terms:
            total = total + term.at(weights * self.units)
        return total


@dataclass(frozen=True, slots=True)
class WeightLimits:
    """See the module's head. ``rows[m, n]`` with ``least[m]``, ``most[m]`` and names."""

    low: Floats
    high: Floats
    rows: Floats
    least: Floats
    most: Floats
    names: tuple[str, ...] = ()
    budget: float = 1.0
    distances: tuple[Distance, ...] = ()
    margins: tuple[MarginBudget, ...] = ()

    @property
    def count(self) -> int:
        """How many weights."""
        return len(self.low)

    def columns(self) -> Columns:
        """The limits as columns and rows, the weights first."""
        found = Columns(self.low.tolist(), self.high.tolist(), [0.0] * self.count)
        every = range(self.count)
        found.row(dict.fromkeys(every, 1.0), self.budget, self.budget, "budget")
        for k, values in enumerate(self.rows):
            held = {i: float(v) for i, v in enumerate(values) if v != 0.0}
            name = self.names[k] if self.names else f"row {k}"
            found.row(held, float(self.least[k]), float(self.most[k]), name)
        for distance in self.distances:
            _add_distance(found, self, distance)
        for margin in self.margins:
            _add_margin(found, margin)
        return found


@dataclass(slots=True)
class Columns:
    """Columns and rows as they are added; ``price`` is what a unit of a column costs."""

    low: list[float]
    high: list[float]
    price: list[float]
    held: list[dict[int, float]] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def column(self, low: float, high: float, price: float = 0.0) -> int:
        """One more column; its number."""
        self.low.append(low)
        self.high.append(high)
        self.price.append(price)
        return len(self.low) - 1

    def row(self, held: dict[int, float], least: float, most: float, name: str) -> None:
        """``least <= sum of value x column <= most``."""
        self.held.append(held)
        self.least.append(least)
        self.most.append(most)
        self.names.append(name)

    def matrix(self) -> Floats:
        """[rows, columns]."""
        out = np.zeros((len(self.held), len(self.low)))
        for k, held in enumerate(self.held):
            out[k, list(held)] = list(held.values())
        return out


def weight_limits(
    count: int,
    *,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    rows: npt.ArrayLike | None = None,
    least: npt.ArrayLike | None = None,
    most: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
    budget: float = 1.0,
    distances: Sequence[Distance] = (),
    margins: Sequence[MarginBudget] = (),
) -> WeightLimits:
    """The limits of ``count`` weights, checked; without bounds 0 to ``budget`` each.

    One number for a bound stands for every weight; infinite ``least`` or ``most``: none. Errors:
    InputError ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    if count < 1:
        raise InputError("shape_wrong", "there is no weight", value=count, limit="1 or more")
    if not np.isfinite(budget):
        raise InputError("number_not_finite", "the budget is not finite", value=budget)
    lower = _each(0.0 if low is None else low, count, "low")
    upper = _each(max(budget, 0.0) if high is None else high, count, "high")
    if not (lower <= upper).all():
        k = int(np.argmin(lower <= upper))
        raise InputError(
            "number_out_of_range",
            "a weight has no room between its bounds",
            place=f"weight {k}",
            value=(float(lower[k]), float(upper[k])),
            limit="low <= high",
            remedy="Correct the bounds.",
        )
    matrix = np.zeros((0, count)) if rows is None else np.array(rows, np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != count or len(names) not in (0, len(matrix)):
        raise InputError(
            "shape_wrong",
            "rows have another shape",
            value=(matrix.shape, len(names)),
            limit=f"[m, {count}], and a name for each or none",
        )
    _no_nan(matrix, "rows", infinite=False)
    below = _each(-np.inf if least is None else least, len(matrix), "least")
    above = _each(np.inf if most is None else most, len(matrix), "most")
    for distance in distances:
        _no_nan(np.array([distance.most]), f"{distance.name} limit", infinite=True)
        for what, values in (("origin", distance.origin), ("cost", distance.cost)):
            _no_nan(values, f"{distance.name} {what}", infinite=False)
            if np.shape(values) != (count,):
                raise InputError("shape_wrong", f"{what} has another shape", value=np.shape(values))
        if (np.asarray(distance.cost) < 0.0).any() or distance.most < 0.0:
            raise InputError(
                "number_out_of_range",
                "a cost or a limit of distance is negative",
                place=distance.name,
                limit="0 or more",
            )
    return WeightLimits(
        lower, upper, matrix, below, above, tuple(names), budget, tuple(distances), tuple(margins)
    )


def _each(values: npt.ArrayLike, count: int, what: str) -> Floats:
    array = np.array(values, np.float64)
    if array.ndim == 0:
        array = np.full(count, float(array))
    if array.shape != (count,):
        raise InputError(
            "shape_wrong", f"{what} has another shape", value=array.shape, limit=f"[{count}]"
        )
    _no_nan(array, what, infinite=True)
    return array


def _no_nan(values: npt.ArrayLike, what: str, *, infinite: bool) -> None:
    array = np.asarray(values, np.float64)
    good = ~np.isnan(array) if infinite else np.isfinite(array)
    if not good.all():
        raise InputError(
            "number_not_finite",
            f"{what} is not finite",
            place=what,
            value=float(array[~good][0]),
            limit="finite numbers",
            remedy="Correct the number.",
        )


def _add_distance(found: Columns, limits: WeightLimits, distance: Distance) -> None:
    """``w - up + down = origin``: the parts never exceed what the bounds leave."""
    total: dict[int, float] = {}
    for i in range(limits.count):
        origin, cost = float(distance.origin[i]), float(distance.cost[i])
        up = found.column(0.0, max(float(limits.high[i]) - origin, 0.0), cost)
        down = found.column(0.0, max(origin - float(limits.low[i]), 0.0), cost)
        row = {i: 1.0, up: -1.0, down: 1.0}
        found.row(row, origin, origin, "")
        total[up] = total[down] = 1.0
    if np.isfinite(distance.most):
        found.row(total, -np.inf, distance.most, distance.name)


def _add_margin(found: Columns, margin: MarginBudget) -> None:
    """In shares of the limit, so that money and weights are of one size."""
    unit = abs(margin.limit) or 1.0
    total: dict[int, float] = {}
    for term in margin.terms:
        for column, factor in _bound_of(found, term, margin.units / unit, 1.0 / unit).items():
            total[column] = total.get(column, 0.0) + factor
    found.row(total, -np.inf, margin.limit / unit, margin.name)


def _bound_of(found: Columns, term: Term, units: Floats, unit: float) -> dict[int, float]:
    """Columns whose sum, times these factors, is no less than the term: its value where it binds.

    ``units``: quantity over money of one, a weight; ``unit``: one over the money of one.
    """
    if term.weight == 0.0:
        return {}
    if isinstance(term, Separable):
        out = {}
        for i, (long, short) in enumerate(zip(term.long, term.short, strict=True)):
            if long == 0.0 and short == 0.0:
                continue
            paid = found.column(-np.inf, np.inf)
            for slope in (float(long * units[i]), float(-short * units[i])):
                found.row({i: slope, paid: -1.0}, -np.inf, 0.0, "")
            out[paid] = term.weight
        return out
    worst = found.column(term.floor * unit if np.isfinite(term.floor) else -np.inf, np.inf)
    if isinstance(term, WorstOf):
        for values, offset in zip(term.rows, term.offset, strict=True):
            row = {i: float(v * units[i]) for i, v in enumerate(values)}
            found.row({**row, worst: -1.0}, -np.inf, -float(offset) * unit, "")
        return {worst: term.weight}
    for part in term.parts:
        held: dict[int, float] = {worst: -1.0}
        for inner in part.terms:
            for column, factor in _bound_of(found, inner, units, unit).items():
                held[column] = held.get(column, 0.0) + factor
        found.row(held, -np.inf, -part.offset * unit, "")
    return {worst: term.weight}
