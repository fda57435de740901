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

ABSENT = "bybit-pm" not in [model.spec.name for model in ALL_MODELS]
pytestmark = pytest.mark.skipif(ABSENT, reason="model not in this version: bybit-pm")


def ranges(rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a range as the venue prints them: texts of eight decimals."""
    return [
        {
            "priceScale": move,
            "pnls": [f"{n:.8f}" for n in (pnls if isinstance(pnls, list) else [pnls])],
        }
        for move, pnls in rows.items()
    ]


def reply(case: dict[str, Any]) -> dict[str, Any]:
    """The documented reply, with positions, tickers and prices beside it."""
    given, expected, said = case["inputs"], case["expected"], case["params_inferred"]
    perpetual, option = given["positions"]
    index = given["index_inferred"]
    unit = {
        "baseCoin": "BTC",
        "totalPnlRanges": {"ALL": {"pnlRanges": ranges(expected["all_pnl"])}},
        "perpPositionPnlRanges": [
            {"symbol": perpetual["symbol"], "pnlRanges": ranges(expected["perp_pnl_per_move"])}
        ],
        "optionExpiryDatePnlRanges": [
            {
                "expiryDateRepresentation": "25SEP26",
                "optionPositionPnlRanges": [
                    {
                        "symbol": option["symbol"],
                        "pnlRanges": ranges(expected["option_pnls_[up,same,down]"]),
                    }
                ],
            }
        ],
        "contingency": {name: str(n) for name, n in expected["contingency"].items()},
        "asset": {
            "coin": "BTC",
            "assetMM": str(expected["assetMM"]),
            "assetIM": str(expected["assetIM"]),
        },
        "spotHedgeInfo": {
            "hedgeSpotSize": str(given["spot_hedge_size"]),
            "usdIndexPrice": str(index),
        },
    }
    usdt = said["usdt_usd"]
    return {
        "reply": {
            "retCode": 0,
            "retMsg": "OK",
            "time": given["time_ms"],
            "result": {"wallet": {}, "assetPnlRange": [unit]},
        },
        "positions": {
            "retCode": 0,
            "result": {
                "list": [
                    {"symbol": row["symbol"], "side": "Buy", "size": str(row["qty"])}
                    for row in given["positions"]
                ]
            },
        },
        "tickers": [
            {
                "symbol": perpetual["symbol"],
                "markPrice": str(perpetual["mark"]),
                "indexPrice": repr(index / usdt),
            },
            {
                "symbol": option["symbol"],
                "markPrice": str(option["mark_reported"]),
                "indexPrice": str(index),
                "markIv": str(said["iv"]),
                "underlyingPrice": str(said["forward"]),
            },
        ],
        "prices": {"USDT": str(usdt), "USDC": "1"},
    }


@pytest.fixture(scope="module")
def payload(vectors_dir: Path) -> dict[str, Any]:
    return reply(vector(vectors_dir, "V-BYB-1"))


def test_the_documented_reply_holds_but_for_what_is_inferred(payload: dict[str, Any]) -> None:
    found = verify_case(case_of("bybit", payload))
    status = {each.name: each.status for each in found.findings}
    # The delta spread is met to 0.13 %: its rule is inferred from this one number.
    assert status.pop("BTC futureDeltaContingency") is Status.DIFFERS
    assert (found.first, found.first_place) == ("basis", "BTC futureDeltaContingency")
    assert set(status.values()) == {Status.HOLDS}
    assert all(vector.holds for vector in found.vectors)
    option = next(v for v in found.vectors if v.name.startswith("BTC-25SEP26"))
    assert option.largest < 1e-7
    assert len(option.theirs) == 33


def test_with_room_for_the_inferred_rule_it_holds(payload: dict[str, Any]) -> None:
    import crossmargin as xm

    assert xm.verify("bybit", payload, tolerance=0.002).holds


def test_a_position_that_is_not_given_is_refused(payload: dict[str, Any]) -> None:
    for section in ("positions", "tickers", "prices"):
        changed = copy.deepcopy(payload)
        del changed[section]
        with pytest.raises(InputError):
            case_of("bybit", changed)
    changed = copy.deepcopy(payload)
    changed["tickers"].pop()
    with pytest.raises(InputError):
        case_of("bybit", changed)
