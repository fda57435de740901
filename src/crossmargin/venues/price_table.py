"""Prices of several assets over time from one table: CSV (also gzip) or Parquet.

Two forms, told apart by their columns:

=======  ============================================================================
form     columns
=======  ============================================================================
long     time; underlying, symbol, asset or instrument; price or close (more are left)
wide     time, then one column an asset, named by it
=======  ============================================================================

The time column is `time`, `date`, `ts` or `timestamp`: ISO 8601 (a plain date is midnight UTC),
integer milliseconds, in Parquet also timestamps. Rows may come in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.venues.market_file import parquet
from crossmargin.venues.market_text import number, read_csv

__all__ = ["PriceTable", "common_period", "read_prices"]

_TIMES = ("time", "date", "ts", "timestamp")
_NAMES = ("underlying", "symbol", "asset", "instrument")
_PRICES = ("price", "close")
Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """``price[T, n]`` at ``times_ms[T]``, rising; NaN where an asset has none."""

    names: tuple[str, ...]
    times_ms: Longs
    price: Floats


def read_prices(path: str | Path, assets: Sequence[str] | None = None) -> PriceTable:
    """The table of a file, of the named assets alone where they are named.

    Raises InputError: column_missing, duplicate_row, time_unreadable, number_unreadable,
    number_out_of_range (a price that is not above 0), option_unknown (an asset that is not there).
    """
    name = Path(path).name
    columns, rows = _rows(path)
    time = _one_of(columns, _TIMES, name, "a time")
    wanted = None if assets is None else dict.fromkeys(assets)
    found: dict[str, dict[int, float]] = {}
    if long_form := next((each for each in _NAMES if each in columns), None):
        price = _one_of(columns, _PRICES, name, "a price")
        for line, cells in enumerate(rows, start=2):
            asset = str(cells[long_form])
            if wanted is None or asset in wanted:
                place = f"{name} line {line}"
                _put(found, asset, _time(cells[time], place), cells[price], place)
    else:
        names = [each for each in columns if each != time and (wanted is None or each in wanted)]
        for line, cells in enumerate(rows, start=2):
            place = f"{name} line {line}"
            at = _time(cells[time], place)
            for asset in names:
                _put(found, asset, at, cells[asset], f"{place} {asset}")
    return _table(found, wanted, name)


def common_period(table: PriceTable) -> tuple[PriceTable, int]:
    """From the first time at which every asset has a price to the last, and the rows left out.

    Raises MarketDataError ``history_gap`` where a price is missing in between, or fewer than three
    rows are common.
    """
    there = np.isfinite(table.price)
    whole = np.flatnonzero(there.all(axis=1))
    if len(whole) < 3:
        worst = int(np.argmin(there.sum(axis=0)))
        raise MarketDataError(
            "history_gap",
            "the assets have hardly a time in common",
            place=table.names[worst],
            value=len(whole),
            limit="3 or more common times",
            remedy="Leave that asset out with --assets.",
        )
    first, last = int(whole[0]), int(whole[-1]) + 1
    inside = there[first:last]
    if not inside.all():
        row, column = (int(i) for i in np.argwhere(~inside)[0])
        raise MarketDataError(
            "history_gap",
            "a price is missing in the middle of the history",
            place=f"{table.names[column]} at {int(table.times_ms[first + row])} ms",
            value=int((~inside).sum()),
            limit="none missing",
            remedy="Fill it, leave the asset out, or start later.",
        )
    kept = PriceTable(table.names, table.times_ms[first:last], table.price[first:last])
    return kept, len(table.times_ms) - (last - first)


def _rows(path: str | Path) -> tuple[tuple[str, ...], Iterator[Cells]]:
    if Path(path).suffix == ".parquet":
        table = parquet(path).read()
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        rows = zip(*columns.values(), strict=True)
        return tuple(columns), (dict(zip(columns, row, strict=True)) for row in rows)
    text = read_csv(path)
    return text.columns, iter(text.rows)


def _one_of(columns: Sequence[str], known: Sequence[str], name: str, what: str) -> str:
    found = next((each for each in known if each in columns), None)
    if found is None:
        raise InputError(
            "column_missing",
            f"a table of prices has {what}",
            place=name,
            value=", ".join(columns)[:120],
            limit=f"one of {', '.join(known)}",
            remedy="Name the column so.",
        )
    return found


def _time(cell: Any, place: str) -> int:
    if isinstance(cell, datetime):
        return (
            round(cell.timestamp() * 1000)
            if cell.tzinfo
            else parse_ms(f"{cell.isoformat()}Z", place)
        )
    if isinstance(cell, date):
        return parse_ms(f"{cell.isoformat()}T00:00:00Z", place)
    text = str(cell)
    if len(text) == len("2024-01-01") and text[4:5] == "-" == text[7:8]:
        text = f"{text}T00:00:00Z"
    return parse_ms(int(text) if text.isdigit() else text, place)


def _put(found: dict[str, dict[int, float]], asset: str, at: int, cell: Any, place: str) -> None:
    value = number(cell, place)
    if value is None:
        return
    if not value > 0.0:
        raise InputError(
            "number_out_of_range", "a price must be above 0", place=place, value=value, limit="> 0"
        )
    series = found.setdefault(asset, {})
    if at in series:
        raise InputError(
            "duplicate_row",
            "two prices are of one time and asset",
            place=place,
            value=asset,
            limit="one row each",
            remedy="Keep one of them.",
        )
    series[at] = value


def _table(
    found: dict[str, dict[int, float]], wanted: Mapping[str, None] | None, name: str
) -> PriceTable:
    names = tuple(found) if wanted is None else tuple(wanted)
    absent = [each for each in names if each not in found]
    if absent or not names:
        raise InputError(
            "option_unknown",
            "the table has no price of an asset",
            place=name,
            value=", ".join(absent)[:120],
            limit=", ".join(sorted(found)[:20]) or "a price",
            remedy="Name assets of the table.",
        )
    times = sorted({at for each in names for at in found[each]})
    row = {at: i for i, at in enumerate(times)}
    price = np.full((len(times), len(names)), np.nan)
    for column, each in enumerate(names):
        for at, value in found[each].items():
            price[row[at], column] = value
    return PriceTable(names, np.array(times, np.int64), price)
