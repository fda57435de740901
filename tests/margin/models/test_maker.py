"""Maker through the model: one ratio, par, dust, one collateral an urn."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "debt DAI": 12_000.0}


def test_by_hand() -> None:
    found = figures(margined("maker", HELD))
    assert found[1::2] == (12_000.0, 12_000.0)
    assert found[0] == found[2] == pytest.approx(20_000 / 1.45, rel=1e-15)


def test_par_and_dust() -> None:
    found = margined("maker", HELD, {"spotter.par": 1.1})
    assert figures(found)[2] == pytest.approx(20_000 / 1.45 / 1.1, rel=1e-15)
    assert not position(margined("maker", {"ETH": 10.0, "debt DAI": 100.0})).may_borrow()
    assert position(margined("maker", HELD)).may_borrow()


def test_debt_alone() -> None:
    assert figures(margined("maker", {"debt DAI": 5.0})) == (0.0, 5.0, 0.0, 5.0)


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("maker")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("maker", "ETH")]), available("maker")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
