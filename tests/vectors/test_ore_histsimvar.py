"""Historical simulation on the profit-and-loss series that ORE publishes with its examples."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest

from crossmargin.statistics.quantiles import Convention, expected_shortfall, value_at_risk

# From ORE's HistSimVar example at n = 715 and p = 1 %, and NumPy's other conventions on it.
ANCHORS = {
    Convention.INVERTED_CDF: 874_503.0,
    Convention.LINEAR: 872_903.0,
    Convention.WEIBULL: 904_540.0,
    Convention.HIGHER: 863_072.0,
}


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        pytest.skip(f"no {path.name} in the --vectors folder")
    with path.open(encoding="utf-8", newline="") as lines:
        return [{k.lstrip("#"): v for k, v in row.items()} for row in csv.DictReader(lines)]


def _pnl(folder: Path) -> dict[str, np.ndarray]:
    rows = _table(folder / "ore_histsimvar_pnl.csv")
    names = [name for name in rows[0] if not name.startswith("date")]
    return {name: np.array([float(row[name]) for row in rows]) for name in names}


def test_every_column_as_the_slow_way(vectors_dir: Path) -> None:
    for name, pnl in _pnl(vectors_dir).items():
        ordered = sorted(pnl.tolist())
        for p in (0.01, 0.05, 0.95, 0.99):
            rank = math.ceil(round(len(ordered) * p, 9))
            tail = ordered[:rank]
            level = 1.0 - p
            assert float(value_at_risk(pnl, level)) == -ordered[rank - 1], name
            mean = -math.fsum(tail) / rank
            assert float(expected_shortfall(pnl, level)) == pytest.approx(mean, rel=1e-12), name


def test_conventions_span_percents(vectors_dir: Path) -> None:
    pnl = _pnl(vectors_dir)["All"]
    if len(pnl) != 715:
        pytest.skip("the anchors are of the published series")
    for convention, anchor in ANCHORS.items():
        assert float(value_at_risk(pnl, 0.99, convention)) == pytest.approx(anchor, abs=0.6)


def test_expected(vectors_dir: Path) -> None:
    """The published table: a risk class a row, a quantile of the profit a column."""
    pnl = _pnl(vectors_dir)
    checked = 0
    for row in _table(vectors_dir / "ore_histsimvar_expected.csv"):
        names = [value for value in row.values() if value in pnl]
        shortfall = any(value.upper() in {"ES", "EXPECTED SHORTFALL"} for value in row.values())
        for column, value in row.items():
            place = re.search(r"0\.\d+$", column)
            if place is None or not names:
                continue
            take = expected_shortfall if shortfall else value_at_risk
            found = -float(
                take(pnl[names[-1] if names[0] == "All" else names[0]], 1.0 - float(place[0]))
            )
            assert found == pytest.approx(float(value), abs=5.1e-7), (row, column)
            checked += 1
    assert checked
