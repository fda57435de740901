"""Numbers of the model ``sensitivities``: ``python scripts/calibrate_sensitivities.py FOLDER``.

FOLDER holds ``prices/`` (daily candles of perpetuals, daily volatility indices of BTC and ETH) and
``deribit/`` (option chains, six hours apart). The script prints the parameter file of the model;
``--write`` puts it where the package ships it. Every number follows from the data by a rule below:

* weight          the larger of the 1 % and 99 % quantile of overlapping H-day price moves, in per
                  cent; of a class of coins the median over its coins
* correlation     of H-day log moves; of two classes the mean over pairs of coins
* threshold       a tenth of the median daily volume in dollars, per 1 % of price
* vega weight     99 % quantile of H-day log moves of the volatility index, BTC and ETH; other coins
                  take the larger of both
* expiry          the same quantile of at-the-money volatility at 7, 30, 90 and 180 days over that
                  at 30 days, and the correlation of these moves; the mean of BTC and ETH
* vega threshold  a twentieth of the median vega (volatility x dV/dvolatility) of all open options

No history of pegged coins is in the data: their numbers are a judgement, and say so.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/crossmargin/margin/parameters/sensitivities/2026-08-22.toml"
PERPETUALS = "binance_usdm_perps_1d_*_all.parquet"
LARGE_COUNT = 10
CLASSES = ("BTC", "ETH", "large", "other")
HORIZONS = {"ten_day": 10, "one_day": 1}
TENORS_DAYS = {"d7": 7.0, "d30": 30.0, "d90": 90.0, "d180": 180.0}
STEP_HOURS = 6
NO_COINS = frozenset({"BTCDOM"})  # an index of others
PEGGED = ("USDC", "USDT", "DAI", "USDE", "FDUSD", "USDS", "PYUSD")
EXTENSION = "FEDS 2026-009 (Amirdjanova, Lynch, Zheng, February 2026)"
JUDGED = "this project's own judgement: the data hold no history of it"

Series = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Horizon:
    """The numbers of one horizon."""

    weight: Mapping[str, float]
    rho: np.ndarray
    vega: Mapping[str, float]
    across: float
    ratio: np.ndarray
    tenors: np.ndarray


@dataclass(frozen=True)
class Found:
    """Every number."""

    groups: Mapping[str, list[str]]
    threshold: Mapping[str, float]
    vega_threshold: Mapping[str, float]
    horizon: Mapping[str, Horizon]


def daily(folder: Path) -> tuple[Series, Series]:
    """Closes and dollar volumes by coin, of the coins with every day of the file; same days."""
    (path,) = sorted((folder / "prices").glob(PERPETUALS))
    table = pq.read_table(path, columns=["ts", "symbol", "close", "quote_volume"])
    table = table.sort_by([("symbol", "ascending"), ("ts", "ascending")])
    symbols = np.array(table["symbol"].to_pylist())
    days = len(pc.unique(table["ts"]))
    close, volume = table["close"].to_numpy(), table["quote_volume"].to_numpy()
    names, first, count = np.unique(symbols, return_index=True, return_counts=True)
    closes, volumes = {}, {}
    for name, begin, size in zip(names.tolist(), first, count, strict=True):
        coin = name.removesuffix("USDT")
        plain = coin != name and not coin.startswith(("1000", "1M"))
        if size == days and plain and coin not in NO_COINS:
            closes[coin] = close[begin : begin + size]
            volumes[coin] = volume[begin : begin + size]
    return closes, volumes


def classes_of(volumes: Series) -> dict[str, list[str]]:
    """Coins by class: BTC, ETH, the largest ten others by median volume, the rest."""
    median = {coin: float(np.median(each)) for coin, each in volumes.items()}
    rest = sorted((c for c in median if c not in ("BTC", "ETH")), key=lambda c: (-median[c], c))
    large = rest[:LARGE_COUNT]
    return {"BTC": ["BTC"], "ETH": ["ETH"], "large": large, "other": rest[LARGE_COUNT:]}


def weight(close: np.ndarray, days: int) -> float:
    """Per cent: the larger of the 1 % and 99 % quantile of the moves over ``days``."""
    moves = close[days:] / close[:-days] - 1.0
    low, high = np.quantile(moves, [0.01, 0.99])
    return 100.0 * max(-float(low), float(high))


def correlations(closes: Series, groups: Mapping[str, list[str]], days: int) -> np.ndarray:
    """[4, 4] mean correlation of log moves of pairs of coins, by class; 1 for a class of one."""
    coins = [coin for name in CLASSES for coin in groups[name]]
    logs = np.log(np.array([closes[coin] for coin in coins]))
    full = np.corrcoef(logs[:, days:] - logs[:, :-days])
    code = np.array([k for k, name in enumerate(CLASSES) for _ in groups[name]])
    out = np.ones((len(CLASSES), len(CLASSES)))
    for i in range(len(CLASSES)):
        for j in range(len(CLASSES)):
            block = full[np.ix_(code == i, code == j)]
            if i != j:
                out[i, j] = block.mean()
            elif len(block) > 1:
                out[i, j] = block[~np.eye(len(block), dtype=bool)].mean()
    return out


def index_log(path: Path) -> np.ndarray:
    """Logarithms of a daily volatility index, oldest first."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = sorted((row["date"], float(row["close"])) for row in csv.DictReader(stream))
    return np.log([close for _, close in rows])


