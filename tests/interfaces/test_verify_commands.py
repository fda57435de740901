from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.interfaces.cli import main
from tests.vectors.test_cex import test_case as published_form
from tests.venues.replies import deribit_simulation, vector


@pytest.fixture(scope="module")
def reply(vectors_dir: Path) -> dict[str, Any]:
    return deribit_simulation(vector(vectors_dir, "V-DRB-1"))


def written(folder: Path, content: Any) -> str:
    path = folder / "reply.json"
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


def test_the_exit_status_says_whether_it_holds(
    reply: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "deribit", written(tmp_path, reply)]) == 0
    assert "holds" in capsys.readouterr().out
    changed = copy.deepcopy(reply)
    changed["result"]["margins"]["btc"]["maintenance_margin"] = 0.05
    assert main(["verify", "deribit", written(tmp_path, changed)]) == 1
    assert "mm_factor" in capsys.readouterr().out
    del changed["result"]["ticker"]
    assert main(["verify", "deribit", written(tmp_path, changed)]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.count("\n") == 1
    assert "ticker" in seen.err


def test_json_and_csv(reply: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, reply)
    assert main(["verify", "deribit", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    assert main(["verify", "deribit", path, "--csv"]) == 0
    assert "risk_matrix_margin" in capsys.readouterr().out


def test_a_case_to_give_away(
    reply: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = written(tmp_path, reply), tmp_path / "case.json"
    assert main(["verify", "deribit", path, "--contribute", str(out), "--seed", "7"]) == 0
    first = out.read_text("utf-8")
    assert main(["verify", "deribit", path, "--contribute", str(out), "--seed", "7"]) == 0
    assert out.read_text("utf-8") == first
    published_form(json.loads(first)["vectors"][0])
    assert main(["verify", "deribit", path, "--contribute", str(out), "--scale", "1"]) == 2
    nowhere = str(tmp_path / "no" / "case.json")
    assert main(["verify", "deribit", path, "--contribute", nowhere, "--scale", "2"]) == 2
    capsys.readouterr()
