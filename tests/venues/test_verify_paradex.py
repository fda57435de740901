from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import load
from crossmargin.margin.verification import verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.oracle.black import price as black

AS_OF_MS = utc_ms(2026, 8, 1)
EXPIRY_MS = utc_ms(2026, 8, 28, 8)
SPOT, VOL, RATE, STRIKE = 70_000.0, 0.5, 0.05, 72_000.0


def config() -> dict[str, Any]:
    """The documented block of one asset, with the numbers of the set in force."""
    known = load("paradex-pm", AS_OF_MS)
    rows = known.get("asset.BTC.scenarios")
    return {
        "results": [
            {
                "base_asset": "BTC",
                "hedged_margin_factor": "0.01",
                "unhedged_margin_factor": "0.02",
                "mmf_factor": "0.5",
                "funding_provision_hour": 8,
                "scenarios": [{"spot_shock": s, "vol_shock": v, "weight": w} for s, v, w in rows],
                "vol_shock_params": {
                    "dte_floor_days": 1,
                    "min_vol_shock_up": known.get("asset.BTC.min_vol_shock_up"),
                    "vega_power_long_dte": "0.13",
                    "vega_power_short_dte": "0.3",
                },
            }
        ]
    }


def account() -> dict[str, Any]:
    """One long perpetual and five short calls; what the venue would print is left open."""
    return {
        "reply": {
            "account": "0x1234",
            "updated_at": AS_OF_MS,
            "account_value": "10000",
            "initial_margin_requirement": "0",
            "maintenance_margin_requirement": "0",
        },
        "positions": {
            "results": [
                {"market": "BTC-USD-PERP", "side": "LONG", "size": "1", "status": "OPEN"},
                {"market": "BTC-USD-28AUG26-72000-C", "side": "SHORT", "size": "-0.5"},
                {"market": "ETH-USD-PERP", "side": "LONG", "size": "3", "status": "CLOSED"},
            ]
        },
        "balances": {"results": [{"token": "USDC", "size": "10000"}]},
        "margin_config": config(),
        "markets": {
            "results": [
                {
                    "symbol": "BTC-USD-PERP",
                    "mark_price": "70010",
                    "underlying_price": str(SPOT),
                    "funding_rate": "0.0001",
                },
                {
                    "symbol": "BTC-USD-28AUG26-72000-C",
                    "mark_price": "3000",
                    "underlying_price": str(SPOT),
                    "mark_iv": str(VOL),
                    "forward_rate": str(RATE),
                },
            ]
        },
        "prices": {"USDC": "1"},
    }


def test_the_worst_scenario_by_hand_is_the_requirement() -> None:
    """-16 % at full weight: the perpetual loses, the call gains what Black-76 says."""
    payload = account()
    found = verify_case(case_of("paradex", payload))
    life = (EXPIRY_MS - AS_OF_MS) / (365 * 86_400_000)
    scale = (30.0 / (life * 365.0)) ** 0.30  # less than thirty days are left
    forward = SPOT * math.exp(RATE * life)
    worst = 0.0
    for s, v, w in load("paradex-pm", AS_OF_MS).get("asset.BTC.scenarios"):
        shock = v * scale
        shock = max(shock, 0.4) if v > 0 else shock
        now = black(1, forward, STRIKE, VOL, life)
        moved = black(1, forward * (1 + s), STRIKE, VOL * (1 + shock), life)
        worst = max(worst, w * -(SPOT * s - 0.5 * (moved - now)))
    fee = 70010 * 0.00045 + 0.5 * min(SPOT * 0.000125, 3000 * 0.125)
    funding = 70010 * 0.0001
    ours = {each.name: each.ours for each in found.findings}
    im = worst + fee + funding
    assert ours["initial_margin_requirement"] == pytest.approx(im, rel=1e-12)
    mm = 0.5 * worst + fee + funding
    assert ours["maintenance_margin_requirement"] == pytest.approx(mm, rel=1e-12)
    payload["reply"]["initial_margin_requirement"] = f"{im:.6f}"
    payload["reply"]["maintenance_margin_requirement"] = f"{mm:.6f}"
    payload["reply"]["account_value"] = "8500"
    assert verify_case(case_of("paradex", payload)).holds
    payload["reply"]["maintenance_margin_requirement"] = f"{mm + 0.000002:.6f}"
    assert not verify_case(case_of("paradex", payload)).holds


def test_parameters_are_the_payloads() -> None:
    payload = account()
    payload["margin_config"]["results"][0]["mmf_factor"] = "0.25"
    case = case_of("paradex", payload)
    assert case.parameters.get("general.mmf_factor") == 0.25
    assert "perp_taker_fee" in case.notes[0]


@pytest.mark.parametrize(
    ("section", "code"),
    [("positions", "column_missing"), ("markets", "column_missing"), ("prices", "column_missing")],
)
def test_a_section_that_is_absent_is_named(section: str, code: str) -> None:
    payload = account()
    del payload[section]
    with pytest.raises(InputError) as caught:
        case_of("paradex", payload)
    assert caught.value.code == code
    assert section in str(caught.value.value)


def test_another_margin_mode_and_an_unpriced_position_are_refused() -> None:
    payload = account()
    payload["reply"]["margin_methodology"] = "cross_margin"
    with pytest.raises(InputError) as caught:
        case_of("paradex", payload)
    assert caught.value.code == "rules_unknown"
    payload = copy.deepcopy(account())
    payload["markets"]["results"].pop()
    with pytest.raises(InputError):
        case_of("paradex", payload)
