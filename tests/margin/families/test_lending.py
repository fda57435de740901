"""What is asked of any lending position: every answer is a boundary of the protocol's integers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.margin.families.lending import (
    WAD,
    LendingAccount,
    borrowable,
    bought,
    last_held,
    liquidation_factor,
    liquidation_price,
    repayment,
    rising_price,
    top_up,
    value_down,
    value_up,
    withdrawable,
)
from crossmargin.margin.families.lending_comet import CometAccount, CometAsset
from tests.margin.families.lending_books import MAKERS, Made, positions

PROTOCOLS = tuple(MAKERS)


def at_price(account: LendingAccount, token: str, price: int) -> LendingAccount:
    return replace(account, price={**account.price, token: price})


def at_factor(account: LendingAccount, factor: int) -> LendingAccount:
    falling = [t for t in account.collateral if not account.debt.get(t, 0)]
    moved = {t: account.price[t] * factor // WAD for t in falling}
    return replace(account, price={**account.price, **moved})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_prices_are_the_last_healthy_ones(protocol: str, data: st.DataObject) -> None:
    made: Made = data.draw(positions(protocol))
    account = made.account
    for token in account.collateral:
        found = liquidation_price(account, token)
        if found is None:
            assert not account.healthy() or at_price(account, token, 0).healthy()
            continue
        assert at_price(account, token, found).healthy()
        assert not at_price(account, token, found - 1).healthy()
        between = data.draw(st.integers(found, account.price[token]))
        if not account.debt.get(token):
            assert at_price(account, token, between).healthy()
    if account.healthy() and protocol not in ("maker", "liquity", "morpho"):
        found = rising_price(account, made.owed)
        if found is not None and made.owed not in account.collateral:
            assert at_price(account, made.owed, found).healthy()
            assert not at_price(account, made.owed, found + 1).healthy()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_common_fall(protocol: str, data: st.DataObject) -> None:
    account = data.draw(positions(protocol)).account
    found = liquidation_factor(account)
    if found is None:
        assert not account.healthy() or at_factor(account, 0).healthy()
    else:
        assert at_factor(account, found).healthy()
        assert not at_factor(account, found - 1).healthy()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_top_up_and_repayment_restore_the_threshold(protocol: str, data: st.DataObject) -> None:
    made = data.draw(positions(protocol))
    account = made.account
    more = top_up(account, made.held)
    if more is not None:
        assert bought(account, made.held, more).healthy()
        assert more == 0 or not bought(account, made.held, more - 1).healthy()
        assert (more == 0) is account.healthy()
    less = repayment(account, made.owed)
    assert less is not None
    assert bought(account, made.owed, -less, owed=True).healthy()
    assert less == 0 or not bought(account, made.owed, 1 - less, owed=True).healthy()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_withdrawal_and_borrowing_are_the_most(protocol: str, data: st.DataObject) -> None:
    made = data.draw(positions(protocol))
    account = made.account
    for token, held in account.collateral.items():
        most = withdrawable(account, token)
        assert 0 <= most <= held
        if most > 0:
            assert bought(account, token, -most).may_withdraw()
        if most < held and account.lets_go(token):
            assert not bought(account, token, -most - 1).may_withdraw()
    most = borrowable(account, made.owed)
    if most:
        assert bought(account, made.owed, most, owed=True).may_borrow()
        assert not bought(account, made.owed, most + 1, owed=True).may_borrow()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_larger_haircut_never_helps(protocol: str, data: st.DataObject) -> None:
    made = data.draw(positions(protocol))
    # A ratio is a divisor of some protocols: powers are compared as shares of the debt.
    before, after = (a.health_wad() for a in (made.account, made.cut))
    assert before is not None
    assert after is not None
    assert after <= before
    assert made.account.healthy() or not made.cut.healthy()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_health_and_verdict_agree(protocol: str, data: st.DataObject) -> None:
    """Over one is healthy, under one is not; exactly one is each protocol's own affair."""
    account = data.draw(positions(protocol)).account
    health = account.health_wad()
    assert health is not None
    if health != WAD:
        assert account.healthy() is (health > WAD)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_without_debt_health_is_none(protocol: str, data: st.DataObject) -> None:
    made = data.draw(positions(protocol))
    account = replace(made.account, debt={made.owed: 0})
    assert account.health_wad() is None
    assert account.healthy()
    assert liquidation_price(account, made.held) is None
    assert liquidation_factor(account) is None
    assert rising_price(account, made.owed) is None
    assert withdrawable(account, made.held) == account.collateral[made.held]
    assert top_up(account, made.held) == 0


def test_last_held_walks_over_pieces() -> None:
    holds = [True, True, False, True, False, False]
    pieces = [0, 0, 1, 2, 2, 2]
    assert last_held(holds.__getitem__, 0, 5, pieces.__getitem__) == 1
    assert last_held(holds.__getitem__, 3, 5) == 3
    assert last_held(lambda x: True, 3, 0) is None
    assert last_held(lambda x: x > 7, 100, 0) == 8


def test_rounding_of_values() -> None:
    assert value_down(10**18 + 1, 3, 18) == 3
    assert value_up(10**18 + 1, 3, 18) == 4
    assert value_up(10**18, 3, 18) == 3


def test_a_quota_or_a_share_of_zero_cannot_be_topped_up() -> None:
    worthless = CometAsset(18, 0, 0, WAD)
    account = CometAccount({"X": 5}, {"U": 10}, {"X": 10**8, "U": 10**8}, {"X": worthless}, "U", 6)
    assert top_up(account, "X") is None
    assert repayment(account, "U") == 10
    assert withdrawable(account, "X") == 0
    assert borrowable(account, "U") == 0
