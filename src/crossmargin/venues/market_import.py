"""Market files of any known shape, one or several, to one coherent snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from crossmargin.core.arrays import Longs
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.market.chain import Quote, assemble
from crossmargin.market.fields import Row, pair_subject
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.history_file import read_history
from crossmargin.venues.market_deribit import Reading, read_deribit
from crossmargin.venues.market_file import is_snapshot, parquet, read_snapshot
from crossmargin.venues.market_panel import is_panel, read_panel, refuse_far

__all__ = ["import_market", "read_market"]

# Rows of one reading lie closer together than this, two readings in one file further apart.
PASS_GAP_MS = 60_000
# A companion price belongs to a chain if it was taken this close to it.
COMPANION_MS_MAX = 60_000


def read_market(
    path: str | Path,
    *,
    at_ms: int | None = None,
    currency: str | None = None,
) -> Snapshot:
    """A snapshot from its own Parquet format, or from any importable file directly."""
    if _is_written(path):
        return read_snapshot(path)
    return import_market([path], at_ms=at_ms, currency=currency)


def import_market(
    paths: str | Path | Sequence[str | Path],
    at_ms: int | None = None,
    currency: str | None = None,
    *,
    usd: Mapping[str, float] | None = None,
    index: Mapping[str, float] | None = None,
    history: str | Path | None = None,
) -> Snapshot:
    """Merge the chains of several files at one time into one snapshot.

    ``at_ms``: the nearest chain of each file is taken; needed where a file carries no time, else
    the latest chain. ``currency``: the underlying of files that do not name it. ``usd``: dollars
    per unit of a stablecoin, ``index``: pair ``BTC/USD`` -> index; both are taken as given.
    Companion files (perpetual prices, future marks) join the chains of the same minute.
    ``history``: earlier prices and volatilities (`history_file`), also for a snapshot alone.
    Raises CrossMarginError with one code; see the readers and Snapshot.of.
    """
    names = [paths] if isinstance(paths, str | Path) else list(paths)
    if history is not None and len(names) == 1 and _is_written(names[0]):
        return _with_history(read_snapshot(names[0]), history)
    readings = [(Path(p).name, _read(p, at_ms, currency)) for p in names]
    chains = [(name, reading) for name, reading in readings if not reading.companion]
    if not chains:
        raise InputError(
            "column_missing",
            "no file holds a chain; perpetual prices and future marks only accompany one",
            place=", ".join(name for name, _ in readings),
            remedy="Give the chain as well.",
        )
    quotes: list[Quote] = []
    ignored: dict[str, int] = {}
    for name, reading in chains:
        taken = _one_pass(reading, at_ms, name) if reading.timed else reading.quotes
        quotes.extend(taken)
        if len(taken) < len(reading.quotes):
            pair = pair_subject(taken[0].instrument.underlying, taken[0].instrument.quote)
            ignored[pair] = ignored.get(pair, 0) + len(reading.quotes) - len(taken)
    timed = all(reading.timed for _, reading in chains)
    as_of_ms = max(q.event_ms for q in quotes) if timed or at_ms is None else at_ms
    held = {quote.instrument.key for quote in quotes}
    for _, reading in readings:
        if reading.companion:
            quotes.extend(q for q in _companions(reading, as_of_ms) if q.instrument.key not in held)
    extra = _given(usd or {}, index or {}, as_of_ms)
    times = ("rows of another time", as_of_ms, as_of_ms)
    extra += [Row("rows_ignored", pair, float(n), "rows", *times) for pair, n in ignored.items()]
    made = assemble(quotes, as_of_ms, extra=extra)
    return made if history is None else _with_history(made, history)


def _with_history(snapshot: Snapshot, path: str | Path) -> Snapshot:
    """The snapshot with the rows of a history; what is later than it is counted, not taken."""
    rows, later = read_history(path, snapshot.as_of_ms)
    now = snapshot.as_of_ms
    for pair, count in later.items():
        total = float(count) + (snapshot.get("rows_ignored", pair) or 0.0)
        rows.append(Row("rows_ignored", pair, total, "rows", "rows of another time", now, now))
    return snapshot.with_rows(rows)


def _given(usd: Mapping[str, float], index: Mapping[str, float], as_of_ms: int) -> list[Row]:
    times = ("given by the caller", as_of_ms, as_of_ms)
    rows = [Row("usd", name, float(value), "USD", *times) for name, value in usd.items()]
    return rows + [
        Row("index", pair, float(value), pair.rpartition("/")[2], *times)
        for pair, value in index.items()
    ]


def _is_written(path: str | Path) -> bool:
    """Whether the file is a snapshot in the package's own form."""
    return _parquet_like(path) and is_snapshot(parquet(path).schema_arrow.metadata)


def _parquet_like(path: str | Path) -> bool:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(4) == b"PAR1" or Path(path).suffix == ".parquet"
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"cannot read the file ({type(cause).__name__})",
            place=Path(path).name,
            remedy="Check the path.",
        ) from None


def _read(path: str | Path, at_ms: int | None, currency: str | None) -> Reading:
    if not _parquet_like(path):
        return read_deribit(path, at_ms=at_ms, currency=currency)
    columns = set(parquet(path).schema_arrow.names)
    if is_panel(columns):
        return read_panel(path, at_ms)
    raise InputError(
        "file_unreadable",
        "the Parquet file is not a panel of chains",
        place=Path(path).name,
        value=", ".join(sorted(columns))[:120],
        limit="ts, instrument_name, underlying_price, index_price, mark_price, mark_iv, ...",
        remedy="Give a panel; a snapshot is read as it is and not imported again.",
    )


def _one_pass(reading: Reading, at_ms: int | None, name: str) -> Sequence[Quote]:
    """The quotes of one reading of the venue; a file may hold several, one after another."""
    times = np.asarray([quote.event_ms for quote in reading.quotes], np.int64)
    stamps = np.unique(times)
    passes = np.split(stamps, np.flatnonzero(np.diff(stamps) > PASS_GAP_MS) + 1)
    chosen = passes[-1]
    if at_ms is None:
        _refuse_straggler(times, passes, name)
    else:
        chosen = min(passes, key=lambda part: int(np.abs(part - at_ms).min()))
        refuse_far(int(chosen[np.argmin(np.abs(chosen - at_ms))]), at_ms, name)
    low, high = int(chosen[0]), int(chosen[-1])
    return [quote for quote in reading.quotes if low <= quote.event_ms <= high]


def _refuse_straggler(times: Longs, passes: Sequence[Longs], name: str) -> None:
    """InputError where the latest time holds few rows: most of the file would be dropped unseen."""
    counts = [int(np.isin(times, part).sum()) for part in passes]
    most = int(np.argmax(counts))
    if 2 * counts[-1] < counts[most]:
        usual, last = format_ms(int(passes[most][-1])), format_ms(int(passes[-1][-1]))
        raise InputError(
            "option_unknown",
            "the latest rows of the file are few: most are of another time",
            place=name,
            value=f"{counts[-1]} of {len(times)} rows at {last}, {counts[most]} at {usual}",
            limit="one chain, or the choice of one",
            remedy=f"Choose the time: --at {usual}.",
        )


def _companions(reading: Reading, as_of_ms: int) -> list[Quote]:
    """The prices of the instant nearest to the chain, if within a minute of it."""
    near = min(
        (q.event_ms for q in reading.quotes),
        key=lambda ms: abs(ms - as_of_ms),
        default=as_of_ms + COMPANION_MS_MAX + 1,
    )
    if abs(near - as_of_ms) > COMPANION_MS_MAX:
        return []
    return [quote for quote in reading.quotes if quote.event_ms == near]
