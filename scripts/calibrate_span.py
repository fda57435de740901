"""The numbers of the model ``span``, from recorded prices: python scripts/calibrate_span.py FOLDER.

FOLDER holds ``prices/`` and ``deribit/`` as recorded (closes, volatility indices, futures and
option chains). Prints the parameter file; ``--write PATH`` writes it. Every number is a plain
quantile over moves of two days (the horizon), rounded to the safe side:

    price scan range     99 % of |price move|, closes of all days         up to 0.005
    vol scan range       99 % of |move of the 30-day volatility index|    up to 0.01
    calendar spread      99 % of |move of ln(far / near)| by two tiers    up to 0.0005
    inter-commodity      1 - 99 % of |BTC move - ETH move| / both ranges  down to 0.05
    short minimum        99.9 % of what options with |delta| <= 0.01 gain up to 0.0005, of the index
    delivery             99 % of |hourly move|: the settlement averages   up to 0.005
"""

from __future__ import annotations

import argparse
import csv
import gzip
import math
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

COINS = ("BTC", "ETH")
HORIZON_DAYS = 2
TIER_DAYS = (7, 35, 100)  # last day of the tiers; perpetuals and coins are in the first
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
NEAR_MS = 2 * HOUR_MS  # an observation this near to its time counts as of it
FAR_DELTA = 0.01
SPOT = "binance_spot_1h_2017_2023.parquet"
PERPS = "binance_usdm_perps_1d_20240110_20260319_all.parquet"
CHAIN = "deribit_{}_option_chains_6h_20251230_20260822.parquet"
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


def up(value: float, step: float) -> float:
    """``value`` rounded up to a step."""
    return round(math.ceil(value / step - 1e-9) * step, 6)


def down(value: float, step: float) -> float:
    return round(math.floor(value / step + 1e-9) * step, 6)


def quantile(values: list[float], share: float) -> float:
    return float(np.quantile(np.array(values), share))


def series(path: Path, coin: str) -> tuple[list[int], list[float]]:
    """Starts (ms) and closes of the bars of a coin."""
    table = pq.read_table(path, columns=["ts", "symbol", "close"])
    own = table.filter(pc.equal(table["symbol"], f"{coin}USDT"))
    return own["ts"].cast("int64").to_pylist(), own["close"].to_pylist()


