"""Aave v3 through the model: readings, e-mode, what is not used as collateral."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.families.lending import borrowable
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import available
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "debt USDC": 12_000.0}


def test_by_hand() -> None:
    assert figures(margined("aave-v3", HELD)) == (16_100.0, 12_000.0, 16_600.0, 12_000.0)


def test_the_category_is_the_sets_or_the_books() -> None:
    raised = (18_000.0, 12_000.0, 18_600.0, 12_000.0)
    assert figures(margined("aave-v3", HELD, emode=1.0)) == raised
    assert figures(margined("aave-v3", HELD, {"user.emode": 1})) == raised
    assert figures(margined("aave-v3", HELD, {"user.emode": 1}, emode=0.0))[0] == 16_100.0
    only = margined("aave-v3", HELD, {"emode.1.isolated": 1, "emode.1.collateral.ETH": 0}, emode=1)
    assert figures(only) == (0.0, 12_000.0, 16_600.0, 12_000.0)
    with pytest.raises(ModelError) as caught:
        margined("aave-v3", HELD, emode=7.0)
    assert caught.value.code == "parameter_missing"


def test_what_is_supplied_may_be_switched_off() -> None:
    held = {**HELD, "BTC": 1.0}
    on, off = margined("aave-v3", held), margined("aave-v3", held, **{"collateral_off.BTC": 1.0})
    assert figures(off) == figures(margined("aave-v3", HELD))
    assert figures(on)[2] == 16_600.0 + 49_920.0
    assert off.sheet["collateral_value"][0] == 84_000.0


def test_the_older_arithmetic_rounds_the_average() -> None:
    held = {"ETH": 10.0, "BTC": 1.0, "debt USDC": 12_000.0}
    new = margined("aave-v3", held)
    old = margined("aave-v3", held, {"reading.arithmetic": "core"})
    assert figures(new)[2] == 66_520.0
    assert figures(old)[2] == 84_000.0 * 0.7919
    assert position(old).health_wad() < position(new).health_wad()


def test_without_the_chains_numbers_it_refuses() -> None:
    model = model_named("aave-v3")
    assert model.spec.extent is Extent.REFUSED
    with pytest.raises(ModelError) as caught:
        model.plan(Instruments.of([parse("aave", "ETH")]), available("aave-v3")[0])
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy


def test_isolation_is_of_the_set() -> None:
    isolated = {
        "reading.arithmetic": "core",
        "asset.ETH.debt_ceiling": 1_300_000,
        "asset.ETH.isolation_debt": 50_000,
    }
    account = position(margined("aave-v3", HELD, isolated))
    assert borrowable(account, "USDC") // 10**6 == 500
    assert figures(margined("aave-v3", HELD, isolated))[1:] == (12_000.0, 16_600.0, 12_000.0)
    none = position(
        margined("aave-v3", HELD, {**isolated, "asset.USDC.borrowable_in_isolation": 0})
    )
    assert borrowable(none, "USDC") == 0
