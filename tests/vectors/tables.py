"""Rows of CSV vector files: every file of a format, whatever it is called beyond the pattern."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest


def tables(metafunc: pytest.Metafunc, pattern: str) -> list[Path]:
    """The files of the vector folder that match; empty where the folder is absent."""
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    return sorted(folder.glob(pattern))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its head."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def given(metafunc: pytest.Metafunc, cases: list[tuple[str, object]], pattern: str) -> None:
    """One test a named case; a single skipped one, with the reason, where there is none."""
    reason = f"no case in {pattern} of the --vectors folder: give one with --vectors DIR"
    absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", [pytest.param(c, id=n) for n, c in cases] or [absent])
