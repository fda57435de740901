"""Deribit standard margin (centralised-venues 1.3): each position alone, no netting."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from .types import Leg


def option_rates(right: int, strike: float, index: float, mark: float) -> tuple[float, float]:
    """(IM, MM) in coin of one short inverse option; ``mark`` in coin."""
    out = max(0.0, right * (strike - index) / index)
    initial = max(0.15 - out, 0.10) + mark
    if right > 0:
        return initial, 0.075 + mark
    maintenance = max(0.075, 0.075 * mark) + mark
    return max(initial, maintenance), maintenance


def future_rates(
    size_coin: float, params: Mapping[str, float], reading: str = "increment"
) -> tuple[float, float]:
    """(IM, MM) as fractions of the notional of one future or perpetual.

    ``increment``: base rates and a step per coin of size. ``tier``: 1 / leverage, and two thirds.
    """
    if reading == "tier":
        initial = 1.0 / params["leverage"]
        return initial, initial * 2.0 / 3.0
    step = params["increment_per_coin"] * abs(size_coin)
    return params["im_base"] + step, params["mm_base"] + step


def margin(
    legs: list[Leg],
    index: float,
    params: Mapping[str, float],
    reading: str = "increment",
) -> dict[str, object]:
    """Coin for inverse legs, quote currency for linear futures; ``rows`` holds (IM, MM) a leg."""
    rows = []
    for leg in legs:
        size = abs(leg.units)
        if leg.kind == "option":
            each = option_rates(leg.right, leg.strike, index, leg.mark)
            rows.append((size * each[0], size * each[1]) if leg.quantity < 0 else (0.0, 0.0))
            continue
        each = future_rates(leg.units, params, reading)
        notional = size if leg.inverse else size * index
        rows.append((notional * each[0], notional * each[1]))
    return {
        "rows": rows,
        "im": fsum(row[0] for row in rows),
        "mm": fsum(row[1] for row in rows),
        "gross": fsum(abs(leg.units) * (1.0 if leg.inverse else index) for leg in legs),
    }
