"""Rules of allocation put to the test on history: walking forward, costs counted, losses shown.

At each date of rebalancing a rule sees the ``window`` of returns that ended before it and nothing
else; its weights earn the returns that follow. Between dates weights drift with prices. A trade
costs ``cost`` of the value traded, the first purchase included, taken from the wealth at once. A
rule that refuses keeps what it holds (at the start: equal weights), and the refusal is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.statistics.performance import Performance, performance

__all__ = ["Rule", "Walk", "equal_weights", "walk_forward"]

Rule = Callable[[Floats, Floats], Floats]  # returns [window, n], weights held [n] -> weights [n]


@dataclass(frozen=True, slots=True)
class Walk:
    """One rule's path, from the first date of rebalancing.

    ``returns[P]``: net of costs; ``gross[P]``; ``weights[D, n]`` chosen at the periods
    ``dates[D]`` (places in the history given); ``turnover_year``: two-way value traded over wealth
    a year, without the first purchase; ``cost``: share of wealth paid, all dates;
    ``behind``: share of the stretches between dates that ended behind equal weights, and
    ``worst_behind`` the worst of them; ``refused``: dates at which the rule gave no weights.
    """

    name: str
    returns: Floats
    gross: Floats
    weights: Floats
    dates: tuple[int, ...]
    turnover_year: float
    cost: float
    result: Performance
    behind: float
    worst_behind: float
    refused: int
    reasons: tuple[str, ...]


def equal_weights(returns: Floats, held: Floats) -> Floats:
    """The rule to beat: 1/n each (DeMiguel, Garlappi and Uppal 2009)."""
    del returns
    return np.full(len(held), 1.0 / len(held))


def walk_forward(
    returns: npt.ArrayLike,
    rules: Mapping[str, Rule],
    *,
    window: int,
    every: int,
    cost: float = 0.0005,
    periods: float = 365.0,
) -> tuple[Walk, ...]:
    """Every rule on ``returns [T, n]`` (simple, oldest first), beside ``equal weights``.

    Errors: InputError ``number_out_of_range``, ``number_not_finite``; ModelError
    ``observations_too_few`` where fewer than two stretches remain.
    """
    r = np.array(returns, np.float64)
    if r.ndim != 2 or not np.isfinite(r).all() or (r <= -1.0).any():
        raise InputError(
            "number_not_finite", "returns", value=r.shape, limit="[T, n] finite, above -1"
        )
    if window < 2 or every < 1 or not 0.0 <= cost < 1.0 or not periods > 0.0:
        raise InputError(
            "number_out_of_range",
            "window, every, cost or periods",
            value=(window, every, cost, periods),
            limit="2 or more, 1 or more, from 0 to below 1, above 0",
        )
    if len(r) < window + 2 * every:
        raise ModelError(
            "observations_too_few",
            "the history is too short to walk",
            value=len(r),
            limit=f"{window + 2 * every} or more",
            remedy="Take a shorter window, or rebalance more often.",
        )
    plain = _path("equal weights", equal_weights, r, window, every, cost)
    paths = [plain, *(_path(name, rule, r, window, every, cost) for name, rule in rules.items())]
    return tuple(_judged(path, plain, every, periods) for path in paths)


@dataclass(slots=True)
class _Path:
    name: str
    net: Floats
    gross: Floats
    weights: list[Floats]
    dates: list[int]
    turnover: list[float]
    cost: float
    reasons: list[str]


def _path(name: str, rule: Rule, r: Floats, window: int, every: int, cost: float) -> _Path:
    count, n = r.shape
    held, path = np.zeros(n), _Path(name, np.empty(0), np.empty(0), [], [], [], 0.0, [])
    net, gross = [], []
    for t in range(window, count):
        paid = 0.0
        if (t - window) % every == 0:
            seen = r[t - window : t].copy()  # a rule that writes into it harms nobody
            try:
                target = np.array(rule(seen, held.copy()), np.float64)
            except CrossMarginError as problem:
                path.reasons.append(f"period {t}: {problem.code}: {problem.message}")
                target = held if held.any() else np.full(n, 1.0 / n)
            if target.shape != (n,) or not np.isfinite(target).all():
                raise InputError(
                    "shape_wrong", "a rule's weights", place=f"{name}, period {t}", limit=f"[{n}]"
                )
            traded = float(np.abs(target - held).sum())
            paid = cost * traded
            path.turnover.append(traded)
            path.weights.append(target)
            path.dates.append(t)
            held = target
        earned = float(held @ r[t])
        gross.append(earned)
        net.append((1.0 - paid) * (1.0 + earned) - 1.0)
        path.cost += paid
        if earned <= -1.0:
            raise ModelError(
                "number_out_of_range",
                "a rule lost everything",
                place=f"{name}, period {t}",
                value=earned,
                remedy="Bound its leverage.",
            )
        held = held * (1.0 + r[t]) / (1.0 + earned)
    path.net, path.gross = np.array(net), np.array(gross)
    return path


def _judged(path: _Path, plain: _Path, every: int, periods: float) -> Walk:
    ours, theirs = _stretches(path.net, every), _stretches(plain.net, every)
    gap = ours - theirs
    years = len(path.net) / periods
    return Walk(
        path.name,
        path.net,
        path.gross,
        np.array(path.weights),
        tuple(path.dates),
        sum(path.turnover[1:]) / years,
        path.cost,
        performance(path.net, periods),
        float((gap < -1e-15).mean()),
        float(min(gap.min(), 0.0)),
        len(path.reasons),
        tuple(path.reasons),
    )


def _stretches(returns: Floats, every: int) -> Floats:
    """What each stretch between dates earned, the last one as long as it is."""
    grown = np.log1p(returns)
    starts = np.arange(0, len(returns), every)
    return np.asarray(np.expm1(np.add.reduceat(grown, starts)))
