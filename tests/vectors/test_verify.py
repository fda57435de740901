"""Every published simulation through the door of verify, in both generations of names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crossmargin.margin.register import ALL_MODELS
from crossmargin.margin.verification import Status, verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.venues import test_verify_bybit, test_verify_okx
from tests.venues.replies import deribit_simulation, older

MODELS = [model.spec.name for model in ALL_MODELS]
DEFAULT_MS = 1_740_000_000_000


def test_case(case: dict[str, Any]) -> None:
    venue, inputs = case["venue"], case.get("inputs", {})
    if venue == "deribit" and case["model"].endswith("_pm") and inputs["currency"] != "CROSS":
        _deribit(case)
    elif venue == "okx" and "simPos" in inputs and "okx-pm" in MODELS:
        found = verify_case(case_of("okx", test_verify_okx.reply(case)))
        assert found.holds, (found.first, found.first_place)
    elif venue == "bybit" and "positions" in inputs and "bybit-pm" in MODELS:
        found = verify_case(case_of("bybit", test_verify_bybit.reply(case)))
        inferred = [each.name for each in found.findings if each.status is Status.DIFFERS]
        assert all("futureDelta" in name for name in inferred)
    else:
        pytest.skip(f"no reply of that endpoint: {venue} {case['model']}")


def _deribit(case: dict[str, Any]) -> None:
    printed = re.search(r"timestamp (\d{13})", case["source"])
    reply = deribit_simulation(case, int(printed[1]) if printed else DEFAULT_MS)
    for naming in (dict, older):
        found = verify_case(case_of("deribit", naming(reply)))
        assert found.holds, (found.first, found.first_place)
        for each in found.findings:
            if each.ours is not None:
                assert each.ours == pytest.approx(each.theirs, rel=1e-15, abs=1e-16), each.name
