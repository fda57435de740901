"""The command hedge-cost and its faces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main


def test_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = [
        "hedge-cost",
        "sample:retail-short-vol",
        "--market",
        "sample:market",
        "--paths",
        "200",
    ]
    assert main([*common, "--json", "--plot", str(tmp_path / "h.svg")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "--paths 200" in shown["receipt"]["command"]
    assert (tmp_path / "h.svg").read_text("utf-8").startswith("<svg")
    assert main([*common, "--csv"]) == 0
    assert "pace" in capsys.readouterr().out
    assert main(common) == 0
    assert "breaks even at a realised volatility" in capsys.readouterr().out
