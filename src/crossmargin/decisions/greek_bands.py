"""Bringing delta, gamma and vega of a book back into their bands at the least cost, in whole lots.

    min  sum over legs of cost(size) + rate x years x margin effect + carry
    with exposure + sum size x Greek of a unit inside its band,  size = lots x lot

A small mixed-integer programme: costs are straight pieces of the one cost object, so the trade goes
to the edge of a band and not further. A Greek inside its outer band is only kept there; one outside
goes to the outer band, or to an inner one. What a leg does to margin and carry (funding, basis)
belongs to its cost, but never so far that a trade is made for them alone: that is margin
optimisation. Exposures in dollars: delta S, gamma as delta dollars a 1 % move, vega a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.checked import number
from crossmargin.decisions.programme import Programme

__all__ = ["GREEKS", "Candidate", "GreekBand", "Hedge", "bring_inside", "price_of_delta"]

GREEKS = ("delta", "gamma", "vega")
# Up to so many lots of a contract the cheapest whole lots are proven; beyond that they are found
# to within a share of the cost: one lot of thousands is worth less than the search for it.
_FEW, _GAP, _NODES = 1000.0, 1e-3, 20_000


@dataclass(frozen=True, slots=True)
class GreekBand:
    """Outer [low, high]; [inner_low, inner_high] is where a breach is traded to."""

    low: float
    high: float
    inner_low: float
    inner_high: float

    def __post_init__(self) -> None:
        for name in ("low", "high", "inner_low", "inner_high"):
            number(f"band {name}", getattr(self, name))
        if not self.low <= self.inner_low <= self.inner_high <= self.high:
            raise InputError(
                "number_out_of_range",
                "the inner band lies inside the outer one",
                place="band",
                value=(self.low, self.inner_low, self.inner_high, self.high),
                limit="low <= inner low <= inner high <= high",
                remedy="Correct the band.",
            )

    @staticmethod
    def around(target: float, outer: float, inner: float | None = None) -> GreekBand:
        """Half-widths around a target; without an inner one the edge of the outer is the goal."""
        wide = number("outer", outer, 0.0)
        near = wide if inner is None else number("inner", inner, 0.0, wide)
        return GreekBand(target - wide, target + wide, target - near, target + near)

    def breached(self, exposure: float) -> bool:
        """Outside the outer band, but for rounding."""
        slack = 1e-9 * max(abs(self.low), abs(self.high), abs(exposure), 1.0)
        return exposure < self.low - slack or exposure > self.high + slack


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One contract: Greeks of a unit in dollars, smallest size, cost in straight pieces.

    ``buy`` and ``sell`` are (widths, slopes): units and dollars a unit, slopes rising; the sum of
    widths is the most that may be traded. ``margin_buy_usd``: change of the requirement a unit
    bought, ``margin_sell_usd`` a unit sold, at about the size in question. ``carry_usd``: dollars
    a unit bought costs over the holding time (a sale receives them).
    """

    name: str
    greeks: Mapping[str, float]
    lot: float
    buy: tuple[Floats, Floats]
    sell: tuple[Floats, Floats]
    margin_buy_usd: float = 0.0
    margin_sell_usd: float = 0.0
    carry_usd: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Hedge:
    """``size`` by candidate, bought positive, 0 where it is not used.

    ``cost_usd`` of trading, ``margin_usd`` and ``carry_usd`` over the holding time as in the
    objective before its floor. ``before`` and ``after`` by Greek.
    """

    size: Floats
    cost_usd: float
    margin_usd: float
    carry_usd: float
    before: Mapping[str, float]
    after: Mapping[str, float]
    breached: tuple[str, ...]
    goals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def bring_inside(
    exposure: Mapping[str, float],
    bands: Mapping[str, GreekBand],
    candidates: Sequence[Candidate],
    margin_rate: float = 0.0,
) -> Hedge:
    """The cheapest trades after which every Greek is inside; none where all are.

    ``margin_rate``: dollars that a dollar of requirement costs over the holding time (rate x
    years). Raises InputError ``option_unknown`` for an unknown Greek; ModelError ``solver_failed``
    where no whole lots of these contracts get inside: its value says how near they come.
    """
    unknown = [name for name in bands if name not in GREEKS or name not in exposure]
    if unknown or not bands:
        raise InputError(
            "option_unknown",
            "a band is of a Greek of the book",
            place="bands",
            value=", ".join(unknown) or "no band",
            limit=", ".join(GREEKS),
            remedy="Give a band for one of them.",
        )
    rate = number("margin_rate", margin_rate, 0.0)
    for name, value in exposure.items():
        number(f"exposure {name}", value)
    out = tuple(name for name in GREEKS if name in bands and bands[name].breached(exposure[name]))
    none = np.zeros(len(candidates))
    goals = {
        name: (band.inner_low, band.inner_high) if name in out else (band.low, band.high)
        for name, band in bands.items()
    }
    if not out:
        return Hedge(none, 0.0, 0.0, 0.0, dict(exposure), dict(exposure), out, goals)
    if not candidates:
        raise ModelError(
            "solver_failed",
            "there is no contract that moves what is outside its band",
            place="hedge",
            value=", ".join(out),
            limit="a contract with quotes on both sides",
            remedy="Name contracts (options for gamma and vega), or widen the band.",
        )
    size = _solved(exposure, goals, candidates, rate).tolist()
    after = {
        name: value
        + float(sum(z * c.greeks.get(name, 0.0) for z, c in zip(size, candidates, strict=True)))
        for name, value in exposure.items()
    }
    cost = sum(_paid(c, z) for c, z in zip(candidates, size, strict=True))
    margin = rate * sum(
        z * c.margin_buy_usd if z > 0.0 else -z * c.margin_sell_usd
        for c, z in zip(candidates, size, strict=True)
    )
    carry = sum(z * c.carry_usd for c, z in zip(candidates, size, strict=True))
    return Hedge(
        frozen(size, np.float64), float(cost), float(margin), float(carry), dict(exposure), after,
        out, goals,
    )  # fmt: skip