def tail(moves: np.ndarray) -> float:
    """99 % quantile of a log move, as a relative one."""
    return float(np.expm1(np.quantile(moves, 0.99)))


def chain(path: Path) -> tuple[np.ndarray, float]:
    """At-the-money volatility [time, tenor] in per cent, and the median vega of open options.

    The option of each expiry whose forward is nearest to its strike; linear in total variance
    between expiries, flat outside. Vega is in dollars for a doubling of volatility.
    """
    names = ["ts", "instrument_name", "underlying_price", "mark_iv", "vega", "open_interest"]
    table = pq.read_table(path, columns=names)
    parts = pc.split_pattern(table["instrument_name"], "-")
    expiry = pc.strptime(pc.list_element(parts, 1), format="%d%b%y", unit="ms")
    strike = pc.cast(pc.list_element(parts, 2), pa.float64()).to_numpy()
    time = pc.cast(table["ts"], pa.int64()).to_numpy()
    due = pc.cast(expiry, pa.int64()).to_numpy() + 8 * 3_600_000
    forward, vol = table["underlying_price"].to_numpy(), table["mark_iv"].to_numpy()
    exposure = table["open_interest"].to_numpy() * table["vega"].to_numpy() * vol
    times = np.unique(time)
    held = np.searchsorted(times, time)
    vega = float(np.median(np.bincount(held, weights=np.nan_to_num(exposure))))
    days = (due - time) / 86_400_000.0
    order = np.lexsort((np.abs(np.log(strike / forward)), due, held))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(held[order]) != 0) | (np.diff(due[order]) != 0)
    nearest = order[first]
    nearest = nearest[(days[nearest] > 1.0) & (vol[nearest] > 0.0)]
    out = np.empty((len(times), len(TENORS_DAYS)))
    wanted = np.array(list(TENORS_DAYS.values()))
    for k in range(len(times)):
        rows = nearest[held[nearest] == k]
        rows = rows[np.argsort(days[rows])]
        life, level = days[rows], vol[rows]
        variance = np.interp(wanted, life, level**2 * life)
        flat = np.clip(wanted, life[0], life[-1])
        out[k] = np.sqrt(variance / flat)
    return out, vega


