"""Deribit chains: JSON-RPC replies and the known CSV exports, recognised by their columns.

Each shape is one small table: which column carries what, whether volatility is in percent, where
the time stands. Prices of inverse options are in coin, of futures in USD, times in milliseconds or
ISO 8601. A bid or ask of 0 is how a ticker writes "none".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.chain import Quote
from crossmargin.venues.market_text import Table, number, read_bytes, read_csv
from crossmargin.venues.reading import json_value

__all__ = ["SHAPES", "Reading", "Shape", "check_vol_unit", "read_deribit", "recognise"]

VENUE = "deribit"
# A volatility column whose median is below 3 % or above 300 % is in the other unit.
_UNIT_BORDER = 3.0


@dataclass(frozen=True, slots=True)
class Shape:
    """One file format: ``columns`` maps a field of Quote to the column that carries it."""

    name: str
    requires: frozenset[str]
    columns: Mapping[str, str]
    time: str | None = None  # column of the row's time; None: the file carries none
    instrument: str = "instrument_name"
    percent: bool = True  # volatilities in percent, else fractions
    companion: bool = False  # prices that accompany a chain, many times in one file
    mark_verdict: str = "ok"
    name_of: Callable[[Mapping[str, Any], str], str] | None = field(default=None)


def _min_chain_name(row: Mapping[str, Any], currency: str) -> str:
    """``BTC-25MAY24-63000-C`` from maturity, strike and option type."""
    day, month, year = (int(row["maturity"][a:b]) for a, b in ((8, 10), (5, 7), (2, 4)))
    months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
    strike = f"{float(row['strike']):.8f}".rstrip("0").rstrip(".").replace(".", "d")
    right = {"call": "C", "put": "P"}[row["option_type"]]
    return f"{currency}-{day}{months[month - 1]}{year:02d}-{strike}-{right}"


_TICKER = {
    "mark": "mark_price",
    "mark_iv": "mark_iv",
    "bid": "best_bid_price",
    "ask": "best_ask_price",
    "bid_size": "best_bid_amount",
    "ask_size": "best_ask_amount",
    "open_interest": "open_interest",
    "forward": "underlying_price",
    "index_price": "index_price",
    "rate": "interest_rate",
    "funding_8h": "funding_8h",
}
_SUMMARY = {
    "mark": "mark_price",
    "mark_iv": "mark_iv",
    "bid": "bid_price",
    "ask": "ask_price",
    "open_interest": "open_interest",
    "forward": "underlying_price",
    "index_price": "estimated_delivery_price",
    "rate": "interest_rate",
    "funding_8h": "funding_8h",
}

SHAPES: tuple[Shape, ...] = (
    Shape(
        "chain snapshot",
        frozenset({"timestamp", "instrument_name", "implied_volatility", "futures_price"}),
        {
            "mark": "mark_price",
            "mark_iv": "implied_volatility",
            "bid": "bid_price",
            "ask": "ask_price",
            "open_interest": "open_interest",
            "forward": "underlying",
            "index_price": "index_price",
        },
        time="timestamp",
        percent=False,
    ),
    Shape(
        "ticker",
        frozenset({"instrument_name", "timestamp", "mark_price", "index_price", "best_bid_price"}),
        _TICKER,
        time="timestamp",
    ),
    Shape(
        "book summary",
        frozenset(
            {"instrument_name", "creation_timestamp", "mark_price", "volume_usd", "mid_price"}
        ),
        _SUMMARY,
        time="creation_timestamp",
    ),
    Shape(
        "chain with greeks",
        frozenset({"instrument_name", "spot_ref", "bid_iv", "best_bid_price", "mark_iv"}),
        {**_TICKER, "index_price": "spot_ref"},
    ),
    Shape(
        "least chain",
        frozenset({"option_type", "strike", "maturity", "mark_price", "mark_iv", "index_price"}),
        {"mark": "mark_price", "mark_iv": "mark_iv", "index_price": "index_price"},
        name_of=_min_chain_name,
    ),
    Shape(
        "page export",
        frozenset({"Instrument", "IV Bid", "Bid", "Mark", "Ask", "IV Ask", "Size"}),
        {
            "mark": "Mark",
            "bid": "Bid",
            "ask": "Ask",
            "bid_size": "Size",
            "ask_size": "Size#2",
            "open_interest": "Open",
        },
        instrument="Instrument",
    ),
    Shape(
        "perpetual prices",
        frozenset({"snapshot_timestamp_ms", "instrument_name", "perp_futures_mark_price"}),
        {"mark": "perp_futures_mark_price"},
        time="snapshot_timestamp_ms",
        companion=True,
        mark_verdict="estimated",  # a candle's price, not the venue's mark
    ),
    Shape(
        "future marks",
        frozenset({"snapshot_timestamp_ms", "futures_instrument_name", "snapshot_term_mark_price"}),
        {"mark": "snapshot_term_mark_price"},
        time="snapshot_timestamp_ms",
        instrument="futures_instrument_name",
        companion=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The quotes of one file. ``timed`` is False where its rows carry no time of observation."""

    quotes: tuple[Quote, ...]
    timed: bool
    companion: bool = False


def recognise(columns: Iterable[str], path: str) -> Shape:
    """The shape that these columns have; InputError ``column_unknown`` if none fits."""
    held = set(columns)
    for shape in SHAPES:
        if shape.requires <= held:
            return shape
    closest = min(SHAPES, key=lambda shape: len(shape.requires - held))
    raise InputError(
        "column_unknown",
        "the columns are not those of a known market file",
        place=path,
        value=", ".join(sorted(held))[:160],
        limit="; ".join(shape.name for shape in SHAPES),
        remedy=f"Closest: {closest.name}; it also has "
        f"{', '.join(sorted(closest.requires - held))}.",
    )


