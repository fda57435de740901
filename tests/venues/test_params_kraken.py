"""Parameters of Kraken's endpoint, and what is wrong with a damaged reply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.sources import parameters_of
from crossmargin.margin import model_named
from crossmargin.venues.params_kraken import margining_parameters, with_margining_parameters
from tests.margin.families.worked import newest

REPLY: dict[str, Any] = {
    "crossAssetNettingFactor": 0.4,
    "extremePriceShockMultiplier": 2.5,
    "volShockMultiplicationFactor": 0.6,
    "volShockExponentFactor": 0.25,
    "optionExpiryTimeShockHours": 12,
    "optionsInitialMarginFactor": "1.2",
    "totalOptionOrdersConsideredInInitialMarginCalc": 40,
    "priceShockLevels": [0.1, -0.1, 0.05],
    "optionsUserLimits": {"maxNetPositionDelta": 1.0, "limitsPerBaseCurrency": {}},
}


def test_every_number_has_a_name_of_its_own() -> None:
    found = margining_parameters(json.dumps(REPLY).encode())
    assert found == {
        "general.cross_asset_netting_factor": 0.4,
        "general.extreme_price_shock_multiplier": 2.5,
        "general.vol_shock_factor": 0.6,
        "general.vol_shock_exponent": 0.25,
        "general.expiry_time_shock_hours": 12.0,
        "general.options_im_factor": 1.2,
        "general.orders_in_im": 40.0,
        "scan.price_moves": [[-0.1], [0.05], [0.1]],
    }


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ([], "file_unreadable"),
        ({}, "column_missing"),
        ({**REPLY, "crossAssetNettingFactor": None}, "column_missing"),
        ({**REPLY, "crossAssetNettingFactor": True}, "number_unreadable"),
        ({**REPLY, "crossAssetNettingFactor": 1.5}, "parameter_out_of_bounds"),
        ({**REPLY, "optionsInitialMarginFactor": 0.9}, "parameter_out_of_bounds"),
        ({**REPLY, "priceShockLevels": []}, "file_unreadable"),
        ({**REPLY, "priceShockLevels": 0.1}, "file_unreadable"),
        ({**REPLY, "priceShockLevels": [0.1, 0.1]}, "number_out_of_range"),
        ({**REPLY, "priceShockLevels": [-1.5]}, "parameter_out_of_bounds"),
    ],
)
def test_a_damaged_reply_is_refused(reply: Any, code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        with_margining_parameters(newest("kraken-options-pm"), reply, "x")
    assert caught.value.code == code


def test_a_file_of_the_reply_is_a_parameter_file(tmp_path: Path) -> None:
    place = tmp_path / "parameters.json"
    place.write_text(json.dumps(REPLY), "utf-8")
    found, made = parameters_of(model_named("kraken-options-pm"), 0, place)
    assert made == {}
    assert found.number("general.options_im_factor") == 1.2
    assert found.entries["scan.price_moves"].value[0] == [-0.1]
    assert found.label.endswith("parameters.json")
