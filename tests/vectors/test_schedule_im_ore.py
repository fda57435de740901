"""The schedule on ORE's example: gross margin, net to gross, and what is called and posted.

The file states amounts to the cent and the ratio to six places. The values of the trades are
rounded too, so a sum is known to half a cent for each, and the ratio to what that makes of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin.families.schedule_grid import (
    Schedule,
    ScheduleTrade,
    schedule_margin,
    schedule_of,
)
from crossmargin.margin.parameter_files import load
from tests.vectors.recording import seen
from tests.vectors.tables import given, rows, tables

PATTERN = "schedule_im_*_trades.csv"
HALF = 0.00501  # half a cent
CLASSES = {
    "rates": "rates",
    "fx": "fx",
    "credit": "credit",
    "equity": "equity",
    "commodity": "commodity",
    "other": "other",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test a row of expected totals, with its trades."""
    found: list[tuple[str, object]] = []
    for path in tables(metafunc, PATTERN):
        other = path.with_name(path.name.replace("_trades", "_expected"))
        trades = rows(path)
        for k, row in enumerate(rows(other) if other.is_file() else []):
            mine = [t for t in trades if row["Portfolio"] in ("All", t["Portfolio"])]
            found.append((f"{k}-{row['Side']}-{row['ProductClass']}", (path, row, mine)))
    given(metafunc, found, PATTERN)


def schedule() -> Schedule:
    return schedule_of(load("schedule-im", utc_ms(2026, 12, 1, 0)))


def trade_of(row: dict[str, str]) -> ScheduleTrade:
    return ScheduleTrade(
        CLASSES[row["ProductClass"].lower()],
        float(row["Maturity"]),
        float(row["Notional(Base)"]),
        float(row["PV(Base)"]),
    )


def test_case(sample: Any) -> None:
    path: Path = sample[0]
    row, lines = sample[1], sample[2]
    kinds = {line["ProductClass"] for line in lines}
    if row["ProductClass"] != "All":
        lines = [line for line in lines if line["ProductClass"] == row["ProductClass"]]
    sets: dict[str, list[ScheduleTrade]] = {}
    for line in lines:
        sets.setdefault(line["Portfolio"], []).append(trade_of(line))
    side = row["Side"].lower()
    found = [schedule_margin(trades, schedule(), side) for trades in sets.values()]
    whole = row["ProductClass"] == "All"
    names = {
        "GrossIM": sum(each.gross for each in found),
        "NetToGrossRatio": found[0].net_to_gross,
        "GrossCurrentRC": found[0].gross_value,
        "NetCurrentRC": found[0].net_value,
        # A class alone is not eased: the ratio is the netting set's.
        "ScheduleIM": sum(each.margin if whole else each.gross for each in found),
    }
    assert kinds
    known = HALF * (len(lines) + 1)  # amounts: the inputs' halves, and the result's
    worth = sum(each.gross_value for each in found)
    ratio = 5.1e-7 + 2.0 * known / max(worth, 1.0)
    slack = {"NetToGrossRatio": ratio, "ScheduleIM": known + ratio * names["GrossIM"]}
    compared = 0
    for name, ours in names.items():
        if row[name].startswith("#"):
            continue
        theirs = abs(float(row[name]))
        assert ours == pytest.approx(theirs, abs=slack.get(name, known)), name
        seen("schedule-im", "suite", path.name, f"{row['Side']} {name}", ours, theirs, scale=1.0)
        compared += 1
    assert compared


def test_each_trade(vectors_dir: Path) -> None:
    paths = sorted(vectors_dir.glob(PATTERN))
    if not paths:
        pytest.skip(f"no file {PATTERN} in the --vectors folder")
    for path in paths:
        for row in rows(path):
            one = schedule_margin([trade_of(row)], schedule(), "call")
            assert one.gross == pytest.approx(float(row["GrossIM(Base)"]), abs=HALF)
