from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.interfaces.cli import main
from tests.venues.replies import deribit_simulation, vector


@pytest.fixture
def payload(vectors_dir: Path, tmp_path: Path) -> Path:
    reply: Any = deribit_simulation(vector(vectors_dir, "V-DRB-1"))
    path = tmp_path / "get_params.json"
    path.write_text(json.dumps(reply["result"]["model_params"]), "utf-8")
    return path


def test_import_check_and_diff(
    payload: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set.toml"
    arguments = ["parameters", "import", "deribit", str(payload), "-o", str(out)]
    assert main([*arguments, "--effective-from", "2024-06-20T08:00Z"]) == 0
    assert "written to" in capsys.readouterr().out
    assert main(["parameters", "diff", "deribit-pm/2024-06-17", str(out)]) == 0
    assert "0 numbers differ" in capsys.readouterr().out
    assert main(["parameters", "check", "deribit", str(payload)]) == 0
    later = ["parameters", "check", "deribit", str(payload), "--as-of", "2026-10-01T00:00Z"]
    assert main([*later, "--json"]) == 1
    out_text = capsys.readouterr().out
    assert json.loads(out_text[out_text.index("{\n") :])["changes"]
    book = ["margin", "sample:retail-short-vol", "--market", "sample:market"]
    assert main([*book, "--model", "deribit-spm", "--params", str(out)]) == 0
    capsys.readouterr()


def test_a_scope_is_one_of_two(payload: Path, tmp_path: Path) -> None:
    out = tmp_path / "set.toml"
    arguments = ["parameters", "import", "deribit", str(payload), "-o", str(out)]
    assert main([*arguments, "--accounts", "a,b", "--until", "2025-01-01T00:00Z"]) == 2
    assert not out.exists()
    assert main([*arguments, "--accounts", "a, b"]) == 0
    assert 'accounts = ["a", "b"]' in out.read_text("utf-8")


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parameters", "check", "nowhere", str(tmp_path / "x.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
