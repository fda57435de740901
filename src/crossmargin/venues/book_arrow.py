"""Books from Parquet and Arrow IPC files: the columns of the CSV form, typed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.venues.assemble import Row
from crossmargin.venues.reading import unreadable
from crossmargin.venues.table import Cell, check_columns, row_of

__all__ = ["arrow_rows"]


def arrow_rows(
    path: Path, form: str, venue: str | None = None, account: str | None = None
) -> Iterator[Row]:
    """The rows of a file of form ``parquet`` or ``arrow``.

    Texts are strings (dictionary-encoded too), numbers 64-bit floats, integers or decimals, flags
    booleans, times UTC timestamps, integer milliseconds or ISO texts. Raises InputError:
    ``extra_missing`` without pyarrow, ``file_unreadable`` for a damaged file, ``unit_wrong`` for
    a column of another type.
    """
    table = _open(path, form)
    names = [str(name) for name in table.column_names]
    check_columns(names, f"{path} schema", venue=venue is not None)
    columns = [_cells(table.column(k), f"{path} {name}") for k, name in enumerate(names)]
    for k, cells in enumerate(zip(*columns, strict=True)):
        yield row_of(dict(zip(names, cells, strict=True)), f"{path} row {k}", venue, account)


def _open(path: Path, form: str) -> Any:
    # pyarrow is an extra and costs 0.1 s to import: only here, where a file needs it.
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "extra_missing",
            "reading Parquet and Arrow needs pyarrow",
            place=str(path),
            limit="pyarrow",
            remedy="pip install crossmargin[files]",
        ) from None
    try:
        if form == "parquet":
            return pyarrow.parquet.ParquetFile(path).read()
        with pyarrow.OSFile(str(path), "rb") as source:
            return pyarrow.ipc.open_file(source).read_all()
    except OSError as cause:
        why = getattr(cause, "strerror", None) or "truncated or damaged"
        raise unreadable(f"the {form} file cannot be read ({why})", str(path)) from None
    except (pyarrow.ArrowException, ValueError) as cause:
        first = (str(cause).splitlines() or [""])[0][:160]
        raise unreadable(f"not a complete {form} file ({first})", str(path)) from None


def _cells(column: Any, place: str) -> list[Cell]:
    """One column as plain cells; a type that would lose or invent meaning is refused."""
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_dictionary(kind):
        kind = kind.value_type
    if kinds.is_timestamp(kind) and kind.tz is not None:
        # A timestamp with a zone is an instant: its whole milliseconds are exact.
        values = column.cast("int64").to_pylist()
        unit = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}[kind.unit]
        return [None if value is None else value * unit[0] // unit[1] for value in values]
    if kinds.is_decimal(kind):
        return [None if value is None else format(value, "f") for value in column.to_pylist()]
    accepted = (
        kinds.is_string(kind)
        or kinds.is_large_string(kind)
        or kinds.is_float64(kind)
        or kinds.is_integer(kind)
        or kinds.is_boolean(kind)
        or kinds.is_null(kind)
    )
    if not accepted:
        raise InputError(
            "unit_wrong",
            "a column has a type that the format does not take",
            place=place,
            value=str(kind),
            limit="string, float64, integer, decimal, boolean, timestamp with UTC zone",
            remedy="Cast the column (32-bit floats do not carry money).",
        )
    cells: list[Cell] = column.to_pylist()
    broken = [k for k, cell in enumerate(cells) if isinstance(cell, float) and math.isnan(cell)]
    if broken:
        raise InputError(
            "number_not_finite",
            "a number is NaN; an absent value is null",
            place=f"{place} row {broken[0]}",
            value=math.nan,
            limit="finite numbers or null",
            remedy="Write null where there is no value.",
        )
    return cells
