"""Makes the crypto numbers of ``tims``: ``python scripts/calibrate_tims.py FOLDER``.

FOLDER holds price history as Parquet files of bars with the columns ts, symbol and close: hourly
to the end of 2023 and daily after it (spot, then perpetuals, of one venue in Tether). The rule's
tables are for indices and stocks; what it does not have for coins is calibrated here, by this
project's own choice:

- moves are from one day's close to the next, 00:00 UTC, as shares of the price;
- a range is the least whole per cent, up to a multiple of ``STEP``, that at most ``BEYOND`` of the
  days went past in either direction; it is the same up and down;
- OTHER takes the largest of the coins that are neither of the first two;
- the offset between BTC and ETH is what leaves a hedge of the two, each sized by its range, short
  of its margin on at most ``BEYOND`` of the days, down to a multiple of 5 %.

The numbers are printed; the parameter file holds them, and a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import ceil, floor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

HOURLY = "binance_spot_1h_2017_2023.parquet"
DAILY = "binance_usdm_perps_1d_20240110_20260319_all.parquet"
DAY_MS = 86_400_000
HOUR_MS = DAY_MS // 24
BEYOND = 0.0025
STEP = 0.05
MAIN = ("BTC", "ETH")
OTHERS = ("ADA", "AVAX", "BNB", "DOGE", "LINK", "LTC", "SOL", "XRP")
Series = dict[int, float]  # close by the time when the day ends


def closes(folder: Path, coin: str) -> list[Series]:
    """Daily closes of the two files; a move never joins one file to the other."""
    out = []
    for name, bar_ms in ((HOURLY, HOUR_MS), (DAILY, DAY_MS)):
        table = pq.read_table(
            folder / name, columns=["ts", "close"], filters=[("symbol", "=", f"{coin}USDT")]
        )
        starts = table["ts"].cast("timestamp[ms]").to_numpy().astype("datetime64[ms]").astype(int)
        ends = starts + bar_ms
        prices = table["close"].to_numpy()
        whole = ends % DAY_MS == 0
        out.append(dict(zip(ends[whole].tolist(), prices[whole].tolist(), strict=True)))
    return out


def daily_moves(series: list[Series]) -> Series:
    """Move of each day whose two closes are both there."""
    out: Series = {}
    for part in series:
        for end, price in sorted(part.items()):
            if end - DAY_MS in part:
                out[end] = price / part[end - DAY_MS] - 1.0
    return out


def width(moves: np.ndarray, beyond: float = BEYOND) -> float:
    """The least range that at most ``beyond`` of the days went past on either side."""
    side = max(np.quantile(-moves, 1.0 - beyond), np.quantile(moves, 1.0 - beyond))
    return round(ceil(float(side) / STEP - 1e-9) * STEP, 4)


def offset(first: Series, second: Series, ranges: tuple[float, float]) -> float:
    """Share of a gain that a loss of the other may count: see the head of this file."""
    days = sorted(first.keys() & second.keys())
    gap = np.array([first[d] / ranges[0] - second[d] / ranges[1] for d in days])
    left = float(np.quantile(np.abs(gap), 1.0 - 2.0 * BEYOND))
    return max(0.0, round(floor((1.0 - left) / 0.05 + 1e-9) * 0.05, 4))


def calibrated(folder: Path) -> Mapping[str, float]:
    """The numbers by the names of the parameter file."""
    moves = {coin: daily_moves(closes(folder, coin)) for coin in (*MAIN, *OTHERS)}
    ranges = {coin: width(np.array(list(m.values()))) for coin, m in moves.items()}
    out = {f"class.{coin}.{side}": ranges[coin] for coin in MAIN for side in ("down", "up")}
    other = max(ranges[coin] for coin in OTHERS)
    out |= {"class.OTHER.down": min(other, 0.95), "class.OTHER.up": other}
    pair = ranges[MAIN[0]], ranges[MAIN[1]]
    out["product.majors.class_offset"] = offset(moves[MAIN[0]], moves[MAIN[1]], pair)
    return out


def main(arguments: list[str]) -> int:
    """Print the numbers, one a line."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    for name, value in calibrated(Path(arguments[0])).items():
        print(f"{name} = {value:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
