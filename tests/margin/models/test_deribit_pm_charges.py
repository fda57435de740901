"""Holds as the venue reports them against those of the rule, and equity as a line of the book."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Order, Reported
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.models.deribit_pm_charges import per_base, shock_of
from crossmargin.margin.pools import cut
from tests.margin.models.test_deribit_pm import (
    AS_OF_MS,
    CASH,
    COIN,
    DAY_MS,
    ETH,
    NEWEST,
    PERPETUAL,
    margined,
    numbers,
)
from tests.vectors.building import Dated, Quote, delta_one, option


def test_a_reported_hold_stands_in_the_place_of_the_rule() -> None:
    """A resting buy of 5 coins at the mark; the venue says 0.75 of it."""
    orders = (Order("a", 0, 1, 250_000.0, 50_000.0),)
    ruled = numbers(margined({PERPETUAL: 100_000.0}, orders=orders))["open_orders_margin"]
    # 5 coins more: 5 (1 / 0.86 - 1) of the matrix and 0.005 x 5 of the roll.
    assert ruled == pytest.approx(5.0 * (1.0 / 0.86 - 1.0) + 0.025, rel=1e-8)
    holds = Reported(holds={("a", "BTC"): {"open_orders_margin": 0.75}})
    found = numbers(margined({PERPETUAL: 100_000.0}, orders=orders, reported=holds))
    assert found["open_orders_margin"] == 0.75


def test_long_options_reduce_what_is_left_and_never_turn_it() -> None:
    """rest -1,000: with +400 of long options 600 are left, with +2,000 none, with -400 all."""
    found = margined({PERPETUAL: 100_000.0})
    priced = found.priced[0]
    code = np.zeros(4, np.int32)
    options = np.array([0.0, 400.0, 2_000.0, -400.0])
    charge = shock_of(priced, code, options, np.full(4, -1_000.0))
    wanted = [left * 5e-5 * max(left - 400.0, 0.0) for left in (1_000.0, 600.0, 0.0, 1_000.0)]
    assert charge.tolist() == pytest.approx(wanted, rel=1e-12)
    mirrored = shock_of(priced, code, -options, np.full(4, 1_000.0))
    assert mirrored.tolist() == charge.tolist()


def test_reported_equity_makes_the_line_that_is_missing() -> None:
    """The account holds no balance line, the table has one: the equity stands there."""
    reported = Reported(equity={("a", "BTC"): 3.0})
    found = margined({CASH: 2.0, PERPETUAL: 100.0}, cross=True, reported=reported)
    held = cut(found.book, found.plan.pools[0], 0)
    place = found.plan.pools[0].instruments.index_of()[CASH.key]
    made = with_equity_rows(found.priced[0], held)
    assert made.quantity[made.column == place].tolist() == [3.0]
    assert held.quantity[held.column == place].tolist() == [2.0]
    bare = margined({CASH: 2.0, PERPETUAL: 100.0}, cross=True)
    same = cut(bare.book, bare.plan.pools[0], 0)
    assert with_equity_rows(bare.priced[0], same) is same


def test_each_currency_has_its_own_shock() -> None:
    """Cross mode, in dollars: 1,000 BTC are 600 over 400 coins, 3 % of 50 million.

    20,000 ETH are 10,000 over the 10,000 coins of the threshold: 4 in a million each.
    """
    found = margined({PERPETUAL: 5e7, ETH: -4e7}, cross=True)
    bases = found.plan.pools[0].facts["bases"]
    rates = dict(zip(bases, per_base(NEWEST, bases, "pair", "m_inc").tolist(), strict=True))
    assert rates == {"BTC": 5e-5, "ETH": 4e-6}
    wanted = 1_000.0 * 5e-5 * 600.0 * 50_000.0 + 20_000.0 * 4e-6 * 10_000.0 * 2_000.0
    assert numbers(found)["delta_shock"] == pytest.approx(wanted, rel=1e-12)


def test_the_roll_shock_nets_inside_an_expiry_alone() -> None:
    """Two futures of one month cancel; a call of the same month joins them, the perpetual not.

    The call in the money is 1 - 0.8 coins of delta (its mark in coin is off it); the month's rate
    is exp(0.075 x 30 / 365) - 1 = 0.6183 %, the perpetual's 0.5 %.
    """
    month = AS_OF_MS + 30 * DAY_MS
    first = delta_one("deribit", "F", expiry_ms=month, **COIN)  # type: ignore[arg-type] # terms
    deep = option("deribit", "C", 1, 10_000.0, month, **COIN)  # type: ignore[arg-type] # terms
    dated = {month: Dated(50_000.0, 30 * DAY_MS)}
    quotes = {"F": Quote(50_000.0), "C": Quote(0.8, 0.3)}
    rate = float(np.expm1(0.075 * 30.0 / 365.0))
    held = {first: -100_000.0, deep: 15.0, PERPETUAL: 50_000.0}
    sheet = numbers(margined(held, dated=dated, quotes=quotes))
    assert sheet["roll_shock"] == pytest.approx(rate * abs(-2.0 + 15.0 * 0.2) + 0.005, rel=1e-9)


def test_holds_of_a_coin_are_carried_to_the_pools_currency() -> None:
    """Cross mode counts dollars: 0.1 BTC of order margin at 50,000 and 300 dollars of spot."""
    holds = {
        ("a", "BTC"): {"open_orders_margin": 0.1},
        ("a", "USD"): {"spot_margin": 300.0},
        ("b", "BTC"): {"open_orders_margin": 2.0},
    }
    sheet = margined({CASH: 1.0}, cross=True, reported=Reported(holds=holds)).sheet
    assert sheet["open_orders_margin"].tolist() == [5_000.0, 100_000.0]
    assert sheet["spot_margin"].tolist() == [300.0, 0.0]
