"""OKX standard margin of options (the venue's option margin article), one leg at a time."""

from __future__ import annotations

from math import fsum

from .types import Leg

LEAST, SHARE = 0.10, 0.15
KEPT = {"BTC": 0.03, "ETH": 0.05}


def short(leg: Leg, index: float, factor: float = 1.0) -> tuple[float, float]:
    """Initial and maintenance requirement of a short of one, in its settlement currency."""
    forward = leg.forward + leg.settled
    out = max(leg.strike - forward, 0.0) if leg.right > 0 else max(forward - leg.strike, 0.0)
    unit = 1.0 if leg.inverse else index
    im = max(LEAST, SHARE - out / forward) * factor * unit + leg.mark
    kept = KEPT[leg.underlying]
    mm = kept * unit if leg.right > 0 else max(kept * unit, kept * leg.mark)
    return im, mm * factor + leg.mark


def margin(legs: list[Leg], index: float) -> dict[str, float]:
    """IM and MM of a book of options."""
    sold = [(leg, short(leg, index)) for leg in legs if leg.quantity < 0.0]
    return {
        "im": fsum(-leg.quantity * leg.multiplier * each[0] for leg, each in sold),
        "mm": fsum(-leg.quantity * leg.multiplier * each[1] for leg, each in sold),
    }
