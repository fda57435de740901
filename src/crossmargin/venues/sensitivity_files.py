"""Parameter files of the sensitivities model that a user names: flat CSV or TOML, one row a number.

Columns ``version, risk_class, block, item, mpor_days, bucket, label1, label2, value``; a TOML file
holds the same as ``[[row]]`` tables, whose value may be a number. The package ships no such file;
see the notice in ``sensitivity_parameters``.
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.margin.families.sensitivity_entries import with_numbers
from crossmargin.margin.families.sensitivity_parameters import (
    Row,
    SensitivitySet,
    set_of,
    versions_of,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.venues.reading import JSON_BYTES_MAX, file_bytes, text_lines, unreadable

__all__ = ["COLUMNS", "read_rows", "read_set", "with_file"]

COLUMNS = (
    "version",
    "risk_class",
    "block",
    "item",
    "mpor_days",
    "bucket",
    "label1",
    "label2",
    "value",
)


def read_rows(path: str | Path) -> tuple[Row, ...]:
    """The rows of a parameter file.

    Raises InputError ``column_missing``, ``column_unknown`` or ``file_unreadable`` with the place.
    """
    place = Path(path)
    if place.suffix.lower() == ".toml":
        return _toml_rows(place)
    reader = csv.reader(text_lines(place), strict=True)
    out: list[Row] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            where = f"{place}:{reader.line_num}"
            if not any(cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                _check_names(header, where)
                continue
            if len(cells) != len(header):
                raise _cells(where, len(cells))
            held = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            out.append(_row(held))
    except csv.Error as cause:
        raise unreadable(f"not a CSV line ({cause})", f"{place}:{reader.line_num}") from None
    return _some(out, place)


def read_set(path: str | Path, version: str, horizon_days: int = 10) -> SensitivitySet:
    """The checked set of one version and horizon; errors as :func:`read_rows` and ``set_of``."""
    return set_of(read_rows(path), version, horizon_days, str(path))


def with_file(base: Parameters, source: str) -> Parameters:
    """``base`` with the numbers of a file, ``FILE#VERSION`` naming one of several versions.

    Without a name the file must hold one version alone. Raises InputError ``version_unknown``, and
    as :func:`read_rows` and ``set_of``.
    """
    path, _, version = source.partition("#")
    rows = read_rows(path)
    known = versions_of(rows)
    if not version and len(known) > 1:
        raise InputError(
            "version_unknown",
            "the parameter file holds several versions",
            place=path,
            limit=", ".join(known),
            remedy=f"Name one, as in {Path(path).name}#{known[-1]}.",
        )
    return with_numbers(base, rows, version or known[0], path)


def _row(held: dict[str, str]) -> Row:
    a, b, c, d, e, f, g, h, i = (held[name] for name in COLUMNS)
    return a, b, c, d, e, f, g, h, i


def _some(rows: list[Row], place: Path) -> tuple[Row, ...]:
    if not rows:
        raise unreadable("the parameter file holds no row", str(place))
    return tuple(rows)


def _cells(where: str, count: int) -> InputError:
    return InputError(
        "column_missing" if count < len(COLUMNS) else "column_unknown",
        "the line has another number of cells than the header",
        place=where,
        value=count,
        limit=str(len(COLUMNS)),
        remedy="Check commas and quotes.",
    )


def _check_names(names: list[str], where: str) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InputError(
            "column_missing",
            "required columns are absent",
            place=where,
            value=", ".join(missing),
            limit=", ".join(COLUMNS),
            remedy="Add the columns.",
        )
    extra = [name for name in names if name not in COLUMNS] or names[len(COLUMNS) :]
    if extra:
        raise InputError(
            "column_unknown",
            "a column is not part of the format, or is given twice",
            place=where,
            value=", ".join(extra),
            limit=", ".join(COLUMNS),
            remedy="Remove the column.",
        )


def _toml_rows(place: Path) -> tuple[Row, ...]:
    try:
        content = tomllib.loads(file_bytes(place, JSON_BYTES_MAX).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise unreadable(f"not TOML ({cause})", str(place)) from None
    tables = content.get("row")
    if not isinstance(tables, list):
        raise unreadable("the file has no [[row]] tables", str(place), sorted(content))
    out = []
    for number, table in enumerate(tables, 1):
        where = f"{place} row {number}"
        if not isinstance(table, dict):
            raise unreadable("a row is a table", where, table)
        held = dict.fromkeys(("mpor_days", "bucket", "label1", "label2", "item"), "")
        held |= {str(name): str(value) for name, value in table.items()}
        _check_names(list(held), where)
        out.append(_row(held))
    return _some(out, place)
