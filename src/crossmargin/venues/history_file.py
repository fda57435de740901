"""A history of prices and volatilities from a table: CSV (also gzip) or Parquet.

=============  ====================================================================
column         meaning
=============  ====================================================================
time           ISO 8601 with zone, or integer milliseconds; Parquet: also timestamps
underlying     BTC, ETH, ...
price          dollars per coin at that time; empty where only a volatility is known
vol            volatility at the money of thirty days as a fraction (0.55); optional
quote          the dollar in which the price is given (default USD); optional
=============  ====================================================================

One row a time and underlying, in any order. What is later than the market that the history joins is
not taken, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.market.fields import Row, pair_subject
from crossmargin.market.history import history_rows
from crossmargin.venues.market_file import parquet
from crossmargin.venues.market_text import number, read_csv

__all__ = ["read_history"]

_NEEDED = ("time", "underlying")
_KNOWN = (*_NEEDED, "price", "vol", "quote")
Cells = Mapping[str, Any]
Line = tuple[int, str, str, float | None, float | None]


def read_history(path: str | Path, as_of_ms: int) -> tuple[list[Row], dict[str, int]]:
    """Rows ``past_price`` and ``past_vol`` up to ``as_of_ms``; pair -> rows that are later.

    Raises InputError: column_missing, column_unknown, time_unreadable, number_unreadable,
    file_unreadable, duplicate_row; a value out of bounds is refused where the rows join a market.
    """
    name = Path(path).name
    lines: list[Line] = []
    later: dict[str, int] = {}
    seen: set[tuple[int, str]] = set()
    for number_, cells in enumerate(_cells(path), start=2):
        line = _line(cells, f"{name} line {number_}")
        if line[:2] in seen:
            raise InputError(
                "duplicate_row",
                "two rows are of one time and underlying",
                place=f"{name} line {number_}",
                value=f"{cells['time']} {line[1]}",
                limit="one row each",
                remedy="Keep one of them.",
            )
        seen.add(line[:2])
        if line[0] > as_of_ms:
            pair = pair_subject(line[1], line[2])
            later[pair] = later.get(pair, 0) + 1
        else:
            lines.append(line)
    return history_rows(lines, name), later


def _cells(path: str | Path) -> Iterator[Cells]:
    if Path(path).suffix == ".parquet":
        table = parquet(path).read()
        _check(tuple(table.column_names), Path(path).name)
        columns = {each: table.column(each).to_pylist() for each in table.column_names}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))
        return
    text = read_csv(path)
    _check(text.columns, text.path)
    yield from text.rows


def _check(columns: tuple[str, ...], name: str) -> None:
    missing = [each for each in _NEEDED if each not in columns]
    if not {"price", "vol"} & set(columns):
        missing.append("price")
    if missing:
        raise InputError(
            "column_missing",
            "a history lacks columns",
            place=name,
            value=", ".join(columns),
            limit=", ".join(missing),
            remedy="Give time, underlying, price and where there is one, vol.",
        )
    odd = [each for each in columns if each not in _KNOWN]
    if odd:
        raise InputError(
            "column_unknown",
            "a column is not part of a history",
            place=name,
            value=odd[0],
            limit=", ".join(_KNOWN),
            remedy="Rename or remove the column.",
        )


def _line(cells: Cells, place: str) -> Line:
    time = cells["time"]
    moment = int(time.timestamp() * 1000) if hasattr(time, "timestamp") else time
    underlying = str(cells["underlying"] or "").strip()
    if not underlying:
        raise InputError(
            "column_missing", "a row names no underlying", place=place, remedy="Name the coin."
        )
    quote = str(cells.get("quote") or "USD").strip()
    price = number(cells.get("price"), f"{place} price")
    vol = number(cells.get("vol"), f"{place} vol")
    return parse_ms(moment, place), underlying, quote, price, vol
