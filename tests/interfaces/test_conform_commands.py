from __future__ import annotations

import json

import pytest

from crossmargin.interfaces.cli import main


def test_the_card_of_one_model_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "fixed-rate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == 0
    assert found["models"][0]["model"] == "fixed-rate"


def test_forms_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "fixed-rate", "--json", "--csv"]) == 2
    assert "exclude" in capsys.readouterr().err
