"""`lyra-v1` on the protocol's own cases: the shocked vol by life, and the least collateral.

The file gives plain decimals and no tolerance: they are met to the last place of a float. It does
not state the rate; its cases reach the static amount and the cap, which know none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import Parameters, model_named, run
from crossmargin.margin.models.lyra_v1 import shock_vol
from crossmargin.margin.parameter_files import from_values
from tests.oracle import lyra_v1
from tests.vectors.building import ACCOUNT, Dated, Facts, Quote, asset, book_of, option, view_of
from tests.vectors.recording import seen

WEEK_S = 7 * 86_400
AS_OF_MS = 1_670_000_000_000
COIN = "ETH"


FILE = "lyra_v1_mincollateral_vectors.json"


def plain(case: dict[str, Any], rate: float = 0.0) -> dict[str, float]:
    """The file's parameters under the model's names."""
    given = case["shared"]["_about"]["params"]
    return {
        "static_coin": given["minStaticBase"],
        "static_cash": given["minStaticQuote"],
        "vol_a": given["shockVolA"],
        "vol_b": given["shockVolB"],
        "point_a_seconds": given["pointA_weeks"] * WEEK_S,
        "point_b_seconds": given["pointB_weeks"] * WEEK_S,
        "call_shock": given["callShock"],
        "put_shock": given["putShock"],
        "rate": rate,
    }


def parameters(case: dict[str, Any], rate: float = 0.0) -> Parameters:
    return from_values("lyra-v1", "vector", {"market": {COIN: plain(case, rate)}}, "vector file")


def needed(case: dict[str, Any], rate: float) -> float:
    """The engine's collateral in the unit of the case."""
    in_coin = case["type"].endswith("BASE")
    right = 1 if "CALL" in case["type"] else -1
    life_ms = int(case["days"] * 86_400_000)
    item = option(
        "derive",
        "the option",
        right,
        float(case["strike"]),
        AS_OF_MS + life_ms,
        underlying=COIN,
        settle=COIN if in_coin else "USDC",
    )
    table = Instruments.of([item, asset("derive", "USDC")])
    spot = float(case["spot"])
    facts = Facts(
        AS_OF_MS,
        {(COIN, "USD"): spot},
        {COIN: spot, "USDC": 1.0, "USD": 1.0},
        {AS_OF_MS + life_ms: Dated(spot, life_ms)},
        {"the option": Quote(0.0, 0.8)},
    )
    book = book_of(table, {ACCOUNT: [("the option", -float(case["amount"]))]})
    found = run(book, view_of(table, facts), model_named("lyra-v1"), parameters(case, rate))
    assert found.failures == ()
    return float(found.sheet["mm"][0]) / (spot if in_coin else 1.0)


def test_case(case: dict[str, Any]) -> None:
    near = {"rel": 4e-16, "abs": 0.0}
    if case["section"] == "shock_vol":
        seconds = float(case["weeks"]) * WEEK_S
        found = shock_vol(np.array([seconds]), parameters(case), COIN)
        assert float(found[0]) == pytest.approx(case["expected"], **near)
        assert lyra_v1.shock_vol(seconds, plain(case)) == pytest.approx(case["expected"], **near)
        return
    for rate in (0.0, 0.05):
        ours = needed(case, rate)
        seen(
            "lyra-v1",
            "suite",
            "lyra_v1_mincollateral_vectors.json",
            str(case),
            ours,
            case["expected"],
        )
        assert ours == pytest.approx(case["expected"], **near)
    theirs = lyra_v1.min_collateral(
        1 if "CALL" in case["type"] else -1,
        case["type"].endswith("BASE"),
        case["amount"],
        case["spot"],
        case["strike"],
        case["days"] * 86_400,
        plain(case),
    )
    assert theirs == pytest.approx(case["expected"], **near)
