"""The commands: each prints its answer, reads its flags, and writes what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces.cli import main


def out_of(arguments: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert main(arguments) == status, capsys.readouterr().err
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def test_margin_shows_totals_usage_worst_fidelity_parameters_and_receipt(
    retail: str, market: str, capsys: pytest.CaptureFixture[str], margined: xm.MarginResult
) -> None:
    text = out_of(["margin", retail, "--market", market, "--model", "deribit-spm"], capsys)
    for wanted in (
        f"{margined.im_usd:,.0f}",
        "MM / counted",
        "Worst scenario",
        "exact",
        "observed 2026-02-15",
        margined.receipt.book[:12],
        "crossmargin margin",
    ):
        assert wanted in text, wanted


def test_changes_by_flag_repeat(
    retail: str, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--set", "general.mm_factor=0.5", "--set", "reading.vol_shock=additive"]
    text = out_of(
        ["margin", retail, *flags, "--market", market, "--model", "deribit-spm", "--json"], capsys
    )
    parameters = json.loads(text)["result"]["parameters"]
    assert parameters["changes"] == {"general.mm_factor": 0.5, "reading.vol_shock": "additive"}


def test_explain_lists_as_many_positions_as_asked(
    maker: str, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["margin", maker, "--market", market, "--model", "deribit-xpm", "--explain"]
    short, long = (out_of([*arguments, "--top", top], capsys) for top in ("5", "0"))
    assert "smaller positions" in short
    assert "smaller positions" not in long
    assert long.count("BTC-") > short.count("BTC-") + 100


def test_import_show_and_check(
    market_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = market_dir / "deribit"
    files = [
        str(folder / "deribit_options_snapshot_20260205T212937Z.csv.gz"),
        str(folder / "perpetual_futures_prices.csv"),
    ]
    target = str(tmp_path / "crash.parquet")
    text = out_of(
        ["market", "import", *files, "--at", "2026-02-05T21:29:37Z", "-o", target], capsys
    )
    assert "incoherent" in text
    assert f"written to {target}" in text
    assert "63,720" in out_of(["market", "show", target], capsys)
    assert "bad: " in out_of(["market", "check", target], capsys, status=1)
    found = json.loads(out_of(["market", "check", target, "--json"], capsys, status=1))
    assert found["bad"]["incoherent"] == 2


def test_check_of_a_good_market_succeeds(market: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "good" in out_of(["market", "check", market], capsys)
    assert out_of(["market", "check", market, "--csv"], capsys).startswith("table,")
    assert json.loads(out_of(["market", "show", market, "--json"], capsys))["bad"] == {}


def test_models_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "derive-pm2" in out_of(["models"], capsys)
    text = out_of(["models", "derive-pm2"], capsys)
    assert "v2-core" in text
    assert json.loads(out_of(["models", "derive-pm2", "--json"], capsys))["model"] == "derive-pm2"


def test_the_demo_shows_every_sample_book_and_one_explanation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = out_of(["demo"], capsys)
    for wanted in ("retail-short-vol", "market-maker", "inverse-perp-basis", "▼ worst", "receipt"):
        assert wanted in text


def test_a_book_without_a_venue_column(
    tmp_path: Path, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "book.csv"
    book.write_text("instrument,quantity\nBTC-PERPETUAL,-1000\n")
    arguments = ["margin", str(book), "--market", market, "--venue", "deribit", "--json"]
    receipt = json.loads(out_of(arguments, capsys))["receipt"]
    assert "--venue deribit" in receipt["command"]


def test_json_and_csv_exclude_each_other(
    retail: str, market: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["margin", retail, "--market", market], ["models"]):
        assert main([*command, "--json", "--csv"]) == 2
        assert "exclude each other" in capsys.readouterr().err
