"""The oracle of Derive PMRM reproduces every case of the venue's own test portfolios."""

from __future__ import annotations

from typing import Any

import pytest

from . import derive_pm1, derive_pm1_case
from .derive_pm1_case import is_truncated, wad

VECTORS = "derive_pmrm1_*.json"
SECTIONS = ("detailed", "portfolio")


def test_balances(case: dict[str, Any]) -> None:
    account, market = derive_pm1_case.read(case)
    found = derive_pm1.margin(
        account, market, derive_pm1_case.scenarios(case), derive_pm1_case.parameters(case)
    )
    if case["section"] == "portfolio":
        wanted = derive_pm1_case.results(case)
        for name in ("im", "mm"):
            assert is_truncated(found[name], wanted[name]), name
        return
    result = case["Result"]
    near = {"rel": 0.0, "abs": max(1e-10, 2e-15 * found["gross"])}
    assert found["im"] == pytest.approx(wad(result["InitialMarginHand"]), **near)
    assert found["mm"] == pytest.approx(wad(result["MaintenanceMarginHand"]), **near)
    assert found["mtm"] == pytest.approx(wad(result["PortfolioMTM"]), **near)
    assert found["basis"] == pytest.approx(wad(result["ForwardContingency"]), **near)
    assert -found["confidence"] == pytest.approx(wad(result["OracleContingency"]), **near)
    names = ("Perp", "Base", "Option")
    static = sum(wad(result[f"{name}Contingency"]) for name in names)
    assert -found["static"] == pytest.approx(static, **near)
