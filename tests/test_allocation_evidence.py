"""The table of docs/allocation.md: its first column is the rules' own, its sums hold.

The plans take minutes: ``scripts/allocation_evidence.py CHAIN --check`` makes them again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import crossmargin as xm

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / "scripts" / "allocation_evidence.py"
sys.path.insert(0, str(SCRIPT.parent))
import allocation_evidence as evidence  # noqa: E402 # a script, not a module of the package

CHAIN = "20260205T212937Z"


def _rows() -> dict[str, list[str]]:
    text = (REPOSITORY / "docs" / evidence.PAGE).read_text("utf-8")
    own = text.split(evidence.BEGIN)[1].split(evidence.END)[0].strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in own]
    return {row[0]: row[1:] for row in cells}


def _numbers(cells: list[str]) -> list[float]:
    return [float(cell.replace(",", "")) for cell in cells if cell]


def test_the_table_adds_up() -> None:
    rows = _rows()
    each = [_numbers(rows[name]) for name in evidence.MODELS]
    total = _numbers(rows["**all**"])
    freed, cost = _numbers(rows["freed"]), _numbers(rows["cost, once"])
    worth, bound = _numbers(rows["worth over the days"]), _numbers(rows["bound"])
    assert rows["USD"] == ["now", *(name for name, _, _ in evidence.CASES)]
    for column, whole in enumerate(total):
        assert sum(own[column] for own in each) == pytest.approx(whole, abs=2.0)
    for k, (_, days, _) in enumerate(evidence.CASES):
        assert total[0] - total[k + 1] == pytest.approx(freed[k], abs=2.0)
        price = evidence.RATE * days / 365.0
        assert price * freed[k] - cost[k] == pytest.approx(worth[k], abs=2.0)
        assert worth[k] <= bound[k] + 1.0 or rows["proven"][k + 1] == "no"


def test_what_is_demanded_now_is_the_rules_own(pytestconfig: pytest.Config) -> None:
    folder = Path(pytestconfig.getoption("--market")).resolve() / "deribit"
    found = list(folder.rglob(f"*{CHAIN}*.csv.gz")) if folder.is_dir() else []
    if not found:
        pytest.skip("no recorded chain in the --market folder")
    snapshot = evidence.import_market(found[0])
    held = evidence.book(snapshot)
    assert sum("instrument" in row for row in held) == evidence.LEGS
    same = xm.allocate(held, snapshot, evidence.MODELS[:1], trades=False, transfers=False)
    shown = _numbers(_rows()[evidence.MODELS[0]])[0]
    assert same.figures["demand_before_usd"] == pytest.approx(shown, abs=0.51)


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert evidence.main([]) == 2
    assert "usage" in capsys.readouterr().err
