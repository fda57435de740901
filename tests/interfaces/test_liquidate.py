"""The verb liquidate: a house's steps, the venues' own, a path of markets, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.sources import snapshot_of

STRANGLE = {
    "BTC": 0.05,
    "BTC-31JUL26-80000-C": -0.4,
    "BTC-31JUL26-60000-P": -0.4,
    "BTC-PERPETUAL": -17_000.0,
}


def rows(held: dict[str, float], venue: str = "deribit") -> list[dict[str, Any]]:
    return [
        {
            "type": "position" if "-" in name else "balance",
            "account": "a",
            "venue": venue,
            "instrument": name,
            "quantity": size,
        }
        for name, size in held.items()
    ]


def liquidate(held: dict[str, float] = STRANGLE, **options: Any) -> xm.LiquidateResult:
    options = {"mechanics": "house", "model": "deribit-xpm", **options}
    return xm.liquidate(rows(held), options.pop("market", "sample:market"), **options)


def test_a_house_stops_at_the_buffer_and_says_which_order_it_used() -> None:
    found = liquidate(fund_usd=1_000.0)
    figures = found.figures
    assert found.ended == "buffer restored"
    assert figures["mechanics"] == "house"
    assert figures["after"]["counted_usd"] >= 1.1 * figures["after"]["mm_usd"]
    assert figures["order"] == "risk_per_cost"
    assert "more equity than the next order" in figures["why"]
    assert [each["order"] for each in figures["attempts"]] == [
        "risk_per_cost",
        "largest",
        "pro_rata",
    ]
    assert all("of shortfall for" in step["why"] for step in found.steps)


def test_money_adds_up_in_the_result() -> None:
    figures = liquidate({"BTC": -0.02, "BTC-PERPETUAL": -17_000.0}, fund_usd=100.0).figures
    units = figures["units"]
    assert units["before"] == units["after"]
    by_party = {row["party"]: row for row in figures["purses"]}
    change = sum(row["after_units"] - row["before_units"] for row in figures["purses"][:-1])
    assert change == 0 == by_party["total"]["change_usd"]
    assert figures["bad_debt_usd"] > 0.0
    assert "bad debt" in figures["ended"]
    assert [row["source"] for row in figures["covers"]] == ["fund", "unpaid"]
    spent = sum(trade["cost_usd"] for trade in figures["trades"])
    assert by_party["counterparties"]["change_usd"] == pytest.approx(spent)


def test_an_account_in_order_has_no_steps() -> None:
    found = liquidate({"BTC": 1.0, "BTC-PERPETUAL": -1_000.0})
    assert (found.ended, found.steps) == ("not liquidatable", [])
    assert found.figures["before"] == found.figures["after"]


@pytest.mark.parametrize(
    ("venue", "model", "held", "name"),
    [
        ("deribit", "deribit-xpm", STRANGLE, "deribit rounds"),
        ("paradex", "paradex-pm", {"USDC": 500.0, "BTC-USD-PERP": 0.3}, "paradex rounds"),
        ("derive", "derive-pm2", {"USDC": 15_000.0, "ETH-PERP": 50.0}, "derive-auction"),
    ],
)
def test_the_venues_own_steps_where_they_are_published(
    venue: str, model: str, held: dict[str, float], name: str
) -> None:
    market = snapshot_of("sample:market")
    if venue == "paradex":  # the sample has no contract of it
        index = next(r for r in market.rows() if r[:2] == ("index", "BTC/USD"))
        mark = index._replace(field="mark", subject="paradex|BTC-USD-PERP")
        market = market.with_rows([mark])
    lines = rows(held, venue)
    try:
        found = xm.liquidate(lines, market, model, bids=((30.0, 0.5),))
    except xm.ModelError as error:
        pytest.fail(error.text())
    assert found.figures["mechanics"] == name
    assert found.figures["order"] is None
    assert found.figures["purses"] == []
    again = xm.liquidate(lines, market, model, mechanics="house")
    assert again.figures["mechanics"] == "house"


def test_a_path_of_markets_is_walked() -> None:
    market = snapshot_of("sample:market")
    fallen = [
        row._replace(value=row.value * 0.9, event_ms=market.as_of_ms + 5_000)
        for row in market.rows()
        if row.subject in ("BTC/USD", "BTC") or row[:2] == ("mark", "deribit|BTC-PERPETUAL")
    ]
    later = market.with_rows(fallen, market.as_of_ms + 5_000)
    held = {"BTC": 0.02, "BTC-PERPETUAL": 60_000.0}
    found = liquidate(held, model="deribit-sm", market=[market, later])
    assert found.steps[0]["moved_usd"] == 0.0
    assert any(step["moved_usd"] < 0.0 for step in found.steps[1:])
    assert found.figures["units"]["before"] == found.figures["units"]["after"]


def test_cost_and_winners_are_the_callers() -> None:
    class Dear:
        def at(self, size: object) -> Floats:
            return np.asarray(np.abs(np.asarray(size, np.float64)) * 50_000.0)

    plain = liquidate(order="risk_per_cost")
    dear = liquidate(order="risk_per_cost", cost={"BTC-31JUL26-80000-C": Dear()})
    assert {step["what"] for step in plain.steps} == {"BTC-31JUL26-80000-C"}
    assert "BTC-31JUL26-80000-C" not in {step["what"] for step in dear.steps}
    gone = {"BTC": -0.02, "BTC-PERPETUAL": -17_000.0}
    found = liquidate(gone, winners={"desk": (10_000.0, 5.0)})
    assert [row["name"] for row in found.figures["covers"]] == ["desk"]
    assert found.figures["bad_debt_usd"] == 0.0


def test_the_terms_are_the_callers_within_bounds() -> None:
    thin, thick = liquidate(buffer=0.0), liquidate(buffer=0.5)
    assert thin.figures["after"]["mm_usd"] > thick.figures["after"]["mm_usd"]
    free = liquidate(terms={"cost.penalty_share": 0.0, "cost.fee_share": 0.0})
    assert all(step["penalty_usd"] == step["fee_usd"] == 0.0 for step in free.steps)


def test_every_face_shows_it() -> None:
    found = liquidate()
    assert json.loads(found.to_json())["ended"] == "buffer restored"
    assert "BTC-31JUL26-80000-C" in found.to_csv()
    assert "Where the money went" in repr(found)
    assert found.left.account == ("a",)
    assert found.figures["receipt"]["model"] == "deribit-xpm"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"mechanics": "auction"}, "option_unknown"),
        ({"order": "random"}, "option_unknown"),
        ({"buffer": -0.1}, "parameter_out_of_bounds"),
        ({"fund_usd": -1.0}, "number_out_of_range"),
        ({"fund_usd": float("nan")}, "number_not_finite"),
        ({"winners": {"w": (-5.0, 1.0)}}, "number_out_of_range"),
        ({"lots": {"BTC-PERPETUAL": 0.0}}, "number_out_of_range"),
        ({"cost": lambda *_: -1.0}, "number_out_of_range"),
        ({"cost": lambda *_: float("nan")}, "number_out_of_range"),
        ({"market": []}, "option_unknown"),
        ({"market": ["sample:market", "sample:market"]}, "option_unknown"),
        ({"model": "var-parametric", "mechanics": "venue"}, "rules_unknown"),
        ({"model": "derive-pm2"}, "kind_not_accepted"),
        ({"not_before": "2027-01-01T00:00:00Z"}, "market_doubtful"),
        ({"account": "b"}, "option_unknown"),
    ],
)
def test_what_is_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        liquidate(**options)
    assert caught.value.code == code
