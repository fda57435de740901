"""Charges of one short option (centralised-venues 1.3, 4.2, 9, 10, 13), case by case."""

from __future__ import annotations

from collections.abc import Mapping

Both = tuple[float, float]


def _distance(right: int, strike: float, index: float) -> float:
    """How far out of the money, in quote currency."""
    if right > 0:
        return strike - index if strike > index else 0.0
    return index - strike if strike < index else 0.0


def floored(right: int, strike: float, index: float, mark: float, p: Mapping[str, float]) -> Both:
    """Deribit, BIT, Aevo; linear, in quote currency."""
    away = _distance(right, strike, index)
    initial = max(p["share"] * index - away, p["least"] * index) + mark
    if right > 0:
        return initial, p["mm"] * index + mark
    maintenance = max(p["mm"] * index, p["mm"] * mark) + mark
    return max(initial, maintenance), maintenance


def with_fee(right: int, strike: float, index: float, mark: float, p: Mapping[str, float]) -> Both:
    """Bybit: the put as stated, the call alike; maintenance with a liquidation fee."""
    maintenance = mark + p["fee"] * index + (p["mm"] * mark if mark > index else p["mm"] * index)
    if right > 0:
        maintenance = mark + (p["fee"] + p["mm"]) * index
    away = _distance(right, strike, index)
    initial = max(p["share"] * index - away, p["least"] * index) + mark
    return max(initial, maintenance), maintenance


def sloped(right: int, strike: float, index: float, mark: float, p: Mapping[str, float]) -> Both:
    """Binance."""
    away = _distance(right, strike, index)
    initial = max(p["share"] * index - away, p["least"] * index) + mark
    return initial, max(p["mm"] * index - away, p["mm_least"] * index) + mark


def classic(right: int, strike: float, index: float, mark: float, p: Mapping[str, float]) -> Both:
    """Gate."""
    away = _distance(right, strike, index)
    grown = index + mark if right < 0 else index
    initial = max(p["im_1"] * grown, p["im_2"] * index - away) + mark
    return initial, max(p["mm_1"] * grown, p["mm_2"] * index - away) + mark


def paradex(
    right: int, strike: float, spot: float, mark: float, long: bool, p: Mapping[str, float]
) -> float:
    """Paradex at one level, for a long or a short option."""
    if long:
        return min(p["premium_multiplier"] * mark, p["long_itm"] * spot)
    away = _distance(right, strike, spot)
    charge = max(p["short_itm"] * spot - away, p["short_otm"] * spot)
    return charge if right > 0 else min(charge, p["short_put_cap"] * spot)
