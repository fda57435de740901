"""Euler v2: strict health at bid and ask, the ramp, the discount and what a liquidation moves."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.lending import WAD, liquidation_price
from crossmargin.margin.families.lending_euler import (
    EulerAccount,
    EulerCollateral,
    liquidate,
    ramped_ltv,
)
from tests.margin.families.lending_books import positions

VAULTS = {"ETH": EulerCollateral(18, 8_000, 8_500), "BTC": EulerCollateral(8, 7_000, 7_500)}
PRICE = {"ETH": 2_000 * WAD, "BTC": 60_000 * WAD, "USDC": WAD}


def account(eth: int = 10, usdc: int = 12_000, **more: object) -> EulerAccount:
    made = EulerAccount({"ETH": eth * WAD}, {"USDC": usdc * 10**6}, PRICE, VAULTS, {"USDC": 6})
    return replace(made, **more)


def test_health_is_strict() -> None:
    assert account(usdc=16_999).healthy()
    assert not account(usdc=17_000).healthy()  # 20,000 x 85 %
    assert not account(usdc=16_000).may_borrow()
    assert account(usdc=15_999).may_borrow()
    assert account(eth=0, usdc=0).healthy()
    last = liquidation_price(account(usdc=17_000, eth=20), "ETH")
    assert last is not None
    assert last == 1_000 * WAD + 1  # one more than where both sides are equal


def test_bid_and_ask() -> None:
    made = account(bid={"ETH": 99 * WAD // 100}, ask={"USDC": 101 * WAD // 100})
    assert made.weighted(False) == 15_840 * WAD
    assert made.liability() == 12_120 * WAD
    figures = made.figures()
    assert (figures.collateral, figures.debt) == (20_000 * WAD, 12_000 * WAD)  # at mid


def test_a_ramp() -> None:
    assert ramped_ltv(9_000, 8_000, 86_400, 86_400) == 9_000
    assert ramped_ltv(9_000, 8_000, 43_200, 86_400) == 8_500
    assert ramped_ltv(9_000, 8_000, 1, 86_400) == 8_000
    assert ramped_ltv(9_000, 8_000, 0, 86_400) == 8_000
    assert ramped_ltv(8_000, 9_000, 500, 86_400) == 9_000  # upwards at once


def test_the_discount_is_how_unhealthy_it_is() -> None:
    """Health 0.95: 12,000 buys 12,000 / 0.95 of collateral; capped at a fifth."""
    price = {**PRICE, "ETH": 11_400 * WAD * 20 // 17 // 10}
    made = account(price=price)
    done = liquidate(made, "ETH", "USDC", max_discount=WAD // 5)
    assert abs(done.discount_factor - 95 * WAD // 100) <= 1
    worth = Fraction(done.seized * price["ETH"], WAD)
    assert abs(worth / WAD - Fraction(12_000 * 100, 95)) < Fraction(1, 10**6)
    assert done.repay == 12_000 * 10**6
    assert done.socialised == 0
    deep = account(price={**PRICE, "ETH": 1_000 * WAD})
    done = liquidate(deep, "ETH", "USDC", max_discount=WAD // 5)
    assert done.discount_factor == 8 * WAD // 10
    assert done.repay == 8_000 * 10**6
    assert done.seized == 10 * WAD
    assert done.socialised == 4_000 * 10**6
    assert not done.after.owes()


def test_parts_and_refusals() -> None:
    deep = account(price={**PRICE, "ETH": 1_000 * WAD})
    done = liquidate(deep, "ETH", "USDC", max_discount=WAD // 5, repay=4_000 * 10**6)
    assert done.seized == 5 * WAD
    assert done.after.debt["USDC"] == 8_000 * 10**6
    with pytest.raises(InputError, match="more than may be repaid"):
        liquidate(deep, "ETH", "USDC", max_discount=WAD // 5, repay=9_000 * 10**6)
    with pytest.raises(InputError, match="healthy"):
        liquidate(account(), "ETH", "USDC", max_discount=WAD // 5)
    worthless = account(price={**PRICE, "ETH": 0})
    done = liquidate(worthless, "ETH", "USDC", max_discount=WAD // 5)
    assert (done.repay, done.seized, done.socialised) == (0, 10 * WAD, 12_000 * 10**6)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_liquidation_conserves(data: st.DataObject) -> None:
    made = data.draw(positions("euler")).account
    assume(not made.healthy())
    token = data.draw(st.sampled_from(["BTC", "ETH"]))
    done = liquidate(made, token, "USDC", max_discount=3 * WAD // 20)
    assert done.after.collateral[token] + done.seized == made.collateral[token]
    assert done.after.debt["USDC"] + done.repay + done.socialised == made.debt["USDC"]
    assert WAD - 3 * WAD // 20 <= done.discount_factor <= WAD
    assert done.seized <= made.collateral[token]
    worth = done.seized * made.price[token] // 10 ** made.vaults[token].decimals
    paid = (done.repay + 1) * made.price["USDC"] // 10**6
    unit = made.price[token] // 10 ** made.vaults[token].decimals + 1
    assert worth * done.discount_factor <= (paid + unit) * WAD
