"""Aave v3: health by hand and against plain fractions, e-mode, close factor, liquidation."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families import lending_aave as rules
from crossmargin.margin.families.lending import (
    WAD,
    borrowable,
    bought,
    liquidation_price,
    withdrawable,
)
from crossmargin.margin.families.lending_aave import AaveAccount, AaveAsset, Arithmetic, EMode
from tests.margin.families.lending_books import positions

ORIGIN, CORE = Arithmetic.ORIGIN, Arithmetic.CORE
ASSETS = {
    "ETH": AaveAsset(18, 8_000, 8_250, 10_500, 1_000),
    "WST": AaveAsset(18, 7_500, 7_900, 10_600, 1_000),
    "USDC": AaveAsset(6, 7_500, 7_800, 10_450, 1_000),
}
PRICE = {"ETH": 2_000 * 10**8, "WST": 2_400 * 10**8, "USDC": 10**8}


def account(
    eth: int = 10, usdc: int = 12_000, arithmetic: Arithmetic = ORIGIN, **more: object
) -> AaveAccount:
    held, owed = {"ETH": eth * WAD}, {"USDC": usdc * 10**6}
    made = AaveAccount(held, owed, PRICE, ASSETS, None, frozenset(), arithmetic)
    return replace(made, **more)


def test_health_by_hand() -> None:
    """10 coins at 2,000 and 82.5 % against 12,000: 1.375; liquidated under 1,454.54545455."""
    for arithmetic in Arithmetic:
        made = account(arithmetic=arithmetic)
        assert made.health_wad() == 1_375 * 10**15
        assert liquidation_price(made, "ETH") == 145_454_545_455
    figures = account().figures()
    assert figures.collateral / figures.unit == 20_000.0
    assert figures.power_im / figures.unit == 16_000.0
    assert figures.power_mm / figures.unit == 16_500.0
    assert figures.owed_mm / figures.unit == 12_000.0


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_health_against_fractions(data: st.DataObject) -> None:
    """Within what the roundings can do: a unit of value each, a basis point of v3-core's mean."""
    arithmetic = data.draw(st.sampled_from(list(Arithmetic)))
    made = data.draw(positions(f"aave {arithmetic}")).account
    power = total = debt = Fraction(0)
    for token, units in made.collateral.items():
        value = Fraction(units * made.price[token], 10 ** made.assets[token].decimals)
        power += value * made.shares(token)[1] / 10_000
        total += value
    for token, units in made.debt.items():
        debt += Fraction(units * made.price[token], 10 ** made.assets[token].decimals)
    if arithmetic is ORIGIN:  # digit by digit, from the units that the contract has
        whole = sum(
            made.collateral[t] * made.price[t] // 10 ** made.assets[t].decimals * made.shares(t)[1]
            for t in made.collateral
        )
        owed = sum(
            ceil(Fraction(n * made.price[t], 10 ** made.assets[t].decimals))
            for t, n in made.debt.items()
        )
        quotient = floor(Fraction(whole * WAD, owed) + Fraction(1, 2))
        assert made.health_wad() == quotient // 10_000
    found, exact = Fraction(made.health_wad(), WAD), power / debt
    slack = 4 / debt * (1 + exact) + Fraction(2, WAD)
    mean = total / 10_000 / debt if arithmetic is CORE else 0
    assert exact - slack - mean <= found <= exact + slack


def test_the_two_arithmetics_differ_in_the_last_digits() -> None:
    held = {"ETH": 3 * WAD, "WST": 7 * WAD + 1}
    debt = {"USDC": 11_111_111_111}
    made = [account(arithmetic=a, collateral=held, debt=debt) for a in Arithmetic]
    found = [one.health_wad() for one in made]
    assert found[0] > found[1]
    assert made[0].averages()[1] == 7_992  # 7992.1 in full
    assert Fraction(found[0] - found[1], found[0]) < Fraction(1, 7_900)


