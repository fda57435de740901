"""Gearbox v3 through the model: thresholds, the quota of the set and of the account."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "USDC": 1_000.0, "debt USDC": 12_000.0}


def test_by_hand() -> None:
    assert figures(margined("gearbox-v3", HELD)) == (18_340.0, 12_000.0, 18_340.0, 12_000.0)


def test_quotas() -> None:
    capped = margined("gearbox-v3", HELD, {"token.ETH.quota": 5_000.0})
    assert figures(capped)[2] == 5_940.0
    own = margined("gearbox-v3", HELD, {"token.ETH.quota": 5_000.0}, **{"quota.ETH": 6_000.0})
    assert figures(own)[2] == 6_940.0
    assert not position(own).healthy()


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("gearbox-v3")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("gearbox", "ETH")]), available("gearbox-v3")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy
