"""The verb hedge-cost: its figures against the room, the sample books, refusals, its faces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.hedge_formula import Pacing, expected_cost
from crossmargin.interfaces.sources import snapshot_of

STRADDLE = (
    "type,venue,instrument,quantity,account\n"
    + "".join(f"position,deribit,BTC-25SEP26-70000-{right},-10,desk\n" for right in "CP")
    + "balance,deribit,BTC,20,desk\n"
)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "straddle.csv"
    path.write_text(STRADDLE, "utf-8")
    return path


@pytest.fixture(scope="module")
def result(book: Path) -> xm.HedgeCostResult:
    return xm.hedge_cost(book, "sample:market", cost_bp=6.0, paths=4000)


def test_simulation_is_within_three_per_cent_of_the_formula(result: xm.HedgeCostResult) -> None:
    for row in result.figures["pace"]:
        if row["intervals"] >= 20:
            assert row["simulated_usd"] == pytest.approx(row["cost_usd"], rel=0.03)
    once, quarter = (row["cost_usd"] for row in result.figures["pace"][1:])
    assert quarter == pytest.approx(2.0 * once, rel=0.02)


def test_figures_are_those_of_the_room(result: xm.HedgeCostResult) -> None:
    vol = result.figures["formula"]["vol_fraction"]
    law = expected_cost(result.book, vol, Pacing(24.0 / 8760.0, 30), result.market.terms)
    assert result.cost_usd == law.cost_usd
    now = result.figures["book"]
    assert now["gamma_usd_per_percent"] < 0.0 < now["theta_usd_per_day"]
    assert now["vega_usd_per_point"] < 0.0
    assert result.break_even_vol is not None
    assert result.break_even_vol < vol  # a sold straddle pays for its hedging


def test_the_greeks_are_those_of_a_what_if(book: Path, result: xm.HedgeCostResult) -> None:
    found = xm.whatif(book, "sample:market", add=["BTC-PERPETUAL:10"]).figures["greeks"]
    btc = next(row for row in found if row["underlying"] == "BTC")
    spot = result.book.spot
    gamma = result.figures["book"]["gamma_usd_per_percent"] * 100.0 / spot**2
    # of a move of the spot, which the forward follows: 0.84 % above it, and squared
    assert gamma == pytest.approx(btc["gamma_coins_per_usd_before"], rel=0.02)


def test_the_markets_own_cost_and_its_components() -> None:
    found = xm.hedge_cost("sample:retail-short-vol", "sample:market", paths=400)
    hedge = found.figures["hedge"]
    assert hedge["contract"] == "BTC-PERPETUAL"
    assert hedge["one_way_bp"] == pytest.approx(hedge["fee_bp"] + hedge["half_spread_bp"])
    parts = found.figures["formula"]["components"]
    assert sum(parts.values()) == pytest.approx(found.cost_usd)
    assert {"fee", "spread", "impact"} <= set(parts)
    assert found.figures["replay"]["windows"] > 20
    assert 0.0 <= found.figures["replay"]["losing_fraction"] <= 1.0


def test_one_seed_one_answer(book: Path) -> None:
    one, same, other = (
        xm.hedge_cost(book, "sample:market", paths=100, seed=seed).figures["simulation"]["net_usd"]
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"every_hours": 0.0}, "number_out_of_range"),
        ({"every_hours": 5000.0}, "number_out_of_range"),
        ({"paths": 3}, "number_out_of_range"),
        ({"vol": -0.5}, "number_out_of_range"),
        ({"underlying": "ETH"}, "option_unknown"),
        ({"aversion": 0.0}, "number_out_of_range"),
        ({"cost_bp": -1.0}, "number_out_of_range"),
        ({"days": float("nan")}, "number_not_finite"),
    ],
)
def test_bad_questions_are_refused(book: Path, options: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as refused:
        xm.hedge_cost(book, "sample:market", **options)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code


def test_a_book_without_options_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "perp.csv"
    path.write_text("type,venue,instrument,quantity\nposition,deribit,BTC-PERPETUAL,100\n", "utf-8")
    with pytest.raises(CrossMarginError) as refused:
        xm.hedge_cost(path, "sample:market")
    assert refused.value.code == "option_unknown"


def test_delta_to_liquidity_by_touch_depth_and_volume(book: Path, tmp_path: Path) -> None:
    mark = snapshot_of("sample:market").get("mark", "deribit|BTC-PERPETUAL")
    assert mark is not None
    levels = {"bids": [[mark - 1.0, 5e4], [mark - 9.0, 1e5]], "asks": [[mark + 1.0, 7e4]]}
    place = tmp_path / "books.json"
    place.write_text(json.dumps({"BTC-PERPETUAL": levels}), "utf-8")
    found = xm.hedge_cost(book, "sample:market", paths=100, books=place, within_bp=5.0)
    hedge, delta = found.figures["hedge"], found.figures["book"]["delta_usd"]
    # the book's delta is sold into the bids, or bought from the asks
    touch, depth = (5e4, 1.5e5) if delta > 0.0 else (7e4, 7e4)
    assert hedge["touch_usd"] == pytest.approx(touch)
    assert hedge["depth_usd"] == pytest.approx(depth)
    assert hedge["delta_to_touch_ratio"] == pytest.approx(abs(delta) / touch)
    assert hedge["delta_to_depth_ratio"] == pytest.approx(abs(delta) / depth)
    words = " ".join(repr(found).split())
    assert "within 5 bp" in words
    assert "guessed from open interest" in words
    assert f"--books {place} --within 5.0" in found.receipt.command
    bare = xm.hedge_cost(book, "sample:market", paths=100)
    assert bare.figures["hedge"]["delta_to_depth_ratio"] is None
    assert "--books FILE" in repr(bare)