def test_debt_rounds_up_in_origin_and_down_in_core() -> None:
    for arithmetic, value in ((ORIGIN, 2), (CORE, 1)):
        made = account(arithmetic=arithmetic, debt={"ETH": WAD // (2_000 * 10**8) + 1})
        assert made.debt_value("ETH") == value


def test_an_emode_raises_its_own_assets_alone() -> None:
    mode = EMode(9_300, 9_500, 10_100, frozenset({"ETH", "WST"}), frozenset({"WST"}))
    made = account(emode=mode)
    assert made.averages() == (9_300, 9_500)
    assert made.bonus("ETH") == 10_100
    assert made.bonus("USDC") == 10_450
    assert made.shares("WST") == (0, 9_500)
    assert made.shares("USDC") == (7_500, 7_800)
    assert replace(made, emode=replace(mode, isolated=True)).shares("USDC") == (0, 7_800)
    core = replace(made, arithmetic=CORE, assets={**ASSETS, "ETH": replace(ASSETS["ETH"], ltv=0)})
    assert core.shares("ETH") == (0, 9_500)  # v3-core leaves an LTV of 0 at 0


def test_what_is_switched_off_or_isolated_does_not_count() -> None:
    held = {"ETH": 10 * WAD, "USDC": 5_000 * 10**6}
    assert account(collateral=held, off=frozenset({"ETH"})).used() == ("USDC",)
    alone = {**ASSETS, "ETH": replace(ASSETS["ETH"], debt_ceiling=10**8)}
    assert account(collateral=held, assets=alone, arithmetic=CORE).used() == ("USDC",)
    assert account(assets=alone, arithmetic=CORE).used() == ("ETH",)
    assert account(collateral=held, assets=alone).used() == ("ETH", "USDC")  # gone from origin
    assert rules.isolation_room(90_000, 100_000, 100 * 10**6, 6) == 0
    assert rules.isolation_room(90_000, 100_000, 100 * 10**6 + 10**4, 6) == -1


def test_an_isolated_collateral_lends_marked_assets_up_to_its_ceiling() -> None:
    """9,000 dollars of ceiling, of which others owe 2,500 and this account 6,000: 500 are left."""
    isolated = replace(ASSETS["ETH"], debt_ceiling=900_000, isolation_debt=250_000)
    assets = {**ASSETS, "ETH": isolated, "USDC": replace(ASSETS["USDC"], in_isolation=True)}
    made = account(usdc=6_000, assets=assets, arithmetic=CORE)
    assert made.isolated() == "ETH"
    most = borrowable(made, "USDC")
    assert most == 500 * 10**6 + 10**4 - 1  # the amount is cut to cents
    assert not bought(made, "USDC", most + 1, owed=True).isolation_keeps()
    unmarked = replace(made, assets={**assets, "USDC": ASSETS["USDC"]})
    assert borrowable(unmarked, "USDC") == 0
    assert unmarked.healthy()  # it is no ground for a liquidation
    assert withdrawable(unmarked, "ETH") > 0
    beside = replace(made, collateral={"ETH": 10 * WAD, "WST": 10 * WAD})
    assert beside.isolated() is None
    assert borrowable(beside, "USDC") == (24_000 * 3 // 4 - 6_000) * 10**6  # ether does not count
    assert borrowable(replace(made, arithmetic=ORIGIN), "USDC") == 10_000 * 10**6


def test_borrowing_asks_for_ltv_and_withdrawal_for_health() -> None:
    made = account(usdc=16_000)
    assert made.may_borrow()
    assert not replace(made, debt={"USDC": 16_000 * 10**6 + 1}).may_borrow()
    assert not account(assets={**ASSETS, "ETH": replace(ASSETS["ETH"], ltv=0)}).may_borrow()
    left = 10 * WAD - withdrawable(made, "ETH")
    assert left * 2_000 * 8_250 // 10_000 >= 16_000 * WAD
    assert rules.available_borrows(20_000, 12_000, 8_000) == 4_000
    assert rules.available_borrows(20_000, 17_000, 8_000) == 0


def test_zero_ltv_collateral_goes_first() -> None:
    held = {"ETH": 10 * WAD, "WST": WAD}
    made = account(
        collateral=held, assets={**ASSETS, "WST": replace(ASSETS["WST"], ltv=0)}, usdc=1_000
    )
    assert withdrawable(made, "ETH") == 0
    assert withdrawable(made, "WST") == WAD


def test_close_factor() -> None:
    """Half down to 0.95, all below; origin: half of all debt, and small pairs in full."""
    price = {**PRICE, "ETH": 1_400 * 10**8}
    near = account(price=price)  # health 0.9625
    assert rules.most_liquidatable(replace(near, arithmetic=CORE), "ETH", "USDC") == 6_000 * 10**6
    assert rules.most_liquidatable(near, "ETH", "USDC") == 6_000 * 10**6
    deep = account(price={**PRICE, "ETH": 1_300 * 10**8})
    for arithmetic in Arithmetic:
        one = replace(deep, arithmetic=arithmetic)
        assert rules.most_liquidatable(one, "ETH", "USDC") == 12_000 * 10**6
    small = account(eth=1, usdc=1_190, price=price)
    assert rules.most_liquidatable(small, "ETH", "USDC") == 1_190 * 10**6
    old = replace(small, arithmetic=CORE)
    assert rules.most_liquidatable(old, "ETH", "USDC") == 595 * 10**6


def test_a_liquidation_by_hand() -> None:
    """6,000 of debt at 1,400 and 5 % bonus: 4.5 coins; a tenth of the bonus is the protocol's."""
    made = account(price={**PRICE, "ETH": 1_400 * 10**8})
    done = rules.liquidate(made, "ETH", "USDC")
    assert done.repaid == 6_000 * 10**6
    base = 6_000 * WAD // 1_400
    assert done.seized == base * 10_500 // 10_000
    part = done.seized - done.seized * 10_000 // 10_500
    assert done.protocol_fee == -(-part // 10)
    assert done.to_liquidator + done.protocol_fee == done.seized
    assert done.after.collateral["ETH"] == 10 * WAD - done.seized
    assert done.deficit == {}


def test_bad_debt_is_written_off_by_origin_alone() -> None:
    made = account(price={**PRICE, "ETH": 1_000 * 10**8})
    done = rules.liquidate(made, "ETH", "USDC")
    assert done.seized == 10 * WAD
    assert done.deficit == {"USDC": 12_000 * 10**6 - done.repaid}
    assert not done.after.owes()
    old = rules.liquidate(replace(made, arithmetic=CORE), "ETH", "USDC")
    assert old.deficit == {}
    assert old.after.debt["USDC"] == 12_000 * 10**6 - old.repaid


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="healthy"):
        rules.liquidate(account(), "ETH", "USDC")
    made = account(price={**PRICE, "ETH": 1_300 * 10**8})
    with pytest.raises(InputError, match="dust"):
        rules.liquidate(made, "ETH", "USDC", 11_500 * 10**6)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_liquidation_conserves(data: st.DataObject) -> None:
    """Units of both tokens add up; the bonus is what the seized is worth beyond the repaid."""
    arithmetic = data.draw(st.sampled_from(list(Arithmetic)))
    made = data.draw(positions(f"aave {arithmetic}")).account
    assume(not made.healthy())
    wanted = data.draw(st.integers(1, made.debt["USDC"]))
    try:
        done = rules.liquidate(made, "ETH", "USDC", wanted)
    except InputError as error:
        assert "dust" in error.message
        assume(False)
    assert done.repaid <= wanted
    assert done.to_liquidator + done.protocol_fee == done.seized
    assert done.after.collateral["ETH"] + done.seized == made.collateral["ETH"]
    written = done.deficit.get("USDC", 0)
    assert done.after.debt["USDC"] + done.repaid + written == made.debt["USDC"]
    assert done.protocol_fee >= 0
    worth = Fraction(done.seized * made.price["ETH"], WAD)
    paid = Fraction(done.repaid * made.price["USDC"], 10**6)
    bonus = Fraction(made.bonus("ETH"), 10_000)
    assert worth <= (paid + made.price["USDC"]) * bonus + made.price["ETH"]


def test_the_boundaries_of_the_close_factor() -> None:
    """At 0.95 exactly all may be repaid; a side worth 2,000 is large; 1,000 may be left."""
    limit = account(eth=19, usdc=33_000, price=PRICE)
    assert limit.health_wad() == 95 * WAD // 100
    for arithmetic in Arithmetic:
        one = replace(limit, arithmetic=arithmetic)
        assert rules.most_liquidatable(one, "ETH", "USDC") == 33_000 * 10**6
    # One side alone is large: the pair may be repaid in full above 0.95 too.
    price = {"ETH": 1_400 * 10**8, "WST": 1_330 * 10**8, "USDC": 10**8}
    mixed = account(eth=1, price=price, collateral={"ETH": WAD, "WST": 10 * WAD})
    health = mixed.health_wad()
    assert health is not None
    assert 95 * WAD // 100 < health < WAD
    assert rules.most_liquidatable(mixed, "ETH", "USDC") == 12_000 * 10**6
    assert rules.most_liquidatable(mixed, "WST", "USDC") == 6_000 * 10**6
    at_limit = replace(mixed, price={**price, "ETH": 2_000 * 10**8, "WST": 1_260 * 10**8})
    assert rules.most_liquidatable(at_limit, "ETH", "USDC") == 6_000 * 10**6
    deep = account(price={**PRICE, "ETH": 1_300 * 10**8})
    assert rules.liquidate(deep, "ETH", "USDC", 11_000 * 10**6).after.debt["USDC"] == 10**9
    with pytest.raises(InputError, match="dust"):
        rules.liquidate(deep, "ETH", "USDC", 11_000 * 10**6 + 1)
