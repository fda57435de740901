"""Compound v3 through the model: factors, and the base balance as one."""

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
    held = {"ETH": 10.0, "debt USDC": 12_000.0}
    assert figures(margined("compound-v3", held)) == (16_500.0, 12_000.0, 17_900.0, 12_000.0)


def test_the_base_balance_is_one() -> None:
    supplied = margined("compound-v3", {"ETH": 1.0, "USDC": 500.0})
    assert figures(supplied) == (2_150.0, 0.0, 2_290.0, 0.0)
    netted = margined("compound-v3", {"ETH": 1.0, "USDC": 500.0, "debt USDC": 600.0})
    assert figures(netted) == (1_650.0, 100.0, 1_790.0, 100.0)
    assert position(netted).owes()


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("compound-v3")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("compound", "ETH")]), available("compound-v3")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
