"""Puts of the recorded chains of Deribit, one chain a day, as a roll reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from crossmargin.core.clock import DAY_MS
from crossmargin.decisions.roll_history import Recorded

FEE_SHARE, FEE_CAP = 0.0003, 0.125  # Deribit's taker fee of an option: coin, share of its price


def recorded_puts(market_dir: Path, coin: str) -> list[Recorded]:
    """The first chain of each day; skips the test where the file is not there."""
    found = sorted((market_dir / "deribit").glob(f"deribit_{coin}_option_chains_6h_*.parquet"))
    if not found:
        pytest.skip("no recorded chains in the --market folder")
    columns = ["ts", "instrument_name", "index_price", "ask_price"]
    table = pyarrow.parquet.read_table(found[0], columns=columns)
    table = table.filter(pc.ends_with(table["instrument_name"], "-P"))
    times = table["ts"].cast("int64").to_numpy() if table["ts"].type != "int64" else (
        table["ts"].to_numpy())  # fmt: skip
    unit = {19: 1_000_000, 16: 1_000, 13: 1}[len(str(int(times[0])))]
    times = times // unit
    names = table["instrument_name"].to_numpy(zero_copy_only=False)
    index, ask = table["index_price"].to_numpy(), table["ask_price"].to_numpy(zero_copy_only=False)
    starts = {}
    for time in np.unique(times).tolist():
        starts.setdefault(time // DAY_MS, time)
    terms: dict[str, tuple[int, float]] = {}
    out = []
    for time in starts.values():
        rows = np.flatnonzero(times == time)
        for name in names[rows]:
            if name not in terms:
                _, day, strike, _ = name.split("-")
                moment = datetime.strptime(day, "%d%b%y").replace(hour=8, tzinfo=UTC)
                terms[name] = int(moment.timestamp() * 1000), float(strike)
        expiry = np.array([terms[name][0] for name in names[rows]])
        strike = np.array([terms[name][1] for name in names[rows]])
        price = float(np.median(index[rows]))
        quoted = np.array([np.nan if a is None else a for a in ask[rows]], np.float64)
        fee = np.minimum(FEE_SHARE, FEE_CAP * quoted)
        out.append(Recorded(time, price, expiry, strike, (quoted + fee) * price))
    return out
