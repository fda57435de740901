"""Euler's shares of a requirement that doubles with the book, and the rule where losses tie.

    R(x) = max over s of L[s] . x      share_i = x_i sum over s of w_s L[s, i],   w >= 0, sum w = 1

Off ties the one worst scenario has all the weight. Where several tie, the derivative is a set, the
convex hull of the tied rows, and the shares are not unique; a rule must choose the weights:

    given      multipliers of the optimisation that left the tie behind: the price of each scenario
    lp         (default) the least sum of absolute shares. It is the dual of "hedge every position
               by at most itself so that the worst tied loss falls most", so these weights are that
               programme's multipliers; where it leaves a choice, the most even weights
    min_norm   the least sum of squared shares
    average    equal weights

Every rule gives shares that add up to the requirement. Sources: Denault, Coherent allocation of
risk capital, 2001; Tasche, Capital allocation to business units, 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import InputError, SolverError

__all__ = [
    "MinDelta",
    "TieRule",
    "WorstShares",
    "euler_worst_of",
    "min_delta",
    "tail_shares",
    "tie_weights",
    "volatility_shares",
]

# Losses nearer to the worst than this share of it tie: the rounding of sums, and of solvers.
TIE = 1e-9


class TieRule(StrEnum):
    """How the weights of tied scenarios are chosen where none are given."""

    LP = "lp"
    MIN_NORM = "min_norm"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class WorstShares:
    """Shares [n] of the worst of linear losses, in the losses' unit; they add up to ``value``.

    ``tied`` are the rows of the worst, ``weights`` theirs. ``runner_up`` is the largest row that
    is not tied (-1 where there is none) and ``gap`` how far it lies under the worst: within the
    gap the shares do not jump. Where nothing is lost value and shares are 0 and nothing is tied.
    """

    value: float
    shares: Floats
    marginal: Floats  # [n] sum of w_s L[s]: what one more unit adds
    marginal_up: Floats  # [n] largest over the tied rows: of one more unit bought
    marginal_down: Floats  # [n] least over the tied rows: of one more unit sold, sign of a buy
    tied: tuple[int, ...]
    weights: Floats
    runner_up: int
    gap: float


def tie_weights(shares: Floats, rule: TieRule | str = TieRule.LP) -> Floats:
    """[K] weights of K tied rows of shares ``[K, n]``, not negative, adding up to 1.

    Raises InputError ``shape_wrong`` for no row and ``option_unknown`` for another rule.
    """
    table = finite(np.asarray(shares, np.float64), "shares of tied scenarios")
    if table.ndim != 2 or not len(table):
        raise InputError("shape_wrong", "ties are rows of shares", value=table.shape, limit="[K,n]")
    if rule not in set(TieRule):
        raise InputError(
            "option_unknown",
            "no such rule for ties",
            value=str(rule),
            limit=", ".join(TieRule),
            remedy="Choose one of these.",
        )
    count = len(table)
    scale = float(np.abs(table).max(initial=0.0))
    if count == 1 or scale == 0.0 or rule == TieRule.AVERAGE:
        return np.full(count, 1.0 / count)
    unit = table / scale
    return _min_norm(unit) if rule == TieRule.MIN_NORM else _least_absolute(unit)


def _min_norm(rows: Floats) -> Floats:
    """Nearest point to 0 of the hull: least squares |A w|^2 + (1 - sum w)^2, w >= 0, then scaled.

    For any direction of w the best length leaves |A w|^2 / (1 + |A w|^2), so the direction is that
    of the nearest point.
    """
    from scipy.optimize import nnls  # only ties need it

    system = np.vstack([rows.T, np.ones(len(rows))])
    target = np.zeros(len(system))
    target[-1] = 1.0
    found, _ = nnls(system, target)
    return np.asarray(found / found.sum())


def _least_absolute(rows: Floats) -> Floats:
    """min sum |A w| over the simplex; among its answers the least largest weight."""
    count, size = rows.shape
    # Columns: w [count], p [size] and m [size] with A w = p - m, and t, the largest weight.
    cost = np.concatenate([np.zeros(count), np.ones(2 * size), [0.0]])
    equal = np.zeros((size + 1, len(cost)))
    equal[:size, :count] = rows.T
    equal[:size, count : count + size] = -np.eye(size)
    equal[:size, count + size : -1] = np.eye(size)
    equal[size, :count] = 1.0
    right = np.zeros(size + 1)
    right[size] = 1.0
    below = np.zeros((count, len(cost)))
    below[:, :count] = np.eye(count)
    below[:, -1] = -1.0
    first = _solved(cost, equal, right, below, np.zeros(count))
    least = float(cost @ first)
    even = np.zeros(len(cost))
    even[-1] = 1.0
    bound = np.vstack([below, cost])
    limit = np.concatenate([np.zeros(count), [least * (1.0 + 1e-9) + 1e-12]])
    second = _solved(even, equal, right, bound, limit)
    weights = np.maximum(second[:count], 0.0)
    return np.asarray(weights / weights.sum())


def _solved(cost: Floats, equal: Floats, right: Floats, below: Floats, limit: Floats) -> Floats:
    from scipy.optimize import linprog  # only ties need it

    found = linprog(cost, A_ub=below, b_ub=limit, A_eq=equal, b_eq=right, method="highs-ds")
    if found.status != 0:
        raise SolverError(
            "solver_failed",
            f"the weights of tied scenarios were not found ({found.message})",
            value=len(cost),
            remedy="Choose the rule average.",
        )
    return np.asarray(found.x, np.float64)


def euler_worst_of(
    loss_per_unit: Floats,
    quantity: Floats,
    *,
    weights: Floats | None = None,
    rule: TieRule | str = TieRule.LP,
    floor: float = 0.0,
    tie: float = TIE,
) -> WorstShares:
    """Shares of ``max(floor, max over s of L[s] . x)`` with ``L[S, n]`` losses a unit, ``x[n]``.

    ``weights[S]``: multipliers of the scenarios, not negative, scaled here to add up to 1; they
    must lie on tied rows. Raises InputError ``shape_wrong`` and ``number_out_of_range``.
    """
    table = finite(np.asarray(loss_per_unit, np.float64), "losses")
    x = finite(np.asarray(quantity, np.float64), "quantities")
    if table.ndim != 2 or x.shape != table.shape[1:] or not len(table):
        raise InputError(
            "shape_wrong",
            "losses are [scenarios, positions] and quantities [positions]",
            value=(table.shape, x.shape),
            limit="[S, n] and [n]",
            remedy="Give a quantity for each column of losses.",
        )
    losses = (table * x).sum(axis=1)
    worst = float(losses.max())
    near = tie * max(abs(worst), float(np.abs(table * x).max(initial=0.0)))
    tied = np.flatnonzero(losses >= worst - near)
    rest = np.flatnonzero(losses < worst - near)
    second = int(rest[np.argmax(losses[rest])]) if len(rest) else -1
    gap = worst - float(losses[second]) if second >= 0 else 0.0
    if worst <= floor:
        zero = np.zeros(len(x))
        most = np.maximum(table[tied].max(axis=0), 0.0) if worst == floor else zero
        least = np.minimum(table[tied].min(axis=0), 0.0) if worst == floor else zero
        return WorstShares(floor, zero, zero, most, least, (), np.zeros(0), second, gap)
    chosen = (
        tie_weights(table[tied] * x, rule) if weights is None else _given(weights, losses, tied)
    )
    marginal = (chosen[:, None] * table[tied]).sum(axis=0)
    return WorstShares(
        value=worst,
        shares=x * marginal,
        marginal=marginal,
        marginal_up=table[tied].max(axis=0),
        marginal_down=table[tied].min(axis=0),
        tied=tuple(tied.tolist()),
        weights=chosen,
        runner_up=second,
        gap=gap,
    )


def _given(weights: Floats, losses: Floats, tied: np.ndarray) -> Floats:
    """Multipliers of the tied rows; they are nothing elsewhere (an optimum's never are)."""
    all_of = finite(np.asarray(weights, np.float64), "multipliers")
    total = float(all_of.sum()) if all_of.shape == losses.shape else 0.0
    own = all_of[tied] if total > 0.0 else all_of
    if total <= 0.0 or (all_of < -1e-9 * total).any() or own.sum() < (1.0 - 1e-6) * total:
        raise InputError(
            "number_out_of_range",
            "the multipliers are not those of the scenarios that tie at the worst",
            value=total,
            limit="one a scenario, not negative, on tied scenarios alone",
            remedy="Give the multipliers of the programme whose answer this book is.",
        )
    return np.asarray(np.maximum(own, 0.0) / np.maximum(own, 0.0).sum())


# -- closed forms --------------------------------------------------------------------------------


def volatility_shares(covariance: Floats, exposure: Floats) -> tuple[float, Floats, Floats]:
    """Deviation ``sqrt(w' C w)``, its derivatives ``C w / deviation`` and shares ``w_i`` of these.

    Zeros where the deviation is 0. Raises InputError ``shape_wrong``.
    """
    w = finite(np.asarray(exposure, np.float64), "exposure")
    c = finite(np.asarray(covariance, np.float64), "covariance")
    if c.shape != (len(w), len(w)):
        raise InputError(
            "shape_wrong", "the covariance is square", value=c.shape, limit=f"[{len(w)}, {len(w)}]"
        )
    pull = (c * w).sum(axis=1)
    deviation = float(np.sqrt(max(float((w * pull).sum()), 0.0)))
    marginal = pull / deviation if deviation > 0.0 else np.zeros(len(w))
    return deviation, marginal, w * marginal


def tail_shares(loss: Floats, level: float) -> tuple[float, Floats]:
    """Expected shortfall of n equally likely losses ``[n, G]`` by part, and each part's share.

    The n (1 - level) largest totals, the last of them by its fraction; totals that tie there are
    averaged, so that the order of the rows does not matter. Source: Acerbi and Tasche, 2002.
    """
    table = finite(np.asarray(loss, np.float64), "losses")
    if table.ndim != 2 or not len(table) or not 0.0 < level < 1.0:
        raise InputError(
            "number_out_of_range",
            "a tail is of losses [n, G] beyond a level",
            value=(table.shape, level),
            limit="n >= 1, 0 < level < 1",
            remedy="Give a row for each outcome.",
        )
    total = table.sum(axis=1)
    count = len(total) * (1.0 - level)
    ordered = np.sort(total)[::-1]
    edge = float(ordered[min(int(np.ceil(count - 1e-12)), len(total)) - 1])
    above, at = total > edge, total == edge
    weight = above.astype(np.float64) + at * ((count - above.sum()) / at.sum())
    shares = (weight[:, None] * table).sum(axis=0) / count
    return float((weight * total).sum() / count), np.asarray(shares)


class MinDelta(NamedTuple):
    """A charge on net and hedged delta; ``shares`` add up to ``charge`` in quote currency."""

    net: float
    gross: float
    hedged: float
    charge: float
    shares: Floats


def min_delta(
    deltas: Floats | Sequence[float], spot: float, unhedged: float, hedged: float
) -> MinDelta:
    """Charge ``(U |net| + H hedged) S`` with ``hedged = (gross - |net|) / 2``, and its shares.

    ``((U - H/2) sign(net) d_i + (H/2) |d_i|) S`` for deltas in coins; where the net is 0 the sign
    is 0, the middle of the two sides.
    """
    d = finite(np.asarray(deltas, np.float64), "deltas")
    net, gross = float(d.sum()), float(np.abs(d).sum())
    paired = 0.5 * (gross - abs(net))
    charge = (unhedged * abs(net) + hedged * paired) * spot
    side = float(np.sign(net))
    shares = ((unhedged - 0.5 * hedged) * side * d + 0.5 * hedged * np.abs(d)) * spot
    return MinDelta(net, gross, paired, charge, shares)
