"""Lyra v1 (onchain-protocols 4.2): the least collateral of one short position."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, inf

from .black import price

YEAR_S = 31_536_000


def shock_vol(seconds: float, p: Mapping[str, float]) -> float:
    """Flat, a line, flat."""
    if seconds <= p["point_a_seconds"]:
        return p["vol_a"]
    if seconds >= p["point_b_seconds"]:
        return p["vol_b"]
    width = p["point_b_seconds"] - p["point_a_seconds"]
    return p["vol_a"] - (p["vol_a"] - p["vol_b"]) * (seconds - p["point_a_seconds"]) / width


def min_collateral(
    right: int,
    in_coin: bool,
    amount: float,
    spot: float,
    strike: float,
    seconds: float,
    p: Mapping[str, float],
) -> float:
    """Coins for a call covered in coin, else cash; ``amount`` is the size of the short."""
    if amount == 0.0:
        return 0.0
    shocked = spot * (p["call_shock"] if right > 0 else p["put_shock"])
    years = max(seconds, 1.0) / YEAR_S
    grown = exp(p["rate"] * years)
    vol = shock_vol(seconds, p)
    value = price(right, shocked * grown, strike, vol, years) / grown * amount
    if in_coin:
        return min(max(value / shocked, p["static_coin"]), amount)
    return min(max(value, p["static_cash"]), inf if right > 0 else strike * amount)
