"""From the history of one coin to a forecast of volatility, one a day at midnight UTC.

The figure of a midnight rests on observations up to that midnight and on nothing later: a longer
history adds figures and moves none. Models are fitted on a calendar of their own (every so many
days since 1970), so that the figure of a day is the same whenever it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import MarketDataError, ModelError
from crossmargin.market.history import GAPS_MAX
from crossmargin.statistics.checks import enough
from crossmargin.statistics.filters import (
    HAR_LAGS,
    Garch,
    Har,
    ewma_variance,
    garch_fit,
    garch_variance,
    har_fit,
)

__all__ = ["Forecast", "ForecastRule", "Method", "Path", "daily", "forecast", "implied_forecast"]

GARCH_LEAST = 250  # returns that a fit of GARCH needs
HAR_LEAST = 60


class Method(StrEnum):
    """What a forecast of volatility is made of."""

    EWMA = "ewma"  # exponentially weighted squares of daily returns
    GARCH = "garch"  # GARCH(1,1) of daily returns, fitted to a window
    HAR = "har"  # regression of a day's realised variance on those of a day, a week and a month
    IMPLIED = "implied"  # the volatility that options imply, as the market's history records it


@dataclass(frozen=True, slots=True)
class ForecastRule:
    """``start_days`` begin the weighted mean; a fit sees the last ``window_days`` at most."""

    method: Method
    decay: float
    start_days: int
    window_days: int
    refit_days: int
    horizon_days: int


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Daily values at midnights: ``day`` is days since 1970 ``[T]``, ascending; value above 0.

    ``square[T]`` is the sum of squared log moves inside each day, 0 where the day before lacks.
    """

    day: Longs
    value: Floats
    square: Floats

    @property
    def follows(self) -> np.ndarray:
        """[T] whether the day before is there too: only then is there a return."""
        known = np.zeros(len(self.day), np.bool_)
        known[1:] = np.diff(self.day) == 1
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """``variance[K]`` of the log move over the whole horizon, as known at ``day[K]``."""

    day: Longs
    variance: Floats


def daily(times_ms: Longs, values: Floats, as_of_ms: int, place: str) -> Path:
    """The last value of each whole day that ended at or before ``as_of_ms``.

    Raises MarketDataError ``history_gap`` where more than 2 % of the days lack one.
    """
    day = -(-times_ms // DAY_MS)  # the midnight at which an observation is known
    kept = day * DAY_MS <= as_of_ms
    day, values = day[kept], values[kept]
    last = np.ones(len(day), np.bool_)
    last[:-1] = day[1:] != day[:-1]
    ends = day[last]
    _refuse_gaps(ends, place)
    if not len(ends):
        return Path(ends, values, np.zeros(0))
    squares = np.diff(np.log(values), prepend=np.log(values[0])) ** 2
    number = np.searchsorted(ends, day)
    inside = np.asarray(np.bincount(number, squares, minlength=len(ends)), np.float64)
    path = Path(ends, values[last], inside)
    return Path(ends, path.value, np.where(path.follows, path.square, 0.0))


def _refuse_gaps(ends: Longs, place: str) -> None:
    if len(ends) < 2:
        return
    days = int(ends[-1] - ends[0]) + 1
    lost = days - len(ends)
    if lost <= GAPS_MAX * days:
        return
    first = int(ends[int(np.argmax(np.diff(ends) > 1))]) + 1
    raise MarketDataError(
        "history_gap",
        "the history lacks days",
        place=f"{place}, first day without an observation: {format_ms(first * DAY_MS)[:10]}",
        value=f"{lost} of {days} days",
        limit=f"at most {100.0 * GAPS_MAX:g} % of the days",
        remedy="Give the missing observations, or cut the history to its whole part.",
    )


def forecast(path: Path, rule: ForecastRule) -> Forecast:
    """Variance over the horizon at every day from the first that has enough behind it.

    Raises ModelError ``observations_too_few``, and what the fits raise.
    """
    follows = path.follows
    day = path.day[follows]
    returns = np.diff(np.log(path.value), prepend=np.log(path.value[:1]))[follows]
    if rule.method is Method.GARCH:
        return _garch(day, returns, rule)
    if rule.method is Method.HAR:
        return _har(day, path.square[follows], rule)
    enough(len(returns), rule.start_days, "daily returns of the history")
    variance = ewma_variance(returns, rule.decay, start=rule.start_days)
    return Forecast(day[rule.start_days - 1 :], variance * rule.horizon_days)


def implied_forecast(vol: Path, rule: ForecastRule) -> Forecast:
    """``vol^2 h / 365`` of the volatility a year that the market's history records."""
    enough(len(vol.day), 1, "volatilities of the history")
    return Forecast(vol.day, vol.value * vol.value * (rule.horizon_days / 365.0))


def _segments(day: Longs, least: int, refit_days: int) -> list[tuple[int, int]]:
    """(first, end) places of returns after which one fit is used; it sees those up to ``first``."""
    enough(len(day), least, "daily returns of the history")
    period = day[least - 1 :] // refit_days
    starts = (np.flatnonzero(np.diff(period, prepend=-1)) + least - 1).tolist()
    return list(zip(starts, [*starts[1:], len(day)], strict=True))


def _garch(day: Longs, returns: Floats, rule: ForecastRule) -> Forecast:
    least = max(rule.start_days, GARCH_LEAST)
    parts = []
    for first, end in _segments(day, least, rule.refit_days):
        low = max(0, first + 1 - rule.window_days)
        fit: Garch = garch_fit(returns[low : first + 1])
        known = garch_variance(returns[low:end], fit)[first + 1 - low :]
        stable = fit.alpha + fit.beta
        weight = (1.0 - stable**rule.horizon_days) / (1.0 - stable)
        parts.append(fit.long_run * rule.horizon_days + weight * (known - fit.long_run))
    return Forecast(day[least - 1 :], np.concatenate(parts))


def _har(day: Longs, realised: Floats, rule: ForecastRule) -> Forecast:
    least = max(rule.start_days, HAR_LEAST)
    out = []
    for first, end in _segments(day, least, rule.refit_days):
        fit = _har_fit(realised[max(0, first + 1 - rule.window_days) : first + 1])
        for place in range(first, end):
            past = realised[max(0, place + 1 - rule.window_days) : place + 1]
            out.append(float(past[-1]) if fit is None else fit.forecast(past))
    return Forecast(day[least - 1 :], np.array(out) * rule.horizon_days)


def _har_fit(realised: Floats) -> Har | None:
    """None where the realised variance does not vary: then the next is as the last."""
    try:
        return har_fit(realised, HAR_LAGS)
    except ModelError as error:
        if error.code != "matrix_singular":
            raise
        return None