def _paid(candidate: Candidate, size: float) -> float:
    width, slope = candidate.buy if size > 0.0 else candidate.sell
    edge = np.concatenate([[0.0], np.cumsum(width[:-1])]) if len(width) else np.zeros(0)
    return float((slope * np.minimum(np.maximum(abs(size) - edge, 0.0), width)).sum())


def price_of_delta(candidate: Candidate, size: float, margin_rate: float) -> dict[str, float]:
    """Dollars per dollar of delta of a trade of ``size``: trading, carry, margin, and their sum.

    The margin part is below zero where the trade frees margin. A contract without delta has none:
    InputError ``number_out_of_range``.
    """
    moved = abs(number("size", size) * candidate.greeks.get("delta", 0.0))
    if moved == 0.0:
        raise InputError(
            "number_out_of_range",
            "a contract without delta has no cost per delta",
            place=candidate.name,
            value=size,
            limit="a size with a delta",
            remedy="Leave it out.",
        )
    held = candidate.margin_buy_usd if size > 0.0 else candidate.margin_sell_usd
    parts = {
        "trading": _paid(candidate, size) / moved,
        "carry": size * candidate.carry_usd / moved,
        "margin": margin_rate * abs(size) * held / moved,
    }
    return {**parts, "total": parts["trading"] + parts["carry"] + parts["margin"]}


def _solved(
    exposure: Mapping[str, float],
    goals: Mapping[str, tuple[float, float]],
    candidates: Sequence[Candidate],
    rate: float,
) -> Floats:
    """Signed sizes: columns are lots of each candidate, then the pieces of its two sides."""
    count = len(candidates)
    cost, owner, way, most = [0.0] * count, [], [], []
    for k, each in enumerate(candidates):
        for sign, (width, slope), margin in (
            (1.0, each.buy, each.margin_buy_usd),
            (-1.0, each.sell, each.margin_sell_usd),
        ):
            beside = rate * margin + sign * each.carry_usd
            first = float(slope[0]) if len(slope) else 0.0
            # never below nothing: no trade is made for margin or carry alone
            lift = max(first + beside, 1e-9 * abs(first)) - first
            cost += [float(s) + lift for s in slope]
            most += [float(w) for w in width]
            owner += [k] * len(width)
            way += [sign] * len(width)
    lots = np.array([each.lot for each in candidates])
    reach = np.zeros(count)
    for k, wide in zip(owner, most, strict=True):
        reach[k] += wide
    side = np.array([[1.0 if o == k else 0.0 for o in owner] for k in range(count)]) * np.array(way)
    link = np.hstack([np.diag(lots), -side])
    greek = np.array([
        [each.greeks.get(name, 0.0) * each.lot for each in candidates] + [0.0] * len(owner)
        for name in goals
    ])  # fmt: skip
    most_moved = np.abs(greek).max(axis=1)
    unit = np.where(most_moved > 0.0, most_moved, 1.0)  # a Greek that nothing moves: in dollars
    low = np.array([goals[name][0] - exposure[name] for name in goals])
    high = np.array([goals[name][1] - exposure[name] for name in goals])
    bounds = (
        np.concatenate([-np.floor(reach / lots), np.zeros(len(owner))]),
        np.concatenate([np.floor(reach / lots), most]),
    )
    programme = _programme(np.array(cost), greek / unit[:, None], (low / unit, high / unit), link,
                           bounds, tuple(goals))  # fmt: skip
    found = programme.solve()
    if found is None:
        raise ModelError(
            "solver_failed",
            "no whole lots of these contracts bring every Greek into its band",
            place="hedge",
            value=_nearest(programme, dict(zip(goals, unit.tolist(), strict=True))),
            limit=", ".join(f"{n} {lo:g} to {hi:g}" for n, (lo, hi) in goals.items()),
            remedy="Widen the band, or add contracts (options for gamma and vega).",
        )
    # a lot is a decimal number: 7 x 0.1 is 0.7
    return np.asarray(np.round(found.x[:count] * lots, 10) + 0.0)


def _programme(
    cost: Floats,
    greek: Floats,
    limits: tuple[Floats, Floats],
    link: Floats,
    bounds: tuple[Floats, Floats],
    names: Sequence[str],
) -> Programme:
    """Whole lots first, then pieces; a named row for each Greek, one that ties lots to pieces."""
    count, width = link.shape
    few = float(bounds[1][:count].max()) <= _FEW
    made = Programme(
        cost / max(float(np.abs(cost).max()), 1e-300), *bounds, np.arange(width) < count,
        gap=1e-9 if few else _GAP, nodes=_NODES,
    )  # fmt: skip
    made.add_dense(range(width), greek, *limits, names)
    made.add_dense(range(width), link, np.zeros(count), np.zeros(count))
    return made


def _nearest(programme: Programme, unit: Mapping[str, float]) -> str:
    """How far outside each Greek stays at least, in dollars: the smallest relaxations."""
    found = programme.relaxations()
    return ", ".join(f"{each.name} outside by {each.by * unit[each.name]:.6g}" for each in found)