def read_deribit(
    path: str | Path, *, at_ms: int | None = None, currency: str | None = None
) -> Reading:
    """The quotes of a JSON reply or CSV export; files without times are read as of ``at_ms``.

    ``currency`` names the underlying where the file does not (the least chain).
    Raises InputError: file_unreadable, column_unknown, column_missing, number_unreadable,
    number_not_finite, instrument_unknown, unit_wrong, line_too_long.
    """
    name = Path(path).name
    stem = name.removesuffix(".gz")
    if stem.endswith((".json", ".jsonl")):
        table = _json_table(path)
    else:
        table = read_csv(path)
    if not table.rows:
        raise InputError(
            "file_unreadable",
            "the file holds no row",
            place=name,
            limit="at least one row",
            remedy="Export the chain again.",
        )
    shape = recognise(table.columns, name)
    if shape.time is None and at_ms is None:
        raise InputError(
            "column_missing",
            f"a {shape.name} carries no time",
            place=name,
            limit="a time of observation",
            remedy="Give the time at which it was taken (--at 2026-02-28T12:00:00Z).",
        )
    quotes = _quotes(table, shape, 0 if at_ms is None else at_ms, currency)
    return Reading(quotes, shape.time is not None, shape.companion)


def _json_table(path: str | Path) -> Table:
    """Rows of a JSON-RPC reply: ``result`` is a list of summaries or one ticker."""
    name = Path(path).name
    reply = json_value(read_bytes(path), name)
    result = reply.get("result") if isinstance(reply, dict) else reply
    rows = [result] if isinstance(result, dict) else result
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(
            "file_unreadable",
            "the reply holds no list of instruments",
            place=name,
            limit='{"result": [{"instrument_name": ...}, ...]}',
            remedy="Give the reply of get_book_summary_by_currency or of ticker.",
        )
    columns = dict.fromkeys(column for row in rows for column in row)
    return Table(name, tuple(columns), rows)


def _quotes(table: Table, shape: Shape, at_ms: int, currency: str | None) -> tuple[Quote, ...]:
    held = set(table.columns)
    columns = {name: column for name, column in shape.columns.items() if column in held}
    _check_unit(table, shape)
    quotes = []
    for count, row in enumerate(table.rows):
        place = f"{table.path} row {count + 1}"
        item = _instrument(row, shape, currency, place)
        event_ms = at_ms if shape.time is None else _time(row.get(shape.time), place)
        values = {
            name: number(row.get(column), f"{place} {column}") for name, column in columns.items()
        }
        quotes.append(_quote(item, event_ms, f"{VENUE} {shape.name}", values, shape))
    return tuple(quotes)


def _time(cell: object, place: str) -> int:
    return parse_ms(cell if isinstance(cell, int) else str(cell), place)


def _quote(
    item: Instrument,
    event_ms: int,
    source: str,
    values: dict[str, float | None],
    shape: Shape,
) -> Quote:
    for side in ("bid", "ask"):
        if values.get(side) == 0.0:
            values[side] = None
            values.pop(f"{side}_size", None)
    if item.kind != Kind.OPTION:
        values.pop("mark_iv", None)
        values.pop("forward", None)
        values.pop("rate", None)
    vol = values.get("mark_iv")
    if vol is not None and shape.percent:
        values["mark_iv"] = vol / 100.0
    return Quote(item, event_ms, source, mark_verdict=shape.mark_verdict, **values)


def _instrument(
    row: Mapping[str, Any], shape: Shape, currency: str | None, place: str
) -> Instrument:
    if shape.name_of is None:
        return parse(VENUE, row.get(shape.instrument) or "")
    if currency is None:
        raise InputError(
            "column_missing",
            f"a {shape.name} does not name its underlying",
            place=place,
            limit="a currency",
            remedy="Give it (--currency BTC).",
        )
    try:
        return parse(VENUE, shape.name_of(row, currency))
    except (KeyError, ValueError, IndexError):
        raise InputError(
            "instrument_unknown",
            "maturity, strike or option type cannot be read",
            place=place,
            value=[row.get(c) for c in ("maturity", "strike", "option_type")],
            limit="2024-05-25 08:00:00, 63000.0, call or put",
            remedy="Correct the row.",
        ) from None


def _check_unit(table: Table, shape: Shape) -> None:
    """The median of the volatility column tells percent from fraction, whatever one row says."""
    column = shape.columns.get("mark_iv")
    if column is None or column not in table.columns:
        return
    values = [number(row.get(column), f"{table.path} {column}") for row in table.rows]
    known = [value for value in values if value is not None and value > 0.0]
    check_vol_unit(known, shape.percent, f"{table.path} column {column}")


def check_vol_unit(values: Sequence[float], percent: bool, place: str) -> None:
    """Raises InputError ``unit_wrong`` where the median volatility is in the other unit."""
    if not values:
        return
    middle = statistics.median(values)
    if (middle < _UNIT_BORDER) if percent else (middle > _UNIT_BORDER):
        raise InputError(
            "unit_wrong",
            "volatilities are fractions where percent is expected"
            if percent
            else "volatilities are percent where fractions are expected",
            place=place,
            value=middle,
            limit="a median of 3 % to 300 %",
            remedy="Export again, or convert the column.",
        )
