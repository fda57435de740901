"""The command rebalance: files that are read back, and its faces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

BOOK, MARKET = "sample:market-maker", "sample:market"


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
    values = tmp_path / "values.csv"
    values.write_text("asset,target\nBTC,0.5\nETH,0.3\n", "utf-8")
    past = ["rebalance", "--market", MARKET, "--targets", str(values), "--backtest"]
    assert main([*past, "--csv"]) == 0
    assert "policies" in capsys.readouterr().out
