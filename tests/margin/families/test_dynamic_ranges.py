"""Ranges: never under the floor, never a step beyond its cap, and nothing of the future."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.families.dynamic_forecast import ForecastRule, Method, daily, forecast
from crossmargin.margin.families.dynamic_ranges import RangePath, RangeRule, range_path, ranges_of
from crossmargin.margin.parameter_files import available, overlay
from tests.margin.families.paths import START_MS, end_ms, history, random_moves, steady

FORECAST = ForecastRule(Method.EWMA, 0.94, 60, 300, 30, 2)
PARAMETERS = available("dynamic+house")[-1]


def _range(moves: np.ndarray, rule: RangeRule) -> RangePath:
    found = history(moves)
    path = daily(found.times_ms, found.price, end_ms(found), "BTC")
    return range_path(path, forecast(path, rule.forecast), rule)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 0.3),
    st.floats(0.05, 0.9),
    st.floats(0.0, 0.5),
    st.floats(0.0, 0.2),
)
def test_the_bounds_hold(seed: int, floor: float, cap: float, up: float, down: float) -> None:
    rule = RangeRule(FORECAST, 3.0, 0.25, floor, cap, up, down)
    found = _range(random_moves(seed, 120), rule).range
    assert (found >= floor).all() and (found <= max(cap, floor)).all()
    assert (found[1:] <= found[:-1] * (1.0 + up)).all()
    assert (found[1:] >= found[:-1] * (1.0 - down)).all()


def test_the_formula_day_by_day() -> None:
    moves = random_moves()
    found = _range(moves, RangeRule(FORECAST, 3.0, 0.25, 0.05, 0.6, 0.1, 0.02))
    price = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    previous = None
    for place, day in enumerate(found.day.tolist()):
        now = day - START_MS // DAY_MS
        stress = max(abs(price[k] / price[k - 2] - 1.0) for k in range(2, now + 1))
        wanted = max(0.05, min(0.75 * 3.0 * found.deviation[place] + 0.25 * stress, 0.6))
        if previous is None:
            previous = wanted
        previous = min(max(wanted, previous * 0.98), previous * 1.1)
        assert found.range[place] == pytest.approx(previous, rel=1e-12)


def test_a_steady_volatility_gives_a_steady_range() -> None:
    found = _range(steady(), RangeRule(FORECAST, 3.0, 0.0, 0.001, 0.9, 0.25, 0.02))
    assert found.range == pytest.approx(3.0 * 0.02 * math.sqrt(2.0), rel=1e-6)
    assert found.range.max() / found.range.min() < 1.0 + 1e-9


def test_a_history_shifted_by_a_day_gives_the_range_of_the_day_before() -> None:
    """Were anything later than the time read, yesterday's figure would not come out again."""
    found = history(random_moves())
    today = ranges_of({"BTC": found}, "BTC", end_ms(found), PARAMETERS).price
    for days in (1, 5, 40):
        before = ranges_of({"BTC": found}, "BTC", end_ms(found) - days * DAY_MS, PARAMETERS).price
        assert before.range.tolist() == today.range[:-days].tolist()
        assert before.day.tolist() == today.day[:-days].tolist()


def test_the_range_stands_until_midnight() -> None:
    found = history(random_moves())
    last = end_ms(found)
    at = [ranges_of({"BTC": found}, "BTC", last + k, PARAMETERS).price.range[-1] for k in (0, 1)]
    assert at[0] == at[1]
    earlier = ranges_of({"BTC": found}, "BTC", last - 1, PARAMETERS).price
    assert earlier.day[-1] * DAY_MS == last - DAY_MS


def test_vol_has_a_range_of_its_own_where_it_is_recorded() -> None:
    vols = 0.6 * np.exp(np.cumsum(random_moves(9, 200, 0.05) * 0.3))
    found = history(random_moves(), vols)
    made = ranges_of({"BTC": found}, "BTC", int(found.vol_times_ms[-1]), PARAMETERS)
    assert made.vol is not None
    assert made.level == vols[-1]
    assert (made.vol.range >= PARAMETERS.number("dynamic.vol.floor")).all()
    bare = history(random_moves())
    assert ranges_of({"BTC": bare}, "BTC", end_ms(bare), PARAMETERS).vol is None


@pytest.mark.parametrize("method", ["ewma", "garch", "har", "implied"])
def test_every_method_gives_a_range(method: str) -> None:
    found = history(random_moves(), np.full(300, 0.6))
    chosen = overlay(PARAMETERS, {"dynamic.forecast.method": method}, "test")
    made = ranges_of({"BTC": found}, "BTC", START_MS + 299 * DAY_MS, chosen)
    assert 0.1 <= made.price.range[-1] <= 0.6


def test_what_lacks_is_named() -> None:
    bare = history(random_moves())
    implied = overlay(PARAMETERS, {"dynamic.forecast.method": "implied"}, "test")
    for coin, parameters in (("ETH", PARAMETERS), ("BTC", implied)):
        with pytest.raises(CrossMarginError) as error:
            ranges_of({"BTC": bare}, coin, end_ms(bare), parameters)
        assert error.value.code == "history_missing"
        assert coin in error.value.place
