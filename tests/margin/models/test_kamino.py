"""Kamino through the model: borrow factors, elevation groups, the market's cap."""

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
    assert figures(margined("kamino", HELD)) == (14_400.0, 12_000.0, 15_600.0, 12_000.0)
    coins = margined("kamino", {"USDC": 10_000.0, "debt ETH": 1.0})
    assert figures(coins) == (8_000.0, 2_400.0, 8_500.0, 2_400.0)


def test_an_elevation_group() -> None:
    found = margined("kamino", HELD, elevation_group=1.0)
    assert figures(found) == (18_000.0, 12_000.0, 18_400.0, 12_000.0)
    with pytest.raises(ModelError) as caught:
        margined("kamino", HELD, elevation_group=9.0)
    assert caught.value.code == "parameter_missing"


def test_the_markets_cap() -> None:
    found = margined("kamino", HELD, {"market.borrow_cap": 10_000.0})
    assert figures(found)[0] == 10_000.0
    assert not position(found).may_borrow()
    assert position(found).healthy()


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("kamino")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("kamino", "ETH")]), available("kamino")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
