"""Derive's parameters: the dump of the managers' on-chain numbers, one block a manager.

Blocks named ``PM2_<market>`` are read; others belong to other managers and are named in a note. A
``dteFloor`` is printed as seconds in units of 1e-18.
Source: derivexyz/v2-scripts, data/mainnet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.margin.payload_parameters import Numbers
from crossmargin.venues.payload import items_of, required, text_of
from crossmargin.venues.reading import unreadable

__all__ = ["FOLDER", "derive_numbers"]

FOLDER = "derive-pm2"
_SOURCE = "on-chain dump of the PMRM_2 managers"
_PREFIX = "PM2_"
# The dump's names -> the model's, by block.
_NAMES = {
    "basisContingencyParams": {
        "scenarioSpotUp": "basis_spot_up",
        "scenarioSpotDown": "basis_spot_down",
        "basisContAddFactor": "basis_add_factor",
        "basisContMultFactor": "basis_mult_factor",
    },
    "otherContingencyParams": {
        "pegLossThreshold": "peg_loss_threshold",
        "pegLossFactor": "peg_loss_factor",
        "confThreshold": "conf_threshold",
        "confMargin": "conf_margin",
        "MMPerpPercent": "mm_perp",
        "IMPerpPercent": "im_perp",
        "MMOptionPercent": "mm_option",
        "IMOptionPercent": "im_option",
    },
    "marginParams": {
        "imFactor": "im_factor",
        "mmFactor": "mm_factor",
        "shortRateMultScale": "short_rate_mult",
        "longRateMultScale": "long_rate_mult",
        "shortRateAddScale": "short_rate_add",
        "longRateAddScale": "long_rate_add",
        "shortBaseStaticDiscount": "short_static_discount",
        "longBaseStaticDiscount": "long_static_discount",
    },
    "volShockParams": {
        "volRangeUp": "vol_range_up",
        "volRangeDown": "vol_range_down",
        "shortTermPower": "short_term_power",
        "longTermPower": "long_term_power",
        "minVolUpShock": "min_vol_up_shock",
    },
    "skewShockParams": {
        "linearBaseCap": "skew.linear_base_cap",
        "absBaseCap": "skew.abs_base_cap",
        "linearCBase": "skew.linear_c_base",
        "absCBase": "skew.abs_c_base",
        "minKStar": "skew.min_k_star",
        "widthScale": "skew.width_scale",
        "volParamStatic": "skew.vol_param_static",
        "volParamScale": "skew.vol_param_scale",
    },
}
_SECONDS_A_DAY = 86_400


def derive_numbers(value: object, place: str) -> Numbers:
    """Every PMRM_2 manager of a dump under the model's names."""
    if not isinstance(value, Mapping):
        raise unreadable("an object was expected", place, type(value).__name__)
    values: dict[str, Any] = {}
    other = []
    for name, block in value.items():
        if str(name).startswith("_"):
            continue
        if not str(name).startswith(_PREFIX):
            other.append(str(name))
            continue
        _manager(values, block, f"{place} {name}")
    if not values:
        raise unreadable("the dump holds no block named PM2_…", place, ", ".join(other)[:80])
    notes = (f"of other managers, not read: {', '.join(other)}",) if other else ()
    return Numbers(FOLDER, values, None, _SOURCE, notes)


def _manager(values: dict[str, Any], block: object, place: str) -> None:
    if not isinstance(block, Mapping) or not isinstance(block.get("params"), Mapping):
        raise unreadable("the block has no params", place)
    table = f"market.{text_of(block, 'market', place)}"
    params = block["params"]
    rows = items_of(params.get("scenarios"), f"{place} scenarios")
    values[f"{table}.scenarios"] = [
        [
            required(row, "spotShock", place),
            text_of(row, "scenarioType", place),
            required(row, "dampeningFactor", place),
        ]
        for row in rows
    ]
    for part, names in _NAMES.items():
        found = params.get(part)
        if not isinstance(found, Mapping):
            raise unreadable(f"the block has no {part}", place)
        for theirs, ours in names.items():
            values[f"{table}.{ours}"] = required(found, theirs, f"{place} {part}")
    floor = required(params["volShockParams"], "dteFloor", f"{place} volShockParams")
    values[f"{table}.dte_floor_days"] = round(floor * 1e18) / _SECONDS_A_DAY
    collaterals = block.get("collaterals", {})
    for name, item in collaterals.items() if isinstance(collaterals, Mapping) else ():
        where = f"{place} collaterals {name}"
        if not isinstance(item, Mapping):
            raise unreadable("an object was expected", where)
        if item.get("isEnabled") is False:
            continue
        key = f"{table}.collateral.{name}"
        values[f"{key}.risk_cancelling"] = 1.0 if item.get("isRiskCancelling") is True else 0.0
        values[f"{key}.mm_haircut"] = required(item, "mmHaircut", where)
        values[f"{key}.im_haircut"] = required(item, "imHaircut", where)
