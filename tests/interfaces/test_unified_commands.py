"""The command: what it prints and writes, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.interfaces.cli import main
from tests.interfaces.unified_case import copied

SAMPLE = ["unified", "sample:three-venues"]


def test_both_numbers_and_the_danger_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph, commitment = tmp_path / "g.svg", tmp_path / "c.json"
    assert main([*SAMPLE, "--graph", str(graph), "--commit", str(commitment)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the venues demand" in out
    assert "this binds" in out
    assert "economic net" in out
    assert "while the whole is healthy" in out
    assert str(graph) in out.replace(" ", "")
    assert graph.stat().st_size > 1_000
    assert main([*SAMPLE, "--against", str(commitment)]) == 0
    assert "every record is that of" in " ".join(capsys.readouterr().out.split())


def test_what_was_changed_since_the_commitment_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commitment = tmp_path / "c.json"
    assert main([*SAMPLE, "--json", "--commit", str(commitment)]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "three venues"
    changed = copied(tmp_path, ("quantity = 126000", "quantity = 126001"))
    assert main(["unified", str(changed), "--csv", "--against", str(commitment)]) != 0
    assert "account/loan" in capsys.readouterr().err


def test_a_changed_market_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = copied(tmp_path)
    (tmp_path / "three-venues-perp.parquet").write_bytes(
        (tmp_path / "three-venues-pool.parquet").read_bytes()
    )
    assert main(["unified", str(place)]) != 0
    assert "hash_mismatch" in capsys.readouterr().err


def test_csv_holds_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SAMPLE, "--csv"]) == 0
    tables = {line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:]}
    wanted = {"totals", "accounts", "dangers", "transfers", "waterfall", "savings", "failures"}
    assert wanted <= tables


def test_forms_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SAMPLE, "--csv", "--json"]) != 0
    assert main([*SAMPLE, "--top", "-1"]) != 0
    assert "option_unknown" in capsys.readouterr().err
