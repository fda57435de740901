"""Compound v3: liquidity by hand and against a plain twin, absorption, the store front."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.lending import WAD, liquidation_price
from crossmargin.margin.families.lending_comet import (
    CometAccount,
    CometAsset,
    absorb,
    quote_collateral,
)
from tests.margin.families.lending_books import positions

ETH = CometAsset(18, 825 * 10**15, 895 * 10**15, 95 * 10**16)
PRICE = {"ETH": 2_000 * 10**8, "USDC": 10**8}


def account(eth: int = 10 * WAD, usdc: int = 12_000 * 10**6, **more: object) -> CometAccount:
    made = CometAccount({"ETH": eth}, {"USDC": usdc}, PRICE, {"ETH": ETH}, "USDC", 6)
    return replace(made, **more)


def test_by_hand() -> None:
    made = account()
    assert made.liquidity("borrow_factor") == (16_500 - 12_000) * 10**8
    assert made.liquidity("liquidate_factor") == (17_900 - 12_000) * 10**8
    assert made.health_wad() == 17_900 * WAD // 12_000
    last = liquidation_price(made, "ETH")
    assert last is not None
    assert last * 10 * 895 // 1_000 >= 12_000 * 10**8 > (last - 1) * 10 * 895 // 1_000


def test_the_base_term_is_cut_toward_zero() -> None:
    made = account(eth=0, usdc=1, price={**PRICE, "USDC": 150_000_050})
    assert made.base_value() == -150
    assert replace(made, collateral={"USDC": 3}, debt={}).base_value() == 450
    assert replace(made, collateral={"USDC": 3}).balance() == 2  # one balance, supplied or owed


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_against_a_loop_that_stops_early(data: st.DataObject) -> None:
    """The contract stops as soon as the running sum is not negative; the verdict is the same."""
    made = data.draw(positions("comet")).account

    def stops(factor: str) -> bool:
        owed = made.debt["USDC"] * made.price["USDC"] // 10**6
        running = -owed
        for token in sorted(made.collateral):
            if running >= 0:
                return True
            asset = made.assets[token]
            worth = made.collateral[token] * made.price[token] // 10**asset.decimals
            running += worth * getattr(asset, factor) // WAD
        return running >= 0

    assert made.healthy() is stops("liquidate_factor")
    assert made.may_borrow() is stops("borrow_factor")


def test_absorption_by_hand() -> None:
    """At 1,300: 10 coins at 95 % credit 12,350 for a debt of 12,000: 350 remain supplied."""
    made = account(price={**PRICE, "ETH": 1_300 * 10**8})
    done = absorb(made)
    assert done.seized == {"ETH": 10 * WAD}
    assert done.credited == 12_350 * 10**6
    assert done.balance == 350 * 10**6
    assert (done.paid, done.beyond) == (12_350 * 10**6, 0)
    done = absorb(account(price={**PRICE, "ETH": 1_000 * 10**8}))
    assert (done.balance, done.paid, done.beyond) == (0, 12_000 * 10**6, 2_500 * 10**6)
    with pytest.raises(InputError, match="not liquidatable"):
        absorb(account())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_absorption_conserves(data: st.DataObject) -> None:
    made = data.draw(positions("comet")).account
    assume(not made.healthy())
    done = absorb(made)
    assert done.balance == made.balance() + done.paid >= 0
    assert done.paid == done.credited + done.beyond
    assert done.beyond >= 0
    assert done.balance == 0 or done.beyond == 0
    assert done.seized == made.collateral


def test_the_store_front() -> None:
    """Half of the 5 % penalty is the buyer's discount: 1 coin for 1,950."""
    bought = quote_collateral(ETH, 2_000 * 10**8, 10**8, 1_950 * 10**6, 6, 5 * 10**17)
    assert bought == WAD