def closes(folder: Path, coin: str) -> dict[int, float]:
    """Close by day (days since 1970), of spot until the perpetual's record begins."""
    out = {}
    for start, close in zip(*series(folder / "prices" / PERPS, coin), strict=True):
        out[start // DAY_MS + 1] = close
    for start, close in zip(*series(folder / "prices" / SPOT, coin), strict=True):
        if start % DAY_MS == DAY_MS - HOUR_MS:
            out.setdefault((start + HOUR_MS) // DAY_MS, close)
    return out


def moves(daily: dict[int, float]) -> dict[int, float]:
    """Relative move over the horizon, by the day that it begins."""
    ends = {k: k + HORIZON_DAYS for k in daily if k + HORIZON_DAYS in daily}
    return {k: daily[end] / daily[k] - 1.0 for k, end in ends.items()}


def vol_moves(folder: Path, coin: str) -> list[float]:
    """Moves of the volatility index over the horizon, in fractions of one."""
    with (folder / "prices" / f"{coin.lower()}_dvol.csv").open(encoding="utf-8") as lines:
        level = {
            int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp()) // 86_400:
            float(row["close"]) / 100.0
            for row in csv.DictReader(lines)
        }  # fmt: skip
    return [abs(level[k + HORIZON_DAYS] - level[k]) for k in level if k + HORIZON_DAYS in level]


def hourly_moves(folder: Path, coin: str) -> list[float]:
    start, close = series(folder / "prices" / SPOT, coin)
    at = dict(zip((s // HOUR_MS for s in start), close, strict=True))
    return [abs(at[k + 1] / at[k] - 1.0) for k in at if k + 1 in at]


def expiry_ms(name: str) -> int:
    """Of a future such as BTC-25DEC26: eight o'clock UTC of its day."""
    text = name.split("-")[1]
    month = MONTHS.index(text[-5:-2]) + 1
    when = datetime(2000 + int(text[-2:]), month, int(text[:-5]), 8, tzinfo=UTC)
    return int(when.timestamp() * 1000)


def curves(folder: Path, coin: str) -> dict[int, dict[int, float]]:
    """By time: price by expiry (0 the perpetual)."""
    out: dict[int, dict[int, float]] = defaultdict(dict)
    with gzip.open(folder / "deribit" / "term_futures_marks.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            if row["currency"] == coin and row["snapshot_term_mark_price"]:
                when = int(row["snapshot_timestamp_ms"])
                price = float(row["snapshot_term_mark_price"])
                out[when][expiry_ms(row["futures_instrument_name"])] = price
    path = folder / "deribit" / "perpetual_futures_prices.csv"
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            when = int(row["snapshot_timestamp_ms"])
            if row["coin"] == coin and row["perp_futures_mark_price"] and when in out:
                out[when][0] = float(row["perp_futures_mark_price"])
    return out


def tier_of(days: float) -> int:
    return 1 + sum(days > last for last in TIER_DAYS)


def calendar(folder: Path, coin: str) -> list[list[float]]:
    """Rows (near tier, far tier, share of the index) of every pair of tiers."""
    curve = curves(folder, coin)
    times = np.array(sorted(curve))
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for now in times.tolist():
        later = int(times[np.argmin(np.abs(times - now - HORIZON_DAYS * DAY_MS))])
        if abs(later - now - HORIZON_DAYS * DAY_MS) > NEAR_MS:
            continue
        both = sorted(set(curve[now]) & set(curve[later]))
        both = [e for e in both if e == 0 or e >= later]
        for k, near in enumerate(both):
            for far in both[k + 1 :]:
                before = math.log(curve[now][far] / curve[now][near])
                after = math.log(curve[later][far] / curve[later][near])
                days = [(e - now) / DAY_MS if e else 0.0 for e in (near, far)]
                found[tier_of(days[0]), tier_of(days[1])].append(abs(after - before))
    return [[a, b, up(quantile(found[a, b], 0.99), 0.0005)] for a, b in sorted(found)]


def far_option_gains(folder: Path, coin: str) -> list[float]:
    """What options far from the money gain over the horizon, as a share of the index."""
    columns = ["ts", "instrument_name", "index_price", "mark_price", "delta"]
    table = pq.read_table(folder / "deribit" / CHAIN.format(coin), columns=columns)
    name = table["instrument_name"].combine_chunks().dictionary_encode().indices.to_numpy()
    key = name.astype(np.int64) * (1 << 44) + table["ts"].cast("int64").to_numpy()
    order = np.argsort(key, kind="stable")
    key = key[order]
    index, mark, delta = (
        table[column].to_numpy(zero_copy_only=False)[order].astype(np.float64)
        for column in ("index_price", "mark_price", "delta")
    )
    now = np.flatnonzero((np.abs(delta) <= FAR_DELTA) & np.isfinite(mark))
    wanted = key[now] + HORIZON_DAYS * DAY_MS
    place = np.searchsorted(key, wanted)
    low, high = (np.clip(place + k, 0, len(key) - 1) for k in (-1, 0))
    later = np.where(np.abs(key[low] - wanted) < np.abs(key[high] - wanted), low, high)
    good = (np.abs(key[later] - wanted) <= NEAR_MS) & np.isfinite(mark[later])
    now, later = now[good], later[good]
    gain: list[float] = (
        (mark[later] * index[later] - mark[now] * index[now]) / index[now]
    ).tolist()
    return gain


def calibrated(folder: Path) -> dict[str, Any]:
    """Every calibrated number by its dotted name in the parameter file."""
    out: dict[str, Any] = {}
    move = {coin: moves(closes(folder, coin)) for coin in COINS}
    for coin in COINS:
        sizes = [abs(x) for x in move[coin].values()]
        out[f"coin.{coin}.price_scan"] = up(quantile(sizes, 0.99), 0.005)
        out[f"coin.{coin}.vol_scan"] = up(quantile(vol_moves(folder, coin), 0.99), 0.01)
        out[f"coin.{coin}.short_minimum"] = up(
            quantile(far_option_gains(folder, coin), 0.999), 0.0005
        )
        out[f"coin.{coin}.delivery_spread"] = up(quantile(hourly_moves(folder, coin), 0.99), 0.005)
        out[f"coin.{coin}.calendar"] = calendar(folder, coin)
    first, second = (move[coin] for coin in COINS)
    apart = [abs(first[k] - second[k]) for k in first if k in second]
    gross = sum(out[f"coin.{coin}.price_scan"] for coin in COINS)
    out["inter.credit"] = down(1.0 - quantile(apart, 0.99) / gross, 0.05)
    return out


HEAD = """\
# Numbers of this project's own calibration; no exchange publishes SPAN terms for these contracts
# in this form. Made by scripts/calibrate_span.py, which says what each number is a quantile of.
model = "span"
version = "1"
observed = "2026-08-22"
effective_for = "all"
source = "this project's own calibration on recorded prices of 2017-08 to 2026-08"

[scan]
extreme_multiplier = { value = 2.0, unit = "price scan ranges", min = 1.0, max = 3.0, source = "NSE's published arrays" }
cover_fraction = { value = 0.35, unit = "fraction of the loss", min = 0.1, max = 1.0, source = "NSE's published arrays" }
look_ahead_days = { value = 2.0, unit = "days", min = 0.0, max = 10.0, source = "the horizon of the ranges" }

[delta]
kind = { value = "composite", choices = ["composite", "plain"], unit = "word", source = "published weights of seven price points" }

[tier]
days = { value = [[7.0], [35.0], [100.0]], unit = "last day of a tier of expiries", columns = [{ name = "days", min = 1.0, max = 1000.0 }], source = "this project's own choice" }

[delivery]
days = { value = 2.0, unit = "days to expiry", min = 0.0, max = 30.0, source = "the horizon of the ranges" }

[inter]
"""  # noqa: E501 # lines of the file
TAIL = """
[level]
im_factor = { value = 1.1, unit = "of maintenance", min = 1.0, max = 2.0, source = "initial to maintenance ratio of futures exchanges for speculators" }
mm_factor = { value = 1.0, unit = "of maintenance", min = 1.0, max = 1.0, source = "SPAN's requirement is the maintenance one" }
"""  # noqa: E501 # lines of the file
WORDS = {
    "price_scan": ("fraction of the price", 0.01, 0.3, "99 % of two-day moves of daily closes"),
    "vol_scan": ("fraction a year", 0.0, 1.0, "99 % of two-day moves of the volatility index"),
    "short_minimum": (
        "fraction of the index per coin of a short option", 0.0, 0.1,
        "99.9 % of two-day gains of options with |delta| up to 0.01",
    ),
    "delivery_spread": (
        "fraction of the index per coin of delta in a spread", 0.0, 0.5,
        "99 % of hourly moves: the settlement averages, the hedge does not",
    ),
}  # fmt: skip


def text_of(numbers: dict[str, Any]) -> str:
    """The parameter file."""
    credit = numbers["inter.credit"]
    out = [
        HEAD + f'credit = {{ value = {credit}, unit = "fraction of the price risk of both legs", '
        'min = 0.0, max = 1.0, source = "99 % of two-day moves of BTC less ETH" }\n'
    ]
    for coin in COINS:
        out.append(f"\n[coin.{coin}]\n")
        for name, (unit, low, high, source) in WORDS.items():
            value = numbers[f"coin.{coin}.{name}"]
            out.append(
                f'{name} = {{ value = {value}, unit = "{unit}", min = {low}, max = {high}, '
                f'source = "{source}" }}\n'
            )
        rows = [[float(a), float(b), rate] for a, b, rate in numbers[f"coin.{coin}.calendar"]]
        columns = ", ".join(
            f'{{ name = "{name}", min = {low}, max = {high} }}'
            for name, low, high in (("near", 1.0, 4.0), ("far", 1.0, 4.0), ("rate", 0.0, 0.2))
        )
        out.append(
            f"calendar = {{ value = {rows}, "
            'unit = "near tier, far tier, fraction of the index per coin", '
            f'columns = [{columns}], source = "99 % of two-day moves of ln(far / near)" }}\n'
        )
    return "".join(out) + TAIL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", type=Path, metavar="PATH")
    given = parser.parse_args()
    text = text_of(calibrated(given.folder))
    if given.write:
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
