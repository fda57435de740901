"""Makes the parameter files of the models ``greeks`` and ``delta`` from a folder of price history.

    python scripts/calibrate_greeks.py FOLDER [--check]

FOLDER holds ``binance_usdm_perps_1d_*.parquet`` (ts, symbol, close, quote_volume, daily) and
``btc_dvol.csv``, ``eth_dvol.csv`` (date, close in vol points). Read are the days up to the last
that every file has; that date names the files that are written. With ``--check`` nothing is
written: the exit status is 1 where a committed file is not what the script makes. What is
calibrated and what is chosen is said line by line in the files themselves.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from crossmargin.statistics.shift_calibration import (
    Width,
    grid_half_width,
    median_size,
    shift_quantile,
)

ROOT = Path(__file__).resolve().parent.parent / "src" / "crossmargin" / "margin" / "parameters"
PRICES = "binance_usdm_perps_1d_*.parquet"
VERSION = "1"
# Choices of this project: they shape the margin and no history can tell them.
Z = 3.0
HORIZON_DAYS = 2
DECAY = 0.97
STRESS_SHARE = 0.25
STEP = 0.01
FLOORS = {"BTC": 0.10, "ETH": 0.12}
VOL_TAIL = 0.995
OWN = "this project's own choice"


@dataclass(frozen=True)
class Numbers:
    """What the history says of one coin."""

    width: Width
    vol_up: float
    vol_down: float
    turnover_usd: float


@dataclass(frozen=True)
class Calibration:
    """Numbers by coin, and the days that they rest on."""

    coins: dict[str, Numbers]
    first_day: str
    last_day: str

    @property
    def source(self) -> str:
        """What a number of the history says of itself."""
        return (
            f"this project's own calibration: daily closes of the coin's USDT perpetual, "
            f"{self.first_day} to {self.last_day}; scripts/calibrate_greeks.py"
        )

    @property
    def vol_source(self) -> str:
        """The same of a number of the vol index."""
        return (
            f"this project's own calibration: {VOL_TAIL:g} and {1 - VOL_TAIL:.3g} quantiles of the "
            f"{HORIZON_DAYS}-day relative change of DVOL to {self.last_day}; "
            "scripts/calibrate_greeks.py"
        )


def _perpetual(folder: Path, coin: str) -> tuple[list[str], list[float], list[float]]:
    """Days, closes and dollar turnovers of a coin's perpetual, in order of time."""
    found = sorted(folder.glob(PRICES))
    if not found:
        raise SystemExit(f"{folder}: no {PRICES}")
    table = pq.read_table(found[-1])
    rows = table.filter(pc.equal(table["symbol"], f"{coin}USDT")).sort_by("ts")
    days = [str(ts)[:10] for ts in rows["ts"].to_pylist()]
    return days, rows["close"].to_pylist(), rows["quote_volume"].to_pylist()


def _vols(folder: Path, coin: str, last_day: str) -> list[float]:
    with (folder / f"{coin.lower()}_dvol.csv").open(encoding="utf-8", newline="") as lines:
        rows = sorted((row["date"], float(row["close"])) for row in csv.DictReader(lines))
    return [close for day, close in rows if day <= last_day]


def calibrated(folder: Path) -> Calibration:
    """The numbers of both coins from a folder."""
    history = {coin: _perpetual(folder, coin) for coin in FLOORS}
    last_day = min(days[-1] for days, _, _ in history.values())
    first_day = max(days[0] for days, _, _ in history.values())
    coins = {}
    for coin, (days, closes, sizes) in history.items():
        keep = [first_day <= day <= last_day for day in days]
        prices = [value for value, yes in zip(closes, keep, strict=True) if yes]
        turnover = [value for value, yes in zip(sizes, keep, strict=True) if yes]
        vols = _vols(folder, coin, last_day)
        width = grid_half_width(
            prices,
            z=Z,
            horizon_days=HORIZON_DAYS,
            decay=DECAY,
            floor=FLOORS[coin],
            stress_share=STRESS_SHARE,
            step=STEP,
        )
        coins[coin] = Numbers(
            width,
            shift_quantile(vols, HORIZON_DAYS, VOL_TAIL, STEP),
            shift_quantile(vols, HORIZON_DAYS, 1.0 - VOL_TAIL, STEP),
            median_size(turnover),
        )
    return Calibration(coins, first_day, last_day)


