"""The six-hourly panel of option chains (Parquet): one instant of it as quotes.

Columns: ts (UTC) | instrument_name | underlying_price, index_price (USD) | bid_price, ask_price,
mark_price (coin, null = none) | mark_iv (percent) | open_interest. Only the time column is read in
full; of the rest no more than the rows of the chosen instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.symbology import parse
from crossmargin.market.chain import Quote
from crossmargin.venues.market_deribit import VENUE, Reading, check_vol_unit
from crossmargin.venues.market_file import parquet

__all__ = ["AWAY_MS_MAX", "is_panel", "read_panel", "refuse_far"]

# Chains of the panel are six hours apart; further from any of them there is no market to speak of.
AWAY_MS_MAX = 12 * 3_600_000
_COLUMNS = (
    "instrument_name",
    "underlying_price",
    "index_price",
    "bid_price",
    "ask_price",
    "mark_price",
    "mark_iv",
    "open_interest",
)


def is_panel(names: set[str]) -> bool:
    """Whether a Parquet file with these columns is a panel."""
    return {"ts", *_COLUMNS} <= names


def refuse_far(nearest_ms: int, at_ms: int, path: str) -> None:
    """InputError ``number_out_of_range`` where the nearest chain is not of that time at all."""
    if abs(nearest_ms - at_ms) > AWAY_MS_MAX:
        raise InputError(
            "number_out_of_range",
            "no chain was taken near that time",
            place=path,
            value=format_ms(at_ms),
            limit=f"within {AWAY_MS_MAX // 3_600_000} h of a chain; the nearest is "
            f"{format_ms(nearest_ms)}",
            remedy="Choose a time that the file covers.",
        )


def read_panel(path: str | Path, at_ms: int | None) -> Reading:
    """The chain nearest to ``at_ms``, ties to the earlier; without a time, the latest chain.

    Raises InputError: file_unreadable, extra_missing, number_out_of_range, number_not_finite,
    unit_wrong, instrument_unknown.
    """
    name = Path(path).name
    handle = parquet(path)
    try:
        times = _times(handle.read(columns=["ts"]), name)
        stamps = np.unique(times)
        if stamps.size == 0:
            raise InputError("file_unreadable", "the panel holds no row", place=name)
        if at_ms is None:
            chosen = int(stamps[-1])
        else:
            chosen = int(stamps[np.argmin(np.abs(stamps - at_ms))])
            refuse_far(chosen, at_ms, name)
        chain = _rows_at(handle, times == chosen)
    except (OSError, ValueError) as cause:
        raise InputError(
            "file_unreadable",
            f"the Parquet file is damaged ({type(cause).__name__})",
            place=name,
            remedy="Fetch the complete file again.",
        ) from None
    return Reading(_quotes(chain, chosen, name), timed=True)


def _times(table: Any, name: str) -> Any:
    column = table.column("ts")
    if column.null_count or not str(column.type).startswith("timestamp[ms"):
        raise InputError(
            "unit_wrong",
            "ts must be a time stamp in milliseconds, without nulls",
            place=name,
            value=str(column.type),
            limit="timestamp[ms]",
            remedy="Write the panel with millisecond time stamps.",
        )
    return column.cast("int64").to_numpy()


def _rows_at(handle: Any, wanted: Any) -> dict[str, list[Any]]:
    """The wanted rows as columns of Python values; row groups without any are not decoded."""
    start = 0
    out: dict[str, list[Any]] = {column: [] for column in _COLUMNS}
    for group in range(handle.num_row_groups):
        stop = start + handle.metadata.row_group(group).num_rows
        here = np.flatnonzero(wanted[start:stop])
        if here.size:
            part = handle.read_row_group(group, columns=list(_COLUMNS)).take(here)
            for column in _COLUMNS:
                out[column].extend(part.column(column).to_pylist())
        start = stop
    return out


def _quotes(chain: dict[str, list[Any]], at_ms: int, name: str) -> tuple[Quote, ...]:
    vols = [vol for vol in chain["mark_iv"] if vol is not None and vol > 0.0]
    check_vol_unit(vols, True, f"{name} column mark_iv")
    source = f"{VENUE} panel"
    return tuple(
        Quote(
            instrument=parse(VENUE, native_id),
            event_ms=at_ms,
            source=source,
            mark=mark,
            mark_iv=None if vol is None else vol / 100.0,
            bid=bid or None,
            ask=ask or None,
            open_interest=interest,
            forward=forward,
            index_price=index,
        )
        for native_id, forward, index, bid, ask, mark, vol, interest in zip(
            *(chain[column] for column in _COLUMNS), strict=True
        )
    )
