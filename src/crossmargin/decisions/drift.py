"""Has a portfolio drifted out of its bands, and what it should hold again; value less cost is kept.

Weights are shares of wealth; what they leave of one is cash, an asset without cost or return. A
band goes around each target t: ``absolute`` t -+ w, ``relative`` t -+ w |t|, ``region`` (low, high)
as given, e.g. the no-trade region of the costs. Outside the outer band the asset is traded ``to``
its target, to the ``edge`` of the outer band, or to the ``inner`` band: between inner and outer
nothing is traded, so that noise at an edge does not trade. ``calendar`` trades every asset that is
off its target when the day has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.checked import number, refused, vector
from crossmargin.decisions.notional_costs import CostTerms

__all__ = [
    "Bands",
    "Policy",
    "Rebalanced",
    "breached",
    "drifted",
    "rebalance_to",
    "turnover",
    "wanted",
]

TRIGGERS = ("calendar", "absolute", "relative", "region")
GOALS = ("target", "edge", "inner")


@dataclass(frozen=True, slots=True)
class Policy:
    """``outer`` and ``inner`` are half-widths (weight, or share of the target where relative).

    ``every`` is for the calendar: observations between two trades. ``inner`` None is none.
    """

    trigger: str
    outer: float = 0.0
    inner: float | None = None
    to: str = "target"
    every: int = 1

    def __post_init__(self) -> None:
        for name, value, known in (("trigger", self.trigger, TRIGGERS), ("to", self.to, GOALS)):
            if value not in known:
                raise InputError(
                    "option_unknown",
                    "not a choice of a rebalancing policy",
                    place=name,
                    value=value,
                    limit=", ".join(known),
                    remedy="Choose one of them.",
                )
        number("outer", self.outer, 0.0)
        if self.every < 1:
            raise refused("every", self.every, ">= 1")
        if self.to == "inner" and self.inner is None:
            raise refused("inner", self.inner, "an inner half-width, to trade to it")
        if self.inner is not None:
            number("inner", self.inner, 0.0, self.outer)

    def bands(self, target: Floats, region: tuple[Floats, Floats] | None = None) -> Bands:
        """Outer and inner band around each target; ``region`` is for the trigger of that name."""
        if self.trigger == "calendar":
            return Bands(target, target, target, target)
        if self.trigger == "region":
            if region is None:
                raise refused("region", None, "low and high of each weight")
            low, high = region
            keep = 0.0 if self.inner is None else self.inner / max(self.outer, 1e-300)
            middle = 0.5 * (low + high)
            return Bands(low, high, middle + keep * (low - middle), middle + keep * (high - middle))
        unit = np.abs(target) if self.trigger == "relative" else np.ones(len(target))
        inner = 0.0 if self.inner is None else self.inner
        wide, near = self.outer * unit, inner * unit
        return Bands(target - wide, target + wide, target - near, target + near)


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """[N] each: outside [low, high] an asset is traded, at most to [inner_low, inner_high]."""

    low: Floats
    high: Floats
    inner_low: Floats
    inner_high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Rebalanced:
    """``trade_usd[N]`` bought positive; ``value_usd`` = value before less ``cost_usd``, exactly.

    ``weights`` are of the value that is left. ``components[N]`` of the cost by name.
    """

    trade_usd: Floats
    weights: Floats
    value_usd: float
    cost_usd: float
    components: tuple[tuple[str, Floats], ...]


def drifted(weights: npt.ArrayLike, returns: npt.ArrayLike) -> Floats:
    """Weights after returns (simple, of the period): w (1 + r) / (1 + w'r); cash earns nothing."""
    held = vector("weights", weights)
    moved = vector("returns", returns, len(held))
    grown = 1.0 + float((held * moved).sum())
    if grown <= 0.0:
        raise refused("returns", grown, "a value above 0 after them")
    return np.asarray(held * (1.0 + moved) / grown)


def turnover(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[float, float]:
    """(one-way, two-way): half the sum of absolute changes of weight, and the whole of it.

    Cash is not counted: a purchase out of cash is a half one way.
    """
    held = vector("before", before)
    moved = float(np.abs(vector("after", after, len(held)) - held).sum())
    return 0.5 * moved, moved


def breached(weights: Floats, bands: Bands) -> Bools:
    """[N] outside the outer band; at its edge is inside, but for rounding."""
    slack = 1e-12 * np.maximum(np.abs(weights), 1.0)
    return np.asarray((weights < bands.low - slack) | (weights > bands.high + slack))


def wanted(weights: Floats, target: Floats, bands: Bands, to: str, *, whole: bool) -> Floats:
    """The weights to hold: only those outside move, or all where nothing may be left in cash.

    ``whole``: the targets add up to one and cash is none: what is short is spread over the others
    by one shift within their bands, the nearest point to what is held.
    """
    out = breached(weights, bands)
    if not out.any():
        return weights.copy()
    if to == "target":
        return target.copy() if whole else np.where(out, target, weights)
    low, high = (bands.low, bands.high) if to == "edge" else (bands.inner_low, bands.inner_high)
    found = np.where(out, np.clip(weights, low, high), weights)
    if not whole:
        return found
    # Those inside move too: each within its outer band, those that were outside within the goal.
    low, high = np.where(out, low, bands.low), np.where(out, high, bands.high)
    return _filled(weights, low, high, float(target.sum()))


def _filled(weights: Floats, low: Floats, high: Floats, total: float) -> Floats:
    """clip(weights + s, low, high) with the one shift s at which they add up to ``total``."""
    ends = np.sort(np.concatenate([low - weights, high - weights]))
    sums = np.array([float(np.clip(weights + s, low, high).sum()) for s in ends.tolist()])
    at = int(np.searchsorted(sums, total))
    if at == 0 or at == len(ends):
        return np.asarray(np.clip(weights + ends[min(at, len(ends) - 1)], low, high))
    gap = sums[at] - sums[at - 1]
    share = (total - sums[at - 1]) / gap if gap > 0.0 else 0.0
    shift = ends[at - 1] + share * (ends[at] - ends[at - 1])
    return np.asarray(np.clip(weights + shift, low, high))


def rebalance_to(
    held_usd: npt.ArrayLike,
    value_usd: float,
    weights: npt.ArrayLike,
    costs: Sequence[CostTerms],
    fixed: npt.ArrayLike | None = None,
) -> Rebalanced:
    """The trades after which the weights are ``weights`` of the value less the cost of the trades.

    ``held_usd[N]``: dollars of each asset, ``value_usd`` with cash. ``fixed[N]`` True: the asset
    is not traded, whatever its weight. Raises InputError for shapes; ModelError ``solver_failed``
    where costs eat the value.
    """
    held = vector("held_usd", held_usd)
    goal = vector("weights", weights, len(held))
    value = number("value_usd", value_usd, 0.0, above=True)
    if len(costs) != len(held):
        raise refused("costs", len(costs), f"one for each of {len(held)} assets")
    rest = np.zeros(len(held), np.bool_) if fixed is None else np.asarray(fixed, np.bool_)
    trades = [terms.trade() for terms in costs]
    left = value
    for _ in range(200):
        trade = np.where(rest, 0.0, goal * left - held)
        # what rounding leaves of a position that is where it should be is no trade
        trade = np.where(np.abs(trade) <= 1e-12 * value, 0.0, trade)
        paid = sum(float(cost.at(z)) for cost, z in zip(trades, trade.tolist(), strict=True))
        if abs(value - paid - left) <= 1e-13 * value:
            break
        left = value - paid
        if left <= 0.0:
            raise ModelError(
                "solver_failed",
                "the cost of the trades is more than the value",
                place="rebalancing",
                value=paid,
                limit=f"< {value:g} USD",
                remedy="Trade less, or check the costs.",
            )
    names = list(dict.fromkeys(part.name for cost in trades for part in cost.parts))
    split = {name: np.zeros(len(held)) for name in names}
    for k, (cost, z) in enumerate(zip(trades, trade.tolist(), strict=True)):
        for name, amount in cost.split(z):
            split[name][k] = float(amount)
    paid = float(sum(float(values.sum()) for values in split.values()))
    after = (held + trade) / (value - paid)
    return Rebalanced(
        frozen(trade, np.float64),
        frozen(after, np.float64),
        value - paid,
        paid,
        tuple((name, frozen(values, np.float64)) for name, values in split.items()),
    )
