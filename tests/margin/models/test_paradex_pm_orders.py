"""Worst fills under Paradex's rules: the scan exactly, the rest each at its own worst."""

from __future__ import annotations

import pytest

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, run
from crossmargin.margin.parameter_files import overlay
from tests.margin.models.test_paradex_pm import AS_OF_MS, FEE, NEWEST, PERPETUAL
from tests.vectors.building import Facts, Quote, view_of

MARK = 51_000.0


def order_margin(
    position: float,
    orders: list[tuple[float, float]],
    changes: dict[str, object] | None = None,
    funding: float = 0.0,
) -> float:
    table = Instruments.of([PERPETUAL])
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDC": 1.0, "USD": 1.0},
        {},
        {"BTC-USD-PERP": Quote(MARK)},
        {"funding_8h": {"paradex|BTC-USD-PERP": funding}},
    )
    made = [Order("a", 0, 1 if x > 0 else -1, abs(x), limit) for x, limit in orders]
    book = Book.of(table, [Line("a", 0, position)], made)
    parameters = overlay(NEWEST, changes, "test") if changes else NEWEST
    found = run(book, view_of(table, facts), model_named("paradex-pm"), parameters)
    return float(found.sheet["order_margin"][0])


def funded(rate: float, orders: list[tuple[float, float]]) -> float:
    """Order margin of a flat book while funding is paid."""
    return order_margin(0.0, orders, funding=rate)


def test_a_buy_adds_its_loss_and_its_fee() -> None:
    """Long 1, buy 2 at the mark: 14 % of 2 x 50,000, and the fee on 2 x 51,000."""
    wanted = 0.14 * 100_000.0 + FEE * 102_000.0
    assert order_margin(1.0, [(2.0, MARK)]) == pytest.approx(wanted, rel=1e-10)


def test_a_sell_counts_by_what_is_left_of_the_position() -> None:
    """Long 1, sell 4: 3 short lose what 3 long would, and pay its fee: two more than held."""
    wanted = 0.14 * 100_000.0 + FEE * 2.0 * MARK
    assert order_margin(1.0, [(-4.0, MARK)]) == pytest.approx(wanted, rel=1e-10)


def test_the_least_charge_on_delta_counts_the_orders_too() -> None:
    """Nothing moves: 2 % of the net delta of 3 instead of 1, and the fees."""
    still = {
        "asset.BTC.scenarios": [[0.0, 0.0, 1.0]],
        "asset.BTC.unhedged_margin_factor": 0.02,
        "asset.BTC.hedged_margin_factor": 0.0,
    }
    wanted = 0.02 * 2.0 * 50_000.0 + FEE * 2.0 * MARK
    assert order_margin(1.0, [(2.0, MARK)], still) == pytest.approx(wanted, rel=1e-10)


def test_a_fill_through_the_mark_costs_its_loss() -> None:
    plain, dear = (order_margin(1.0, [(2.0, limit)]) for limit in (MARK, MARK + 300.0))
    assert dear - plain == pytest.approx(600.0, rel=1e-10)


def test_a_hedge_that_costs_more_than_a_net_position() -> None:
    """Nothing moves, the hedged rate 4 %, the unhedged 1 %: short 2 against long 1 costs more.

    Long 1, sell 2: one coin gross, as before. The bound takes it at half the hedged rate, 2 %.
    """
    rates = {
        "asset.BTC.scenarios": [[0.0, 0.0, 1.0]],
        "asset.BTC.unhedged_margin_factor": 0.01,
        "asset.BTC.hedged_margin_factor": 0.04,
        "general.perp_taker_fee": 0.0,
    }
    found = order_margin(1.0, [(-2.0, MARK)], rates)
    assert found == pytest.approx((0.02 - 0.01) * 50_000.0, rel=1e-10)


def test_funding_is_paid_by_the_side_that_fills() -> None:
    """Longs pay: 0.01 % of the mark for each coin that may be long."""
    bought = funded(0.0001, [(2.0, MARK)])
    sold = funded(0.0001, [(-2.0, MARK)])
    assert bought - sold == pytest.approx(2.0 * 0.0001 * MARK, rel=1e-9)
    # One contract is never long and short at once: both sides cost what the dearer one does.
    assert funded(0.0001, [(2.0, MARK), (-2.0, MARK)]) == pytest.approx(bought, rel=1e-9)
