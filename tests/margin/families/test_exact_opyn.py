"""Vaults in integers: against plain fractions, and what must hold for any vault."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import ModelError
from crossmargin.margin.families import exact_opyn as rules

AMOUNT = st.integers(0, 10**16)
STRIKE = st.integers(0, 10**15)
PRICE = st.integers(1, 10**15)
DECIMALS = {"usdc": 6, "weth": 18, "reth": 29}
E8 = 10**8


def vault(put: bool, short: int, long: int, strikes: tuple[int, int], held: int) -> rules.Vault:
    collateral = "usdc" if put else "weth"
    one = rules.OToken(put, "weth", "usdc", collateral, strikes[0])
    two = replace(one, strike=strikes[1])
    return rules.Vault((one,), (short,), (two,), (long,), (collateral,), (held,))


@given(st.booleans(), AMOUNT, AMOUNT, STRIKE, STRIKE)
def test_before_expiry_a_vault_covers_its_largest_loss(
    put: bool, short: int, long: int, strike: int, other: int
) -> None:
    if strike == other:
        other += 1
    made = vault(put, short, long, (strike, other), 0)
    found = rules.margin_required(made, rules.Prices({}), None, 0)
    s, k, x = Fraction(short, E8), Fraction(long, E8), Fraction(strike, E8)
    y = Fraction(other, E8)
    if put:
        exact = max(s * x - y * min(s, k), Fraction(0))
    elif y == 0:
        exact = max(s - k, Fraction(0))
    else:
        exact = max((y - x) * s / y, s - k, Fraction(0))
    assert abs(Fraction(found, rules.ONE) - exact) <= Fraction(3 * 10**8, rules.ONE)
    # The largest loss over prices at expiry: at zero, at the strikes, and far above them.
    worst = max(
        Fraction(
            rules.margin_required(made, rules.Prices({"weth": price, "usdc": E8}, True), None, 0),
            rules.ONE,
        )
        for price in (1, strike or 1, other or 1, 10**17)
    )
    slack = s + k  # dollars, or coins, of the smallest price instead of none
    assert worst <= exact + (slack / E8 if put else slack / 10**6)


@given(AMOUNT, STRIKE, st.integers(0, 10**36), st.integers(0, 40))
def test_surplus_is_rounded_down_and_shortfall_up(
    short: int, strike: int, held: int, decimals: int
) -> None:
    token = rules.OToken(True, "weth", "usdc", "usdc", strike)
    made = rules.Vault((token,), (short,), (), (), ("usdc",), (held,))
    net, excess = rules.excess_collateral(made, rules.Prices({}), {"usdc": decimals})
    exact = Fraction(rules.from_scaled(held, decimals), rules.ONE)
    exact -= Fraction(short * strike, E8 * E8)
    assert excess is (exact >= 0)
    unit = Fraction(1, 10**decimals)
    if excess:
        assert net * unit <= exact < (net + 1) * unit
    else:
        assert (net - 1) * unit < -exact <= net * unit


@given(st.booleans(), PRICE, PRICE, st.integers(0, rules.ONE), st.integers(0, rules.ONE))
def test_naked_margin_lies_between_its_bound_and_full_collateral(
    put: bool, strike: int, spot: int, shock: int, bound: int
) -> None:
    scaled = [rules.from_scaled(x, 8) for x in (strike, spot)]
    found = rules.naked_required(put, rules.ONE, *scaled, shock, bound)
    full = scaled[0] if put else rules.ONE
    assert 0 <= found <= full
    assert found <= rules.naked_required(put, rules.ONE, *scaled, shock, rules.ONE) <= full
    twice = rules.naked_required(put, 2 * rules.ONE, *scaled, shock, bound)
    assert 2 * found <= twice <= 2 * found + 1


def test_the_table_of_bounds_is_read_upwards() -> None:
    assert [rules.upper_bound((7, 14), (1, 2), left) for left in (0, 7, 8, 14)] == [1, 1, 2, 2]
    for times, left in (((7, 14), 15), ((), 1)):
        with pytest.raises(ModelError) as caught:
            rules.upper_bound(times, (1, 2)[: len(times)], left)
        assert caught.value.code == "parameter_missing"


def test_a_naked_vault_is_refused_without_its_table_and_under_its_dust() -> None:
    token = rules.OToken(True, "weth", "usdc", "usdc", 100 * E8)
    made = rules.Vault((token,), (E8,), (), (), ("usdc",), (5,), naked=True)
    prices = rules.Prices({"weth": 150 * E8})
    with pytest.raises(ModelError) as caught:
        rules.excess_collateral(made, prices, DECIMALS, None, 10)
    assert caught.value.code == "parameter_missing"
    table = rules.Naked(rules.ONE * 3 // 4, (10,), (rules.ONE // 10,), dust=5)
    with pytest.raises(ModelError) as caught:
        rules.excess_collateral(made, prices, DECIMALS, table, 10)
    assert "dust" in caught.value.message
    more = replace(made, collateral_amounts=(6,))
    assert rules.excess_collateral(more, prices, DECIMALS, table, 10) == (9_999_994, False)


def test_an_asset_without_a_price_is_named() -> None:
    token = rules.OToken(False, "weth", "usdc", "usdc", 100 * E8)
    made = rules.Vault((token,), (E8,))
    for expired in (False, True):
        with pytest.raises(ModelError) as caught:
            rules.margin_required(made, rules.Prices({"usdc": E8}, expired), None, 0)
        assert caught.value.code == "mark_missing"
        assert "weth" in str(caught.value)


@given(st.booleans(), PRICE, PRICE, PRICE, st.integers(0, 4_000), st.integers(0, 4_000))
def test_an_auction_price_rises_to_all_of_the_collateral(
    put: bool, strike: int, spot: int, held: int, first: int, second: int
) -> None:
    figures = [rules.from_scaled(x, 8) for x in (held, E8, strike, spot)]
    early, late = sorted((first, second))
    prices = [rules.debt_price(put, *figures, rules.ONE // 20, at) for at in (early, late, 3_600)]
    end = figures[0]
    assert prices[2] == end
    assert prices[0] <= prices[1] <= end


def test_tokens_of_many_decimals_keep_27() -> None:
    assert rules.from_scaled(123, 29) == 1
    assert rules.to_scaled(1, 29, down=True) == 100
    assert rules.to_scaled(-(10**21) - 1, 6, down=False) == 2
    assert rules.to_scaled(10**21 + 1, 6, down=True) == 1
