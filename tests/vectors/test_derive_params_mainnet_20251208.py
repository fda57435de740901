"""The shipped Derive parameters are the numbers of the on-chain dump."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin import model_named, parameters_for
from tests.vectors.derive_values import RENAMED, SKEW

FILE = "derive_params_mainnet_20251208.json"
DAY_S = 86_400
MANAGERS = ("BTC", "ETH", "SOL", "HYPE")

# The oracle's name -> the dump's group and name; ours is RENAMED of the oracle's.
GROUPS = {
    "basisContingencyParams": {
        "basis_up": "scenarioSpotUp",
        "basis_down": "scenarioSpotDown",
        "basis_add": "basisContAddFactor",
        "basis_mult": "basisContMultFactor",
    },
    "otherContingencyParams": {
        "peg_threshold": "pegLossThreshold",
        "peg_factor": "pegLossFactor",
        "confidence_threshold": "confThreshold",
        "confidence_margin": "confMargin",
        "mm_perp": "MMPerpPercent",
        "im_perp": "IMPerpPercent",
        "mm_option": "MMOptionPercent",
        "im_option": "IMOptionPercent",
    },
    "marginParams": {
        "im_factor": "imFactor",
        "mm_factor": "mmFactor",
        "short_rate_mult": "shortRateMultScale",
        "long_rate_mult": "longRateMultScale",
        "short_rate_add": "shortRateAddScale",
        "long_rate_add": "longRateAddScale",
        "short_base": "shortBaseStaticDiscount",
        "long_base": "longBaseStaticDiscount",
    },
    "volShockParams": {
        "vol_up": "volRangeUp",
        "vol_down": "volRangeDown",
        "short_power": "shortTermPower",
        "long_power": "longTermPower",
        "min_vol_up": "minVolUpShock",
    },
    "skewShockParams": {
        "linear_base_cap": "linearBaseCap",
        "abs_base_cap": "absBaseCap",
        "linear_c_base": "linearCBase",
        "abs_c_base": "absCBase",
        "min_k_star": "minKStar",
        "width_scale": "widthScale",
        "vol_param_static": "volParamStatic",
        "vol_param_scale": "volParamScale",
    },
}


@pytest.fixture(scope="module")
def dump(vectors_dir: Path) -> dict[str, Any]:
    path = vectors_dir / FILE
    if not path.is_file():
        pytest.skip(f"no file {FILE} in the --vectors folder")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def entries() -> dict[str, Any]:
    model = model_named("derive-pm2")
    shipped = parameters_for(model, utc_ms(2025, 12, 8, 12))
    return {name: entry.value for name, entry in shipped.entries.items()}


@pytest.mark.parametrize("market", MANAGERS)
def test_numbers(dump: dict[str, Any], entries: dict[str, Any], market: str) -> None:
    given = dump[f"PM2_{market}"]["params"]
    for group, names in GROUPS.items():
        assert set(given[group]) <= {*names.values(), "dteFloor"}
        for name, theirs in names.items():
            ours = f"skew.{name}" if name in SKEW else RENAMED.get(name, name)
            assert entries[f"market.{market}.{ours}"] == float(given[group][theirs]), ours
    # The dump prints a floor in seconds as if it were a fraction of 1e18.
    floor_days = float(given["volShockParams"]["dteFloor"]) * 1e18 / DAY_S
    assert entries[f"market.{market}.dte_floor_days"] == pytest.approx(floor_days)


@pytest.mark.parametrize("market", MANAGERS)
def test_scenarios(dump: dict[str, Any], entries: dict[str, Any], market: str) -> None:
    given = dump[f"PM2_{market}"]["params"]["scenarios"]
    rows = [(float(s["spotShock"]), s["scenarioType"], float(s["dampeningFactor"])) for s in given]
    assert [tuple(row) for row in entries[f"market.{market}.scenarios"]] == rows


@pytest.mark.parametrize("market", MANAGERS)
def test_collaterals(dump: dict[str, Any], entries: dict[str, Any], market: str) -> None:
    for name, given in dump[f"PM2_{market}"]["collaterals"].items():
        if not given["isEnabled"]:
            continue
        prefix = f"market.{market}.collateral.{name}"
        assert entries[f"{prefix}.risk_cancelling"] == given["isRiskCancelling"], name
        assert entries[f"{prefix}.mm_haircut"] == float(given["mmHaircut"]), name
        assert entries[f"{prefix}.im_haircut"] == float(given["imHaircut"]), name


# ------------------------------------------------------- the first manager and the standard one

FIRST = {
    "basisContingencyParams": {
        "basis_spot_up": "scenarioSpotUp",
        "basis_spot_down": "scenarioSpotDown",
        "basis_add_factor": "basisContAddFactor",
        "basis_mult_factor": "basisContMultFactor",
    },
    "otherContingencyParams": {
        "peg_loss_threshold": "pegLossThreshold",
        "peg_loss_factor": "pegLossFactor",
        "conf_threshold": "confThreshold",
        "conf_margin": "confMargin",
        "base_share": "basePercent",
        "perp_share": "perpPercent",
        "option_share": "optionPercent",
    },
    "staticDiscountParams": {
        "im_factor": "imFactor",
        "rate_mult": "rateMultScale",
        "rate_add": "rateAddScale",
        "static_discount": "baseStaticDiscount",
    },
    "volShockParams": {
        "vol_range_up": "volRangeUp",
        "vol_range_down": "volRangeDown",
        "short_term_power": "shortTermPower",
        "long_term_power": "longTermPower",
    },
}
STANDARD = {
    "perpMarginRequirements": ("perp", {"mm_share": "mmPerpReq", "im_share": "imPerpReq"}),
    "optionMarginParams": (
        "option",
        {
            "im_most_share": "maxSpotReq",
            "im_least_share": "minSpotReq",
            "mm_call_share": "mmCallSpotReq",
            "mm_put_share": "mmPutSpotReq",
            "mm_put_value_share": "mmPutMtMReq",
            "unpaired_im_scale": "unpairedIMScale",
            "unpaired_mm_scale": "unpairedMMScale",
            "offset_scale": "mmOffsetScale",
        },
    ),
    "baseMarginParams": ("base", {"margin_factor": "marginFactor", "im_scale": "imScale"}),
    "oracleContingencyParams": (
        "oracle",
        {
            "perp_threshold": "perpThreshold",
            "option_threshold": "optionThreshold",
            "base_threshold": "baseThreshold",
            "factor": "ocFactor",
        },
    ),
}


def shipped(model: str) -> dict[str, Any]:
    found = parameters_for(model_named(model), utc_ms(2025, 12, 8, 12))
    return {name: entry.value for name, entry in found.entries.items()}


@pytest.mark.parametrize("market", ["BTC", "ETH"])
def test_the_first_manager(dump: dict[str, Any], market: str) -> None:
    given, ours = dump[f"PM1_{market}"], shipped("derive-pm1")
    for group, names in FIRST.items():
        assert set(given[group]) - {"dteFloor"} == set(names.values())
        for name, theirs in names.items():
            assert ours[f"market.{market}.{name}"] == float(given[group][theirs]), name
    floor = float(given["volShockParams"]["dteFloor"]) / DAY_S
    assert ours[f"market.{market}.dte_floor_days"] == floor
    rows = [row.strip("[]").split(",") for row in given["scenarios"]]
    wanted = [[float(spot), {"flat": "none"}.get(vol, vol)] for spot, vol in rows]
    assert ours[f"market.{market}.scenarios"] == wanted


def test_every_market_of_the_standard_manager(dump: dict[str, Any]) -> None:
    given, ours = dump["SRM"], shipped("derive-sm")
    depeg = given["srmParams"]["depegParams"]
    wanted = {
        "depeg.threshold": float(depeg["depegThreshold"]),
        "depeg.factor": float(depeg["depegFactor"]),
    }
    for market, entry in given["markets"].items():
        for group, numbers in entry["marginParams"].items():
            table, names = STANDARD[group]
            assert set(numbers) == set(names.values())
            for name, theirs in names.items():
                wanted[f"market.{market}.{table}.{name}"] = float(numbers[theirs])
    assert ours == wanted