def term(chains: Mapping[str, np.ndarray], days: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights by tenor over that at 30 days, and their correlations; the mean of the coins."""
    step = days * 24 // STEP_HOURS
    ratios, matrices = [], []
    for vols in chains.values():
        moves = np.log(vols[step:]) - np.log(vols[:-step])
        tails = np.array([tail(moves[:, k]) for k in range(moves.shape[1])])
        ratios.append(tails / tails[list(TENORS_DAYS).index("d30")])
        matrices.append(np.corrcoef(moves.T))
    return np.mean(ratios, axis=0), np.mean(matrices, axis=0)


def calibrate(folder: Path) -> Found:
    """Every number that follows from the data."""
    closes, volumes = daily(folder)
    groups = classes_of(volumes)
    logs = {c: index_log(folder / "prices" / f"{c.lower()}_dvol.csv") for c in ("BTC", "ETH")}
    size = min(len(each) for each in logs.values())
    chains, vegas = {}, {}
    for coin in ("BTC", "ETH"):
        (path,) = sorted((folder / "deribit").glob(f"deribit_{coin}_option_chains_6h_*.parquet"))
        chains[coin], vegas[coin] = chain(path)
    median = {c: [float(np.median(volumes[x])) for x in groups[c]] for c in CLASSES}
    horizons = {}
    for name, days in HORIZONS.items():
        moves = {coin: each[-size:][days:] - each[-size:][:-days] for coin, each in logs.items()}
        horizons[name] = Horizon(
            {c: float(np.median([weight(closes[x], days) for x in groups[c]])) for c in CLASSES},
            correlations(closes, groups, days),
            {coin: tail(each) for coin, each in moves.items()},
            float(np.corrcoef(moves["BTC"], moves["ETH"])[0, 1]),
            *term(chains, days),
        )
    return Found(
        groups,
        {c: 0.1 * float(np.median(median[c])) * 0.01 for c in CLASSES},
        {c: 0.05 * vegas[c] for c in vegas},
        horizons,
    )


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):.10g}" if float(text) != int(float(text)) else f"{float(text):.1f}"


def _entry(value: str, unit: str, low: str, high: str, source: str = "") -> str:
    ending = f', source = "{source}"' if source else ""
    return f'{{ value = {value}, unit = "{unit}", min = {low}, max = {high}{ending} }}'


def _table(name: str, lines: list[str]) -> str:
    return "\n".join([f"[{name}]", *lines]) + "\n"


def _horizon(name: str, found: Horizon) -> list[str]:
    """The tables of one horizon."""
    per_cent, rho, share = "per cent of price", "correlation", "relative move of volatility"
    weights = found.weight
    lines = [f"{c} = {_entry(_number(weights[c], 3), per_cent, '0.01', '1000.0')}" for c in weights]
    pegged = {"ten_day": "12.0", "one_day": "8.0"}[name]
    lines.append(f"pegged = {_entry(pegged, per_cent, '0.01', '1000.0', JUDGED)}")
    out = [_table(f"{name}.weight", lines)]
    matrix = found.rho
    lines = []
    for i, first in enumerate(CLASSES):
        for j, second in enumerate(CLASSES):
            if i < j or (i == j and first in ("large", "other")):
                value = _number(float(matrix[i, j]), 2)
                lines.append(f"{first}_{second} = {_entry(value, rho, '0.0', '1.0')}")
    lines.append(f"pegged_pegged = {_entry('0.2', rho, '0.0', '1.0', JUDGED)}")
    lines.append(f"pegged_across = {_entry('0.0', rho, '0.0', '1.0', JUDGED)}")
    out.append(_table(f"{name}.correlation", lines))
    vegas = found.vega
    both = {**vegas, "other": max(vegas.values())}
    lines = [f"{c} = {_entry(_number(both[c], 2), share, '0.001', '10.0')}" for c in both]
    out.append(_table(f"{name}.vega", lines))
    across = _entry(_number(found.across, 2), rho, "0.0", "1.0")
    out.append(_table(f"{name}.vega_across", [f"coins = {across}"]))
    ratio, tenors = found.ratio, found.tenors
    days = list(TENORS_DAYS)
    times = "of the move at 30 days"
    lines = [
        f"{d} = {_entry(_number(r, 2), times, '0.0', '20.0')}"
        for d, r in zip(days, ratio, strict=True)
    ]
    out.append(_table(f"{name}.expiry", lines))
    lines = []
    for i, first in enumerate(days):
        for j in range(i + 1, len(days)):
            value = _number(float(tenors[i, j]), 2)
            lines.append(f"{first}_{days[j]} = {_entry(value, rho, '0.0', '1.0')}")
    out.append(_table(f"{name}.expiry_correlation", lines))
    return out


HEAD = """\
# Made by scripts/calibrate_sensitivities.py; the rules are in its first lines. No number of ISDA's.
model = "sensitivities"
version = "1"
effective = "2026-08-22"
observed = "2026-08-22"
source = "this project's own calibration: daily perpetuals, DVOL and option chains to 2026-08"

[calibration]
set = { value = "ten_day", choices = ["ten_day", "one_day", "extension"] }

[level]
"""
LEVELS = (("im_factor", "1.0"), ("mm_factor", "0.75"))


def text_of(found: Found) -> str:
    """The parameter file."""
    groups = found.groups
    unit, own = "fraction of the requirement", "this project's own choice"
    levels = [f"{name} = {_entry(value, unit, '0.01', '10.0', own)}" for name, value in LEVELS]
    out = [HEAD + "\n".join(levels) + "\n"]
    members = [(c, c) for c in ("BTC", "ETH")] + [(c, "large") for c in groups["large"]]
    members += [(c, "pegged") for c in PEGGED]
    for coin, name in members:
        choices = ", ".join(f'"{each}"' for each in (*CLASSES, "pegged"))
        out.append(
            _table(f"coin.{coin}", [f'class = {{ value = "{name}", choices = [{choices}] }}'])
        )
    limits = found.threshold
    unit, high = "dollars per 1 % of price", "1e12"
    lines = [f"{c} = {_entry(_number(limits[c], 2), unit, '1.0', high)}" for c in limits]
    lines.append(f"pegged = {_entry('1000000.0', unit, '1.0', high, JUDGED)}")
    out.append(_table("threshold", lines))
    vega = found.vega_threshold
    share = vega["ETH"] / limits["ETH"]
    all_vega = {**vega, "large": share * limits["large"], "other": share * limits["other"]}
    unit = "dollars of volatility x dV/dvolatility"
    lines = [f"{c} = {_entry(_number(all_vega[c], 2), unit, '1.0', high)}" for c in all_vega]
    out.append(_table("vega_threshold", lines))
    for name in HORIZONS:
        out += _horizon(name, found.horizon[name])
    lines = [
        f"weight = {_entry('132.0', 'per cent of price, ten days', '0.01', '1000.0', EXTENSION)}",
        f"floating = {_entry('0.73', 'correlation', '0.0', '1.0', EXTENSION)}",
        f"pegged = {_entry('0.2', 'correlation; 0.14 to 0.20', '0.0', '1.0', EXTENSION)}",
        f"across = {_entry('0.0', 'correlation', '0.0', '1.0', EXTENSION)}",
    ]
    out.append(_table("extension", lines))
    return "\n".join(out)


def main(arguments: list[str]) -> int:
    """Print the file, or write it."""
    folders = [each for each in arguments if each != "--write"]
    if len(folders) != 1:
        print(__doc__)
        return 2
    text = text_of(calibrate(Path(folders[0])))
    if "--write" in arguments:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(text, encoding="utf-8", newline="\n")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
