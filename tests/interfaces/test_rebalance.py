"""The verb rebalance in its three forms: bands, weights, past prices; files, faces, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.rebalance_layouts import rebalance_document
from crossmargin.interfaces.rebalance_plot import rebalance_svg

BOOK, MARKET = "sample:market-maker", "sample:market"


@pytest.fixture(scope="module")
def hedged() -> xm.RebalanceResult:
    return xm.rebalance(BOOK, MARKET, delta_band=50_000.0)


def test_after_the_trades_the_account_is_inside(hedged: xm.RebalanceResult) -> None:
    """Judged by the what-if of the changed book, not by what the decision says of itself."""
    found = xm.whatif(BOOK, MARKET, add=list(hedged.intents.legs()))
    for row in found.figures["greeks"]:
        delta = row["delta_coins_after"] * row["index_usd"]
        assert abs(delta) <= 50_000.0 * (1.0 + 1e-9)
        if row["underlying"] == "BTC":  # to the edge, within one lot of ten dollars
            assert abs(delta) == pytest.approx(50_000.0, abs=10.0)
    assert hedged.figures["im_after_usd"] == pytest.approx(found.after.im_usd, rel=1e-12)
    assert hedged.figures["fills"][-1]["im_usd"] == pytest.approx(found.after.im_usd, rel=1e-12)
    assert hedged.figures["holds"]


def test_margin_is_checked_at_every_fill(hedged: xm.RebalanceResult) -> None:
    legs = list(hedged.intents.legs())
    for k, fill in enumerate(hedged.figures["fills"]):
        state = xm.whatif(BOOK, MARKET, add=legs[: k + 1]).after
        assert fill["im_usd"] == pytest.approx(state.im_usd, rel=1e-12)
        assert fill["room_usd"] == pytest.approx(state.counted_im_usd - state.im_usd, rel=1e-9)


def test_the_chosen_contracts_are_no_dearer_than_each_alone(hedged: xm.RebalanceResult) -> None:
    whole = hedged.figures["cost_usd"] + hedged.figures["carry_usd"]
    for name in ("BTC-PERPETUAL", "BTC-31JUL26"):
        alone = xm.rebalance(BOOK, MARKET, delta_band=50_000.0, candidates=[name])
        assert {trade.instrument for trade in alone.intents.trades} == {name}
        other = alone.figures["cost_usd"] + alone.figures["carry_usd"]
        assert whole + hedged.figures["margin_usd"] <= other + alone.figures["margin_usd"] + 2.0


def test_vega_needs_options_and_ends_inside() -> None:
    found = xm.rebalance(BOOK, MARKET, delta_band=50_000.0, vega_band=800.0, underlying="BTC",
                         to="inner")  # fmt: skip
    after = {row["greek"]: row for row in found.figures["bands"]}
    assert abs(after["vega"]["after"]) <= 400.0 + 1e-6
    assert abs(after["delta"]["after"]) <= 25_000.0 + 1e-6
    assert any("-C" in t.instrument or "-P" in t.instrument for t in found.intents.trades)
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(BOOK, MARKET, vega_band=10.0, candidates=["BTC-PERPETUAL"], underlying="BTC")
    assert refused.value.code == "solver_failed"


def test_inside_the_band_there_is_nothing_to_do() -> None:
    found = xm.rebalance(BOOK, MARKET, delta_band=1e7)
    assert len(found.intents) == 0
    assert found.figures["fills"] == []
    assert "nothing to trade" in str(found)


def test_coins_are_counted_where_they_are_asked_for() -> None:
    without, counted = (
        xm.rebalance(BOOK, MARKET, delta_band=1e8, coins=coins).figures["bands"][0]["before"]
        for coins in (False, True)
    )
    assert counted - without == pytest.approx(46.0 * 68_412.57, rel=1e-3)


def test_weights_of_a_book_go_to_their_targets_in_whole_lots() -> None:
    found = xm.rebalance(BOOK, MARKET, targets={"BTC": 0.5, "ETH": 0.3})
    rows = {row["asset"]: row for row in found.figures["assets"]}
    assert rows["BTC"]["outside"]
    assert not rows["ETH"]["outside"]
    assert rows["ETH"]["trade_usd"] == 0.0
    assert rows["BTC"]["after_fraction"] == pytest.approx(0.5)
    (trade,) = found.intents.trades
    assert trade.instrument == "BTC-PERPETUAL"
    assert trade.size == pytest.approx(rows["BTC"]["trade_usd"], abs=10.0)
    assert trade.size % 10.0 == 0.0
    value = found.figures["value_after_usd"] + found.figures["cost_usd"]
    assert value == pytest.approx(found.figures["value_before_usd"])


def test_values_of_a_file_need_no_book(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text("asset,target,value_usd,cost_bp\nBTC,0.6,70000,5\nETH,0.4,30000,20\n", "utf-8")
    found = xm.rebalance(targets=path)
    trades = [row["trade_usd"] for row in found.figures["assets"]]
    assert trades == pytest.approx([-10_000.0, 10_000.0], abs=25.0)
    assert found.figures["cost_usd"] == pytest.approx(25.0, rel=0.01)
    edge = xm.rebalance(targets=path, to="edge")
    assert [row["after_fraction"] for row in edge.figures["assets"]] == pytest.approx([0.65, 0.35])


def test_a_region_comes_from_the_history_of_the_market(tmp_path: Path) -> None:
    wide, narrow = (
        xm.rebalance(None, MARKET, targets=_values(tmp_path), policy="region", cost_bp=cost)
        for cost in (50.0, 1.0)
    )
    for k in range(2):
        one, other = (each.figures["assets"][k] for each in (wide, narrow))
        assert one["high_fraction"] - one["low_fraction"] > 10.0 * (
            other["high_fraction"] - other["low_fraction"]
        )


def _values(folder: Path) -> Path:
    path = folder / "values.csv"
    path.write_text("asset,target,value_usd\nBTC,0.5,52000\nETH,0.3,30000\n", "utf-8")
    return path


def test_policies_on_past_prices_beside_each_other() -> None:
    found = xm.rebalance(None, MARKET, targets={"BTC": 0.6, "ETH": 0.4}, backtest=True)
    names = [row["policy"] for row in found.figures["policies"]]
    assert len(names) == 4
    assert names[0].startswith("absolute 5 %")
    for row in found.figures["policies"]:
        assert row["harvest_net"] <= row["harvest"]
        assert sum(row["components_usd"].values()) == pytest.approx(row["cost_usd"])
        assert row["turnover_one_way"] == 0.5 * row["turnover_two_way"]
    assert "against never rebalancing" in rebalance_svg(found, 600.0)


def test_a_history_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "past.csv"
    rows = [f"{1_700_000_000_000 + k * 86_400_000},X,{100 + (k % 3)}" for k in range(60)]
    path.write_text("time,underlying,price\n" + "\n".join(rows) + "\n", "utf-8")
    found = xm.rebalance(targets={"X": 0.5}, backtest=True, history=path, window=20, lookback=20)
    assert found.figures["observations"] == 60
    assert found.figures["policies"][0]["hold_return"] == pytest.approx(0.06, abs=0.2)


def test_files_are_read_back_and_faces_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["rebalance", BOOK, "--market", MARKET, "--delta-band", "50000"]
    trades = tmp_path / "trades.csv"
    assert main([*command, "--intents", str(trades), "--plot", str(tmp_path / "p.html")]) == 0
    assert "Fills in order" in capsys.readouterr().out
    assert main(["whatif", BOOK, "--market", MARKET, "--rank", str(trades)]) == 0
    capsys.readouterr()
    assert "<svg" in (tmp_path / "p.html").read_text("utf-8")
    assert main([*command, "--json", "--intents", str(tmp_path / "t.json")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["receipt"]["command"].endswith("--delta-band 50000.0")
    assert len(json.loads((tmp_path / "t.json").read_text("utf-8"))["groups"][0]["trades"]) == len(
        shown["trades"]
    )
    past = ["rebalance", "--market", MARKET, "--targets", str(_values(tmp_path)), "--backtest"]
    assert main([*past, "--csv"]) == 0
    assert "policies" in capsys.readouterr().out


def test_the_document_says_every_mode(hedged: xm.RebalanceResult) -> None:
    shown = rebalance_document(hedged.figures)
    assert [table.name for table in shown.tables] == ["bands", "contracts", "fills"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "option_unknown"),
        ({"delta_band": "leland"}, "option_unknown"),
        ({"delta_band": -1.0}, "number_out_of_range"),
        ({"delta_band": 1e4, "to": "moon"}, "option_unknown"),
        ({"delta_band": 1e4, "underlying": "SOL"}, "option_unknown"),
        ({"delta_band": 1e4, "candidates": ["BTC-NOTHING"]}, "instrument_unknown"),
        ({"backtest": True}, "option_unknown"),
        ({"targets": {"BTC": 0.5}, "policy": "sometimes"}, "option_unknown"),
        ({"targets": {"BTC": float("nan")}}, "number_not_finite"),
        ({"targets": {}}, "book_empty"),
        ({"targets": {"DOGE": 0.5}}, "quote_missing"),
    ],
)
def test_bad_questions_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(BOOK, MARKET, **options)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("asset\nBTC\n", "column_missing"),
        ("asset,target,colour\nBTC,0.5,red\n", "column_unknown"),
        ("asset,target\nBTC,0.5\nBTC,0.4\n", "duplicate_row"),
        ("asset,target\nBTC,half\n", "number_unreadable"),
        ("asset,target\nBTC,\n", "column_missing"),
        ("asset,target\nBTC,0.5\n", "column_missing"),
    ],
)
def test_bad_files_of_targets_are_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(targets=path)
    assert refused.value.code == code
