"""Least expected shortfall and least worst loss over scenarios: linear programmes.

    ES_a(w) = min over v of  v + 1/(S (1 - a)) sum_s max(-r_s'w - v, 0)

with S equally likely scenarios of returns ``r [S, n]``. Up to :data:`WHOLE` scenarios that is the
programme that is solved. Above, the same optimum is reached from below: of scenarios that lie deep
in the tail the excess ``-r_s'w - v`` may stand for ``max(-r_s'w - v, 0)``, that of the far side may
be left out, and only those near the edge of the tail have a column and a row. What an answer shows
to be on the other side joins the edge, until the programme's value and the exact shortfall of its
answer agree to 1e-9. The worst loss is a tail of one scenario, whose rows are added one by one.

Sources: Rockafellar and Uryasev (2000), Optimization of conditional value-at-risk; Künzi-Bay and
Mayer (2006), Computational aspects of minimizing conditional value-at-risk; Young (1998), A minimax
portfolio selection rule with linear programming solution.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.programme import Programme, Solution, relaxed_text
from crossmargin.decisions.weight_limits import Columns, WeightLimits, weight_limits

__all__ = ["WHOLE", "TailPortfolio", "minimum_shortfall", "minimum_worst_loss"]

WHOLE = 1000  # scenarios up to which the whole programme is solved at once
_ROUNDS = 2000
_NEAR = 150  # scenarios on each side of the edge at the start, or
_NEAR_EACH = 5  # so many an asset, or
_NEAR_TAIL = 0.25  # this share of the tail
_FINER = 5  # every scenario of this many, before all are looked at
_AGREE = 1e-9


@dataclass(frozen=True, slots=True)
class TailPortfolio:
    """``risk``: the expected shortfall, or the worst loss, a loss positive, exact for ``weights``.

    ``value_at_risk``: the loss at which the tail begins (of the worst loss: that loss). ``mean``:
    of the scenarios, or of the returns given, net of ``cost``. ``scenario_price[S]``: what each
    scenario weighs in the tail (sum 1). ``gap``: risk less the programme's lower bound.
    """

    weights: Floats
    risk: float
    value_at_risk: float
    mean: float
    cost: float
    scenario_price: Floats
    method: str
    solver: str
    primal: float
    dual: float
    gap: float
    rounds: int
    status: str = "optimal"


def minimum_shortfall(
    returns: npt.ArrayLike,
    level: float = 0.95,
    limits: WeightLimits | None = None,
    *,
    mean: npt.ArrayLike | None = None,
    target: float | None = None,
) -> TailPortfolio:
    """The weights of least expected shortfall at ``level``, that earn ``target`` where given.

    ``returns [S, n]``, a gain positive; ``mean [n]`` for the target, the scenarios' own where not
    given. Errors: InputError ``number_out_of_range`` where the limits contradict each other or the
    target (the smallest changes are named), ``number_not_finite``, ``shape_wrong``.
    """
    r = _returns(returns)
    if not 0.0 < level < 1.0:
        raise InputError(
            "number_out_of_range", "level is refused", value=level, limit="between 0 and 1"
        )
    allowed, expected = _set(r, limits, mean)
    base = _base(allowed, expected, target)
    tail = len(r) * (1.0 - level)
    found, prices, rounds = _by_edge(base, r, tail)
    name = f"minimum expected shortfall at {level:g}"
    return _answer(found, r, tail, prices, base, expected, name, rounds)


def minimum_worst_loss(
    returns: npt.ArrayLike,
    limits: WeightLimits | None = None,
    *,
    mean: npt.ArrayLike | None = None,
    target: float | None = None,
) -> TailPortfolio:
    """The weights whose worst scenario loses least; see :func:`minimum_shortfall`."""
    r = _returns(returns)
    allowed, expected = _set(r, limits, mean)
    base = _base(allowed, expected, target)
    found, prices, rounds = _by_rows(base, r, 1.0)
    return _answer(found, r, 1.0, prices, base, expected, "minimum worst loss", rounds)


def _returns(values: npt.ArrayLike) -> Floats:
    r = np.array(values, np.float64)
    if r.ndim != 2 or 0 in r.shape:
        raise InputError("shape_wrong", "returns", value=r.shape, limit="[S, n]")
    if not np.isfinite(r).all():
        place = np.argwhere(~np.isfinite(r))[0].tolist()
        raise InputError(
            "number_not_finite", "a return is not finite", place=f"returns{place}", limit="finite"
        )
    return r


def _set(
    r: Floats, limits: WeightLimits | None, mean: npt.ArrayLike | None
) -> tuple[WeightLimits, Floats]:
    allowed = weight_limits(r.shape[1]) if limits is None else limits
    expected = r.mean(axis=0) if mean is None else np.array(mean, np.float64)
    if allowed.count != r.shape[1] or expected.shape != r.shape[1:]:
        raise InputError(
            "shape_wrong",
            "limits and returns are of other assets",
            value=(allowed.count, expected.shape),
            limit=str(r.shape[1]),
        )
    return allowed, expected


def _base(allowed: WeightLimits, mean: Floats, target: float | None) -> Columns:
    """The limits, and the target of return net of costs as one more row."""
    base = allowed.columns()
    if target is not None:
        held = {i: float(v) for i, v in enumerate(mean)}
        held |= {i: -price for i, price in enumerate(base.price) if price != 0.0}
        base.row(held, target, np.inf, "target return")
    return base


def _programme(base: Columns, cost: Floats, low: list[float], high: list[float]) -> Programme:
    programme = Programme(cost, np.array(low), np.array(high))
    for held, least, most, name in zip(base.held, base.least, base.most, base.names, strict=True):
        programme.add(list(held), list(held.values()), least, most, name)
    return programme


def _by_edge(base: Columns, r: Floats, tail: float) -> tuple[Solution, Floats, int]:
    """Columns and rows of the scenarios near the edge of the tail; the module's head has the rest.

    The edge is first looked for at the optimum of every fifth scenario, found in the same way.
    Every programme is a lower bound. Where an answer shows many scenarios on the wrong side, the
    edge is drawn wider about the best weights so far; of few, they join it, so that the last
    programme is, at the latest, the whole one.
    """
    k, n = len(base.low), r.shape[1]
    if len(r) <= max(WHOLE, _FINER):
        every = np.ones(len(r), np.bool_)
        programme, first = _at_edge(base, r, tail, ~every, every)
        found = _solved(programme)
        return found, np.abs(found.row_dual[first:]), 1
    coarse, _, rounds = _by_edge(base, r[::_FINER], tail * len(r[::_FINER]) / len(r))
    best, least = r @ coarse.x[:n], np.inf
    near = int(max(_NEAR, _NEAR_EACH * n, _NEAR_TAIL * tail))
    deep, edge = _sides(best, tail, near)
    for turn in range(_ROUNDS):
        programme, first = _at_edge(base, r, tail, deep, edge)
        found = _solved(programme)
        outcome, below = r @ found.x[:n], -float(found.x[k])
        risk = -float(_tail_weights(r, found.x[:n], tail) @ outcome)
        cost = float(np.array(base.price) @ found.x[:k])
        gap = risk - (found.objective - cost)
        wrong = (deep & (outcome > below)) | (~deep & ~edge & (outcome < below))
        if gap <= _AGREE * (1.0 + abs(risk)) * float(np.abs(r).max()) or not wrong.any():
            prices = np.where(deep, 1.0 / tail, 0.0)
            prices[edge] = np.abs(found.row_dual[first:])
            return found, prices, rounds + turn + 1
        if risk + cost < least:
            best, least = outcome, risk + cost
        if int(wrong.sum()) > near:
            near *= 2
            deep, edge = _sides(best, tail, near)
        else:
            deep, edge = deep & ~wrong, edge | wrong
    raise SolverError(
        "solver_failed",
        "the edge of the tail was not found",
        value=_ROUNDS,
        limit="rounds",
        remedy="Take fewer assets, or a lower level.",
    )


def _sides(outcome: Floats, tail: float, near: int) -> tuple[Bools, Bools]:
    """Scenarios deep in the tail of these outcomes, and those near its edge."""
    order = np.argsort(outcome, kind="stable")
    last = floor(tail)
    deep, edge = np.zeros((2, len(outcome)), np.bool_)
    deep[order[: max(last - near, 0)]] = True
    edge[order[max(last - near, 0) : last + near + 1]] = True
    return deep, edge


def _at_edge(
    base: Columns, r: Floats, tail: float, deep: Bools, edge: Bools
) -> tuple[Programme, int]:
    """The programme in which only scenarios at the edge may be on either side; their first row."""
    k, n = len(base.low), r.shape[1]
    own = r[edge]
    count = len(own)
    cost = np.concatenate([base.price, [1.0 - int(deep.sum()) / tail], np.full(count, 1.0 / tail)])
    cost[:n] -= r[deep].sum(axis=0) / tail
    low = [*base.low, -np.inf, *[0.0] * count]
    high = [*base.high, np.inf, *[np.inf] * count]
    programme = _programme(base, cost, low, high)
    first = programme.rows
    index = np.empty((count, n + 2), np.int64)
    index[:, :n], index[:, n], index[:, n + 1] = np.arange(n), k, k + 1 + np.arange(count)
    values = np.hstack([own, np.ones((count, 2))])
    sizes = np.full(count, n + 2)
    programme.add_flat(
        sizes, index.ravel(), values.ravel(), np.zeros(count), np.full(count, np.inf)
    )
    return programme, first


def _by_rows(base: Columns, r: Floats, tail: float) -> tuple[Solution, Floats, int]:
    """One column for the shortfall; each answer's own tail is the next row."""
    k, n = len(base.low), r.shape[1]
    cost = np.array([*base.price, 1.0])
    programme = _programme(base, cost, [*base.low, -np.inf], [*base.high, np.inf])
    weight, rows = _tail_weights(r, np.full(n, 1.0 / n), tail), list[Floats]()
    columns = np.array([*range(n), k], np.float64)
    first = programme.rows
    for turn in range(_ROUNDS):
        rows.append(weight)
        programme.add(columns, np.append(weight @ r, 1.0), 0.0, np.inf)
        found = _solved(programme)
        w = found.x[:n]
        weight = _tail_weights(r, w, tail)
        risk = -float(weight @ (r @ w))
        if risk - float(found.x[k]) <= _AGREE * (1.0 + abs(risk)) * float(np.abs(r).max()):
            share = np.abs(found.row_dual[first:])
            prices = np.einsum("k,ks->s", share, np.array(rows)) / max(float(share.sum()), 1e-300)
            return found, prices, turn + 1
    raise SolverError(
        "solver_failed",
        "rows of the tail did not close the gap",
        value=_ROUNDS,
        limit="rounds",
        remedy="Take fewer assets, or a lower level.",
    )


