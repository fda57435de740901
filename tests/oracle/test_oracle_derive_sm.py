"""The oracle of Derive standard margin reproduces every case of the venue's own test portfolios."""

from __future__ import annotations

from typing import Any

import pytest

from . import derive_sm, derive_sm_case
from .derive_pm1_case import is_truncated, results, wad

VECTORS = "derive_srm_*.json"
SECTIONS = ("detailed", "portfolio")


def test_balances(case: dict[str, Any]) -> None:
    found = derive_sm.margin(*derive_sm_case.read(case), derive_sm_case.parameters(case))
    if case["section"] == "portfolio":
        wanted = results(case)
        for name in ("im", "mm"):
            assert is_truncated(found[name], wanted[name]), name
        return
    result = case["Result"]
    near = {"rel": 0.0, "abs": max(3e-10, 2e-15 * found["gross"])}
    for name, theirs in (("im", "realIM"), ("mm", "realMM"), ("mtm", "PortfolioMtM")):
        assert found[name] == pytest.approx(wad(result[theirs]), **near), name
