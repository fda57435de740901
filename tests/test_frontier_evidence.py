"""The committed table of docs/frontier.md is what the script makes of the recorded prices."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "frontier_evidence.py"
sys.path.insert(0, str(SCRIPT.parent))
import frontier_evidence  # noqa: E402 # a script, not a module of the package


def test_the_page_is_what_the_prices_give(pytestconfig: pytest.Config) -> None:
    folder = Path(pytestconfig.getoption("--market")).resolve() / "prices"
    if not (folder / frontier_evidence.PERPS).is_file():
        pytest.skip("no recorded prices in the --market folder")
    assert frontier_evidence.table(folder) in frontier_evidence.PAGE.read_text("utf-8")


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert frontier_evidence.main([]) == 2
    assert "usage" in capsys.readouterr().err
