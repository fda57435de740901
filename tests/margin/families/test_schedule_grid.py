"""The schedule of initial margin: by hand, its limits, properties, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.schedule_grid import (
    CLASSES,
    Schedule,
    ScheduleTrade,
    net_to_gross,
    schedule_margin,
    schedule_of,
    seen_by_collector,
)
from crossmargin.margin.parameter_files import available

SCHEDULE = schedule_of(available("schedule-im")[0])
NOTIONALS = st.floats(-1e9, 1e9)
TRADES = st.builds(
    ScheduleTrade, st.sampled_from(CLASSES), st.floats(0.0, 40.0), NOTIONALS, NOTIONALS
)


def test_by_hand() -> None:
    trades = [
        ScheduleTrade("rates", 1.5, 1_000.0, 30.0),  # 1 %: 10
        ScheduleTrade("rates", 4.0, -500.0, -10.0),  # 2 %: 10
        ScheduleTrade("other", 0.2, 200.0, 10.0),  # 15 %: 30
    ]
    found = schedule_margin(trades, SCHEDULE, "call")
    assert found.gross == pytest.approx(50.0)
    assert (found.gross_value, found.net_value) == (40.0, 30.0)
    assert found.net_to_gross == 0.75
    assert found.margin == pytest.approx((0.4 + 0.6 * 0.75) * 50.0)
    other = schedule_margin(trades, SCHEDULE, "post")
    assert (other.gross_value, other.net_value, other.net_to_gross) == (10.0, 0.0, 0.0)
    assert other.margin == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("name", "years", "rate"),
    [
        ("rates", 0.0, 0.01),
        ("rates", 2.0, 0.01),
        ("rates", math.nextafter(2.0, 3.0), 0.02),
        ("rates", 5.0, 0.02),
        ("rates", 5.1, 0.04),
        ("credit", 6.0, 0.10),
        ("credit", 3.0, 0.05),
        ("fx", 30.0, 0.06),
        ("commodity", 1.0, 0.15),
        ("equity", 1.0, 0.15),
        ("other", 9.0, 0.15),
    ],
)
def test_rates_and_edges(name: str, years: float, rate: float) -> None:
    assert SCHEDULE.rate(name, years) == rate


def test_no_value_to_the_collector() -> None:
    trades = [ScheduleTrade("other", 1.0, 100.0, -1.0)]
    assert schedule_margin(trades, SCHEDULE, "call").margin == pytest.approx(15.0)
    assert schedule_margin(trades, SCHEDULE, "call", if_no_value=0.0).margin == pytest.approx(6.0)
    assert schedule_margin([], SCHEDULE, "call").margin == 0.0
    assert [seen_by_collector(side) for side in ("call", "post")] == [1.0, -1.0]
    found = net_to_gross(np.array([5.0, -5.0, 0.0]), np.array([10.0, 10.0, 0.0]), 0.25)
    assert found.tolist() == [0.5, 0.0, 0.25]


@given(st.lists(TRADES, max_size=12), st.sampled_from(["call", "post"]))
def test_between_the_floor_and_the_gross(trades: list[ScheduleTrade], side: str) -> None:
    found = schedule_margin(trades, SCHEDULE, side)
    slack = 1e-9 * found.gross
    assert 0.4 * found.gross - slack <= found.margin <= found.gross + slack
    assert 0.0 <= found.net_to_gross <= 1.0
    twice = [
        ScheduleTrade(t.asset_class, t.maturity_years, 2 * t.notional, 2 * t.value) for t in trades
    ]
    assert schedule_margin(twice, SCHEDULE, side).margin == pytest.approx(
        2 * found.margin, rel=1e-9
    )
    both = {s: schedule_margin(trades, SCHEDULE, s) for s in ("call", "post")}
    assert both["call"].net_value == 0.0 or both["post"].net_value == 0.0


@pytest.mark.parametrize(
    ("trade", "code"),
    [
        (ScheduleTrade("weather", 1.0, 1.0, 0.0), "option_unknown"),
        (ScheduleTrade("rates", -0.1, 1.0, 0.0), "number_out_of_range"),
        (ScheduleTrade("rates", math.nan, 1.0, 0.0), "number_not_finite"),
        (ScheduleTrade("rates", 1.0, math.inf, 0.0), "number_not_finite"),
        (ScheduleTrade("rates", 1.0, 1e301, 0.0), "number_out_of_range"),
        (ScheduleTrade("rates", 1.0, 1.0, math.nan), "number_not_finite"),
    ],
)
def test_a_trade_is_refused(trade: ScheduleTrade, code: str) -> None:
    with pytest.raises(InputError) as caught:
        schedule_margin([trade], SCHEDULE, "call")
    assert caught.value.code == code


def test_sides_and_shares_are_refused() -> None:
    for side, share, none, code in (
        ("give", 0.4, 1.0, "option_unknown"),
        ("call", 1.4, 1.0, "number_out_of_range"),
        ("call", 0.4, -0.5, "number_out_of_range"),
        ("call", math.nan, 1.0, "number_not_finite"),
    ):
        with pytest.raises(InputError) as caught:
            schedule_margin([], Schedule(SCHEDULE.rates, share), side, if_no_value=none)
        assert caught.value.code == code
