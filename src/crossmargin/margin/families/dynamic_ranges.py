"""The range of each day from the forecasts of the days up to it, with what keeps it from jumping.

    W_t = max(floor, min((1 - b) z s_t + b S_t, cap))
    R_t = clip(W_t, R_{t-1} (1 - down), R_{t-1} (1 + up))         R of the first day = W

s_t is the forecast deviation of the log move over the horizon, S_t the largest relative move over
it in the history so far. R never is under the floor, for its first value and every W are not. It
changes at midnight UTC and rests on what was known then.

Source: EMIR's stressed weight of 25 % with a floor and a cap on steps, as this project joins them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from crossmargin.core.arrays import Floats, Longs, frozen
from crossmargin.core.errors import MarketDataError
from crossmargin.margin.families.anti_procyclical import clipped_path
from crossmargin.margin.families.dynamic_forecast import (
    Forecast,
    ForecastRule,
    Method,
    Path,
    daily,
    forecast,
    implied_forecast,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.history import History

__all__ = [
    "CoinRanges",
    "RangePath",
    "RangeRule",
    "price_rule",
    "range_path",
    "ranges_of",
    "vol_rule",
]

OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class RangeRule:
    """The numbers of the formula; ``up`` and ``down`` are the largest steps of a day."""

    forecast: ForecastRule
    z: float
    stress_share: float
    floor: float
    cap: float
    up: float
    down: float


@dataclass(frozen=True, slots=True, eq=False)
class RangePath:
    """[K] figures of each day: deviation over the horizon, stress so far, wanted and charged."""

    day: Longs
    deviation: Floats
    stress: Floats
    wanted: Floats
    range: Floats


@dataclass(frozen=True, slots=True)
class CoinRanges:
    """The ranges of one coin at one moment; ``vol`` is None where no volatility is recorded.

    ``level`` is the last recorded volatility a year, 0 where there is none.
    """

    price: RangePath
    vol: RangePath | None
    level: float


def price_rule(parameters: Parameters, coin: str) -> RangeRule:
    """The rule of a coin's price range from the numbers under ``dynamic``."""

    def number(name: str) -> float:
        return parameters.number(f"dynamic.{name}")

    own = f"dynamic.floor.{coin}"
    rule = ForecastRule(
        Method(parameters.get("dynamic.forecast.method")),
        number("forecast.decay"),
        round(number("forecast.start_days")),
        round(number("forecast.window_days")),
        round(number("forecast.refit_days")),
        round(number("range.horizon_days")),
    )
    return RangeRule(
        rule,
        number("range.z"),
        number("range.stress_share"),
        parameters.number(own if own in parameters else f"dynamic.floor.{OTHER}"),
        number("range.cap"),
        number("range.step_up"),
        number("range.step_down"),
    )


def vol_rule(parameters: Parameters) -> RangeRule:
    """The rule of the shock to volatility: weighted squares of the moves of volatility itself."""

    def number(name: str) -> float:
        return parameters.number(f"dynamic.vol.{name}")

    price = price_rule(parameters, OTHER)
    return RangeRule(
        replace(price.forecast, method=Method.EWMA),
        number("z"),
        number("stress_share"),
        number("floor"),
        number("cap"),
        number("step_up"),
        number("step_down"),
    )


def range_path(path: Path, known: Forecast, rule: RangeRule) -> RangePath:
    """The range of every day that has a forecast; ``path`` gives the stress so far."""
    horizon = rule.forecast.horizon_days
    place = np.searchsorted(path.day, path.day - horizon)
    there = path.day[np.minimum(place, len(path.day) - 1)] == path.day - horizon
    moves = np.where(there, np.abs(path.value / path.value[place] - 1.0), 0.0)
    worst = np.maximum.accumulate(moves)
    at = np.searchsorted(path.day, known.day, side="right") - 1
    stress = np.where(at >= 0, worst[np.maximum(at, 0)], 0.0)
    deviation = np.sqrt(known.variance)
    raw = (1.0 - rule.stress_share) * rule.z * deviation + rule.stress_share * stress
    wanted = np.maximum(np.minimum(raw, rule.cap), rule.floor)
    return RangePath(
        frozen(known.day, np.int64),
        frozen(deviation, np.float64),
        frozen(stress, np.float64),
        frozen(wanted, np.float64),
        frozen(clipped_path(wanted, up=rule.up, down=rule.down), np.float64),
    )


def ranges_of(
    histories: Mapping[str, History], coin: str, as_of_ms: int, parameters: Parameters
) -> CoinRanges:
    """The ranges of a coin at a moment; MarketDataError ``history_missing`` without a history."""
    if coin not in histories:
        raise MarketDataError(
            "history_missing",
            "the market holds no history of an underlying",
            place=coin,
            limit=", ".join(histories) or "none",
            remedy="Import the market with --history FILE.",
        )
    return _ranges(histories[coin], as_of_ms, price_rule(parameters, coin), vol_rule(parameters))


@lru_cache(maxsize=64)
def _ranges(
    history: History, as_of_ms: int, price_rule: RangeRule, vol_rule: RangeRule
) -> CoinRanges:
    """Kept by the history itself: pools, rounds and surfaces of one market ask again."""
    name = history.underlying
    prices = daily(history.times_ms, history.price, as_of_ms, f"past_price {name}")
    vols = daily(history.vol_times_ms, history.vol, as_of_ms, f"past_vol {name}")
    if price_rule.forecast.method is Method.IMPLIED:
        if not len(vols.day):
            raise MarketDataError(
                "history_missing",
                "the market records no earlier volatility of an underlying",
                place=f"past_vol {name}",
                remedy="Import it with --history FILE, or choose another dynamic.forecast.method.",
            )
        known = implied_forecast(vols, price_rule.forecast)
    else:
        known = forecast(prices, price_rule.forecast)
    shock = None
    start = vol_rule.forecast.start_days + 1
    if len(vols.day) >= start and np.ptp(vols.value[:start]) > 0.0:  # one that never moves is none
        shock = range_path(vols, forecast(vols, vol_rule.forecast), vol_rule)
    level = float(vols.value[-1]) if len(vols.day) else 0.0
    return CoinRanges(range_path(prices, known, price_rule), shock, level)
