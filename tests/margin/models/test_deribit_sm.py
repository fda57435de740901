"""Deribit standard margin on the numbers of its help pages: shares of an index of 50,000."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Bound, Requirement, model_named, run
from crossmargin.margin.parameter_files import available, overlay
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_000_000_000
EXPIRY_MS = AS_OF_MS + 30 * 86_400_000
NEWEST = available("deribit-sm")[-1]
COIN: dict[str, Any] = {"underlying": "BTC", "settle": "BTC", "inverse": True}
LINEAR: dict[str, Any] = {"underlying": "BTC", "quote": "USDC"}
PERPETUAL = delta_one("deribit", "P", **COIN)
SWAP = delta_one("deribit", "L", **LINEAR)


def margined(
    held: dict[Instrument, float],
    mark: float = 0.0,
    changes: dict[str, Any] | None = None,
    orders: tuple[Order, ...] = (),
) -> Requirement:
    table = Instruments.of(held)
    place = table.index_of()
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("BTC", "USDC"): 50_000.0},
        {"BTC": 50_000.0, "USD": 1.0, "USDC": 1.0},
        {EXPIRY_MS: Dated(50_500.0, 30 * 86_400_000)},
        {"P": Quote(40_000.0), "L": Quote(51_000.0), "O": Quote(mark, 0.5)},
    )
    parameters = overlay(NEWEST, changes, "test") if changes else NEWEST
    book = Book.of(table, lines, orders)
    return run(book, view_of(table, facts), model_named("deribit-sm"), parameters)


def both(found: Requirement) -> tuple[float, float]:
    assert len(found.sheet) == 1
    return float(found.sheet["im"][0]), float(found.sheet["mm"][0])


@pytest.mark.parametrize(
    ("right", "strike", "mark", "im", "mm"),
    [
        (1, 50_000.0, 0.03, 0.15 + 0.03, 0.075 + 0.03),  # at the money
        (1, 52_000.0, 0.02, 0.15 - 0.04 + 0.02, 0.075 + 0.02),  # 4 % out of the money
        (1, 60_000.0, 0.01, 0.10 + 0.01, 0.075 + 0.01),  # the least share
        (1, 40_000.0, 0.21, 0.15 + 0.21, 0.075 + 0.21),  # in the money: no deduction
        (-1, 48_000.0, 0.02, 0.15 - 0.04 + 0.02, 0.075 + 0.02),
        (-1, 150_000.0, 2.0, 0.15 + 2.0, 0.075 * 2.0 + 2.0),  # a put's share is of its mark
        (-1, 200_000.0, 3.0, 0.225 + 3.0, 0.225 + 3.0),  # and may exceed the initial one
    ],
)
def test_a_short_option(right: int, strike: float, mark: float, im: float, mm: float) -> None:
    item = option("deribit", "O", right, strike, EXPIRY_MS, **COIN)
    assert both(margined({item: -2.0}, mark)) == pytest.approx((2.0 * im, 2.0 * mm), rel=1e-13)


def test_a_linear_option_takes_the_shares_of_the_index() -> None:
    """4 % out of the money, mark 900: 0.11 x 50,000 + 900 and 0.075 x 50,000 + 900."""
    item = option("deribit", "O", 1, 52_000.0, EXPIRY_MS, **LINEAR)
    assert both(margined({item: -1.0}, 900.0)) == pytest.approx((6_400.0, 4_650.0), rel=1e-13)


def test_a_long_option_needs_nothing_and_backs_nothing() -> None:
    item = option("deribit", "O", 1, 52_000.0, EXPIRY_MS, **COIN)
    found = margined({item: 5.0, asset("deribit", "BTC"): 1.0}, 0.02)
    assert both(found) == (0.0, 0.0)
    assert found.sheet["equity"].tolist() == pytest.approx([1.1], rel=1e-15)
    assert found.sheet["counted_im"].tolist() == found.sheet["counted_mm"].tolist() == [1.0]


def test_options_do_not_net() -> None:
    short = option("deribit", "O", 1, 50_000.0, EXPIRY_MS, **COIN)
    alone = both(margined({short: -1.0}, 0.03))
    long = option("deribit", "O2", 1, 50_100.0, EXPIRY_MS, **COIN)
    assert both(margined({short: -1.0, long: 1.0}, 0.03)) == alone


def test_a_future_pays_more_the_larger_it_is() -> None:
    """4,000,000 dollars at a mark of 40,000 are 100 coins: 2 % + 0.005 % x 100 = 2.5 %, 1.5 %."""
    assert both(margined({PERPETUAL: 4_000_000.0})) == pytest.approx((2.5, 1.5), rel=1e-13)
    assert both(margined({PERPETUAL: -4_000_000.0})) == pytest.approx((2.5, 1.5), rel=1e-13)


def test_a_linear_future_is_valued_at_the_index() -> None:
    """100 coins x 50,000 x 2.5 %, whatever its own mark says."""
    assert both(margined({SWAP: 100.0})) == pytest.approx((125_000.0, 75_000.0), rel=1e-13)


def test_the_leverage_tier_is_the_other_reading() -> None:
    """100 coins / 50, and two thirds of it; larger tiers are not known, so it is at least that."""
    tier = {"reading.future_rule": "tier"}
    found = margined({PERPETUAL: 4_000_000.0}, changes=tier)
    assert both(found) == pytest.approx((2.0, 2.0 * 2.0 / 3.0), rel=1e-13)
    assert found.bound is Bound.AT_LEAST
    assert margined({PERPETUAL: 4_000_000.0}).bound is Bound.VALUE


def test_a_resting_order_costs_what_its_worse_side_costs() -> None:
    held = margined({PERPETUAL: 1.0})
    orders = (Order("a", 0, 1, 10.0, 40_000.0),)
    resting = margined({PERPETUAL: 1.0}, orders=orders)
    filled = margined({PERPETUAL: 11.0})
    assert resting.sheet["im"][0] == pytest.approx(filled.sheet["im"][0], rel=1e-12)
    assert resting.sheet["mm"][0] == held.sheet["mm"][0]


def test_there_are_no_scenarios() -> None:
    found = margined({PERPETUAL: 1.0})
    assert found.scenario.tolist() == [-1]
    assert found.scenario_label(0) == "—"
