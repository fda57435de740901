"""The plain percentage of every position: the baseline that a saving is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from .types import Leg


def leg_charge(leg: Leg, index: float, rates: Mapping[str, float]) -> float:
    """One position in its settlement currency: no netting, a long option costs nothing more.

    Futures: a share of the notional at their mark. Short options: a share of the index, and the
    mark. A coin-settled contract is charged in coin, where one unit of underlying is one coin.
    """
    size = abs(leg.units)
    if leg.kind == "option":
        if leg.quantity >= 0.0:
            return 0.0
        share = rates["short_option_share"] * (1.0 if leg.inverse else index)
        return size * (share + leg.mark)
    return size * rates["future_share"] * (1.0 if leg.inverse else leg.mark)


def margin(
    legs: list[Leg], index: Mapping[str, float], rates: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """IM and MM; ``rates`` by level ("im", "mm")."""
    out = {
        level: fsum(leg_charge(leg, index[leg.underlying], rates[level]) for leg in legs)
        for level in ("im", "mm")
    }
    gross = fsum(abs(leg.units) * (1.0 if leg.inverse else index[leg.underlying]) for leg in legs)
    return {**out, "gross": gross}
