"""The cost to close of an account is the exit's, line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.closing import CLOSINGS
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import market_path

BOOK, MARKET = "sample:retail-short-vol", "sample:market"
NOW = parse_ms("2026-07-03T06:00:00Z")


@pytest.mark.parametrize("basis", CLOSINGS)
@pytest.mark.parametrize("model", ["deribit-spm", "deribit-sm", "okx-pm"])
def test_account_and_exit_say_the_same(basis: str, model: str) -> None:
    account = xm.account(BOOK, MARKET, model, exit_cost=basis).to_dict()
    left = xm.exit_value(BOOK, MARKET, model).to_dict()
    standing = next(each for each in left["standings"] if each["basis"] == basis)
    assert account["exit_cost_source"] == basis
    assert account["exit_cost_usd"] == pytest.approx(standing["cost_usd"], rel=1e-12)
    assert account["equity_exit_usd"] == pytest.approx(standing["equity_usd"], rel=1e-12)
    assert account["exit_usage"] == pytest.approx(standing["im_usage"], rel=1e-9)
    assert account["exit_mm_usage"] == pytest.approx(standing["mm_usage"], rel=1e-9)
    mark = left["standings"][0]
    assert account["usage"] == pytest.approx(mark["im_usage"], rel=1e-12)
    assert account["mm_usage"] == pytest.approx(mark["mm_usage"], rel=1e-12)
    assert account["exit_mm_usage"] > account["mm_usage"]


def test_the_default_is_the_depth_and_dollars_are_taken_as_given() -> None:
    plain = xm.account(BOOK, MARKET, "deribit-spm").to_dict()
    assert plain["exit_cost_source"] == "depth"
    assert any(note.startswith("cost to close: at depth") for note in plain["notes"])
    touch = xm.account(BOOK, MARKET, "deribit-spm", exit_cost="touch").to_dict()
    assert plain["exit_cost_usd"] > touch["exit_cost_usd"]
    given = xm.account(BOOK, MARKET, "deribit-spm", exit_cost=500.0).to_dict()
    assert (given["exit_cost_usd"], given["exit_cost_source"]) == (500.0, "given")
    assert given["withdrawable_usd"] == pytest.approx(
        plain["withdrawable_usd"] + plain["exit_cost_usd"] - 500.0
    )


def test_order_books_move_the_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = tmp_path / "books.json"
    books.write_text('{"BTC-PERPETUAL": {"bids": [[68000, 9e6]], "asks": [[69000, 9e6]]}}')
    plain = xm.account(BOOK, MARKET, "deribit-spm").to_dict()["exit_cost_usd"]
    wide = xm.account(BOOK, MARKET, "deribit-spm", books=str(books))
    assert wide.to_dict()["exit_cost_usd"] > plain + 100.0
    command = ["account", BOOK, "--market", MARKET, "--model", "deribit-spm"]
    assert main([*command, "--books", str(books), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["exit_cost_usd"] == wide.to_dict()["exit_cost_usd"]
    assert "--books" in shown["receipt"]["command"]


def test_a_word_that_is_no_cost_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as wrong:
        xm.account(BOOK, MARKET, exit_cost="mark")
    assert wrong.value.code == "option_unknown"
    for text in ("soon", "-1", "nan"):
        assert main(["account", BOOK, "--market", MARKET, "--exit-cost", text]) == 2
        assert "--exit-cost" in capsys.readouterr().err or text != "soon"


def _bybit() -> tuple[list[dict[str, object]], Snapshot]:
    market = xm.read_market(market_path()).with_rows(
        [
            Row("usd", "USDT", 1.0, "USD", "made", NOW, NOW),
            Row("index", "BTC/USDT", 68_000.0, "USDT", "made", NOW, NOW),
            Row("mark", "bybit|BTCUSDT", 68_000.0, "USDT", "made", NOW, NOW),
            Row("bid", "bybit|BTCUSDT", 67_990.0, "USDT", "made", NOW, NOW),
            Row("ask", "bybit|BTCUSDT", 68_010.0, "USDT", "made", NOW, NOW),
        ]
    )
    own = {"account": "a", "venue": "bybit"}
    rows: list[dict[str, object]] = [
        {**own, "type": "balance", "instrument": "USDT", "quantity": 100_000.0},
        {**own, "type": "position", "instrument": "BTCUSDT", "quantity": 1.0},
    ]
    return rows, market


def test_a_venue_without_fees_is_left_at_its_spread_and_says_so() -> None:
    rows, market = _bybit()
    found = xm.account(rows, market, "house-example").to_dict()
    assert found["exit_cost_source"] == "spread"
    assert found["exit_cost_usd"] == pytest.approx(10.0)
    assert any("the spread at the touch alone" in note for note in found["notes"])
    with pytest.raises(xm.CrossMarginError) as asked:
        xm.account(rows, market, "house-example", exit_cost="depth")
    assert asked.value.code == "parameter_missing"


def test_account_and_exit_agree_on_a_recorded_crash(market_dir: Path, tmp_path: Path) -> None:
    """Deribit's chain of 2026-02-05 21:29: one leg without a bid is bounded, and both say so."""
    place = market_dir / "deribit" / "deribit_options_snapshot_20260205T212937Z.csv.gz"
    if not place.exists():
        pytest.skip("no recorded chain")
    market = xm.read_market(str(place))
    held = {"BTC-27MAR26-70000-P": -20.0, "BTC-27MAR26-95000-C": -40.0,
            "BTC-26JUN26-100000-P": 5.0}  # fmt: skip
    own = {"account": "desk", "venue": "deribit"}
    rows: list[dict[str, object]] = [
        {**own, "type": "position", "instrument": name, "quantity": size}
        for name, size in held.items()
    ]
    rows.append({**own, "type": "balance", "instrument": "BTC", "quantity": 15.0})
    account = xm.account(rows, market, "deribit-xpm")
    left = xm.exit_value(rows, market, "deribit-xpm").to_dict()
    figures = account.to_dict()
    depth = next(each for each in left["standings"] if each["basis"] == "depth")
    assert left["unquoted"] == ["BTC-26JUN26-100000-P"]
    assert figures["exit_cost_usd"] == pytest.approx(depth["cost_usd"], rel=1e-12)
    assert figures["exit_mm_usage"] == pytest.approx(depth["mm_usage"], rel=1e-9)
    assert 0.0 < figures["mm_usage"] < figures["exit_mm_usage"] < 1.0
    (unquoted,) = figures["unquoted"]
    bound = next(each for each in left["legs"] if each["bound"])
    assert unquoted["close_usd"] == pytest.approx(bound["depth_usd"], rel=1e-12)
    assert any("1 line has no quote" in note for note in figures["notes"])
    # A coin that is missing after a fall of 66 % is worth a third of what it is now.
    index = market.get("index", "BTC/USD")
    far = next(
        each for each in figures["cash"]["scenarios"] if each["scenario"].startswith("extended -66")
    )
    assert index is not None and far["first"] == "BTC"
    assert far["short_usd"] == pytest.approx(far["short"] * 0.34 * index, rel=1e-9)
    drawn = account.plot(tmp_path / "desk.svg").read_text("utf-8")
    assert "liquidated below" in drawn
