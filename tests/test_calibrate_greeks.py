"""The committed sets of ``greeks`` and ``delta`` are what their script makes of the history."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossmargin.margin.parameter_files import read_parameters

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = REPOSITORY / "scripts" / "calibrate_greeks.py"
sys.path.insert(0, str(SCRIPT.parent))
import calibrate_greeks  # noqa: E402 # a script, not a module of the package


def written(folder: Path, sigma: float, days: int = 200) -> Path:
    """A folder of made histories in the format of the script."""
    rng = np.random.default_rng(9)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    stamps = [start + timedelta(days=k) for k in range(days)]
    table: dict[str, list] = {"ts": [], "symbol": [], "close": [], "quote_volume": []}
    for symbol, price in (("BTCUSDT", 60_000.0), ("ETHUSDT", 2_000.0), ("XUSDT", 1.0)):
        path = price * np.exp(np.cumsum(rng.normal(0.0, sigma, days)))
        table["ts"] += stamps
        table["symbol"] += [symbol] * days
        table["close"] += path.tolist()
        table["quote_volume"] += rng.uniform(1e9, 3e9, days).tolist()
    pq.write_table(pa.table(table), folder / "binance_usdm_perps_1d_made.parquet")
    for coin in ("btc", "eth"):
        with (folder / f"{coin}_dvol.csv").open("w", encoding="utf-8", newline="") as out:
            lines = csv.writer(out)
            lines.writerow(["date", "close"])
            levels = 50.0 * np.exp(rng.normal(0.0, 0.05, days))
            lines.writerows(
                [f"{t:%Y-%m-%d}", f"{v:.4f}"] for t, v in zip(stamps, levels, strict=True)
            )
    return folder


def test_the_committed_sets_are_those_of_the_history(market_dir: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(SCRIPT), str(market_dir / "prices"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_is_written_loads_and_a_wilder_history_widens_the_grid(tmp_path: Path) -> None:
    widths = []
    for sigma in (0.02, 0.06):
        folder = tmp_path / str(sigma)
        folder.mkdir()
        texts = calibrate_greeks.files_of(written(folder, sigma))
        assert {str(path) for path in texts} == {"greeks/2025-07-19.toml", "delta/2025-07-19.toml"}
        sets = {path.parts[0]: read_parameters(text, str(path)) for path, text in texts.items()}
        widths.append(sets["greeks"].number("asset.BTC.half_width"))
        assert sets["delta"].number("asset.BTC.net_rate") == widths[-1]
        assert sets["delta"].number("asset.ETH.depth_usd") > 0.0
        assert sets["greeks"].number("asset.BTC.vol_down") > 0.0
    assert widths[1] > widths[0] >= calibrate_greeks.FLOORS["BTC"]


def test_a_folder_without_prices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="binance_usdm_perps_1d"):
        calibrate_greeks.calibrated(tmp_path)
    assert calibrate_greeks.main([]) == 2
