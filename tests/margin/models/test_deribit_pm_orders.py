"""Worst fills in the matrix and in the shocks, each a bound of its own."""

from __future__ import annotations

import pytest

from crossmargin.instruments.book import Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.fills import fills_of
from crossmargin.margin.models.deribit_pm_orders import matrix_need, shocks_need
from crossmargin.margin.pools import cut
from tests.margin.models.test_deribit_pm import (
    AS_OF_MS,
    CASH,
    COIN,
    DAY_MS,
    ETH,
    PERPETUAL,
    margined,
    numbers,
)
from tests.vectors.building import Dated, Quote, option

MARK = 50_000.0


def needs(position: float, *orders: tuple[float, float]) -> tuple[float, float]:
    """(matrix, shocks) of coins held and orders of (coins, limit), coin-settled at 50,000."""
    made = tuple(Order("a", 0, 1 if x > 0 else -1, abs(x) * MARK, limit) for x, limit in orders)
    found = margined({PERPETUAL: position * MARK}, orders=made)
    priced, held = found.priced[0], cut(found.book, found.plan.pools[0], 0)
    fills = fills_of(priced, held, priced.facts["worth"], mmp=False)
    assert fills is not None
    return float(matrix_need(priced, held, fills).need[0]), float(
        shocks_need(priced, held, fills)[0]
    )


def test_only_the_orders_that_lose_fill() -> None:
    """Long 2; buy 3 and sell 1 at the mark: 5 coins fall 14 %, the sell does not happen."""
    matrix, shocks = needs(2.0, (3.0, MARK), (-1.0, MARK))
    assert matrix == pytest.approx(5.0 * (1.0 / 0.86 - 1.0), rel=1e-12)
    assert shocks == pytest.approx(0.005 * 5.0, rel=1e-12)


def test_sells_may_turn_the_book() -> None:
    """Long 2; sell 5 at the mark: 3 short and a rise of 14 % against 2 long and a fall."""
    matrix, shocks = needs(2.0, (-5.0, MARK))
    assert matrix == pytest.approx(max(3.0 * (1.0 - 1.0 / 1.14), 2.0 * (1.0 / 0.86 - 1.0)))
    assert shocks == pytest.approx(0.005 * 3.0, rel=1e-12)


def test_a_fill_through_the_mark_loses_at_once() -> None:
    """Buy 1 coin's worth of dollars at 55,000: 50,000 (1 / 50,000 - 1 / 55,000) coins more."""
    matrix, _ = needs(0.0, (1.0, 55_000.0))
    lost = 1.0 - 50_000.0 / 55_000.0
    assert matrix == pytest.approx(1.0 / 0.86 - 1.0 + lost, rel=1e-12)


def test_the_delta_shock_is_at_its_own_worst_fills() -> None:
    """Long 300, buy 700: 1,000 coins, 600 over the threshold, 5e-5 each: 30, and the roll of 5."""
    _, shocks = needs(300.0, (700.0, MARK), (-100.0, MARK))
    assert shocks == pytest.approx(30.0 + 5.0, rel=1e-12)


def test_long_options_reduce_what_orders_add() -> None:
    """Long 1,000 deep puts of delta -0.8 with their mark; buy 1,500 coins: 700 are left.

    A put so deep is worth K / F - 1 coins, 0.6 here; its delta is -1 - 0.6 coins. 1,500 less 1,600
    is nothing left; an order of 2,500 leaves 900, 500 over the threshold.
    """
    deep = option("deribit", "D", -1, 80_000.0, AS_OF_MS + 30 * DAY_MS, **COIN)  # type: ignore[arg-type] # terms
    dated = {AS_OF_MS + 30 * DAY_MS: Dated(MARK, 30 * DAY_MS)}
    held = {PERPETUAL: 0.0, deep: 1_000.0}

    row = Instruments.of(held).index_of()[PERPETUAL.key]

    def shock(coins: float) -> float:
        orders = (Order("a", row, 1, coins * MARK, MARK),)
        found = margined(held, orders=orders, dated=dated, quotes={"D": Quote(0.6, 0.05)})
        priced, cutting = found.priced[0], cut(found.book, found.plan.pools[0], 0)
        fills = fills_of(priced, cutting, priced.facts["worth"], mmp=False)
        assert fills is not None
        roll = float(priced.facts["roll"].max()) * 1_600.0 + 0.005 * coins
        return float(shocks_need(priced, cutting, fills)[0]) - roll

    assert shock(1_500.0) == pytest.approx(0.0, abs=1e-9)
    assert shock(2_500.0) == pytest.approx(900.0 * 5e-5 * 500.0, rel=1e-9)


def test_currencies_are_each_at_their_worse_side() -> None:
    """Buy 1,000 BTC, sell 20,000 ETH: both shocks, though one is long and the other short."""
    table = {PERPETUAL: 0.0, ETH: 0.0}
    place = Instruments.of(table).index_of()
    orders = (
        Order("a", place[PERPETUAL.key], 1, 5e7, MARK),
        Order("a", place[ETH.key], -1, 4e7, 2_000.0),
    )
    found = margined(table, cross=True, orders=orders)
    priced, held = found.priced[0], cut(found.book, found.plan.pools[0], 0)
    fills = fills_of(priced, held, priced.facts["worth"], mmp=False)
    assert fills is not None
    shocks = 1_000.0 * 5e-5 * 600.0 * MARK + 20_000.0 * 4e-6 * 10_000.0 * 2_000.0
    roll = 0.005 * (5e7 + 4e7)
    assert float(shocks_need(priced, held, fills)[0]) == pytest.approx(shocks + roll, rel=1e-12)


def test_in_cross_mode_a_premium_leaves_the_coin() -> None:
    """Buy a call that is all value (0.8 coins) at the mark: coins at risk are as before.

    Short 1 coin, hold 1 coin: nothing moves. The call costs 0.8 coins and is worth F - K dollars,
    40,000 at 50,000: bought, the coin moves as before and the call's coins take the place of cash.
    """
    month = AS_OF_MS + 30 * DAY_MS
    deep = option("deribit", "C", 1, 10_000.0, month, **COIN)  # type: ignore[arg-type] # terms
    dated, quotes = {month: Dated(MARK, 30 * DAY_MS)}, {"C": Quote(0.8, 0.05)}
    table = {CASH: 1.0, PERPETUAL: -MARK, deep: 0.0}
    orders = (Order("a", Instruments.of(table).index_of()[deep.key], 1, 1.0, 0.8),)
    resting = margined(table, cross=True, orders=orders, dated=dated, quotes=quotes)
    filled = margined(
        {CASH: 0.2, PERPETUAL: -MARK, deep: 1.0}, cross=True, dated=dated, quotes=quotes
    )
    wanted = numbers(filled)["worst_case"]
    priced, held = resting.priced[0], cut(resting.book, resting.plan.pools[0], 0)
    fills = fills_of(priced, held, priced.facts["worth"], mmp=False)
    assert fills is not None
    assert fills.cash.tolist() == [-0.8]
    found = matrix_need(priced, held, fills)
    assert float(found.need[0]) == pytest.approx(wanted, rel=1e-10)
    assert wanted > 0.0
    assert found.filled.tolist() == [True]
