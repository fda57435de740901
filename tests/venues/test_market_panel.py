from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.venues.market_panel import is_panel, read_panel

FIRST_MS = parse_ms("2026-02-05T15:51:32.535Z")
SECOND_MS = parse_ms("2026-02-05T21:29:37.885Z")


def columns(**change: Any) -> dict[str, Any]:
    """Two instants of one option, out of order."""
    return {
        "ts": pa.array([SECOND_MS, FIRST_MS], pa.timestamp("ms", tz="UTC")),
        "instrument_name": ["BTC-13FEB26-60000-C"] * 2,
        "underlying_price": [64100.0, 65000.0],
        "index_price": [64000.0, 64900.0],
        "bid_price": [None, 0.08],
        "ask_price": [0.1, 0.11],
        "mark_price": [0.09, 0.1],
        "mark_iv": [72.0, 71.0],
        "open_interest": [10.0, 10.0],
        **change,
    }


def panel(path: Path, **change: Any) -> Path:
    pq.write_table(pa.table(columns(**change)), path)
    return path


def test_nearest_instant_and_units(tmp_path: Path) -> None:
    path = panel(tmp_path / "p.parquet")
    (quote,) = read_panel(path, SECOND_MS - 3_600_000).quotes
    assert (quote.event_ms, quote.mark, quote.mark_iv) == (SECOND_MS, 0.09, 0.72)
    assert (quote.bid, quote.ask, quote.forward, quote.index_price) == (
        None,
        0.1,
        64100.0,
        64000.0,
    )
    (earlier,) = read_panel(path, FIRST_MS).quotes
    assert earlier.event_ms == FIRST_MS
    (latest,) = read_panel(path, None).quotes
    assert latest.event_ms == SECOND_MS


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        ({}, "2026-03-01T00:00:00Z", "number_out_of_range"),
        ({"mark_iv": [0.72, 0.71]}, "", "unit_wrong"),
        ({"ts": pa.array([SECOND_MS * 1000, 1], pa.timestamp("us"))}, "", "unit_wrong"),
        ({"ts": [SECOND_MS // 1000, 1]}, "", "unit_wrong"),
        ({"ts": pa.array([SECOND_MS, None], pa.timestamp("ms"))}, "", "unit_wrong"),
        ({"instrument_name": ["BTC-30FEB26-1-C"] * 2}, "", "instrument_unknown"),
    ],
)
def test_bad_panels(tmp_path: Path, change: dict[str, Any], at: str, code: str) -> None:
    path = panel(tmp_path / "p.parquet", **change)
    with pytest.raises(CrossMarginError) as caught:
        read_panel(path, parse_ms(at) if at else None)
    assert caught.value.code == code


def test_empty_and_truncated(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table(columns()).slice(0, 0), path)
    with pytest.raises(CrossMarginError) as caught:
        read_panel(path, None)
    assert caught.value.code == "file_unreadable"
    content = panel(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CrossMarginError) as caught:
        read_panel(path, None)
    assert caught.value.code == "file_unreadable"


def test_damaged_page(tmp_path: Path) -> None:
    content = bytearray(panel(tmp_path / "p.parquet").read_bytes())
    content[4:200] = bytes(196)
    (tmp_path / "p.parquet").write_bytes(bytes(content))
    with pytest.raises(CrossMarginError) as caught:
        read_panel(tmp_path / "p.parquet", None)
    assert caught.value.code == "file_unreadable"


def test_panel_is_told_by_its_columns() -> None:
    assert is_panel(set(columns()) | {"delta"})
    assert not is_panel(set(columns()) - {"mark_iv"})


@pytest.mark.parametrize(("currency", "count"), [("BTC", 902), ("ETH", 938)])
def test_crash_low_in_well_under_a_second(market_dir: Path, currency: str, count: int) -> None:
    name = f"deribit/deribit_{currency}_option_chains_6h_20251230_20260822.parquet"
    took = []
    for _ in range(3):
        begin = time.perf_counter()
        quotes = read_panel(market_dir / name, parse_ms("2026-02-05T21:29:37Z")).quotes
        took.append(time.perf_counter() - begin)
    assert len(quotes) == count
    assert quotes[0].event_ms == SECOND_MS
    assert min(took) < 0.8
