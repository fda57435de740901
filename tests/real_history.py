"""Recorded daily closes and volatility indices as a history, read where they lie."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute
import pyarrow.parquet

from crossmargin.core.clock import DAY_MS
from crossmargin.market.fields import Row
from crossmargin.market.history import history_rows

COINS = ("BTC", "ETH")
CLOSES = "binance_usdm_perps_1d_20240110_20260319_all.parquet"


def real_history(market_dir: Path, until_ms: int, coins: tuple[str, ...] = COINS) -> list[Row]:
    """Closes (at the end of their day) and volatilities of thirty days up to a time."""
    table = pyarrow.parquet.read_table(
        market_dir / "prices" / CLOSES, columns=["ts", "symbol", "close"]
    )
    lines: list[tuple[int, str, str, float | None, float | None]] = []
    for coin in coins:
        own = table.filter(pyarrow.compute.equal(table["symbol"], f"{coin}USDT"))
        closes = {
            int(ts.timestamp() * 1000) + DAY_MS: float(close)
            for ts, close in zip(own["ts"].to_pylist(), own["close"].to_pylist(), strict=True)
        }
        vols = _vols(market_dir / "prices" / f"{coin.lower()}_dvol.csv")
        times = sorted(set(closes) | set(vols))
        lines += [(t, coin, "USD", closes.get(t), vols.get(t)) for t in times if t <= until_ms]
    return history_rows(lines, "recorded")


def _vols(path: Path) -> dict[int, float]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as lines:
        return {
            int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp() * 1000)
            + DAY_MS: float(row["close"]) / 100.0
            for row in csv.DictReader(lines)
        }
