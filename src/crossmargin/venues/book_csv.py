"""Books from CSV: comma, UTF-8, one header line; streamed, strict, one error with file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.venues.assemble import Row
from crossmargin.venues.reading import text_lines, unreadable
from crossmargin.venues.table import check_columns, row_of

__all__ = ["csv_rows"]


def csv_rows(path: Path, venue: str | None = None, account: str | None = None) -> Iterator[Row]:
    """The rows of a CSV file with the columns of `table`; blank lines are passed over.

    Raises InputError with file, line and column.
    """
    reader = csv.reader(text_lines(path), strict=True)
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as cause:
            raise unreadable(f"not a CSV line ({cause})", f"{path}:{reader.line_num}") from None
        if cells is None:
            return
        place = f"{path}:{reader.line_num}"
        if not cells:
            continue
        if names is None:
            names = cells
            check_columns(names, place, venue=venue is not None)
            continue
        if len(cells) != len(names):
            raise InputError(
                "column_missing" if len(cells) < len(names) else "column_unknown",
                "the line has another number of cells than the header",
                place=place,
                value=len(cells),
                limit=str(len(names)),
                remedy="Check commas and quotes; numbers take no thousands separators.",
            )
        yield row_of(dict(zip(names, cells, strict=True)), place, venue, account)
