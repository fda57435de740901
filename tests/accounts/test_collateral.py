from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crossmargin.accounts.collateral import (
    Holdings,
    largest_withdrawal,
    price_values,
    stable_shocks,
    top_up,
    value_of,
)
from crossmargin.accounts.collateral_schedule import AssetPrices
from crossmargin.core.errors import InputError
from tests.accounts.books import held, schedule

SCHEDULE = schedule()
NAMES = ("USD", "USDC", "USDT", "BTC", "ETH", "SOL", "STETH")
amounts = st.dictionaries(st.sampled_from(NAMES), st.floats(0.0, 1e7), min_size=1)


def counted(assets: dict[str, float], name: str) -> float:
    found = value_of(held(assets), SCHEDULE)
    return next(a.counted_usd for a in found.assets if a.name == name)


@given(assets=amounts, name=st.sampled_from(NAMES), size=st.floats(1e-3, 1e7))
@settings(max_examples=300)
def test_the_haircut_never_falls_with_size(
    assets: dict[str, float], name: str, size: float
) -> None:
    small = value_of(held({**assets, name: size}), SCHEDULE)
    large = value_of(held({**assets, name: 2.0 * size}), SCHEDULE)
    low = next(a.haircut for a in small.assets if a.name == name)
    high = next(a.haircut for a in large.assets if a.name == name)
    assert high >= low - 1e-12
    assert large.counted_usd >= small.counted_usd * (1.0 - 1e-12)


STRICTER = {
    "haircut": lambda t: replace(
        t, tiers=tuple((limit, min(1.0, cut + 0.1)) for limit, cut in t.tiers)
    ),
    "depth": lambda t: replace(t, depth_usd=t.depth_usd / 4.0),
    "volatility": lambda t: replace(t, daily_vol=2.0 * t.daily_vol),
    "concentration": lambda t: replace(
        t, concentration_haircut=min(1.0, t.concentration_haircut + 0.2)
    ),
    "concentration from": lambda t: replace(t, concentration_from=t.concentration_from / 2.0),
    "cap": lambda t: replace(t, cap_usd=min(t.cap_usd, 1e5)),
}


@pytest.mark.parametrize("which", STRICTER)
@given(assets=amounts, name=st.sampled_from(NAMES))
@settings(max_examples=60, deadline=None)
def test_a_stricter_schedule_never_counts_more(
    which: str, assets: dict[str, float], name: str
) -> None:
    stricter = STRICTER[which](SCHEDULE.assets[name])
    strict = replace(SCHEDULE, assets={**SCHEDULE.assets, name: stricter})
    before, after = (value_of(held(assets), each).counted_usd for each in (SCHEDULE, strict))
    assert after <= before * (1.0 + 1e-12)


@given(assets=amounts)
@settings(max_examples=200)
def test_steps_add_up_and_caps_hold(assets: dict[str, float]) -> None:
    found = value_of(held(assets), SCHEDULE)
    for asset in found.assets:
        left = asset.gross_usd - math.fsum(asset.taken_usd.values())
        assert left == pytest.approx(asset.counted_usd, rel=1e-9, abs=1e-6)
        assert 0.0 <= asset.counted_usd <= asset.gross_usd
        assert asset.counted_usd <= SCHEDULE.assets[asset.name].cap_usd
    for group, cap in SCHEDULE.group_cap_usd.items():
        members = [a for a in found.assets if SCHEDULE.assets[a.name].group == group]
        assert math.fsum(a.counted_usd for a in members) <= cap * (1.0 + 1e-12)
    total = math.fsum(a.counted_usd for a in found.assets)
    assert found.collateral_usd == total
    assert found.counted_usd == total - found.wrong_way_usd + found.profit_usd


def test_the_steps_by_hand() -> None:
    found = value_of(held({"ETH": 5_000.0, "USD": 1_000_000.0}), SCHEDULE)
    ether = next(a for a in found.assets if a.name == "ETH")
    tiers = 0.075 * 5e6 + 0.1 * 5e6
    left = 1e7 - tiers
    size = 2.0 / 3.0 * 0.1 * left * math.sqrt(left / 6e9)
    left -= size
    excess = left - 0.6 * (left + 1e6)
    assert ether.taken_usd["tiers"] == pytest.approx(tiers, rel=1e-12)
    assert ether.taken_usd["size"] == pytest.approx(size, rel=1e-9)
    assert ether.taken_usd["concentration"] == pytest.approx(0.15 * excess, rel=1e-9)
    assert ether.counted_usd == pytest.approx(left - 0.15 * excess, rel=1e-12)
    assert found.ratio is None
    assert found.health is None


@given(
    assets=amounts,
    owed=st.floats(1.0, 1e7),
    threshold=st.floats(1.0, 2.0),
    name=st.sampled_from(["USD", "USDC", "BTC", "ETH"]),
)
@settings(max_examples=100, deadline=None)
def test_a_top_up_restores_the_threshold_exactly(
    assets: dict[str, float], owed: float, threshold: float, name: str
) -> None:
    start = held(assets, debts={"USDT": owed})
    added = top_up(start, SCHEDULE, name, threshold)
    assume(added is not None)
    assert added is not None
    target = threshold * value_of(start, SCHEDULE).needed_usd
    base = assets.get(name, 0.0)
    after = value_of(held({**assets, name: base + added}, debts={"USDT": owed}), SCHEDULE)
    assert after.counted_usd >= target
    if added > 0.0:
        assert after.counted_usd == pytest.approx(target, rel=1e-9)
        less = math.nextafter(base + added, 0.0)
        if less >= base:
            before = value_of(held({**assets, name: less}, debts={"USDT": owed}), SCHEDULE)
            assert before.counted_usd < target


