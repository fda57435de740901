"""The committed table and plot of docs/dynamic.md are what the script makes of the history."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / "scripts" / "dynamic_evidence.py"
sys.path.insert(0, str(SCRIPT.parent))
import dynamic_evidence  # noqa: E402 # a script, not a module of the package


def test_the_page_is_what_the_history_gives(pytestconfig: pytest.Config) -> None:
    folder = Path(pytestconfig.getoption("--market")).resolve() / "prices"
    if not (folder / "binance_spot_1h_2017_2023.parquet").is_file():
        pytest.skip("no recorded hours in the --market folder")
    found = dynamic_evidence.measured(folder)
    text = (REPOSITORY / "docs" / dynamic_evidence.PAGE).read_text("utf-8")
    assert dynamic_evidence.table(found) in text
    drawn = (REPOSITORY / "docs" / dynamic_evidence.PLOT).read_text("utf-8")
    assert dynamic_evidence.plot(found) == drawn
    # What the page claims: no range under its floor, no step of a linear book beyond the cap.
    for name in ("long BTC", "short BTC", "long ETH"):
        margin = found[name, "dynamic"].margin
        assert (margin[1:] <= margin[:-1] * 1.25 * (1 + 1e-12)).all()
        floor = 0.10 if "BTC" in name else 0.12
        assert (margin >= floor * dynamic_evidence.DOLLARS * (1 - 1e-12)).all()


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert dynamic_evidence.main([]) == 2
    assert "usage" in capsys.readouterr().err