def _entry(name: str, value: float, unit: str, low: float, high: float, source: str) -> str:
    return (
        f'{name} = {{ value = {value!r}, unit = "{unit}", min = {low!r}, max = {high!r}, '
        f'source = "{source}" }}\n'
    )


def _rows(name: str, unit: str, columns: str, rows: list[list[float]], source: str) -> str:
    return (
        f'{name} = {{ unit = "{unit}", source = "{source}", columns = [{columns}], '
        f"value = {rows!r} }}\n"
    )


def _column(name: str, low: float, high: float) -> str:
    return f'{{ name = "{name}", min = {low!r}, max = {high!r} }}'


def _head(model: str, found: Calibration) -> str:
    return (
        f"# Written by scripts/calibrate_greeks.py; z {Z:g}, {HORIZON_DAYS} days,\n"
        f"# decay {DECAY:g}, stress share {STRESS_SHARE:g}, widths rounded up to {STEP:g}.\n"
        f'model = "{model}"\nversion = "{VERSION}"\nobserved = "{found.last_day}"\n'
        f'source = "{OWN}"\n\n'
    )


def _common() -> str:
    """Tables that both models share."""
    return (
        "[general]\n"
        + _entry("horizon_days", float(HORIZON_DAYS), "days", 0.0, 30.0, f"{OWN}: close-out")
        + _entry("vega_power_short", 0.3, "exponent under 30 days", 0.0, 2.0, _TERM)
        + _entry("vega_power_long", 0.13, "exponent from 30 days", 0.0, 2.0, _TERM)
        + _entry("dte_floor_days", 1.0, "days", 0.01, 30.0, OWN)
        + "\n[level]\n"
        + _entry("im_factor", 1.0, "of the requirement", 1.0, 5.0, OWN)
        + _entry("mm_factor", 0.8, "of the requirement", 0.0, 1.0, OWN)
        + "\n[ladder]\n"
        + _rows(
            "days",
            "days to expiry, upper ends",
            _column("days", 0.01, 10000.0),
            [[7.0], [30.0], [90.0], [365.0]],
            OWN,
        )
    )


_TERM = f"{OWN}, as several venues scale a vol shock quoted for 30 days"


def _check(moves: list[list[float]]) -> str:
    return (
        "\n[check]\n"
        + _entry("unsafe_share", 0.1, "of the worst full loss", 0.0, 10.0, OWN)
        + _entry("least_usd", 1.0, "USD", 0.0, 1e6, f"{OWN}: a gap below it is noise")
        + _rows(
            "probes",
            "price move, relative vol shock of 30 days",
            f"{_column('move', -0.99, 10.0)}, {_column('vol_shock', -1.0, 5.0)}",
            moves,
            f"{OWN}: moves and vol of the extended scenarios of Paradex and Deribit",
        )
    )


PROBES = [[-0.66, 0.4], [-0.33, 0.4], [0.33, 0.4], [0.5, 0.4], [1.0, 0.4], [2.0, 0.4]]


def _grid() -> str:
    """The cells of the shift grid."""
    share = _column("share", -1.0, 1.0)
    moves = [[third / 3.0] for third in range(-3, 4)]
    vols = [[-1.0], [0.0], [1.0]]
    return (
        "\n[grid]\n"
        + _rows("moves", "share of the half-width", share, moves, f"{OWN}: thirds")
        + _rows("vols", "share of the vol shift", share, vols, OWN)
    )


