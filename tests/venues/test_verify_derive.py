from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.clock import format_ms, utc_ms
from crossmargin.core.errors import InputError
from crossmargin.margin.verification import verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.oracle import derive_case
from tests.venues.replies import derive_dump

COIN = "SOL"  # no collateral of the vectors has this name
AS_OF_MS = utc_ms(2026, 1, 7, 3)


def option_name(option: dict[str, Any]) -> str:
    day = format_ms(AS_OF_MS + int(option["Expiry"]) * 1000)[:10].replace("-", "")
    return f"{COIN}-{day}-{int(option['Strike'])}-{'C' if option['IsCall'] else 'P'}"


def expressible(case: dict[str, Any]) -> bool:
    """Cases that the API can say: every oracle sure enough, nothing settled in part."""
    held = case["Scenario"]
    sure = [held["SpotConfidence"], held["StableConfidence"]]
    sure += [held["PerpConfidence"]] if held["NumPerps"] else []
    sure += [c["Confidence"] for c in held["Collaterals"]]
    for feed in held["OptionFeeds"]:
        sure += [feed["ForwardConfidence"], feed["RateConfidence"], feed["OptionVolConfidences"]]
    names = [option_name(option) for option in held["Options"]]
    return (
        min(sure) >= case["Parameters"]["OtherContingency"]["CONF_THRESHOLD"]
        and all(option["Expiry"] > 1800 for option in held["Options"])
        and len(names) == len(set(names)) > 0
        # Some of their cases dampen more than the bounds of the live numbers allow.
        and max(s["DampeningFactor"] for s in case["Parameters"]["Scenarios"]) <= 2.0
    )


def bundle(case: dict[str, Any]) -> dict[str, Any]:
    """The reply of get_margin with request, tickers, prices and a dump of the parameters."""
    held = case["Scenario"]
    feeds = {feed["FeedExpiry"]: feed for feed in held["OptionFeeds"]}
    spot = repr(float(held["SpotPrice"]))
    positions, tickers = [], []
    for option in held["Options"]:
        name, feed = option_name(option), feeds[option["Expiry"]]
        positions.append({"instrument_name": name, "amount": repr(float(option["Amount"]))})
        tickers.append(
            {
                "instrument_name": name,
                "index_price": spot,
                "mark_price": "1",
                "option_details": {"expiry": AS_OF_MS // 1000 + int(option["Expiry"])},
                "option_pricing": {
                    "forward_price": repr(float(feed["Forward"])),
                    "iv": repr(float(option["MarkVol"])),
                    "rate": repr(float(feed["Rate"])),
                },
                "timestamp": AS_OF_MS,
            }
        )
    size = float(held["NumPerps"])
    if size:
        unsettled = float(held["UnrealisedPerpPNL"]) + float(held["UnrealisedFunding"])
        entry = float(held["PerpPrice"]) - unsettled / size
        name = f"{COIN}-PERP"
        positions.append({"instrument_name": name, "amount": size, "entry_price": entry})
        tickers.append(
            {"instrument_name": name, "index_price": spot, "mark_price": held["PerpPrice"]}
        )
    collaterals = [{"asset_name": "USDC", "amount": repr(float(held["Cash"]))}]
    collaterals += [
        {"asset_name": c["Name"], "amount": repr(float(c["Amount"]))} for c in held["Collaterals"]
    ]
    prices = {"USDC": repr(float(held["StablePrice"]))}
    prices.update({c["Name"]: repr(float(c["Price"])) for c in held["Collaterals"]})
    dump = derive_dump(
        COIN,
        derive_case.parameters(case),
        derive_case.scenarios(case),
        derive_case.account(case).collaterals,
    )
    result = case["Result"]
    params = {"margin_type": "PM2", "market": COIN, "simulated_collaterals": collaterals}
    levels = {"initial_margin": "IM", "maintenance_margin": "MM"}
    printed = {f"post_{name}": repr(float(result[key])) for name, key in levels.items()}
    return {
        "request": {"params": {**params, "simulated_positions": positions}},
        "reply": {"id": "1", "result": {"subaccount_id": 7, "is_valid_trade": True, **printed}},
        "tickers": tickers,
        "prices": prices,
        "parameters": dump,
    }


@pytest.fixture(scope="module")
def cases(vectors_dir: Path) -> list[dict[str, Any]]:
    content = json.loads((vectors_dir / "derive_pmrm2_vectors.json").read_text("utf-8"))
    return [case for case in content["cases"] if expressible(case)]


def test_balances_of_the_venues_own_portfolios_hold(cases: list[dict[str, Any]]) -> None:
    assert len(cases) >= 10
    for case in cases[:40]:
        found = verify_case(case_of("derive", bundle(case)))
        # Their vectors are stated to 1e-8; ours agree to a part in a thousand million.
        for each in found.findings:
            assert each.ours == pytest.approx(each.theirs, rel=1e-9, abs=1e-7), case["name"]


def test_a_balance_that_differs_is_found(cases: list[dict[str, Any]]) -> None:
    payload = bundle(cases[0])
    payload["reply"]["result"]["post_initial_margin"] = "1e9"
    found = verify_case(case_of("derive", payload))
    assert not found.holds
    assert found.first_place == "post_initial_margin"


def test_changes_of_the_request_are_margined_with_the_book(cases: list[dict[str, Any]]) -> None:
    whole = bundle(cases[0])
    split = copy.deepcopy(whole)
    params = split["request"]["params"]
    params["simulated_position_changes"] = params.pop("simulated_positions")
    ours = [verify_case(case_of("derive", p)).findings[0].ours for p in (whole, split)]
    assert ours[0] == ours[1]


@pytest.mark.parametrize("section", ["request", "tickers", "prices"])
def test_what_the_reply_does_not_say_must_be_given(
    cases: list[dict[str, Any]], section: str
) -> None:
    payload = bundle(cases[0])
    del payload[section]
    with pytest.raises(InputError) as caught:
        case_of("derive", payload)
    assert caught.value.code == "column_missing"
    assert section in str(caught.value.value)
