"""Margin tables of the `meta` reply, and what is wrong with a damaged one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.interfaces.sources import parameters_of
from crossmargin.margin import model_named
from crossmargin.venues.params_hyperliquid import margin_tables, with_margin_tables
from tests.margin.families.worked import both, newest, worked

TIERS = [{"lowerBound": "0.0", "maxLeverage": 40}, {"lowerBound": "1000.0", "maxLeverage": 20}]
META: dict[str, Any] = {
    "universe": [
        {"name": "BTC", "maxLeverage": 40, "marginTableId": 56},
        {"name": "XYZ", "maxLeverage": 3, "marginTableId": 3},
    ],
    "marginTables": [[56, {"description": "tiered 40x", "marginTiers": TIERS}]],
}


def changed(tiers: object) -> dict[str, Any]:
    return {**META, "marginTables": [[56, {"marginTiers": tiers}]]}


def test_tables_by_asset() -> None:
    wanted = {
        "asset.BTC.tiers": [[0.0, 40.0], [1_000.0, 20.0]],
        "asset.XYZ.tiers": [[0.0, 3.0]],
    }
    assert margin_tables(META) == wanted
    assert margin_tables([META, []]) == wanted
    assert margin_tables(json.dumps(META).encode()) == wanted


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, "file_unreadable"),
        ({"universe": {}}, "file_unreadable"),
        ({"universe": [{"name": "BTC"}]}, "column_missing"),
        ({**META, "marginTables": []}, "file_unreadable"),  # the table of BTC is not listed
        ({**META, "marginTables": {}}, "file_unreadable"),
        ({**META, "marginTables": [[56]]}, "file_unreadable"),
        (changed([]), "number_out_of_range"),
        (changed(TIERS[1:]), "number_out_of_range"),
        (changed([TIERS[0], {"lowerBound": "5", "maxLeverage": 50}]), "number_out_of_range"),
    ],
)
def test_a_damaged_reply_is_refused(payload: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        margin_tables(payload)
    assert caught.value.code == code


def test_a_leverage_below_one_is_refused() -> None:
    bad = {"universe": [{"name": "BTC", "maxLeverage": 0.5, "marginTableId": 1}]}
    with pytest.raises(ModelError) as caught:
        with_margin_tables(newest("hyperliquid"), bad, "x")
    assert caught.value.code == "parameter_out_of_bounds"


@pytest.mark.parametrize("name", ["hyperliquid", "hyperliquid-pm"])
def test_a_file_of_tables_is_a_parameter_file(name: str, tmp_path: Path) -> None:
    """XYZ at 3 times: a third, and a sixth at maintenance; the shipped assets stay."""
    place = tmp_path / "meta.json"
    place.write_text(json.dumps(META), "utf-8")
    found, made = parameters_of(model_named(name), 0, place)
    assert made == {}
    assert "asset.ETH.tiers" in found
    perp = Instrument("hyperliquid", "XYZ-PERP", Kind.PERPETUAL, "XYZ", "USD", "USDC")
    margined = worked(name, [(perp, 6_000.0)], price={"XYZ": 1.0}, parameters=found)
    im, mm = both(margined)
    assert im == pytest.approx(2_000.0)
    plain = 1_000.0 if name == "hyperliquid" else (20.0 + 1_000.0) / 0.95
    assert mm == pytest.approx(plain)


def test_a_reply_without_table_ids_is_refused(market_dir: Path) -> None:
    """An older recorded form: it would make one tier of BTC's two."""
    place = market_dir / "payloads" / "nautilus" / "hyperliquid" / "http_meta_perp_sample.json"
    if not place.is_file():
        pytest.skip(f"no {place.name} in the --market folder")
    with pytest.raises(InputError) as caught:
        margin_tables(place)
    assert caught.value.code == "column_missing"
    assert caught.value.limit == "marginTableId"
