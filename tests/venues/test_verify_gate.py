from __future__ import annotations

import copy
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.register import ALL_MODELS
from crossmargin.margin.verification import Status, verify_case
from crossmargin.venues.verify_adapters import case_of

ABSENT = "gate-pm" not in [model.spec.name for model in ALL_MODELS]
pytestmark = pytest.mark.skipif(ABSENT, reason="model not in this version: gate-pm")

AS_OF_S = 1_780_000_000
INDEX, COINS = 60_000.0, 2.0


def payload() -> dict[str, Any]:
    """Two coins of the perpetual, long: ranges by hand, and one row of another volatility."""
    moves = [k / 100 for k in range(-20, 21, 4)]
    rows = [
        {
            "price_percentage": f"{move:.2f}",
            "implied_volatility_percentage": "-0.3",
            "profit_loss": repr(COINS * INDEX * move),
        }
        for move in moves
    ]
    rows.append(
        {"price_percentage": "0", "implied_volatility_percentage": "0.5", "profit_loss": "0"}
    )
    loss = repr(0.2 * COINS * INDEX)
    unit = {
        "symbol": "BTC",
        "maintain_margin": repr(0.2 * COINS * INDEX + 100.0),
        "initial_margin": repr(1.3 * (0.2 * COINS * INDEX + 100.0)),
        "margin_result": [
            {
                "type": "original_position",
                "profit_loss_ranges": rows,
                "max_loss": {},
                "mr1": loss,
                "mr2": "0",
                "mr3": "0",
                "mr4": "100",
            }
        ],
    }
    return {
        "request": {"futures_positions": [{"contract": "BTC_USDT", "size": "20000"}]},
        "reply": {"calculate_time": str(AS_OF_S), "risk_unit": [unit]},
        "futures_tickers": [
            {"contract": "BTC_USDT", "mark_price": "60010", "index_price": str(INDEX)}
        ],
        "contracts": [{"name": "BTC_USDT", "quanto_multiplier": "0.0001"}],
        "prices": {"USDT": "1"},
    }


def test_the_published_slice_holds_and_the_rest_is_listed() -> None:
    found = verify_case(case_of("gate", payload()))
    status = {each.name: each.status for each in found.findings}
    assert status["BTC mr1"] is Status.GIVEN
    assert status["BTC mr4"] is Status.MISSING
    assert status["BTC maintain_margin"] is Status.MISSING
    assert found.vectors[0].holds
    assert len(found.vectors[0].theirs) == 11
    assert found.case.notes[0].startswith("1 scenarios")
    assert found.holds


def test_a_scenario_that_differs_is_found() -> None:
    changed = payload()
    row = changed["reply"]["risk_unit"][0]["margin_result"][0]["profit_loss_ranges"][0]
    row["profit_loss"] = "-24001"
    assert not verify_case(case_of("gate", changed)).holds


@pytest.mark.parametrize("section", ["request", "prices", "futures_tickers"])
def test_a_section_that_is_absent_is_refused(section: str) -> None:
    changed = copy.deepcopy(payload())
    del changed[section]
    with pytest.raises(InputError):
        case_of("gate", changed)
