"""The command liquidation: its forms, its plot, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main

ASK = ["liquidation", "sample:retail-short-vol", "--market", "sample:market"]
ASK += ["--model", "fixed-rate", "--nodes", "300"]


def test_the_screen_says_path_crossings_and_probabilities(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plot = tmp_path / "plot.svg"
    assert main([*ASK, "--plot", str(plot)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("beta of BTC", "root below", "root above", "probability of touching", "receipt"):
        assert words in shown
    assert plot.read_text("utf-8").startswith("<svg xmlns=")


def test_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASK, "--path", "spot", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["verb"] == "liquidation" and len(content["crossings"]) == 2
    assert main([*ASK, "--path", "response", "--beta", "BTC=-0.5", "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,crossing,")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--json", "--csv"], "option_unknown"),
        (["--path", "nowhere"], "option_unknown"),
        (["--beta", "BTC"], "option_unknown"),
        (["--path", "spot", "--plot", "plot.pdf"], "option_unknown"),
        (["--oracle-lag", "-1"], "number_out_of_range"),
    ],
)
def test_errors_have_a_code(more: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASK, *more]) == 2
    assert code in capsys.readouterr().err
