"""Cases of the sensitivity files: lines by id, populations of cases, numbers as recorded."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.arrays import Floats
from crossmargin.instruments.book import Book
from crossmargin.instruments.factors import RISK_CLASSES, factor_of
from crossmargin.margin.families.sensitivity_parameters import Row, SensitivitySet, set_of
from crossmargin.margin.families.sensitivity_totals import Totals, table_of, totals
from crossmargin.venues.crif import CrifLine, read_crif
from crossmargin.venues.crif_book import crif_book
from crossmargin.venues.sensitivity_files import read_rows

HORIZONS = (10, 1)
_SETS: dict[tuple[Path, str, int], SensitivitySet] = {}
_ROWS: dict[Path, tuple[Row, ...]] = {}


def files(folder: Path, pattern: str) -> list[Path]:
    """The files of a pattern; the test is skipped, with the reason, where there is none."""
    found = sorted(folder.glob(pattern))
    if not found:
        pytest.skip(f"no file {pattern} in the --vectors folder")
    return found


def records(path: Path) -> list[dict[str, str]]:
    """The records of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def numbers(folder: Path, version: str, horizon_days: int) -> SensitivitySet:
    """A version's numbers, read once; every file of parameters of the folder is looked at."""
    for path in files(folder, "simm_parameters_*.csv"):
        if path not in _ROWS:
            _ROWS[path] = read_rows(path)
        rows, key = _ROWS[path], (path, version, horizon_days)
        if key not in _SETS and any(row[0] == version for row in rows):
            _SETS[key] = set_of(rows, version, horizon_days, path.name)
        if key in _SETS:
            return _SETS[key]
    pytest.skip(f"no parameters of version {version} in the --vectors folder")


def by_id(path: Path) -> dict[str, CrifLine]:
    """Lines of a file by their id."""
    return {dict(line.other)["id"]: line for line in read_crif(path)}


def lines_of(inputs: str, known: dict[str, CrifLine], account: str) -> list[CrifLine]:
    """The lines of one case: ids, ``ID*n`` standing for n times the line."""
    out = []
    for word in inputs.split():
        name, _, times = word.partition("*")
        line = known[name]
        out.append(replace(line, account=account, amount=line.amount * int(times or 1)))
    return out


def population(cases: Sequence[dict[str, str]], known: dict[str, CrifLine]) -> Book:
    """One account a case."""
    return crif_book([line for c in cases for line in lines_of(c["inputs"], known, c["case"])])


def correlated(parts: Floats, found: SensitivitySet) -> float:
    """Across risk classes [6], of one margin type or of all: with their correlations."""
    form = 0.0
    for i, first in enumerate(RISK_CLASSES):
        for j, second in enumerate(RISK_CLASSES):
            psi = 1.0 if i == j else found.number("RiskClass", "Correlation", "", "", first, second)
            form += psi * float(parts[i]) * float(parts[j])
    return float(np.sqrt(max(form, 0.0)))


def margined(book: Book, found: SensitivitySet) -> dict[str, int | Totals]:
    """Totals of a population, and the row of each account by name under ``names``."""
    table = table_of([factor_of(i.native_id) for i in book.instruments.items], found)
    result = totals(table, book.row, book.column, book.quantity)
    assert np.isfinite(result.im_usd).all()
    return {"totals": result, **{name: k for k, name in enumerate(book.account)}}
