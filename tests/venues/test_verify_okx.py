from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.register import ALL_MODELS
from crossmargin.margin.verification import Status, verify_case
from crossmargin.venues.verify_adapters import case_of
from tests.venues.replies import vector

TERMS = ("mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9", "mmr", "imr")
ABSENT = "okx-pm" not in [model.spec.name for model in ALL_MODELS]
pytestmark = pytest.mark.skipif(ABSENT, reason="model not in this version: okx-pm")


def reply(case: dict[str, Any]) -> dict[str, Any]:
    """The documented reply of the position builder, numbers as texts, with what stands beside."""
    given, expected = case["inputs"], case["expected"]
    units, index, instruments = [], [], []
    for position in given["simPos"]:
        name = position["instId"]
        unit = name.partition("-")[0]
        printed = expected[unit]
        profit = position["pos"] * position["ctVal"] * (position["markPx"] - position["avgPx"])
        terms = {term: str(printed[term]) for term in TERMS if term in printed}
        row: dict[str, Any] = {"riskUnit": unit, **terms}
        if "mr1_volSame" in printed:
            same = {move: str(number) for move, number in printed["mr1_volSame"].items()}
            row["mr1Scenarios"] = {"volSame": same, "volShockUp": same, "volShockDown": same}
        row["portfolios"] = [
            {
                "instId": name,
                "instType": "SWAP",
                "amt": str(position["pos"]),
                "posSide": "net",
                "avgPx": str(position["avgPx"]),
                "markPx": str(position["markPx"]),
                "floatPnl": repr(profit),
            }
        ]
        units.append(row)
        pair = name.removesuffix("-SWAP")
        index.append({"instId": pair, "idxPx": str(position["implied_index_usdt"])})
        size = {"instId": name, "ctVal": str(position["ctVal"]), "ctMult": "1"}
        instruments.append(size)
    index.append({"instId": "USDT-USD", "idxPx": str(given["usdt_usd"])})
    account = expected["account"]
    data = {
        "ts": "1736936801642",
        "acctLv": "4",
        "eq": str(account["eq"]),
        "upl": str(account["upl"]),
        "derivMmr": str(account["derivMmr"]),
        "borrowMmr": str(account["borrowMmr"]),
        "totalMmr": str(account["totalMmr"]),
        "totalImr": str(account["totalImr"]),
        "assets": [{"ccy": "USDT", "availEq": str(given["availEq_USDT"]), "spotInUse": "0"}],
        "riskUnitData": units,
    }
    return {
        "reply": {"code": "0", "msg": "", "data": [data]},
        "index_tickers": {"code": "0", "data": index},
        "instruments": {"code": "0", "data": instruments},
    }


@pytest.fixture(scope="module")
def payload(vectors_dir: Path) -> dict[str, Any]:
    return reply(vector(vectors_dir, "V-OKX-1"))


def test_the_documented_reply_holds_term_by_term(payload: dict[str, Any]) -> None:
    found = verify_case(case_of("okx", payload))
    assert [f.name for f in found.findings if f.status is not Status.HOLDS] == []
    assert {"BTC mr1", "LTC mr4", "BTC imr", "totalMmr", "totalImr", "eq"} <= {
        f.name for f in found.findings
    }
    assert [v.name for v in found.vectors] == ["BTC volShockUp", "BTC volSame", "BTC volShockDown"]
    assert found.holds


def test_the_first_term_that_parts_is_named(payload: dict[str, Any]) -> None:
    changed = copy.deepcopy(payload)
    unit = changed["reply"]["data"][0]["riskUnitData"][1]
    unit["mr4"] = str(float(unit["mr4"]) * 1.01)
    found = verify_case(case_of("okx", changed))
    assert (found.first, found.first_place) == ("basis", "LTC mr4")


def test_a_move_of_another_grid_is_refused(payload: dict[str, Any]) -> None:
    changed = copy.deepcopy(payload)
    grid = changed["reply"]["data"][0]["riskUnitData"][0]["mr1Scenarios"]["volSame"]
    grid["0.15"] = grid.pop("0.12")
    with pytest.raises(InputError) as caught:
        verify_case(case_of("okx", changed))
    assert caught.value.code == "rules_unknown"


@pytest.mark.parametrize("section", ["index_tickers", "instruments"])
def test_what_the_reply_does_not_print_must_be_given(payload: dict[str, Any], section: str) -> None:
    changed = copy.deepcopy(payload)
    del changed[section]
    with pytest.raises(InputError):
        case_of("okx", changed)
