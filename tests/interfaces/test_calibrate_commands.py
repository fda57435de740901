from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main


def test_a_file_that_margin_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, again = tmp_path / "next.toml", tmp_path / "again.toml"
    asked = ["calibrate", "house-example", "--market", "sample:market"]
    asked += ["--book", "sample:inverse-perp-basis"]
    assert main([*asked, "-o", str(file)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ranges and what they rest on" in shown
    assert main([*asked, "-o", str(again), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert file.read_text("utf-8") == again.read_text("utf-8")
    assert figures["sha256"] in shown
    book = ["margin", "sample:inverse-perp-basis", "--market", "sample:market", "--json"]
    assert main([*book, "--model", "house-example", "--params", str(file)]) == 0
    found = json.loads(capsys.readouterr().out)["result"]["accounts"][0]
    assert found["im_usd"] == figures["accounts"][0]["im_after_usd"]
    steps = ["--set", "dynamic.calibrate.step_down=0", "--effective-from", "2026-08-01T00:00:00Z"]
    assert main([*asked, "-o", str(file), "--csv", "--seed", "5", *steps]) == 0
    assert capsys.readouterr().out.startswith("table,")
    assert 'effective_from = "2026-08-01T00:00:00Z"' in file.read_text("utf-8")


def test_the_wrapper_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    book = ["margin", "sample:inverse-perp-basis", "--market", "sample:market"]
    assert main([*book, "--model", "dynamic:house-example", "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "Ranges by the forecast" in shown
    assert main(["models", "dynamic:house-example"]) == 0
    assert "forecast of volatility" in " ".join(capsys.readouterr().out.split())
    assert main([*book, "--model", "dynamic:reg-t"]) == 2
    assert "parameter_missing" in capsys.readouterr().err
