"""The command allocate: its flags reach the verb, its files are written, bad pairs are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main


def test_a_cure_on_screen_and_in_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--buffer-usd", "perp=20000", "--rate", "0", "--no-trades"]
    plot, intents = tmp_path / "plan.html", tmp_path / "plan.json"
    files = ["--plot", str(plot), "--intents", str(intents)]
    assert main(["allocate", "sample:three-venues", *flags, *files]) == 0
    shown = capsys.readouterr().out
    assert "Transfers" in shown and f"written: {intents} (" in shown
    assert plot.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert json.loads(intents.read_text("utf-8"))["groups"]


def test_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["allocate", "sample:three-venues", "--no-transfers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transfers"] == []
    assert main(["allocate", "sample:three-venues", "--no-transfers", "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,")


@pytest.mark.parametrize("pair", ["perp", "perp=", "=5", "perp=x"])
def test_a_bad_pair_is_refused(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["allocate", "sample:three-venues", "--buffer-usd", pair]) == 2
    assert "--buffer-usd" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_before_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ["--buffer-usd", "perp=20000", "--rate", "0", "--intents", "plan.txt"]
    assert main(["allocate", "sample:three-venues", *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "--intents" in shown.err


@pytest.mark.parametrize(("flag", "name"), [("--intents", "x.txt"), ("--plot", "x.pdf")])
def test_a_wrong_ending_is_refused_before_the_search(
    flag: str, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("the search ran")

    monkeypatch.setattr("crossmargin.interfaces.allocate.allocate", never)
    assert main(["allocate", "sample:three-venues", flag, name]) == 2
    assert flag in capsys.readouterr().err
