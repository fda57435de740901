"""The verb liquidation against the rooms that it calls."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.liquidation import PATHS, liquidation
from crossmargin.margin.surface_grid import grid
from crossmargin.sample import market_path

BOOK, MARKET = "sample:retail-short-vol", "sample:market"


def test_the_crossings_are_where_a_margin_run_says_so() -> None:
    result = xm.liquidation(BOOK, MARKET, "fixed-rate", "spot")
    assert [each["side"] for each in result.crossings] == ["below", "above"]
    need = xm.margin(BOOK, MARKET, "fixed-rate").requirement
    for each in result.crossings:
        found = grid(need.book, need.view, need.via, need.parameters, [each["at"]], [1.0])
        left, required = found.over_mm_usd()[0, 0], found.mm_usd[0, 0]
        assert abs(left) <= 1e-8 * required
        assert each["price_usd"] == pytest.approx(float(need.view.index[0]) * each["at"])
        assert {t["how"] for t in each["touch"]} == {"reflection"}
    shown = str(result)
    assert "volatilities stay" in shown and "root below" in shown and "reflection" in shown


def test_the_default_path_is_the_fitted_response_and_says_so() -> None:
    result = liquidation(BOOK, MARKET, "fixed-rate", nodes=300)
    path = result.figures["path"]
    assert path["name"] == "response" and path["fits"][0]["moves"] == 1000
    assert f"{path['fits'][0]['beta']:+.3f}" in path["says"]
    assert result.figures["late_marks"]
    assert "300 points" in " ".join(result.figures["notes"])
    given = liquidation(BOOK, MARKET, "fixed-rate", "response", betas={"BTC": 0.0}, nodes=300)
    still = liquidation(BOOK, MARKET, "fixed-rate", "spot", nodes=300)
    assert [e["at"] for e in given.crossings] == [e["at"] for e in still.crossings]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_has_an_answer_and_a_plot(path: str, tmp_path: Path) -> None:
    result = liquidation(BOOK, MARKET, "fixed-rate", path, nodes=200)
    content = json.loads(result.to_json())
    assert content["path"]["name"] == path
    for name in ("plot.svg", "plot.html"):
        drawn = result.plot(tmp_path / name).read_text("utf-8")
        assert "equity that counts" in drawn and not re.search(r"\bnan\b|\binf\b", drawn)
    assert result.to_csv().startswith("table,")
    with pytest.raises(InputError, match="option_unknown"):
        result.plot(tmp_path / "plot.pdf")
    with pytest.raises(InputError, match="file_unreadable"):
        result.plot(tmp_path / "no" / "plot.svg")


def test_the_receipt_gives_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    result = liquidation(
        BOOK, MARKET, "fixed-rate", "joint", betas={}, nodes=200, penalty=0.01, oracle_lag_s=30.0
    )
    command = result.receipt.command.split()
    assert command[:2] == ["crossmargin", "liquidation"]
    assert main([*command[1:], "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["crossings"] == result.to_dict()["crossings"]
    assert again["terms"]["penalty_fraction"] == 0.01
    entry = again["crossings"][0]
    assert entry["price_after_lag_usd"] < entry["price_usd"]
    assert entry["left_after_penalty_usd"] < entry["need_mm_usd"]


def test_an_exit_value_moves_the_crossing() -> None:
    plain = liquidation(BOOK, MARKET, "fixed-rate", "spot", nodes=200)
    dear = liquidation(
        BOOK, MARKET, "fixed-rate", "spot", nodes=200, value_of=lambda book, view: -1000.0
    )
    assert dear.crossings[0]["at"] > plain.crossings[0]["at"]
    assert dear.crossings[-1]["at"] < plain.crossings[-1]["at"]


def test_crossings_on_marks_quotes_and_exit_stand_in_that_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is taken off brings the crossings nearer: nothing, the spread, the cost of closing."""
    found = {
        on: liquidation(BOOK, MARKET, "fixed-rate", "spot", nodes=150, on=on)
        for on in ("mark", "quotes", "exit")
    }
    below = [found[on].crossings[0]["at"] for on in found]
    above = [found[on].crossings[-1]["at"] for on in found]
    assert below == sorted(below) and above == sorted(above, reverse=True)
    assert len(set(below)) == 3
    near = found["mark"].figures["quotes"]["crossings"]
    assert [e["at"] for e in found["quotes"].crossings] == pytest.approx([e["at"] for e in near])
    assert not found["exit"].figures["quotes"]["crossings"]
    on = found["exit"].figures["on"]
    assert on["cost_usd"] > found["quotes"].figures["on"]["cost_usd"] > 0.0
    assert len(on["cost_at_crossings_usd"]) == len(found["exit"].crossings)
    assert "valued at exit" in str(found["exit"]) and "market quotes" in str(found["quotes"])
    command = found["exit"].receipt.command.split()
    assert command[-2:] == ["--on", "exit"]
    assert main([*command[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["crossings"] == found["exit"].crossings
    with pytest.raises(InputError, match="option_unknown"):
        liquidation(BOOK, MARKET, "fixed-rate", "spot", on="hope")


def test_an_exit_root_is_where_equity_less_its_cost_is_the_requirement() -> None:
    result = liquidation(BOOK, MARKET, "fixed-rate", "spot", nodes=150, on="exit")
    need = xm.margin(BOOK, MARKET, "fixed-rate").requirement
    for each, cost in zip(
        result.crossings, result.figures["on"]["cost_at_crossings_usd"], strict=True
    ):
        found = grid(need.book, need.view, need.via, need.parameters, [each["at"]], [1.0])
        left = found.over_mm_usd()[0, 0] - cost
        assert abs(left) <= 1e-8 * found.mm_usd[0, 0]


def test_a_coin_without_a_given_response_keeps_its_fitted_one() -> None:
    fitted = liquidation("sample:market-maker", MARKET, "fixed-rate", "response", nodes=50)
    given = liquidation(
        "sample:market-maker", MARKET, "fixed-rate", "response", nodes=50, betas={"BTC": -0.5}
    )
    ether = [e["beta"] for e in fitted.figures["path"]["fits"] if e["coin"] == "ETH"]
    assert [e["beta"] for e in given.figures["path"]["fits"]] == ether
    assert "beta of BTC -0.500, ETH" in given.figures["path"]["says"]


def test_progress_is_counted() -> None:
    heard: list[tuple[int, int]] = []
    liquidation(BOOK, MARKET, "fixed-rate", "spot", progress=lambda a, b: heard.append((a, b)))
    assert heard and heard[-1][0] == heard[-1][1]


def test_bad_questions_are_refused() -> None:
    bare = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 1000.0}]
    with pytest.raises(InputError, match="column_missing"):
        liquidation(bare, MARKET, "fixed-rate")
    with pytest.raises(InputError, match="option_unknown"):
        liquidation(BOOK, MARKET, "fixed-rate", "sideways")
    with pytest.raises(InputError, match="option_unknown"):
        liquidation(BOOK, MARKET, "fixed-rate", "vol", coin="BTC")
    with pytest.raises(InputError, match="option_unknown"):
        liquidation(BOOK, MARKET, "fixed-rate", "spot", betas={"BTC": 1.0})
    with pytest.raises(InputError, match="number_out_of_range"):
        liquidation(BOOK, MARKET, "fixed-rate", "spot", penalty=-0.1)
    with pytest.raises(InputError, match="option_unknown"):
        liquidation(BOOK, MARKET, "fixed-rate", "spot", coin="SOL")
    with pytest.raises(InputError, match="--beta"):
        liquidation(BOOK, MARKET, "fixed-rate", "response", betas={"SOL": 1.0})
    with pytest.raises(InputError, match="number_out_of_range"):
        liquidation(BOOK, MARKET, "fixed-rate", "spot", nodes=0)
    snapshot = xm.read_market(str(market_path()))
    kept = np.array([not name.startswith("past_") for name in snapshot.field])
    rows = [row for row, keep in zip(snapshot.rows(), kept, strict=True) if keep]
    bare_market = type(snapshot).of(rows, snapshot.as_of_ms) if hasattr(snapshot, "of") else None
    if bare_market is not None:
        with pytest.raises(MarketDataError, match="history_missing"):
            liquidation(BOOK, bare_market, "fixed-rate", "response")
        told = liquidation(BOOK, bare_market, "fixed-rate", nodes=100)
        assert told.figures["path"]["name"] == "spot"
        assert all(each["sigmas"] is None for each in told.crossings)


def test_what_is_broken_or_never_broken_is_said() -> None:
    poor = [
        {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 100_000.0},
        {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 0.001},
    ]
    result = liquidation(poor, MARKET, "fixed-rate", nodes=100)
    assert "broken already" in result.figures["says"]
    rich = replace(result.found, found=())
    assert rich.broken_now
    safe = [{"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 1.0}]
    said = liquidation(safe, MARKET, "fixed-rate", nodes=100)
    assert "not liquidated on this path" in str(said)
