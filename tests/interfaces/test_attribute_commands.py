"""The command attribute: screen, JSON, CSV, drawing, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

COMMAND = ["attribute", "sample:market-maker", "--market", "sample:market", "--by", "strategy",
           "--model", "deribit-spm"]  # fmt: skip


def test_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "shares.svg"
    assert main([*COMMAND, "--plot", str(picture)]) == 0
    shown = capsys.readouterr().out
    for text in ("Shares of positions and balances", "Cost of margin a day at 8 %", "runner-up",
                 "idle buffer", "crossmargin attribute"):  # fmt: skip
        assert text in shown
    assert picture.read_text("utf-8").startswith("<svg ")
    assert main([*COMMAND, "--json", "--rate", "0.1", "--basis", "shapley"]) == 0
    figures = json.loads(capsys.readouterr().out)
    lines = figures["statement"]["lines"]
    assert sum(line["cents"] for line in lines) == figures["statement"]["total_cents"]
    assert figures["statement"]["basis"] == "shapley"
    assert main([*COMMAND, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,")


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--plot", "x.gif"]) == 2
    assert main([*COMMAND, "--json", "--csv"]) == 2
    assert main([*COMMAND, "--tie", "none"]) == 2
    assert "option_unknown" in capsys.readouterr().err
