"""Calibrate the simulated and the parametric value at risk: ``calibrate_var.py DIR``.

``DIR`` is a folder of market data: daily prices of perpetuals, the thirty-day volatility indices of
Bitcoin and Ether and option chains. The script prints one line a number, by the name that it has in
the parameter files; a test compares them where the data are at hand. The numbers are this project's
own estimates, not any venue's.

    price_vol, vol_vol   root mean square of daily log moves of price and of the volatility index
    freedom              of a Student t with mean 0 for each of them, by maximum likelihood
    correlation          sin(pi/2 tau) with Kendall's tau, for the copula
    copula freedom       by maximum likelihood on ranks, the correlation held
    pearson              linear correlation, for the normal model
    volume               coins a day: median of the last year, perpetuals; median of 24-hour totals,
                         options of one venue
    power                p in (30 / days)^p of daily moves of at-the-money volatility by maturity
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import optimize, stats

COINS = ("BTC", "ETH")
PERPETUALS = "prices/binance_usdm_perps_1d_20240110_20260319_all.parquet"
INDEX = "prices/{}_dvol.csv"
CHAINS = "deribit/deribit_{}_option_chains_6h_20251230_20260822.parquet"
UNTIL = datetime(2026, 3, 20, tzinfo=UTC)  # nothing later: the sets are in force from then on
DIGITS = 3
PIVOT_DAYS = 30.0
EARLIER = ("ts", "<", UNTIL)


def daily(folder: Path, coin: str) -> dict[date, tuple[float, float]]:
    """Close and volume in coins of each day."""
    table = pq.read_table(folder / PERPETUALS, filters=[("symbol", "=", f"{coin}USDT")])
    days = [when.date() for when in table["ts"].to_pylist()]
    close, volume = table["close"].to_pylist(), table["volume"].to_pylist()
    return dict(zip(days, zip(close, volume, strict=True), strict=True))


def volatility(folder: Path, coin: str) -> dict[date, float]:
    """Close of the thirty-day volatility index, in per cent, of each day."""
    with (folder / INDEX.format(coin.lower())).open(encoding="utf-8") as file:
        return {
            date.fromisoformat(row["date"]): float(row["close"]) for row in csv.DictReader(file)
        }


def joint_moves(folder: Path) -> np.ndarray:
    """[4, T] daily log moves of price and volatility of each coin, on days that have all."""
    prices = {coin: daily(folder, coin) for coin in COINS}
    vols = {coin: volatility(folder, coin) for coin in COINS}
    days = sorted(set.intersection(*(set(each) for each in (*prices.values(), *vols.values()))))
    levels = []
    for coin in COINS:
        levels.append([prices[coin][day][0] for day in days])
        levels.append([vols[coin][day] for day in days])
    step = np.array([(b - a) == timedelta(days=1) for a, b in pairwise(days)])
    return np.diff(np.log(np.array(levels)), axis=1)[:, step]


def freedom_of(moves: np.ndarray) -> float:
    """Degrees of freedom of a Student t with mean 0, its scale fitted with it."""

    def cost(x: np.ndarray) -> float:
        return -float(stats.t.logpdf(moves, 2.0 + np.exp(x[0]), 0.0, np.exp(x[1])).sum())

    start = [np.log(2.0), np.log(np.abs(moves).mean())]
    return 2.0 + float(np.exp(optimize.minimize(cost, start, method="Nelder-Mead").x[0]))


def kendall(moves: np.ndarray) -> np.ndarray:
    """[n, n] correlations of the copula."""
    count = len(moves)
    out = np.eye(count)
    for i in range(count):
        for j in range(i):
            tau = stats.kendalltau(moves[i], moves[j]).statistic
            out[i, j] = out[j, i] = np.sin(0.5 * np.pi * tau)
    return out


def copula_freedom(moves: np.ndarray, correlation: np.ndarray) -> float:
    """Degrees of freedom of the t copula of the ranks."""
    count, days = moves.shape
    share = np.stack([stats.rankdata(row) for row in moves]) / (days + 1.0)
    inverse, sign = np.linalg.inv(correlation), np.linalg.slogdet(correlation)[1]

    def cost(x: float) -> float:
        v = 2.0 + np.exp(x)
        z = stats.t.ppf(share, v)
        square = (z * (inverse @ z)).sum(axis=0)
        joint = stats.multivariate_t.logpdf(np.zeros(count), np.zeros(count), np.eye(count), v)
        joint = joint - 0.5 * sign - 0.5 * (v + count) * np.log1p(square / v)
        return -float((joint - stats.t.logpdf(z, v).sum(axis=0)).sum())

    return 2.0 + float(np.exp(optimize.minimize_scalar(cost, bounds=(-3.0, 4.0)).x))


def option_volume(folder: Path, coin: str) -> float:
    """Median over the snapshots of what all options of the chain traded in 24 hours, coins."""
    table = pq.read_table(folder / CHAINS.format(coin), columns=["ts", "volume"], filters=[EARLIER])
    hour = pc.floor_temporal(table["ts"], unit="hour")
    total = table.append_column("hour", hour).group_by("hour").aggregate([("volume", "sum")])
    return float(np.median(total["volume_sum"].to_numpy()))


def at_the_money(folder: Path, coin: str) -> dict[tuple[str, date], tuple[float, float]]:
    """(days to expiry, volatility at the forward) of each expiry, once a day."""
    names = ["ts", "instrument_name", "underlying_price", "mark_iv"]
    table = pq.read_table(folder / CHAINS.format(coin), columns=names, filters=[EARLIER])
    found: dict[tuple[str, date], list[tuple[float, float, float]]] = {}
    first: dict[date, datetime] = {}
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    for when, name, forward, iv in sorted(rows, key=lambda row: (row[0], row[1])):
        day = when.date()
        begin = first.setdefault(day, when)
        if when - begin > timedelta(hours=1) or iv is None or forward is None:
            continue
        _, expiry, strike, _ = name.split("-")
        ends = datetime.strptime(expiry, "%d%b%y").replace(tzinfo=UTC) + timedelta(hours=8)
        life = (ends - when).total_seconds() / 86_400.0
        gap = abs(np.log(float(strike) / forward))
        found.setdefault((expiry, day), []).append((gap, life, iv))
    nearest = {key: min(rows) for key, rows in found.items()}
    return {key: (life, iv) for key, (gap, life, iv) in nearest.items() if gap < 0.05}


def powers(folder: Path) -> tuple[float, float]:
    """Slopes of log rms move of at-the-money volatility against log(30 / days), short and long.

    Moves of both coins in six bands of maturity, each set against the index of thirty days.
    """
    bands = (3.0, 6.0, 12.0, 20.0, 45.0, 100.0, 250.0)
    square: list[list[float]] = [[] for _ in bands[1:]]
    middle: list[list[float]] = [[] for _ in bands[1:]]
    for coin in COINS:
        chain = at_the_money(folder, coin)
        for (expiry, day), (life, iv) in chain.items():
            before = chain.get((expiry, day - timedelta(days=1)))
            if before is None:
                continue
            band = int(np.searchsorted(bands, life)) - 1
            if 0 <= band < len(square):
                square[band].append(float(np.log(iv / before[1])) ** 2)
                middle[band].append(float(np.log(life)))
    x = np.log(PIVOT_DAYS) - np.array([np.mean(each) for each in middle])
    y = 0.5 * np.log([np.median(each) for each in square])
    short, long = x >= -0.1, x <= 0.6
    return float(np.polyfit(x[short], y[short], 1)[0]), float(np.polyfit(x[long], y[long], 1)[0])


def calibrate(folder: Path) -> dict[str, float]:
    """Every number by its name, to three digits."""
    moves = joint_moves(folder)
    names = [f"{coin}_{kind}" for coin in COINS for kind in ("price", "vol")]
    copula, pearson = kendall(moves), np.corrcoef(moves)
    out: dict[str, float] = {"days": float(moves.shape[1])}
    for name, row in zip(names, moves, strict=True):
        out[f"daily.{name}"] = float(np.sqrt(np.mean(row * row)))
        out[f"freedom.{name}"] = freedom_of(row)
    for i, later in enumerate(names):
        for j in range(i):
            out[f"copula.{names[j]}.{later}"] = float(copula[i, j])
            out[f"pearson.{names[j]}.{later}"] = float(pearson[i, j])
    out["copula.freedom"] = copula_freedom(moves, copula)
    for coin in COINS:
        volume = [row[1] for _, row in sorted(daily(folder, coin).items())][-365:]
        out[f"volume.{coin}.delta_one"] = float(np.median(volume))
        out[f"volume.{coin}.option"] = option_volume(folder, coin)
    out["power.short"], out["power.long"] = powers(folder)
    return {name: float(f"{value:.{DIGITS}g}") for name, value in out.items()}


if __name__ == "__main__":
    for key, number in calibrate(Path(sys.argv[1])).items():
        print(f"{key} = {number:g}")
