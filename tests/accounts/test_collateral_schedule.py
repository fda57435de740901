from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.collateral_schedule import FOLDER, AssetPrices, Schedule
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.parameter_files import load, overlay
from tests.accounts.books import START_MS, schedule


def test_the_example_that_ships_is_whole() -> None:
    found = schedule()
    assert {"USD", "USDC", "USDT", "BTC", "ETH", "SOL", "STETH", "WSTETH"} == set(found.assets)
    assert {terms.group for terms in found.assets.values()} == set(found.group_cap_usd)
    for entry in found.parameters.entries.values():
        assert entry.source
        assert entry.unit


@given(value=st.floats(0.0, 1e12))
def test_the_size_haircut_is_the_integral_of_its_marginal(value: float) -> None:
    found = schedule()
    terms = found.assets["STETH"]
    steps = 2_000
    total = 0.0
    for k in range(steps):
        middle = value * (k + 0.5) / steps
        total += min(0.9, 0.1 * math.sqrt(middle / terms.depth_usd)) * value / steps
    assert found.size_haircut_usd(terms, value) == pytest.approx(total, rel=1e-3, abs=1e-9)


def test_tiers_are_brackets() -> None:
    terms = schedule().assets["BTC"]
    assert terms.tier_haircut_usd(5e6) == 0.05 * 5e6
    assert terms.tier_haircut_usd(6e6) == 0.05 * 5e6 + 0.08 * 1e6
    assert terms.tier_haircut_usd(1e6, 30.0) == 1e6


@pytest.mark.parametrize(
    "tiers", [[[1.0, 0.1]], [[0.0, 0.2], [10.0, 0.1]], [[0.0, 0.1], [0.0, 0.2]]]
)
def test_tiers_out_of_order_are_refused(tiers: list[list[float]]) -> None:
    changed = overlay(load(FOLDER, START_MS), {"asset.BTC.tiers": tiers}, "test")
    with pytest.raises(ModelError) as caught:
        Schedule.of(changed)
    assert caught.value.code == "parameter_out_of_bounds"


def test_the_price_is_the_lowest_unless_one_is_named() -> None:
    prices = AssetPrices(3.0, cross_usd=2.0, redemption_usd=4.0)
    assert prices.chosen("lowest") == (2.0, "cross")
    assert prices.chosen("redemption") == (4.0, "redemption")
    assert AssetPrices(3.0).chosen("redemption") == (3.0, "venue")
    assert AssetPrices(3.0, independent_sources=0).self_referential
    assert not AssetPrices(3.0).self_referential


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_price_is_above_zero(value: float) -> None:
    for name in ("venue_usd", "cross_usd", "redemption_usd", "slow_usd"):
        with pytest.raises(InputError) as caught:
            AssetPrices(**{"venue_usd": 1.0, name: value})
        assert caught.value.code == "price_not_positive"


def test_days_to_sell() -> None:
    found = schedule()
    assert found.days_to_sell(found.assets["STETH"], 1e8) == pytest.approx(10.0)
