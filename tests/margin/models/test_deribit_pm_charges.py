"""Holds as the venue reports them against those of the rule, and equity as a line of the book."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Order, Reported
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.models.deribit_pm_charges import shock_of
from crossmargin.margin.pools import cut
from tests.margin.models.test_deribit_pm import CASH, PERPETUAL, margined, numbers


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
