"""Morpho Blue's liquidation incentive factor at each LLTV, to the last of 18 decimals."""

from __future__ import annotations

from typing import Any

from crossmargin.margin.families.exact_units import units
from crossmargin.margin.families.lending_morpho import liquidation_incentive


def test_case(case: dict[str, Any]) -> None:
    assert liquidation_incentive(units(float(case["lltv"]), 18)) == int(case["lif_wad"])
