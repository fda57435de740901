"""`derive-pm1` on the venue's own test portfolios, to the tolerance that the file states.

Detailed cases: 1e8 wei, a ten-billionth of a dollar, or the last place of a float of the account's
gross value where that is coarser. Portfolios in short form: whole dollars, cut toward zero.
"""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.margin import Requirement, model_named, run
from tests.oracle import derive_pm1, derive_pm1_case
from tests.oracle.derive_pm1_case import is_truncated, wad
from tests.vectors.derive_pm1_books import engine, parameters_of
from tests.vectors.recording import seen

UPSTREAM = 1e-10
LAST_PLACE = 2e-15


FILE = "derive_pmrm1_vectors.json"


def margined(case: dict[str, Any]) -> Requirement:
    given = engine(*derive_pm1_case.read(case))
    parameters = parameters_of(derive_pm1_case.parameters(case), derive_pm1_case.scenarios(case))
    found = run(given.book, given.view, model_named("derive-pm1"), parameters)
    assert found.failures == ()
    assert len(found.sheet) == 1
    return found


def figures(found: Requirement) -> dict[str, float]:
    """The engine's figures under the venue's names."""
    sheet = {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }
    return {
        "im": sheet["counted_im"] - sheet["im"],
        "mm": sheet["counted_mm"] - sheet["mm"],
        "mtm": sheet["equity"],
        "perp": sheet["perp_contingency"],
        "base": sheet["base_contingency"],
        "option": sheet["option_contingency"],
        "oracle": sheet["im_confidence_contingency"],
    }


def test_case(case: dict[str, Any]) -> None:
    found = figures(margined(case))
    if case["section"] == "portfolio":
        wanted = derive_pm1_case.results(case)
        for name in ("im", "mm"):
            theirs = wanted[name]  # printed without its fraction
            ours = theirs if is_truncated(found[name], theirs) else found[name]
            seen("derive-pm1", "suite", FILE, str(case["name"]), ours, theirs)
        assert is_truncated(found["im"], wanted["im"]), found
        assert is_truncated(found["mm"], wanted["mm"]), found
        return
    result = case["Result"]
    account, market = derive_pm1_case.read(case)
    gross = derive_pm1.margin(account, market, [], derive_pm1_case.parameters(case))["gross"]
    near = {"rel": 0.0, "abs": max(UPSTREAM, LAST_PLACE * float(str(gross)))}
    for name, theirs in (("im", "InitialMarginHand"), ("mm", "MaintenanceMarginHand")):
        scale = float(str(gross))
        seen(
            "derive-pm1", "suite", FILE, str(case["name"]), found[name], wad(result[theirs]), scale
        )
    assert found["im"] == pytest.approx(wad(result["InitialMarginHand"]), **near)
    assert found["mm"] == pytest.approx(wad(result["MaintenanceMarginHand"]), **near)
    assert found["mtm"] == pytest.approx(wad(result["PortfolioMTM"]), **near)
    for name in ("Perp", "Base", "Option", "Oracle"):
        theirs = -wad(result[f"{name}Contingency"])
        assert found[name.lower()] == pytest.approx(theirs, **near), name
