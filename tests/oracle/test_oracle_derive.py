"""The Derive oracle reproduces every case of the venue's own test portfolios."""

from __future__ import annotations

from typing import Any

import pytest

from . import derive_case, derive_pm2
from .types import Leg

VECTORS = "derive_pmrm2_*.json"


def test_balances_and_scenario_pnl(case: dict[str, Any]) -> None:
    found = derive_pm2.margin(
        derive_case.account(case),
        derive_case.market(case),
        derive_case.scenarios(case),
        derive_case.parameters(case),
    )
    result = case["Result"]
    assert found["im"] == pytest.approx(result["IM"], rel=1e-12, abs=1e-12)
    assert found["mm"] == pytest.approx(result["MM"], rel=1e-12, abs=1e-12)
    assert found["basis"] == pytest.approx(result["ForwardContingency"], rel=1e-9, abs=1e-9)
    assert -found["confidence"] == pytest.approx(result["OracleCont"], rel=1e-12, abs=1e-12)
    for pnl, expected in zip(found["scenario_pnl"], derive_case.expected_pnl(case), strict=True):
        if expected is not None:
            assert abs(pnl - expected) <= 1e-12 * found["gross"]


def _option(quantity: float, right: int, strike: float = 100.0) -> Leg:
    return Leg("option", quantity, right=right, strike=strike)


@pytest.mark.parametrize(
    ("call", "put", "naked"),
    [(-1.0, 0.0, 1.0), (0.0, -2.0, 2.0), (-3.0, 1.0, 2.0), (-1.0, 3.0, 0.0), (-1.0, -2.0, 3.0)],
)
def test_a_long_of_the_other_type_covers_a_short(call: float, put: float, naked: float) -> None:
    assert derive_pm2.naked_shorts([_option(call, 1), _option(put, -1)]) == naked
    assert derive_pm2.naked_shorts([_option(call, 1), _option(put, -1, 101.0)]) == (
        max(-call, 0.0) + max(-put, 0.0)
    )
