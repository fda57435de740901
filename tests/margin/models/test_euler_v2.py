"""Euler v2 through the model: both LTVs, bid and ask, one controller."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "debt USDC": 12_000.0}


def test_by_hand() -> None:
    assert figures(margined("euler-v2", HELD)) == (17_000.0, 12_000.0, 17_400.0, 12_000.0)


def test_bid_and_ask_are_observations() -> None:
    reads = {"usd_bid": {"ETH": 1_980.0}, "usd_ask": {"USDC": 1.01}}
    found = margined("euler-v2", HELD, None, reads)
    assert figures(found) == (16_830.0, 12_120.0, 17_226.0, 12_120.0)
    assert found.sheet["equity"][0] == 8_000.0


def test_equal_is_not_healthy() -> None:
    account = position(margined("euler-v2", {"ETH": 10.0, "debt USDC": 17_400.0}))
    assert not account.healthy()


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("euler-v2")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("euler", "ETH")]), available("euler-v2")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