def _tail_weights(r: Floats, w: Floats, tail: float) -> Floats:
    """What each scenario weighs in the expected shortfall of w: the last one in part."""
    outcome = r @ w
    order = np.argsort(outcome, kind="stable")
    whole = min(floor(tail * (1.0 + 1e-12)), len(r))
    weight = np.zeros(len(r))
    weight[order[:whole]] = 1.0
    if whole < len(r):
        weight[order[whole]] = max(tail - whole, 0.0)
    return np.asarray(weight / weight.sum())


def _solved(programme: Programme) -> Solution:
    found = programme.solve()
    if found is None:
        raise InputError(
            "number_out_of_range",
            "no weights satisfy all limits",
            place="limits",
            value=relaxed_text(programme.relaxations()),
            limit="limits that agree",
            remedy="Loosen what the value names by so much, or the bounds of the weights.",
        )
    return found


def _answer(
    found: Solution,
    r: Floats,
    tail: float,
    prices: Floats,
    base: Columns,
    mean: Floats,
    method: str,
    rounds: int,
) -> TailPortfolio:
    n, k = r.shape[1], len(base.low)
    w = found.x[:n]
    weight = _tail_weights(r, w, tail)
    outcome = r @ w
    risk = -float(weight @ outcome)
    cost = float(np.array(base.price) @ found.x[:k])
    proof = found.evidence
    return TailPortfolio(
        w,
        risk,
        -float(outcome[weight > 0.0].max()),
        float(mean @ w) - cost,
        cost,
        prices / max(float(prices.sum()), 1e-300),
        method,
        proof.solver,
        proof.primal,
        proof.dual,
        max(risk + cost - found.objective, 0.0),
        rounds,
    )
