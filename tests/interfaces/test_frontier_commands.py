"""The command frontier: flags arrive at the verb, files are written, slips are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

BASE = ["frontier", "--history", "sample:market", "--last", "300"]


def test_json_has_what_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--method", "min-variance", "--estimator", "tyler", "--bound", "ETH=0.25:0.4"]
    assert main([*BASE, *flags, "--points", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["method"] == "min-variance" and found["estimator"] == "tyler"
    (eth,) = (each for each in found["assets"] if each["asset"] == "ETH")
    assert eth["weight_fraction"] == pytest.approx(0.25)
    assert len(found["points"]) == 5 and found["bands"] is None and found["backtest"] is None


def test_files_and_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = tmp_path / "held.csv"
    held.write_text("asset,quantity\nBTC,1\nUSD,20000\n")
    files = ["--plot", str(tmp_path / "f.svg"), "--intents", str(tmp_path / "t.json")]
    assert main([*BASE, "--current", str(held), "--turnover", "0.5", *files]) == 0
    shown = capsys.readouterr().out
    assert "Weights" in shown and "From what is held" in shown and "held:" in shown
    assert json.loads((tmp_path / "t.json").read_text())["schema"] == "intents/1"
    assert (tmp_path / "f.svg").read_text().startswith("<svg")
    assert main([*BASE, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table")


@pytest.mark.parametrize(
    "flags",
    [
        ["--bound", "ETH"],
        ["--bound", "ETH=0.1"],
        ["--bound", "ETH=a:b"],
        ["--json", "--csv"],
        ["--intents", "trades.csv"],
        ["--plot", "plot.pdf"],
        ["--method", "best"],
    ],
)
def test_slips_are_named(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, *flags]) == 2
    assert (
        "accepted" in (told := capsys.readouterr().err) or "Ask for one" in told or "Write" in told
    )
