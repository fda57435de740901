"""Distances: sigmas, probabilities with their samples, and what a venue adds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts.crossings import crossings
from crossmargin.accounts.distance import (
    TERMS,
    VenueTerms,
    after_lag,
    daily_sigma,
    distance,
    late_marks,
    spread_cost,
    touches,
)
from crossmargin.accounts.path import factors, response_path, spot_path
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.market.history import History
from tests.accounts.random_books import account_of, contracts, named
from tests.accounts.test_crossings import strangle

HOUR_MS = 3_600_000


def walk(step_ms: int, count: int, sigma: float) -> History:
    steps = np.random.default_rng(11).normal(0.0, sigma, count)
    price = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    times = np.arange(count + 1, dtype=np.int64) * step_ms
    return History("BTC", times, price, times[:0], price[:0])


def test_the_sigma_is_the_ewma_of_daily_returns() -> None:
    history = walk(DAY_MS, 400, 0.02)
    returns = np.diff(np.log(history.price))
    variance = float(np.mean(returns[:60] ** 2))
    for r in returns[60:]:
        variance = 0.94 * variance + 0.06 * r * r
    sigma, count = daily_sigma(history)
    assert (sigma, count) == (pytest.approx(math.sqrt(variance), rel=0.05), 400)
    with pytest.raises(MarketDataError, match="history_missing"):
        daily_sigma(walk(DAY_MS, 20, 0.02))


def test_a_fine_history_is_counted_and_a_coarse_one_reflected() -> None:
    fine = walk(HOUR_MS, 24 * 400, 0.005)
    counted = touches(fine, 0.98)
    assert [t.how for t in counted] == ["counted"] * 3
    log_price = np.log(fine.price)
    for t in counted:
        h = int(t.hours)
        own = [
            log_price[k : k + h + 1].min() - log_price[k] <= math.log(0.98)
            for k in range(len(log_price) - h)
        ]
        assert t.probability == pytest.approx(np.mean(own)) and t.windows == len(own)
        assert t.apart == len(own) // h
    coarse = touches(walk(DAY_MS, 400, 0.02), 0.95, (24.0,))[0]
    sigma = daily_sigma(walk(DAY_MS, 400, 0.02))[0]
    tail = 0.5 * math.erfc(abs(math.log(0.95)) / sigma / math.sqrt(2.0))
    assert (coarse.how, coarse.windows) == ("reflection", 400)
    assert coarse.probability == pytest.approx(2.0 * tail)
    up = touches(fine, 1.02)
    assert up[0].probability < up[1].probability < up[2].probability


def test_a_window_with_a_hole_is_not_counted() -> None:
    fine = walk(HOUR_MS, 24 * 200, 0.005)
    hole = replace(fine, times_ms=np.delete(fine.times_ms, 1000), price=np.delete(fine.price, 1000))
    assert touches(hole, 0.99, (1.0,))[0].windows == touches(fine, 0.99, (1.0,))[0].windows - 2
    for factor, hours in ((0.0, 1.0), (1.1, 0.0), (math.nan, 1.0)):
        with pytest.raises(InputError, match="number_out_of_range"):
            touches(fine, factor, (hours,))


def test_a_crossing_is_told_in_every_way() -> None:
    account = account_of([*strangle(), (named("BTC"), 0.7)], "house-example")
    path = spot_path(account, grid=factors(nodes=200))
    found = crossings(account, path)
    assert found.below is not None and found.above is not None
    far = distance(account, path, found.below)
    index = float(account.view.usd[account.view.instruments.names.index("BTC")])
    assert far.price_now == index and far.price == pytest.approx(index * found.below.at)
    assert far.percent == found.below.at - 1.0
    sigma = daily_sigma(account.view.history["BTC"])[0]
    assert far.sigmas == pytest.approx(math.log(found.below.at) / sigma)
    assert [t.hours for t in far.touch] == [1.0, 6.0, 24.0]
    lagged = after_lag(far, VenueTerms(oracle_lag_s=3600.0))
    assert lagged == pytest.approx(far.price * math.exp(-2.0 * sigma * math.sqrt(1.0 / 24.0)))
    above = distance(account, path, found.above)
    further = after_lag(above, VenueTerms(oracle_lag_s=3600.0))
    assert further is not None and further > above.price
    assert after_lag(replace(far, sigma_daily=None), VenueTerms()) is None
    bare = account_of([*strangle(), (named("BTC"), 0.7)], "house-example")
    bare.view = replace(bare.view, history={})
    assert distance(bare, path, found.below).touch == ()


def test_smoothed_marks_show_a_jump_late() -> None:
    """A book that only a rise of volatility breaks is broken when the marks have followed."""
    account = account_of([*strangle(), (named("BTC"), 0.7)], "house-example")
    path = response_path(account, {"BTC": -3.0}, grid=factors(nodes=400))
    found = crossings(account, path)
    still = crossings(account, spot_path(account, grid=factors(nodes=400)))
    assert found.below is not None and still.below is not None
    assert found.below.at > still.below.at
    between = 0.5 * (found.below.at + still.below.at)
    lag = TERMS["deribit"].mark_lag_s
    late = late_marks(account, path, between, lag)
    assert lag == 1000.0 and late.after_s is not None and 0.0 < late.after_s < lag
    end = path.move(between)
    for share, broken in ((0.99 * late.after_s / lag, False), (1.01 * late.after_s / lag, True)):
        vols = {coin: 1.0 + share * (vol - 1.0) for coin, vol in end.vols.items()}
        halfway = account.one(replace(end, vols=vols))
        assert (float(halfway.over_mm_usd[0]) < 0.0) is broken
    assert late_marks(account, path, 0.5 * still.below.at, lag).after_s == 0.0
    assert late_marks(account, path, 1.0, lag).after_s is None


def test_quotes_cost_the_distance_to_the_side_that_closes() -> None:
    option = next(
        i for i in contracts()["option"]
        if i.underlying == "BTC" and i.inverse and i.right > 0
    )  # fmt: skip
    account = account_of([(option, -2.0), (named("BTC-PERPETUAL"), 10_000.0), (named("BTC"), 1.0)],
                         "fixed-rate")  # fmt: skip
    cost = spread_cost(account)
    view, place = account.view, account.view.instruments.index_of()
    usd = float(view.usd[view.instruments.names.index("BTC")])
    expected = 0.0
    row = place[option.key]
    if view.has_ask[row]:
        expected += 2.0 * max(float(view.ask[row] - view.mark[row]), 0.0) * usd
    row = place["deribit", "BTC-PERPETUAL"]
    if view.has_bid[row]:
        gap = 1.0 / float(view.bid[row]) - 1.0 / float(view.mark[row])
        expected += max(10_000.0 * gap * usd, 0.0) * account.book.instruments.items[row].multiplier
    assert cost.dollars == pytest.approx(expected)
    assert cost.quoted + len(cost.unquoted) == 2
