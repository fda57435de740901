"""What the scan family counts: balances, profit of open futures, haircuts, the loss of orders."""

from __future__ import annotations

import pytest

from crossmargin.instruments.book import Reported
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.model import EquitySource
from tests.margin.families.house import (
    COIN,
    PERPETUAL,
    SPOT,
    STILL,
    USDC,
    USDT,
    call,
    column,
    margined,
    rules,
)

HAIRCUTS = {"collateral": {"BTC": {"haircut": 0.1}, "USDT": {"haircut": 0.02}}}


def test_balances_are_worth_their_dollars() -> None:
    found = margined({COIN: 2.0, USDC: 100.0, USDT: -40.0, PERPETUAL: 1.0}, rules(STILL))
    assert column(found, "equity") == pytest.approx(2.0 * SPOT + 100.0 - 20.0)
    assert SOURCES[int(found.source[0])] is EquitySource.BALANCES


def test_a_haircut_is_on_what_is_held_and_not_on_what_is_owed() -> None:
    held = {COIN: 2.0, USDC: 100.0, USDT: -40.0}
    found = margined(held, rules(STILL, more=HAIRCUTS))
    assert column(found, "collateral_haircut") == pytest.approx(0.1 * 2.0 * SPOT)
    counted = column(found, "equity") - 10_000.0
    assert column(found, "counted_im") == column(found, "counted_mm") == pytest.approx(counted)


@pytest.mark.parametrize(("balance", "profit"), [("settled", 0.0), ("wallet", 3.0 * 1_000.0)])
def test_a_wallet_does_not_hold_the_profit_of_what_is_open(balance: str, profit: float) -> None:
    chosen = rules(STILL, balance=balance)
    found = margined({USDC: 100.0, PERPETUAL: 3.0}, chosen, entry=SPOT - 1_000.0)
    assert column(found, "unrealised") == pytest.approx(profit)
    assert column(found, "equity") == pytest.approx(100.0 + profit)


def test_the_premium_of_an_option_was_paid_out_of_the_wallet() -> None:
    item = call()
    chosen = rules(STILL, balance="wallet")
    found = margined({USDC: 100.0, item: 2.0}, chosen, marks={item.native_id: 700.0}, entry=300.0)
    assert column(found, "equity") == pytest.approx(100.0 + 1_400.0)


def test_equity_that_the_venue_reports_is_taken() -> None:
    told = Reported(equity={("a", "USDC"): 777.0})
    chosen = rules(STILL, balance="wallet")
    found = margined({USDC: 100.0, PERPETUAL: 3.0}, chosen, entry=1.0, reported=told)
    assert column(found, "equity") == pytest.approx(777.0)


def test_what_orders_lose_against_the_mark_is_counted_where_the_rule_says_so() -> None:
    orders = [(PERPETUAL, 1, 2.0, SPOT + 30.0), (PERPETUAL, -1, 1.0, SPOT + 500.0)]
    for rule, loss in (("none", 0.0), ("counted", 60.0)):
        found = margined({USDC: 100.0}, rules(STILL, order_loss=rule), orders=orders)
        assert column(found, "order_loss") == pytest.approx(loss)
        assert column(found, "counted_mm") == pytest.approx(100.0 - loss)


def test_a_haircut_that_a_house_leaves_out_is_none() -> None:
    assert not margined({COIN: 2.0}, rules(STILL)).at_least.any()
