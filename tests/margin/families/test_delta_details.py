"""The tables of a delta margin: every figure again from the book."""

from __future__ import annotations

import pytest

from crossmargin.margin.details import stage_of
from crossmargin.margin.families.delta_details import delta_tables
from crossmargin.margin.model import Detail
from tests.margin.greek_books import COIN, ETH_PERP, PERP, future, option, required

INVERSE_CALL = option(70_000.0, quote="USD", settle="BTC", inverse=True)


def tables(held: dict, changes: dict | None = None) -> dict[str, Detail]:
    found = required("delta", held, changes)
    return {each.name: each for each in delta_tables(*stage_of(found, 0), found.parameters)}


def test_the_ladder_of_a_calendar() -> None:
    found = tables({PERP: 1.0, COIN: 0.5, future(30.0): -2.0, ETH_PERP: 1.0})["delta_ladder"]
    assert found.rows == (
        ("BTC", "no expiry", 1.5, 1.5, 0.0, 105_000.0),
        ("BTC", "7 to 30 d", -2.0, 2.0, 0.0, -140_000.0),
        ("BTC", "all", -0.5, 3.5, 1.5, -35_000.0),
        ("ETH", "no expiry", 1.0, 1.0, 0.0, 2_000.0),
    )


def test_risk_and_liquidity_by_coin() -> None:
    numbers = {"asset.BTC.turnover_usd": 7e6, "asset.BTC.depth_usd": 7e4}
    line = tables({PERP: -1.0}, numbers)["delta_risk"].rows[0]
    assert line[:3] == ("BTC", -70_000.0, 0.14)
    assert line[3] == pytest.approx(3.0 * 0.03007 * 2.0**0.5 * 70_000.0)
    assert line[4] == pytest.approx(0.5 * 0.03007 * 70_000.0 * 0.1)
    assert line[5:] == pytest.approx((1.0, 0.01))


def test_conventions_stand_side_by_side_whatever_is_margined() -> None:
    expected = ("BTC", 0.534270, 0.534270 - 0.06853941, 0.534270 - 0.06853941)
    for way in ("black", "net_transaction", "premium_adjusted"):
        found = tables({INVERSE_CALL: 1.0}, {"reading.option_delta": way})["delta_conventions"]
        assert found.rows[0][0] == "BTC"
        assert found.rows[0][1:] == pytest.approx(expected[1:], abs=1e-6)


def test_errors_by_shift() -> None:
    found = tables({option(70_000.0): -1.0, PERP: 0.534270})
    lines = {line[0]: line for line in found["delta_errors"].rows}
    up = lines["BTC +14 %, vol +29 %"]
    assert up[1] == pytest.approx(0.0, abs=0.1)
    assert up[2] < -2_500.0
    assert up[3] == pytest.approx(up[1] - up[2])
    assert up[4] == "unsafe"
    assert lines["BTC +0 %, vol +0 %"][4] == ""
    assert found["delta_probes"].rows[4][4] == "unsafe"
    straight = tables({PERP: -3.0})
    for name in ("delta_errors", "delta_probes"):
        assert {line[4] for line in straight[name].rows} == {""}
