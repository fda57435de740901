"""Paradex's parameters: ``GET /v1/system/portfolio-margin-config``.

Source: tradeparadex/paradex-docs, API schema of 2026-04-22 (``results`` of one block an asset).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.margin.payload_parameters import Numbers
from crossmargin.venues.payload import items_of, required, text_of
from crossmargin.venues.reading import unreadable

__all__ = ["FOLDER", "paradex_numbers"]

FOLDER = "paradex-pm"
_SOURCE = "system/portfolio-margin-config"
_GENERAL = {"mmf_factor": "mmf_factor", "funding_provision_hour": "funding_provision_hours"}
_ASSET = ("hedged_margin_factor", "unhedged_margin_factor")
_VOL_GENERAL = ("dte_floor_days", "vega_power_short_dte", "vega_power_long_dte")
_SCENARIO = ("spot_shock", "vol_shock", "weight")


def paradex_numbers(value: object, place: str) -> Numbers:
    """Scenarios and factors of every asset under the model's names.

    What the model holds once for all assets must be the same in every block: InputError
    ``rules_unknown`` otherwise.
    """
    found = value.get("results", value) if isinstance(value, Mapping) else value
    if isinstance(found, Mapping):
        found = [found]
    values: dict[str, Any] = {}
    for k, block in enumerate(items_of(found, place)):
        where = f"{place} results[{k}]"
        asset = text_of(block, "base_asset", where).upper()
        shocks = block.get("vol_shock_params")
        if not isinstance(shocks, Mapping):
            raise unreadable("the block has no vol_shock_params", where)
        for theirs, ours in _GENERAL.items():
            _once(values, f"general.{ours}", required(block, theirs, where), where)
        for name in _VOL_GENERAL:
            _once(values, f"general.{name}", required(shocks, name, where), where)
        for name in _ASSET:
            values[f"asset.{asset}.{name}"] = required(block, name, where)
        floor = required(shocks, "min_vol_shock_up", where)
        values[f"asset.{asset}.min_vol_shock_up"] = floor
        rows = items_of(block.get("scenarios"), f"{where} scenarios")
        values[f"asset.{asset}.scenarios"] = [
            [required(row, name, f"{where} scenarios") for name in _SCENARIO] for row in rows
        ]
    if not values:
        raise unreadable("the payload holds no asset", place)
    return Numbers(FOLDER, values, None, _SOURCE)


def _once(values: dict[str, Any], name: str, value: float, place: str) -> None:
    if values.setdefault(name, value) != value:
        raise InputError(
            "rules_unknown",
            "two assets differ in a number that the rules hold once for all",
            place=place,
            value=value,
            limit=f"{name} = {values[name]}",
            remedy="Give the payload of one asset.",
        )
