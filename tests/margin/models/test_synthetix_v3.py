"""Synthetix v3: an account by hand, and the rules against plain numbers."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import one_account, subject_of, view_of
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Bound, model_named
from crossmargin.margin.models.synthetix_v3 import (
    SynthetixV3,
    collateral_discount,
    fill_price,
    liquidation_reward,
)
from crossmargin.margin.parameter_files import available
from tests.margin.families.books import at_index

SUBJECT = subject_of(SynthetixV3())


def test_an_account_by_hand() -> None:
    """2 BTC at 64,000: 2/10,000 x 2 + 1 % = 1.04 %; flags 64 dollars; 10 BTC lose 5 %."""
    held = {"SNXUSD": 10_000.0, "BTC": 10.0, "BTC-PERP": -2.0}
    world = at_index(view_of(parse("synthetix", name) for name in held))
    place = world.instruments.index_of()
    lines = [Line("a", place["synthetix", name], size) for name, size in held.items()]
    found = margined(SUBJECT, Book.of(world.instruments, lines), world)
    sheet = {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }
    assert sheet["position_im"] == pytest.approx(128_000.0 * 0.0104)
    assert sheet["position_mm"] == pytest.approx(128_000.0 * 0.0052)
    assert sheet["reward"] == pytest.approx(64.0 + 2.0)
    assert sheet["im"] == pytest.approx(1_331.2 + 50.0 + 66.0)
    assert sheet["equity"] == pytest.approx(650_000.0)
    assert sheet["counted_mm"] == pytest.approx(650_000.0 - 640_000.0 * 0.05)
    assert found.bound is Bound.AT_LEAST


def test_without_positions_no_reward_is_set_aside() -> None:
    found = margined(SUBJECT, one_account(SUBJECT, {"SNXUSD": 10_000.0})[0])
    assert found.sheet["im"].tolist() == [0.0]
    assert found.bound is Bound.VALUE


def test_nothing_nets_between_markets() -> None:
    one = margined(SUBJECT, one_account(SUBJECT, {"BTC_SNXUSD-PERPETUAL": 1.0})[0]).sheet
    two = margined(SUBJECT, one_account(SUBJECT, {"ETH_SNXUSD-PERPETUAL": -30.0})[0]).sheet
    both = {"BTC_SNXUSD-PERPETUAL": 1.0, "ETH_SNXUSD-PERPETUAL": -30.0}
    found = margined(SUBJECT, one_account(SUBJECT, both)[0]).sheet
    assert found["position_im"][0] == one["position_im"][0] + two["position_im"][0]


def test_rules_on_plain_numbers() -> None:
    arrays = [np.array([x]) for x in (30_000.0, -2.0, 0.0, 100.0)]
    assert fill_price(*arrays).tolist() == [29_700.0]
    flags = np.array([0.0, 50.0, 5_000.0])
    assert liquidation_reward(flags, 5.0, 20.0, 1_000.0).tolist() == [20.0, 55.0, 1_000.0]
    amount = np.array([10.0, 100.0, 1e6, 1e6])
    scale = np.array([1_000.0, 1_000.0, 1_000.0, 0.0])
    numbers = [np.full(4, x) for x in (1.0, 0.02, 0.4)]
    assert collateral_discount(amount, scale, *numbers).tolist() == [0.02, 0.1, 0.4, 0.0]


def test_it_refuses_without_the_venues_numbers() -> None:
    model = model_named("synthetix-v3")
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("synthetix", "ETH-PERP")]), available("synthetix-v3")[0])
    assert caught.value.code == "parameter_missing"
