"""Widths from the history in a market: daily prices back to the first gap, or none."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.margin.families.greeks_calibration import daily_prices, width_by_history
from crossmargin.market.history import History
from crossmargin.statistics.shift_calibration import grid_half_width
from tests.margin.greek_books import AS_OF_MS, parameters


def history(days: list[float]) -> History:
    """A price a day on the days given, counted back from as-of; the price is its place plus 100."""
    times = frozen([AS_OF_MS - round(day * DAY_MS) for day in days], np.int64)
    price = frozen(100.0 + np.arange(len(days)) % 7, np.float64)
    none = frozen(np.zeros(0), np.float64)
    return History("BTC", times, price, frozen(np.zeros(0), np.int64), none)


def test_prices_a_day_apart_until_the_first_gap() -> None:
    hourly = [day + hour for day in (5.0, 4.0, 2.0, 1.0, 0.0) for hour in (0.0, -0.25)][:-1]
    found = history(sorted(hourly, reverse=True))
    place = {int(t): float(p) for t, p in zip(found.times_ms, found.price, strict=True)}
    expected = [place[AS_OF_MS - k * DAY_MS] for k in (2, 1, 0)]
    assert daily_prices(found).tolist() == expected
    assert len(daily_prices(history([]))) == 0


def test_the_width_is_that_of_the_prices() -> None:
    given = parameters("greeks")
    found = history([float(day) for day in range(99, -1, -1)])
    width, days = width_by_history({"BTC": found}, "BTC", given) or pytest.fail("no width")
    assert days == 100
    assert width == grid_half_width(
        found.price,
        z=3.0,
        horizon_days=2,
        decay=0.97,
        floor=0.10,
        stress_share=0.25,
        step=0.01,
    )


def test_too_short_a_history_gives_no_width() -> None:
    given = parameters("greeks")
    for days in (0, 1, 32):
        short = history([float(day) for day in range(days - 1, -1, -1)])
        assert width_by_history({"BTC": short}, "BTC", given) is None
    assert width_by_history({}, "BTC", given) is None
    enough = history([float(day) for day in range(32, -1, -1)])
    assert width_by_history({"BTC": enough}, "BTC", given) is not None