def greeks_file(found: Calibration) -> str:
    """The set of ``greeks``."""
    text = _head("greeks", found) + _common() + _grid() + _check(PROBES)
    text += "\n[netting]\n"
    text += _entry("common_share", 0.5, "fraction of the offset between coins", 0.0, 1.0, OWN)
    text += "\n[buffer]\n"
    text += _entry("cost", 0.0005, "of the notional traded, one way", 0.0, 0.1, OWN)
    text += _entry("rehedge_hours", 4.0, "hours between hedges", 0.01, 720.0, OWN)
    text += "\n[calibration]\n"
    text += _entry("z", Z, "normal quantile", 0.0, 20.0, OWN)
    text += _entry("decay", DECAY, "a day, of the weighted variance", 0.0, 0.9999, OWN)
    text += _entry("stress_share", STRESS_SHARE, "of the largest move", 0.0, 1.0, OWN)
    text += _entry("step", STEP, "widths are rounded up to it", 0.0001, 1.0, OWN)
    text += '\n[reading]\nerror = { value = "flagged", choices = ["flagged", "charged"] }\n'
    for coin, numbers in found.coins.items():
        text += f"\n[asset.{coin}]\n" + _coin_rows(found, numbers)
        text += _entry("width_floor", FLOORS[coin], "of the index", 0.0, 1.0, OWN)
    return text


def _coin_rows(found: Calibration, numbers: Numbers) -> str:
    width, source = numbers.width, found.source
    sigma = round(width.sigma_daily, 5)
    return (
        _entry("half_width", width.half_width, "of the index", 0.005, 0.9, source)
        + _entry("sigma_daily", sigma, "per square root of a day", 0.0, 1.0, source)
        + _entry("vol_up", numbers.vol_up, "relative", 0.0, 5.0, found.vol_source)
        + _entry("vol_down", -numbers.vol_down, "relative", 0.0, 0.99, found.vol_source)
    )


def delta_file(found: Calibration) -> str:
    """The set of ``delta``."""
    text = _head("delta", found) + _common() + _grid() + _check(PROBES)
    text += "\n[form]\n"
    text += 'net_rate = { value = "stated", choices = ["stated", "var"] }\n'
    text += 'impact = { value = "square_root", choices = ["square_root", "linear", "none"] }\n'
    text += "\n[var]\n"
    text += _entry("z", Z, "normal quantile", 0.0, 20.0, OWN)
    text += "\n[charge]\n"
    text += _entry("hedged", 0.005, "of the index, within a bucket", 0.0, 1.0, OWN)
    text += _entry("across", 0.0075, "of the index, across buckets", 0.0, 1.0, OWN)
    floor = "tradeparadex/paradex-docs, portfolio margin: 2 % of net and 1 % of hedged delta"
    text += "\n[floor]\n"
    text += _entry("net", 0.02, "of the index", 0.0, 1.0, floor)
    text += _entry("hedged", 0.01, "of the index", 0.0, 1.0, floor)
    text += "\n[liquidity]\n"
    text += _entry("impact", 0.5, "of daily sigma at a day's turnover", 0.0, 10.0, OWN)
    text += _entry("depth_bp", 10.0, "bp of the index at the depth", 0.0, 1000.0, OWN)
    text += (
        '\n[reading]\noption_delta = { value = "black", '
        'choices = ["black", "net_transaction", "premium_adjusted"] }\n'
    )
    for coin, numbers in found.coins.items():
        text += f"\n[asset.{coin}]\n"
        text += _coin_rows(found, numbers).replace("half_width", "net_rate", 1)
        turnover = float(round(numbers.turnover_usd, -8))
        depth = f"{OWN}: a hundredth of the turnover of a day"
        text += _entry("turnover_usd", turnover, "USD a day, median", 1.0, 1e15, found.source)
        text += _entry("depth_usd", turnover / 100.0, "USD within depth_bp", 1.0, 1e15, depth)
    return text


def files_of(folder: Path) -> dict[Path, str]:
    """Path under the parameters and text of each file."""
    found = calibrated(folder)
    name = f"{found.last_day}.toml"
    return {
        Path("greeks") / name: greeks_file(found),
        Path("delta") / name: delta_file(found),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or compare them."""
    check = arguments[1:] == ["--check"]
    if not arguments or (len(arguments) > 1 and not check):
        print("usage: calibrate_greeks.py FOLDER [--check]", file=sys.stderr)
        return 2
    stale = 0
    for place, text in files_of(Path(arguments[0])).items():
        path = ROOT / place
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{place} is not what the script makes: run it without --check")
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
