"""The command: screen, JSON, CSV, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json

import pytest

from crossmargin.interfaces.cli import main

ASKED = ["exit", "sample:retail-short-vol", "--market", "sample:market", "--model", "deribit-spm"]


def test_on_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--days", "2", "--top", "3"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in ("net of what it costs to leave", "over 2 days", "5 more in --json", "receipt"):
        assert words in text


def test_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--json", "--set", "impact.coefficient=0"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verb"] == "exit"
    assert {leg["parts_usd"]["impact"] for leg in found["legs"]} == {0.0}
    assert main([*ASKED, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(row["table"] == "legs" for row in rows) == len(found["legs"])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--json", "--csv"], "option_unknown"),
        (["--days", "-1"], "number_out_of_range"),
        (["--top", "-1"], "number_out_of_range"),
        (["--set", "impact.coefficient=99"], "parameter_out_of_bounds"),
        (["--books", "nowhere.json"], "file_unreadable"),
    ],
)
def test_what_is_wrong_is_one_line(
    more: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ASKED, *more]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert code in said.err
