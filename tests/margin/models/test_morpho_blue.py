"""Morpho Blue through the model: figures in the loan token."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined, position


def test_by_hand() -> None:
    found = margined("morpho-blue", {"ETH": 10.0, "debt USDC": 12_000.0})
    assert figures(found) == (17_200.0, 12_000.0, 17_200.0, 12_000.0)
    assert found.priced[0].pool.currency == "USDC"
    assert position(found).price["ETH"] == 2_000 * 10**24


def test_debt_alone() -> None:
    assert figures(margined("morpho-blue", {"debt USDC": 5.0})) == (0.0, 5.0, 0.0, 5.0)


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("morpho-blue")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("morpho", "ETH")]), available("morpho-blue")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
