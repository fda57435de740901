"""Forecasts rest on the past alone, and a volatility that never changes is forecast as it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.families.dynamic_forecast import (
    ForecastRule,
    Method,
    Path,
    daily,
    forecast,
    implied_forecast,
)
from tests.margin.families.paths import START_MS, end_ms, history, random_moves, steady

RULE = ForecastRule(Method.EWMA, 0.94, 60, 300, 30, 2)
FITTED = (Method.EWMA, Method.GARCH, Method.HAR)


def _path(moves: np.ndarray, until_ms: int | None = None) -> Path:
    found = history(moves)
    return daily(found.times_ms, found.price, until_ms or end_ms(found), "BTC")


def test_a_day_ends_at_its_midnight() -> None:
    times = START_MS + np.array([0, 3, 24, 25, 47, 49]) * 3_600_000
    path = daily(times, np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]), START_MS + 2 * DAY_MS, "BTC")
    first = START_MS // DAY_MS
    assert path.day.tolist() == [first, first + 1, first + 2]
    assert path.value.tolist() == [1.0, 4.0, 16.0]  # 49 h is of a day that has not ended
    two = math.log(2.0) ** 2
    assert path.square.tolist() == pytest.approx([0.0, 2 * two, 2 * two])


def test_ewma_is_the_recursion() -> None:
    moves = random_moves()
    found = forecast(_path(moves), RULE)
    variance = float(np.mean(moves[:60] ** 2))
    for place, move in enumerate(moves[60:]):
        assert found.variance[place] == pytest.approx(2.0 * variance, rel=1e-9)
        variance = 0.94 * variance + 0.06 * move * move
    assert found.variance[-1] == pytest.approx(2.0 * variance, rel=1e-9)
    assert found.day[-1] * DAY_MS == end_ms(history(moves))


@pytest.mark.parametrize("method", FITTED)
def test_a_steady_volatility_is_forecast_as_it_is(method: Method) -> None:
    found = forecast(_path(steady()), replace(RULE, method=method))
    assert np.sqrt(found.variance) == pytest.approx(0.02 * math.sqrt(2.0), rel=1e-6)


@pytest.mark.parametrize("method", FITTED)
def test_a_longer_history_adds_and_moves_nothing(method: Method) -> None:
    moves, rule = random_moves(), replace(RULE, method=method)
    whole = forecast(_path(moves), rule)
    for days in (300, 333, 419):
        part = forecast(_path(moves[:days]), rule)
        assert part.day.tolist() == whole.day[: len(part.day)].tolist()
        assert part.variance.tolist() == whole.variance[: len(part.day)].tolist()


@pytest.mark.parametrize("method", FITTED)
def test_what_is_later_than_the_time_is_not_read(method: Method) -> None:
    moves, rule = random_moves(), replace(RULE, method=method)
    until = START_MS + 330 * DAY_MS
    wild = moves.copy()
    wild[330:] *= 5.0
    one, other = (forecast(_path(each, until), rule) for each in (moves, wild))
    assert one.variance.tolist() == other.variance.tolist()


@pytest.mark.parametrize("method", FITTED)
def test_the_last_day_is_read(method: Method) -> None:
    """A move of ten per cent raises the forecast of its own midnight, and no earlier one."""
    moves, rule = random_moves(), replace(RULE, method=method)
    shaken = moves.copy()
    shaken[-1] = 0.10
    calm, shock = (forecast(_path(each), rule).variance for each in (moves, shaken))
    assert calm[:-1].tolist() == shock[:-1].tolist()
    assert shock[-1] > 1.02 * calm[-1]


def test_garch_looks_ahead_over_the_horizon() -> None:
    moves, rule = random_moves(), replace(RULE, method=Method.GARCH)
    one = forecast(_path(moves), replace(rule, horizon_days=1)).variance
    two = forecast(_path(moves), rule).variance
    far = forecast(_path(moves), replace(rule, horizon_days=1000)).variance / 1000.0
    assert (np.abs(two - 2.0 * one) <= np.abs(far - one) * 2.0 + 1e-12).all()


def test_implied_is_the_recorded_volatility() -> None:
    found = history(steady(), np.full(100, 0.73))
    vols = daily(found.vol_times_ms, found.vol, end_ms(found), "BTC")
    made = implied_forecast(vols, RULE)
    assert made.variance == pytest.approx(0.73**2 * 2.0 / 365.0, rel=1e-15)


def test_gaps_and_short_histories_are_refused() -> None:
    found = history(random_moves())
    keep = np.ones(len(found), np.bool_)
    keep[100:120] = False
    cases = {
        "history_gap": lambda: daily(found.times_ms[keep], found.price[keep], end_ms(found), "BTC"),
        "observations_too_few": lambda: forecast(_path(random_moves(days=50)), RULE),
    }
    for code, call in cases.items():
        with pytest.raises(CrossMarginError) as error:
            call()
        assert error.value.code == code
    with pytest.raises(CrossMarginError):
        forecast(_path(random_moves(days=249)), replace(RULE, method=Method.GARCH))


def test_a_day_that_lacks_has_no_return() -> None:
    found = history(steady())
    keep = np.ones(len(found), np.bool_)
    keep[200] = False  # both moves beside it are unknown
    path = daily(found.times_ms[keep], found.price[keep], end_ms(found), "BTC")
    assert len(forecast(path, RULE).day) == len(forecast(_path(steady()), RULE).day) - 2
