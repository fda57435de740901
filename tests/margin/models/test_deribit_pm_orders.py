"""Worst fills in the matrix and in the shocks, each a bound of its own."""

from __future__ import annotations

import pytest

from crossmargin.instruments.book import Order
from crossmargin.margin.fills import fills_of
from crossmargin.margin.models.deribit_pm_orders import matrix_need, shocks_need
from crossmargin.margin.pools import cut
from tests.margin.models.test_deribit_pm import PERPETUAL, margined

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
