"""Morpho Blue: health, shares, incentive, liquidation and bad debt to the unit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families import lending_morpho as rules
from crossmargin.margin.families.lending import WAD, liquidation_price
from crossmargin.margin.families.lending_morpho import MorphoAccount, MorphoMarket

MARKET = MorphoMarket("ETH", "USDC", 18, 6, 86 * WAD // 100, 10**12, 10**18)
SCALE = 10**24  # 36 + 6 - 18


def account(eth: int = 10, usdc: int = 12_000, price: int = 2_000) -> MorphoAccount:
    prices = {"ETH": price * SCALE, "USDC": 1}
    return MorphoAccount({"ETH": eth * WAD}, {"USDC": usdc * 10**6}, prices, MARKET)


def test_by_hand() -> None:
    made = account()
    figures = made.figures()
    assert figures.collateral == 20_000 * 10**6
    assert figures.power_mm == 17_200 * 10**6
    assert made.health_wad() == 17_200 * WAD // 12_000
    assert account(usdc=17_200).healthy()
    assert not account(usdc=17_201).healthy()
    last = liquidation_price(made, "ETH")
    assert last is not None
    assert last / made.price_scale("ETH") == 1_395.3488373  # values are cut to whole units


def test_the_incentive_is_capped() -> None:
    assert rules.liquidation_incentive(0) == 115 * WAD // 100
    assert rules.liquidation_incentive(WAD) == WAD


@settings(max_examples=80, deadline=None)
@given(amount=st.integers(0, 10**30), total=st.integers(0, 10**30), shares=st.integers(0, 10**36))
def test_shares_round_against_the_caller(amount: int, total: int, shares: int) -> None:
    exact = Fraction(amount * (shares + 10**6), total + 1)
    down, up = (f(amount, total, shares) for f in (rules.to_shares_down, rules.to_shares_up))
    assert down <= exact <= up <= down + 1
    exact = Fraction(amount * (total + 1), shares + 10**6)
    down, up = (f(amount, total, shares) for f in (rules.to_assets_down, rules.to_assets_up))
    assert down <= exact <= up <= down + 1


def test_a_liquidation_by_hand() -> None:
    """Seizing 1 coin at 1,300 repays 1,300 over the incentive."""
    shares = 12_000 * 10**12
    done = rules.liquidate(MARKET, 10 * WAD, shares, 1_300 * SCALE, seized=WAD)
    factor = rules.liquidation_incentive(MARKET.lltv)
    assert abs(done.repaid - 1_300 * 10**6 * WAD // factor) <= 2
    assert done.collateral_after == 9 * WAD
    assert done.shares_after == shares - done.repaid_shares
    back = rules.liquidate(
        MARKET, 10 * WAD, shares, 1_300 * SCALE, repaid_shares=done.repaid_shares
    )
    assert abs(back.seized - WAD) <= 2 * 10**12 // 1_000
    assert done.bad_debt == 0


def test_bad_debt_only_when_the_collateral_is_gone() -> None:
    shares = 12_000 * 10**12
    done = rules.liquidate(MARKET, 10 * WAD, shares, 1_000 * SCALE, seized=10 * WAD)
    assert done.shares_after == 0
    assert done.bad_debt > 0
    assert done.total_assets_after + done.repaid + done.bad_debt == MARKET.total_assets
    part = rules.liquidate(MARKET, 10 * WAD, shares, 1_000 * SCALE, seized=10 * WAD - 1)
    assert part.bad_debt == 0
    assert part.shares_after > 0


def test_what_is_refused() -> None:
    shares = 12_000 * 10**12
    with pytest.raises(InputError, match="healthy"):
        rules.liquidate(MARKET, 10 * WAD, shares, 2_000 * SCALE, seized=WAD)
    with pytest.raises(InputError, match="one of the two"):
        rules.liquidate(MARKET, 10 * WAD, shares, 1_300 * SCALE)
    with pytest.raises(InputError, match="more than the position has"):
        rules.liquidate(MARKET, 10 * WAD, shares, 1_300 * SCALE, seized=11 * WAD)


@settings(max_examples=120, deadline=None)
@given(
    collateral=st.integers(10**12, 10**22),
    shares=st.integers(10**6, 10**18),
    price=st.integers(10**24, 10**28),
    part=st.integers(1, 100),
)
def test_a_liquidation_conserves(collateral: int, shares: int, price: int, part: int) -> None:
    market = replace(MARKET, total_assets=10**13, total_shares=10**19)
    try:
        done = rules.liquidate(
            market, collateral, shares, price, seized=max(collateral * part // 100, 1)
        )
    except InputError:
        assume(False)
    assert done.seized + done.collateral_after == collateral
    assert done.total_assets_after + done.repaid + done.bad_debt == market.total_assets
    written = market.total_shares - done.total_shares_after
    assert written == shares - done.shares_after


@given(st.integers(1, 9 * WAD), st.integers(1, 10**28))
def test_what_is_repaid_for_a_seizure_rounds_up_at_every_step(seized: int, price: int) -> None:
    odd = replace(MARKET, total_assets=10**12 + 12_345, total_shares=10**18 - 777)
    shares = 12_000 * 10**12
    value = ceil(Fraction(seized * price, rules.ORACLE_SCALE))
    cost = ceil(Fraction(value * WAD, rules.liquidation_incentive(MARKET.lltv)))
    totals = odd.total_shares + 10**6, odd.total_assets + 1
    repaid = ceil(Fraction(cost * totals[0], totals[1]))
    held = 10 * WAD
    owed = rules.to_assets_up(shares, odd.total_assets, odd.total_shares)
    assume(held * price // rules.ORACLE_SCALE * MARKET.lltv // WAD < owed)
    assume(repaid <= shares)
    done = rules.liquidate(odd, held, shares, price, seized=seized)
    assert done.repaid_shares == repaid
    assert done.repaid == ceil(Fraction(repaid * totals[1], totals[0]))
