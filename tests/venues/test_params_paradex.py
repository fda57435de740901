from __future__ import annotations

import copy
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import available
from crossmargin.margin.payload_parameters import from_payload
from crossmargin.venues.params_paradex import paradex_numbers

BLOCK: dict[str, Any] = {
    "base_asset": "BTC",
    "hedged_margin_factor": 0.01,
    "unhedged_margin_factor": 0.02,
    "mmf_factor": 0.5,
    "funding_provision_hour": 8.0,
    "scenarios": [
        {"spot_shock": 0.16, "vol_shock": 0.4, "weight": 1.0},
        {"spot_shock": -0.16, "vol_shock": 0.4, "weight": 1.0},
    ],
    "vol_shock_params": {
        "dte_floor_days": 1.0,
        "min_vol_shock_up": 0.4,
        "vega_power_long_dte": 0.13,
        "vega_power_short_dte": 0.3,
    },
}


def test_a_block_of_each_asset() -> None:
    other = {**copy.deepcopy(BLOCK), "base_asset": "META"}
    numbers = paradex_numbers({"results": [BLOCK, other]}, "config")
    assert numbers.values["asset.META.scenarios"] == [[0.16, 0.4, 1.0], [-0.16, 0.4, 1.0]]
    assert numbers.values["general.funding_provision_hours"] == 8.0
    made = from_payload(available("paradex-pm")[0], numbers, "x", 1_780_000_000_000).parameters
    assert made.number("asset.META.min_vol_shock_up") == 0.4
    assert made.entries["asset.META.scenarios"].columns


def test_assets_that_differ_in_a_common_number_are_refused() -> None:
    other = {**copy.deepcopy(BLOCK), "base_asset": "ETH", "mmf_factor": 0.6}
    with pytest.raises(InputError) as caught:
        paradex_numbers({"results": [BLOCK, other]}, "config")
    assert caught.value.code == "rules_unknown"


def test_nothing_and_half_a_block_are_refused() -> None:
    half = {name: item for name, item in BLOCK.items() if name != "vol_shock_params"}
    for payload in ({"results": []}, {"results": [half]}):
        with pytest.raises(InputError):
            paradex_numbers(payload, "config")
