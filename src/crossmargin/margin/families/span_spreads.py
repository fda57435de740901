"""Deltas by period and the spreads that are formed of them, for every account of a block at once.

A spread is formed as often as its scarcest leg allows, first with the legs of side A long and those
of side B short, then the other way round:

    n = min over legs of (delta that is available on the leg's side / delta per spread)

Within a commodity the long and the short deltas of a leg's periods stand apart (``gross``); between
commodities a leg has the net of its periods. A formed spread takes its deltas away, from the first
period on. Every operation is on a column of accounts, so an account's bits are its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.margin.families.span_terms import (
    ALL_PERIODS,
    Commodity,
    DeltaSpread,
    Leg,
    Tier,
    months_between,
)

__all__ = ["Deltas", "Formed", "form", "leg_periods"]


@dataclass(slots=True)
class Deltas:
    """What is left of the deltas, ``left[c][A, P]``, and what spreads took, ``used[c][A, P]``."""

    periods: tuple[tuple[str, ...], ...]
    left: list[Floats]
    used: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = [np.zeros_like(each) for each in self.left]

    def net(self, commodity: int, periods: Sequence[int] | None = None) -> Floats:
        """[A] sum over periods, from the first on."""
        left = self.left[commodity]
        total = np.zeros(len(left))
        for p in range(left.shape[1]) if periods is None else periods:
            total += left[:, p]
        return total

    def side(self, commodity: int, periods: Sequence[int], sign: float, *, gross: bool) -> Floats:
        """[A] delta available on one side: of each period for itself, or of their net."""
        if not gross:
            return np.maximum(sign * self.net(commodity, periods), 0.0)
        total = np.zeros(len(self.left[commodity]))
        for p in periods:
            total += np.maximum(sign * self.left[commodity][:, p], 0.0)
        return total

    def take(self, commodity: int, periods: Sequence[int], sign: float, wanted: Floats) -> None:
        """Take ``wanted[A]`` from the periods that have it, the first period first."""
        left, used = self.left[commodity], self.used[commodity]
        rest = wanted.copy()
        for p in periods:
            part = np.minimum(rest, np.maximum(sign * left[:, p], 0.0))
            left[:, p] -= sign * part
            used[:, p] += part
            rest -= part


@dataclass(frozen=True, slots=True)
class Formed:
    """One spread of the list: how often each account forms it, and what each leg amounts to.

    ``amount`` maps a commodity's place to [A] dollars (or its own currency).
    """

    kind: str  # super, intra, inter
    label: str
    count: Floats
    amount: Mapping[int, Floats]


def leg_periods(leg: Leg, periods: Sequence[str], tiers: Sequence[Tier], place: str) -> list[int]:
    """Places of a leg's periods; ModelError ``rules_unknown`` for a tier that is not defined."""
    if leg.period:
        return [p for p, name in enumerate(periods) if name[: len(leg.period)] == leg.period]
    if leg.tier == ALL_PERIODS or not tiers:
        return list(range(len(periods)))
    for tier in tiers:
        if tier.number == leg.tier:
            return [p for p, name in enumerate(periods) if tier.holds(name)]
    raise ModelError(
        "rules_unknown", "a leg names a tier that is not defined", place=place, value=leg.tier
    )


def _label(spread: DeltaSpread) -> str:
    def words(leg: Leg) -> str:
        where = leg.period or (f"tier {leg.tier}" if leg.tier else "all")
        return f"{leg.commodity} {where} {leg.ratio:g}{leg.side}"

    return " / ".join(words(leg) for leg in spread.legs)


def _shares(
    spread: DeltaSpread, place: Mapping[str, int], wfpr: Floats, count: Floats
) -> dict[int, Floats]:
    """What ``count`` spreads amount to, by commodity."""
    amount: dict[int, Floats] = {}
    legs = spread.legs
    flat = spread.rate
    if spread.method == "P":
        flat += spread.month_rate * months_between(tuple(leg.period for leg in legs))
    for leg in legs:
        c = place[leg.commodity]
        if spread.method == "W":
            part = count * leg.ratio * wfpr[:, c] * leg.rate
        else:
            part = count * flat * (1.0 / len(legs))
        amount[c] = amount[c] + part if c in amount else part
    return amount


def form(
    spread: DeltaSpread,
    deltas: Deltas,
    commodities: Sequence[Commodity],
    wfpr: Floats,
    kind: str,
    place: Mapping[str, int],
) -> Formed:
    """Form one spread in every account, both ways round; ``wfpr[A, C]`` prices method W.

    ``place`` is where each commodity stands in ``commodities``.
    """
    # Legs of one side that share periods share what is available: they count as one.
    joined: dict[tuple[int, tuple[int, ...], str], float] = {}
    for leg in spread.legs:
        c = place[leg.commodity]
        tiers = commodities[c].intra_tiers if kind == "intra" else commodities[c].inter_tiers
        found = leg_periods(leg, deltas.periods[c], tiers, _label(spread))
        key = c, tuple(found), leg.side
        joined[key] = joined.get(key, 0.0) + leg.ratio
    _refuse_overlap(joined, _label(spread))
    accounts = len(wfpr)
    count = np.zeros(accounts)
    for long_side in ("A", "B"):
        n = np.full(accounts, np.inf)
        for (c, at, side), ratio in joined.items():
            sign = 1.0 if side == long_side else -1.0
            n = np.minimum(n, deltas.side(c, at, sign, gross=kind == "intra") / ratio)
        for (c, at, side), ratio in joined.items():
            deltas.take(c, at, 1.0 if side == long_side else -1.0, n * ratio)
        count += n
    return Formed(kind, _label(spread), count, _shares(spread, place, wfpr, count))


def _refuse_overlap(joined: Mapping[tuple[int, tuple[int, ...], str], float], label: str) -> None:
    """Two different legs of one side may not share a period: either could take the other's."""
    seen: set[tuple[int, int, str]] = set()
    for c, at, side in joined:
        cells = {(c, p, side) for p in at}
        if seen & cells:
            raise ModelError(
                "rules_unknown", "two legs of one side of a spread share a period", place=label,
                remedy="State the legs so that each period belongs to one of them.",
            )  # fmt: skip
        seen |= cells
