"""The plain percentage of every position: the baseline that a saving is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from .types import Leg


def margin(
    legs: list[Leg], index: Mapping[str, float], rates: Mapping[str, tuple[float, float]]
) -> dict[str, object]:
    """Sum of (IM, MM) rate x units x index; ``rates`` by kind, a long option pays nothing more."""
    rows = []
    for leg in legs:
        initial, maintenance = rates["long_option" if _is_long_option(leg) else leg.kind]
        notional = abs(leg.units) * index[leg.underlying]
        rows.append((notional * initial, notional * maintenance))
    return {
        "rows": rows,
        "im": fsum(row[0] for row in rows),
        "mm": fsum(row[1] for row in rows),
        "gross": fsum(abs(leg.units) * index[leg.underlying] for leg in legs),
    }


def _is_long_option(leg: Leg) -> bool:
    return leg.kind == "option" and leg.quantity > 0.0
