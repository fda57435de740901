"""Liquity: ratios, both modes of v1, and where collateral and debt of a trove go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.lending import WAD, liquidation_price, withdrawable
from crossmargin.margin.families.lending_liquity import (
    Branch,
    LiquityAccount,
    Mode,
    collateral_ratio,
    liquidate_v1,
    liquidate_v2,
)

MCR, CCR = 11 * WAD // 10, 15 * WAD // 10
BRANCH = Branch("ETH", MCR, CCR, 1_800 * WAD, 200 * WAD, recovery=True)
LOW = replace(BRANCH, system_collateral=1_000 * WAD, system_debt=1_600_000 * WAD)  # 125 % at 2,000
V2 = Branch("ETH", MCR, CCR, 2_000 * WAD, batch=WAD // 10)


def account(
    eth: int = 10, coin: int = 12_000, price: int = 2_000, **more: object
) -> LiquityAccount:
    prices = {"ETH": price * WAD, "LUSD": WAD}
    made = LiquityAccount({"ETH": eth * WAD}, {"LUSD": coin * WAD}, prices, BRANCH)
    return replace(made, **more)


def test_normal_mode() -> None:
    made = account()
    assert made.ratio() == 20_000 * WAD // 12_000
    assert made.healthy()
    assert liquidation_price(made, "ETH") == 1_320 * WAD
    figures = made.figures()
    assert figures.power_mm / figures.unit == pytest.approx(20_000 / 1.1, rel=1e-15)
    assert figures.power_im == figures.power_mm
    assert not account(coin=1_999).may_borrow()
    assert account(coin=2_000).may_borrow()
    assert collateral_ratio(1, 1, 0) is None


def test_recovery_mode() -> None:
    assert LOW.mode(2_000 * WAD) is Mode.RECOVERY
    assert replace(LOW, recovery=False).mode(2_000 * WAD) is Mode.NORMAL
    for coin, healthy in ((15_900, True), (16_000, True), (16_001, False)):
        assert account(coin=coin, branch=LOW).healthy() is healthy  # TCR is 125 %
    assert account(coin=13_300, branch=LOW).may_borrow()
    assert not account(coin=13_400, branch=LOW).may_borrow()  # 150 % is asked
    assert withdrawable(account(branch=LOW), "ETH") == 0
    figures = account(branch=LOW).figures()
    assert figures.power_im / figures.unit == pytest.approx(20_000 / 1.5, rel=1e-15)
    assert figures.power_mm / figures.unit == pytest.approx(20_000 / 1.25, rel=1e-15)


def test_a_branch_of_v2_below_its_ratio_does_not_lend() -> None:
    made = account(branch=V2)
    assert made.may_borrow()
    poor = replace(V2, system_collateral=1_000 * WAD, system_debt=1_600_000 * WAD)
    assert not account(branch=poor).may_borrow()
    assert account(branch=poor).healthy()
    batch = account(coin=17_000, branch=V2)
    assert batch.may_borrow()
    assert not replace(batch, in_batch=True).may_borrow()


def test_v1_liquidations_by_hand() -> None:
    price = 2_000 * WAD
    done = liquidate_v1(10 * WAD, 19_000 * WAD, price, 10**6 * WAD, BRANCH)
    assert done.gas == WAD // 20
    assert (done.offset_debt, done.pool_collateral) == (19_000 * WAD, 10 * WAD - WAD // 20)
    part = liquidate_v1(10 * WAD, 19_000 * WAD, price, 9_500 * WAD, BRANCH)
    assert part.offset_debt == part.redistributed_debt == 9_500 * WAD
    assert part.pool_collateral == part.redistributed_collateral
    with pytest.raises(InputError, match="cannot be liquidated"):
        liquidate_v1(10 * WAD, 17_000 * WAD, price, 10**6 * WAD, BRANCH)
    under = liquidate_v1(10 * WAD, 20_000 * WAD, price, 10**6 * WAD, LOW)
    assert under.offset_debt == 0
    assert under.redistributed_debt == 20_000 * WAD
    capped = liquidate_v1(10 * WAD, 17_000 * WAD, price, 10**6 * WAD, LOW)
    assert capped.surplus == 10 * WAD - 17_000 * WAD * 11 // 10 // 2_000
    assert capped.pool_collateral + capped.gas + capped.surplus == 10 * WAD
    assert capped.gas == (10 * WAD - capped.surplus) // 200  # of what is taken alone
    assert liquidate_v1(10 * WAD, 17_000 * WAD, price, 17_000 * WAD, LOW) == capped
    with pytest.raises(InputError):
        liquidate_v1(10 * WAD, 17_000 * WAD, price, 16_999 * WAD, LOW)
    with pytest.raises(InputError, match="cannot be liquidated"):
        liquidate_v1(10 * WAD, 0, price, 0, BRANCH)


def test_v2_liquidations_by_hand() -> None:
    """Penalty 5 % from the pool: of 10 coins at 2,000 for 18,500 the owner keeps the rest."""
    terms = {"pool_penalty": WAD // 20, "redistribution_penalty": WAD // 10, "gas_cap": 2 * WAD}
    done = liquidate_v2(10 * WAD, 18_500 * WAD, 2_000 * WAD, 10**6 * WAD, V2, **terms)
    assert done.pool_collateral == 18_500 * WAD * 105 // 100 // 2_000
    assert done.surplus == 10 * WAD - WAD // 20 - done.pool_collateral
    with pytest.raises(InputError):
        liquidate_v2(10 * WAD, 18_000 * WAD, 2_000 * WAD, 0, V2, **terms)


@settings(max_examples=150, deadline=None)
@given(
    collateral=st.integers(10**15, 10**24),
    debt=st.integers(1_800 * WAD, 10**27),
    price=st.integers(100 * WAD, 10_000 * WAD),
    pool=st.sampled_from([0, 10**22, 10**30]),
    low=st.booleans(),
    second=st.booleans(),
)
def test_a_liquidation_conserves(
    collateral: int, debt: int, price: int, pool: int, low: bool, second: bool
) -> None:
    terms = {"pool_penalty": WAD // 20, "redistribution_penalty": WAD // 10, "gas_cap": 2 * WAD}
    try:
        if second:
            done = liquidate_v2(collateral, debt, price, pool, V2, **terms)
        else:
            done = liquidate_v1(collateral, debt, price, pool, LOW if low else BRANCH)
    except InputError:
        assume(False)
    assert done.offset_debt + done.redistributed_debt == debt
    parts = done.pool_collateral, done.redistributed_collateral, done.gas, done.surplus
    assert sum(parts) == collateral
    assert min(parts) >= 0
