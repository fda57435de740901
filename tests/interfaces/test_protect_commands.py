"""The command protect on the screen and into files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

BASE = ["protect", "BTC:10", "--market", "sample:market", "--strategies", "put", "collar"]


def test_the_screen_shows_hedges_floors_and_margins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, "--days", "45", "--floor", "0.75", "--top", "2"]) == 0
    shown = capsys.readouterr().out
    for words in ("75.0 % of the equity", "over 45 days", "upside", "margin by the exact model",
                  "more in --json"):  # fmt: skip
        assert words in shown
    assert "\n\n\n" not in shown  # what stands in CSV alone leaves no gap on the screen


def test_files_are_written_and_read_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = {flag: str(tmp_path / name) for flag, name in
             (("--plot", "p.html"), ("--intents", "i.csv"))}  # fmt: skip
    flags = [part for pair in files.items() for part in pair]
    assert main([*BASE, *flags, "--take", "2"]) == 0
    shown = capsys.readouterr().out
    assert f"written: {tmp_path}" in shown and "intent" in shown.split("written:")[-1]
    assert Path(files["--plot"]).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    book = tmp_path / "book.csv"
    book.write_text(
        "type,account,venue,currency,quantity\nbalance,a,deribit,BTC,10\n", encoding="utf-8"
    )
    again = ["whatif", str(book), "--market", "sample:market", "--rank", files["--intents"]]
    assert main([*again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ranking"][0]["candidate"] in ("put", "collar")


def test_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verb"] == "protect"
    assert main([*BASE, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,")
    assert main([*BASE, "--csv", "--json"]) != 0
    assert main([*BASE, "--floor", "2"]) != 0
    assert "number_out_of_range" in capsys.readouterr().err