@given(assets=amounts, owed=st.floats(1.0, 1e6), name=st.sampled_from(["USD", "BTC", "STETH"]))
@settings(max_examples=100, deadline=None)
def test_a_withdrawal_keeps_the_threshold_and_no_more_leaves(
    assets: dict[str, float], owed: float, name: str
) -> None:
    assets = {**assets, name: assets.get(name, 0.0) + 1.0}
    start = held(assets, debts={"USDT": owed})
    taken = largest_withdrawal(start, SCHEDULE, name)
    assert 0.0 <= taken <= assets[name]
    target = value_of(start, SCHEDULE).needed_usd
    if taken == 0.0:
        return
    left = held({**assets, name: assets[name] - taken}, debts={"USDT": owed})
    assert value_of(left, SCHEDULE).counted_usd >= target
    if taken < assets[name]:
        more = max(assets[name] - taken * (1.0 + 1e-6) - 1e-6, 0.0)
        beyond = held({**assets, name: more}, debts={"USDT": owed})
        assert value_of(beyond, SCHEDULE).counted_usd <= target * (1.0 + 1e-9)


def test_in_dollars_the_top_up_is_what_is_missing() -> None:
    start = held({"USD": 300.0}, debts={"USDT": 1_000.0})
    assert top_up(start, SCHEDULE, "USD") == 700.0
    assert top_up(start, SCHEDULE, "USD", 1.5) == 1_200.0
    assert largest_withdrawal(held({"USD": 1_500.0}, debts={"USDT": 1_000.0}), SCHEDULE, "USD") == (
        500.0
    )


def test_a_cap_can_be_out_of_reach() -> None:
    start = held({"SOL": 1.0}, debts={"USDT": 60e6})
    assert top_up(start, SCHEDULE, "SOL") is None
    assert largest_withdrawal(start, SCHEDULE, "SOL") == 0.0


def test_wrong_way_collateral_is_charged() -> None:
    plain = value_of(held({"ETH": 1_000.0}), SCHEDULE)
    long = value_of(held({"ETH": 1_000.0}, long_delta_usd={"ETH": 1e6}), SCHEDULE)
    short = value_of(held({"ETH": 1_000.0}, long_delta_usd={"ETH": -1e6}), SCHEDULE)
    other = value_of(held({"ETH": 1_000.0}, long_delta_usd={"BTC": 1e6}), SCHEDULE)
    assert plain.wrong_way_usd == short.wrong_way_usd == 0.0
    assert long.wrong_way_usd == 0.5 * 1e6
    assert other.wrong_way_usd == pytest.approx(0.5 * 0.85 * 1e6)
    most = value_of(held({"ETH": 1_000.0}, long_delta_usd={"ETH": 1e12}), SCHEDULE)
    assert most.counted_usd == pytest.approx(0.5 * most.collateral_usd)


def test_an_asset_without_a_table_counts_for_nothing() -> None:
    prices = {"NEW": AssetPrices(10.0)}
    found = value_of(held({"NEW": 1e6, "USD": 1.0}, prices=prices), SCHEDULE)
    assert found.collateral_usd == 1.0
    assert "not eligible" in found.assets[0].verdicts[0]


def test_shocks_and_values_are_of_the_whole_account() -> None:
    start = held({"USDC": 1_000.0}, debts={"USDT": 500.0})
    shocks = stable_shocks(start, SCHEDULE, lambda name: name.startswith("USD"))
    assert [(s.name, round(s.factor, 9)) for s in shocks] == [
        ("USDC", 0.7), ("USDC", 1.3), ("USDT", 0.7), ("USDT", 1.3),
    ]  # fmt: skip
    assert shocks[3].collateral.debt_usd == pytest.approx(650.0)
    two = {"STETH": AssetPrices(1_800.0, cross_usd=1_990.0, redemption_usd=2_000.0)}
    values = price_values(held({"STETH": 1.0}, prices=two), SCHEDULE)
    assert [v.value for v in values] == ["venue", "cross", "redemption"]
    assert values[0].collateral.counted_usd < values[2].collateral.counted_usd


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_amounts_are_checked(amount: float) -> None:
    with pytest.raises(InputError) as caught:
        held({"USD": amount})
    assert caught.value.code == "number_out_of_range"
    with pytest.raises(InputError) as caught:
        Holdings({"USD": 1.0})
    assert caught.value.code == "currency_unknown"


def test_a_debt_counts_at_the_highest_price_and_backing_at_the_lowest() -> None:
    prices = {"STETH": AssetPrices(1_800.0, cross_usd=1_990.0, redemption_usd=2_000.0)}
    owes = value_of(held({"USD": 1.0}, debts={"STETH": 3.0}, prices=prices), SCHEDULE)
    assert owes.debt_usd == 6_000.0
    owns = value_of(held({"STETH": 3.0}, prices=prices), SCHEDULE)
    assert owns.assets[0].price_usd == 1_800.0
