"""Writes the table of docs/frontier.md: rules of allocation out of sample, on recorded prices.

    python scripts/frontier_evidence.py FOLDER [--check]

FOLDER holds ``binance_usdm_perps_1d_20240110_20260319_all.parquet`` (ts, symbol, close,
quote_volume) and ``binance_spot_1h_2017_2023.parquet`` (ts, symbol, close). With ``--check``
nothing is written: the exit status is 1 where the page is not what the script makes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crossmargin.interfaces.frontier import Backtest, frontier

PAGE = Path(__file__).resolve().parent.parent / "docs" / "frontier.md"
BEGIN, END = "<!-- evidence: scripts/frontier_evidence.py -->", "<!-- end of evidence -->"
PERPS = "binance_usdm_perps_1d_20240110_20260319_all.parquet"
SPOT = "binance_spot_1h_2017_2023.parquet"
COINS, DAYS = 15, 30  # the most traded of the first days, before any rule is asked
HEAD = (
    "| rule | return a year | volatility | Sharpe | drawdown | turnover a year | behind | worst |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|\n"
)


def perps(folder: Path, target: Path) -> list[str]:
    """Daily closes as they are; the names: most dollars traded in the first days, rows whole."""
    table = pq.read_table(folder / PERPS, columns=["ts", "symbol", "close", "quote_volume"])
    count = table.group_by("symbol").aggregate([("ts", "count")])
    longest = pc.max(count["ts_count"]).as_py()
    whole = count.filter(pc.equal(count["ts_count"], longest))["symbol"]
    table = table.filter(pc.is_in(table["symbol"], whole))
    until = pc.min(table["ts"]).as_py() + timedelta(days=DAYS)
    early = table.filter(pc.less(table["ts"], pa.scalar(until, table["ts"].type)))
    traded = early.group_by("symbol").aggregate([("quote_volume", "sum")])
    order = traded.sort_by([("quote_volume_sum", "descending")])["symbol"].to_pylist()
    pq.write_table(table.select(["ts", "symbol", "close"]), target)
    return [str(name) for name in order if name != "USDCUSDT"][:COINS]


def spot(folder: Path, target: Path) -> list[str]:
    """The close of each day's last hour, all coins of the file."""
    table = pq.read_table(folder / SPOT, columns=["ts", "symbol", "close"])
    table = table.filter(pc.equal(pc.hour(table["ts"]), 23))
    pq.write_table(table, target)
    return sorted(str(name) for name in pc.unique(table["symbol"]).to_pylist())


def table(folder: Path) -> str:
    """Both tables, as the page has them."""
    parts = []
    with TemporaryDirectory() as place:
        target = Path(place) / "prices.parquet"
        for words, names in (
            ("perpetuals, the most traded of the first month", perps(folder, target)),
            ("spot", None),
        ):
            own = spot(folder, target) if names is None else names
            found = frontier(target, assets=own, backtest=Backtest(180, 30, 5.0)).figures
            parts.append(_one(words, own, found))
    return "\n".join(parts)


def _one(words: str, names: list[str], found: Mapping[str, Any]) -> str:
    walk = found["backtest"]
    coins = ", ".join(name.removesuffix("USDT") for name in names)
    lines = [
        f"**{len(names)} {words}** ({coins}), {walk['first'][:10]} to {found['to'][:10]}:\n\n{HEAD}"
    ]
    for row in walk["rows"]:
        cells = [
            row["rule"],
            _share(row["return_fraction"], 1),
            _share(row["volatility_fraction"], 1),
            f"{row['sharpe']:.2f}",
            _share(row["drawdown_fraction"], 1),
            _share(row["turnover_year_fraction"], 0),
            _share(row["behind_fraction"], 0),
            _share(row["worst_behind_fraction"], 1),
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _share(value: float, digits: int) -> str:
    text = f"{100.0 * value:.{digits}f}"
    return f"{text.removeprefix('-') if float(text) == 0.0 else text} %"


def main(arguments: list[str] | None = None) -> int:
    """Renew or check the page."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) not in (1, 2) or given[1:] not in ([], ["--check"]):
        print("usage: python scripts/frontier_evidence.py FOLDER [--check]", file=sys.stderr)
        return 2
    text = PAGE.read_text("utf-8")
    head, rest = text.split(BEGIN)
    new = f"{head}{BEGIN}\n{table(Path(given[0]))}{END}{rest.split(END)[1]}"
    if given[1:]:
        return int(new != text)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
