"""Maker: spot and safety by hand, bark with its dust rule, clip prices and purchases."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families import lending_maker as rules
from crossmargin.margin.families.lending import WAD, liquidation_price
from crossmargin.margin.families.lending_maker import RAD, RAY, Ilk, MakerAccount

ILK = Ilk("ETH", 18, 145 * RAY // 100, RAY, 7_500 * RAD)
CHOP = 113 * WAD // 100


def account(eth: int = 10, dai: int = 12_000, price: int = 2_000) -> MakerAccount:
    prices = {"ETH": price * WAD, "DAI": WAD}
    return MakerAccount({"ETH": eth * WAD}, {"DAI": dai * WAD}, prices, ILK)


def test_by_hand() -> None:
    made = account()
    assert made.spot() == 2_000 * RAY * RAY // ILK.mat
    figures = made.figures()
    assert figures.collateral / figures.unit == 20_000.0
    assert figures.owed_mm / figures.unit == 12_000.0
    assert figures.power_mm / figures.unit == pytest.approx(20_000 / 1.45, rel=1e-15)
    last = liquidation_price(made, "ETH")
    assert last == 1_740 * WAD


def test_spot_floors_twice() -> None:
    assert rules.spot_of(1, 3 * RAY, RAY) == 10**9 * RAY // (3 * RAY)
    assert rules.spot_of(WAD, RAY * 101 // 100, RAY) == RAY * RAY // (RAY * 101 // 100)


def test_tokens_of_fewer_decimals() -> None:
    ilk = replace(ILK, token="WBTC", decimals=8)
    made = MakerAccount({"WBTC": 10**8}, {"DAI": WAD}, {"WBTC": 64_000 * WAD, "DAI": WAD}, ilk)
    figures = made.figures()
    assert figures.collateral / figures.unit == 64_000.0


def test_what_the_vat_takes() -> None:
    low = account(price=1_500)
    assert not low.healthy()
    assert rules.frob_allowed(low, replace(low, debt={"DAI": 11_000 * WAD}))
    assert rules.frob_allowed(low, replace(low, collateral={"ETH": 11 * WAD}))
    assert not rules.frob_allowed(low, replace(low, collateral={"ETH": 9 * WAD}))
    assert not rules.frob_allowed(low, replace(low, debt={"DAI": 7_000 * WAD}))  # dust
    assert rules.frob_allowed(low, replace(low, debt={"DAI": 0}))
    assert rules.frob_allowed(account(), account(dai=13_000))
    assert not rules.frob_allowed(account(), account(dai=14_000))
    assert not account(dai=5_000).may_borrow()


def test_bark_by_hand() -> None:
    spot = rules.spot_of(1_500 * WAD, RAY, ILK.mat)
    whole = rules.bark(10 * WAD, 12_000 * WAD, RAY, spot, chop=CHOP, room=10**6 * RAD)
    assert (whole.dink, whole.dart) == (10 * WAD, 12_000 * WAD)
    assert whole.due == 12_000 * RAD
    assert whole.tab == 13_560 * RAD
    part = rules.bark(10 * WAD, 12_000 * WAD, RAY, spot, chop=CHOP, room=1_130 * RAD)
    assert part.dart == 1_000 * WAD
    assert part.tab == 1_130 * RAD
    # What would remain is dust: everything goes, whatever the room.
    room = 10_000 * RAD
    all_of_it = rules.bark(
        10 * WAD, 12_000 * WAD, RAY, spot, chop=CHOP, room=room, dust=7_500 * RAD
    )
    assert all_of_it.dart == 12_000 * WAD
    # Exactly the dust may remain, and exactly the dust may be auctioned.
    exact = 12_000 * WAD, RAY, spot
    left = rules.bark(10 * WAD, *exact, chop=CHOP, room=11_300 * RAD, dust=2_000 * RAD)
    assert left.art_after == 2_000 * WAD
    taken = rules.bark(10 * WAD, *exact, chop=CHOP, room=1_130 * RAD, dust=1_000 * RAD)
    assert taken.dart == 1_000 * WAD
    with pytest.raises(InputError, match="would be dust"):
        rules.bark(10 * WAD, 12_000 * WAD, RAY, spot, chop=CHOP, room=1_130 * RAD, dust=7_500 * RAD)
    safe = rules.spot_of(2_000 * WAD, RAY, ILK.mat)
    with pytest.raises(InputError, match="safe"):
        rules.bark(10 * WAD, 12_000 * WAD, RAY, safe, chop=CHOP, room=room)
    with pytest.raises(InputError, match="no collateral"):
        rules.bark(10 * WAD, 12_000 * WAD, RAY, spot, chop=CHOP, room=0)


@settings(max_examples=80, deadline=None)
@given(
    ink=st.integers(1, 10**24),
    art=st.integers(1, 10**27),
    rate=st.integers(RAY, 2 * RAY),
    room=st.integers(RAD, 10**6 * RAD),
)
def test_a_bark_conserves(ink: int, art: int, rate: int, room: int) -> None:
    try:
        done = rules.bark(ink, art, rate, RAY, chop=CHOP, room=room)
    except InputError:
        assume(False)
    assert done.dink + done.ink_after == ink
    assert done.dart + done.art_after == art
    assert done.due == done.dart * rate
    assert done.tab <= room
    held = {"ETH": ink}
    owed = {"DAI": -(-art * rate // RAY)}
    before = MakerAccount(held, owed, {"ETH": WAD, "DAI": WAD}, ILK)
    after = rules.after_bark(before, done, rate)
    assert after.collateral["ETH"] == done.ink_after
    assert 0 <= after.debt["DAI"] * RAY - done.art_after * rate < RAY


def test_prices_of_an_auction() -> None:
    top = rules.top_of(2_000 * WAD, RAY, 12 * RAY // 10)
    assert top == 2_400 * RAY
    assert rules.linear(top, 1_800, 3_600) == 1_200 * RAY
    assert rules.linear(top, 3_600, 3_600) == 0
    cut = 99 * RAY // 100
    assert rules.stairstep(top, 89, cut, 90) == top
    assert rules.stairstep(top, 180, cut, 90) == top * 9_801 // 10_000
    assert rules.exponential(top, 0, cut) == top


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(9 * RAY // 10, RAY), seconds=st.integers(0, 500))
def test_a_power_of_rays_is_near_the_power(cut: int, seconds: int) -> None:
    exact = Fraction(cut, RAY) ** seconds
    assert abs(Fraction(rules.rpow(cut, seconds), RAY) - exact) < Fraction(1_000, RAY)


@settings(max_examples=100, deadline=None)
@given(
    tab=st.integers(1, 10**6).map(lambda x: x * RAD),
    lot=st.integers(1, 10**24),
    price=st.integers(RAY // 100, 10**5 * RAY),
    amount=st.integers(1, 10**24),
    chost=st.sampled_from([0, 5_000 * RAD]),
)
def test_a_purchase_conserves(tab: int, lot: int, price: int, amount: int, chost: int) -> None:
    try:
        done = rules.take(tab, lot, price, amount, chost)
    except InputError:
        assert tab <= chost
        return
    assert done.slice + done.lot + done.returned == lot
    assert done.owe + done.tab + done.unpaid == tab
    assert done.slice <= amount
    assert done.slice * price <= done.owe
    assert done.owe - done.slice * price < price
    assert done.tab == 0 or done.tab >= min(chost, tab)


def test_purchases_by_hand() -> None:
    done = rules.take(1_000 * RAD, 10 * WAD, 200 * RAY, 10 * WAD)
    assert (done.slice, done.owe, done.returned) == (5 * WAD, 1_000 * RAD, 5 * WAD)
    done = rules.take(1_000 * RAD, 2 * WAD, 200 * RAY, 10 * WAD)
    assert (done.unpaid, done.lot) == (600 * RAD, 0)
    done = rules.take(1_000 * RAD, 10 * WAD, 200 * RAY, 4 * WAD, 300 * RAD)
    assert (done.owe, done.tab) == (700 * RAD, 300 * RAD)
    done = rules.take(1_000 * RAD, 10 * WAD, 300 * RAY, 10 * WAD)
    assert (done.slice, done.owe) == (10 * WAD // 3, 1_000 * RAD)
    with pytest.raises(InputError, match="small a tab"):
        rules.take(300 * RAD, 10 * WAD, 200 * RAY, WAD // 2, 300 * RAD)
    with pytest.raises(InputError, match="small a tab"):
        rules.take(200 * RAD, 10 * WAD, 200 * RAY, WAD // 2, 300 * RAD)
