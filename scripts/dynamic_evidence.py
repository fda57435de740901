"""Writes the table and the plot of docs/dynamic.md: the dynamic margin against the static one.

    python scripts/dynamic_evidence.py FOLDER [--check]

FOLDER holds ``binance_spot_1h_2017_2023.parquet`` (ts, symbol, close) and ``btc_dvol.csv``,
``eth_dvol.csv`` (date, close in vol points). Each day at midnight UTC books of a million dollars of
index are margined by the model itself, with the history up to that midnight and no later; the loss
that it is held against is that of the two days which follow. With ``--check`` nothing is written:
the exit status is 1 where a committed file is not what the script makes.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crossmargin.conformance.black import price as black
from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS, format_ms, utc_ms
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.interfaces import report_svg as svg
from crossmargin.margin.calibration import calibrated
from crossmargin.margin.families.anti_procyclical import Procyclicality, procyclicality
from crossmargin.margin.families.dynamic_forecast import daily
from crossmargin.margin.families.dynamic_names import own_numbers
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters, available, overlay
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.market.history import History
from crossmargin.market.view import View
from crossmargin.statistics.backtests import conditional_coverage, kupiec, transitions

ROOT = Path(__file__).resolve().parent.parent / "docs"
PAGE, PLOT = "dynamic.md", "dynamic.svg"
BEGIN, END = "<!-- evidence: scripts/dynamic_evidence.py -->", "<!-- end of evidence -->"
COINS = ("BTC", "ETH")
FIRST_MS = utc_ms(2018, 9, 1)  # a year of history stands before it
OPTIONS_MS = utc_ms(2021, 3, 25)  # the day after the first recorded volatility
DOLLARS = 1_000_000.0
HORIZON = 2
OPTION_DAYS = 30
CRASHES = (
    ("March 2020", utc_ms(2020, 2, 20), utc_ms(2020, 4, 20)),
    ("May 2021", utc_ms(2021, 5, 1), utc_ms(2021, 6, 30)),
    ("Nov. 2022", utc_ms(2022, 10, 25), utc_ms(2022, 12, 25)),
)
# Dollars of each coin's perpetual, then of straddles: the books.
BOOKS = {
    "long BTC": {"BTC": 1.0},
    "short BTC": {"BTC": -1.0},
    "long ETH": {"ETH": 1.0},
    "BTC against ETH": {"BTC": 1.0, "ETH": -1.0},
    "short straddle BTC": {"BTC straddle": -1.0},
    "short straddle ETH": {"ETH straddle": -1.0},
}
NAMES = tuple(BOOKS)
POLICIES = ("static", "forecast alone", "dynamic")
# The forecast without any tool: no floor, no stressed weight, no cap on steps.
BARE = {
    "dynamic.range.stress_share": 0.0,
    "dynamic.range.cap": 0.95,
    "dynamic.range.step_up": 10.0,
    "dynamic.range.step_down": 1.0,
    "dynamic.vol.stress_share": 0.0,
    "dynamic.vol.step_up": 10.0,
    "dynamic.vol.step_down": 1.0,
    "dynamic.vol.floor": 0.0,
    **{f"dynamic.floor.{coin}": 0.001 for coin in (*COINS, "OTHER")},
}


@dataclass(frozen=True)
class Series:
    """Margins of one book under one policy, dollars a day, and the losses that followed."""

    days_ms: np.ndarray
    margin: np.ndarray
    loss: np.ndarray  # over the next two days; NaN where they are not there


def histories(folder: Path) -> dict[str, History]:
    """Hourly closes, and the volatility index at the end of its day, of both coins."""
    table = pq.read_table(folder / "binance_spot_1h_2017_2023.parquet")
    out = {}
    for coin in COINS:
        own = table.filter(pc.equal(table["symbol"], f"{coin}USDT")).sort_by("ts")
        times = own["ts"].cast("int64").to_numpy() + DAY_MS // 24  # a bar is known at its end
        vols = _vols(folder / f"{coin.lower()}_dvol.csv", int(times[-1]))
        vol_times, vol = (np.array(each) for each in zip(*vols, strict=True))
        price = own["close"].to_numpy()
        out[coin] = _daily(History(coin, times, price, vol_times.astype(np.int64), vol))
    return out


def _vols(path: Path, last_ms: int) -> list[tuple[int, float]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            (
                int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp()) * 1000
                + DAY_MS,
                float(row["close"]) / 100.0,
            )
            for row in csv.DictReader(lines)
        ]
    return sorted(row for row in rows if row[0] <= last_ms)


def _daily(found: History) -> History:
    """The last close of each day: all that the forecast reads of the hours."""
    path = daily(found.times_ms, found.price, int(found.times_ms[-1]), found.underlying)
    times, price = frozen(path.day * DAY_MS, np.int64), frozen(path.value, np.float64)
    return replace(found, times_ms=times, price=price)


def rulebook(history: dict[str, History]) -> Parameters:
    """The static set: the house form's grid alone, with the ranges that the first year asks for."""
    house = available("house")[0]
    kept = ("general", "form", "level", "asset.BTC.moves", "asset.BTC.vols")
    kept = (*kept, "asset.ETH.moves", "asset.ETH.vols")
    entries = {name: entry for name, entry in house.entries.items() if name.startswith(kept)}
    grid = own_numbers(replace(house, entries=entries))
    free = {"dynamic.calibrate.step_up": 10.0, "dynamic.calibrate.step_down": 1.0}
    return calibrated(overlay(grid, free, "evidence"), history, FIRST_MS).parameters


def _items(day_ms: int, spot: dict[str, float], options: bool) -> list[Instrument]:
    expiry = day_ms + OPTION_DAYS * DAY_MS
    out = []
    for coin in COINS:
        base = Instrument("house", f"{coin}-PERP", Kind.PERPETUAL, coin, "USD", "USD")
        out.append(base)
        for right, letter in ((1, "C"), (-1, "P")) if options else ():
            out.append(
                replace(
                    base,
                    native_id=f"{coin}-{letter}",
                    kind=Kind.OPTION,
                    expiry_ms=expiry,
                    strike=spot[coin],
                    right=right,
                )
            )
    return out


def _view(
    items: list[Instrument],
    day_ms: int,
    spot: dict[str, float],
    vol: dict[str, float],
    history: dict[str, History],
) -> View:
    """The market of a midnight: no carry, every option at the volatility index."""
    table = Instruments.of(items)
    count, dated = len(table), len(table.expiries)
    life = [expiry - day_ms for *_, expiry in table.expiries]
    vols = [vol.get(i.underlying, 0.0) if i.kind == Kind.OPTION else 0.0 for i in table.items]
    years = OPTION_DAYS * DAY_MS / YEAR_MS
    marks = [
        black(i.right, spot[i.underlying], i.strike, v, years)
        if i.kind == Kind.OPTION
        else spot[i.underlying]
        for i, v in zip(table.items, vols, strict=True)
    ]
    return View(
        instruments=table,
        as_of_ms=day_ms,
        index=frozen([spot.get(pair[0], 1.0) for pair in table.pairs], np.float64),
        usd=frozen([spot.get(name, 1.0) for name in table.names], np.float64),
        forward=frozen([spot[each[0]] for each in table.expiries], np.float64),
        forward_settled=frozen(np.zeros(dated), np.float64),
        rate=frozen(np.zeros(dated), np.float64),
        life_ms=frozen(life, np.int64),
        mark=frozen(marks, np.float64),
        vol=frozen(vols, np.float64),
        bid=frozen(np.zeros(count), np.float64),
        ask=frozen(np.zeros(count), np.float64),
        has_bid=frozen(np.zeros(count), np.bool_),
        has_ask=frozen(np.zeros(count), np.bool_),
        ok=frozen(np.ones(count), np.bool_),
        history=history,
    )


def _book(table: Instruments, spot: dict[str, float], options: bool) -> Book:
    place = {item.native_id: k for k, item in enumerate(table.items)}
    lines = []
    for name, parts in BOOKS.items():
        for what, share in parts.items():
            coin, straddle = what.split()[0], "straddle" in what
            if straddle and not options:
                continue
            legs = (f"{coin}-C", f"{coin}-P") if straddle else (f"{coin}-PERP",)
            lines += [Line(name, place[leg], share * DOLLARS / spot[coin]) for leg in legs]
    return Book.of(table, lines, accounts=NAMES)


def _loss(name: str, at: int, price: dict[str, np.ndarray], vol: dict[str, np.ndarray]) -> float:
    """Dollars lost from that place to two days later."""
    out = 0.0
    for what, share in BOOKS[name].items():
        coin = what.split()[0]
        before, after = price[coin][at], price[coin][at + HORIZON]
        gain = after / before - 1.0
        if "straddle" in what:
            years = (OPTION_DAYS * DAY_MS / YEAR_MS, (OPTION_DAYS - HORIZON) * DAY_MS / YEAR_MS)
            old, new = (
                sum(black(right, spot, before, vol[coin][k], year) for right in (1, -1))
                for spot, k, year in ((before, at, years[0]), (after, at + HORIZON, years[1]))
            )
            gain = (new - old) / before
        out -= share * gain * DOLLARS
    return out


def measured(folder: Path) -> dict[tuple[str, str], Series]:
    """Margins and losses of every book under every policy."""
    history = histories(folder)
    static = rulebook(history)
    dynamic = own_numbers(static)
    inner, outer = model_named("house-example"), model_named("dynamic:house-example")
    policies: tuple[tuple[MarginModel, Parameters], ...] = (
        (inner, static),
        (outer, overlay(dynamic, BARE, "evidence")),
        (outer, dynamic),
    )
    times = history["BTC"].times_ms
    assert all((history[coin].times_ms == times).all() for coin in COINS)
    price = {coin: history[coin].price for coin in COINS}
    vol = {coin: _on(times, history[coin]) for coin in COINS}
    days = np.flatnonzero(times >= FIRST_MS).tolist()
    margins = {(name, policy): [] for name in NAMES for policy in POLICIES}
    losses: dict[str, list[float]] = {name: [] for name in NAMES}
    for at in days:
        now, options = int(times[at]), int(times[at]) >= OPTIONS_MS
        spot = {coin: float(price[coin][at]) for coin in COINS}
        vols = {coin: float(vol[coin][at]) for coin in COINS}
        view = _view(_items(now, spot, options), now, spot, vols, history)
        book = _book(view.instruments, spot, options)
        for policy, (model, parameters) in zip(POLICIES, policies, strict=True):
            found = run(book, view, model, parameters)
            needed = np.bincount(found.sheet.account, found.sheet["mm"], minlength=len(NAMES))
            for name, value in zip(NAMES, needed.tolist(), strict=True):
                margins[name, policy].append(value)
        for name in NAMES:
            known = at + HORIZON < len(times) and (options or "straddle" not in name)
            losses[name].append(_loss(name, at, price, vol) if known else float("nan"))
    out = {}
    for (name, policy), values in margins.items():
        kept = np.array(values) > 0.0
        series = (times[days], np.array(values), np.array(losses[name]))
        out[name, policy] = Series(*(each[kept] for each in series))
    return out


def _on(times: np.ndarray, found: History) -> np.ndarray:
    """The volatility index of each day; 0 before the first."""
    known = dict(zip(found.vol_times_ms.tolist(), found.vol.tolist(), strict=True))
    out, last = [], 0.0
    for time in times.tolist():
        last = known.get(time, last)
        out.append(last)
    return np.array(out)


def _tests(found: Series) -> tuple[int, int, float, float]:
    """Windows of two days that do not overlap, breaches, and the p-values of both tests at 1 %."""
    margin, loss = found.margin[::HORIZON], found.loss[::HORIZON]
    known = np.isfinite(loss)
    hits = loss[known] > margin[known]
    seen = transitions(hits)
    both = conditional_coverage(seen, 0.01, first=bool(hits[0])).p_value
    return len(hits), int(hits.sum()), kupiec(len(hits), int(hits.sum()), 0.01).p_value, both


def _within(found: Series, low_ms: int, high_ms: int) -> str:
    """Margin before, at its largest, and the largest rises of a day and of five."""
    inside = (found.days_ms >= low_ms) & (found.days_ms <= high_ms)
    if inside.sum() < 3:
        return "—"
    margin = found.margin[inside] / DOLLARS
    moves: Procyclicality = procyclicality(margin)
    lost = int((found.loss[inside] > found.margin[inside]).sum())
    short = f"; {lost} short" if lost else ""
    return (
        f"{100 * margin[0]:.1f} → {100 * margin.max():.1f} % "
        f"({_rise(moves.increase_1)}, {_rise(moves.increase_5)}{short})"
    )


def _rise(value: float) -> str:
    return f"+{100 * value:.0f} %" if value > 0.0005 else "0"


def table(found: dict[tuple[str, str], Series]) -> str:
    """The table in Markdown."""
    head = [
        "book",
        "margin",
        "mean",
        "windows",
        "breaches",
        "Kupiec p",
        "Christoffersen p",
        "peak / trough",
        "1 day",
        "5 days",
        *(name for name, *_ in CRASHES),
    ]
    lines = [f"| {' | '.join(head)} |", "|---|---|" + "--:|" * 8 + "---|" * 3]
    for name in NAMES:
        for policy in POLICIES:
            one = found[name, policy]
            count, breaches, single, both = _tests(one)
            moves = procyclicality(one.margin)
            cells = [
                name if policy == POLICIES[0] else "",
                policy,
                f"{100 * one.margin.mean() / DOLLARS:.1f} %",
                f"{count:,}",
                str(breaches),
                f"{single:.3f}",
                f"{both:.3f}",
                f"{moves.peak_to_trough:.2f}",
                _rise(moves.increase_1),
                _rise(moves.increase_5),
                *(_within(one, low, high) for _, low, high in CRASHES),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def plot(found: dict[tuple[str, str], Series]) -> str:
    """Margin of a long BTC book under each policy, the largest of each week, and the losses."""
    width, height, left, right, top, bottom = 900.0, 420.0, 56.0, 16.0, 56.0, 34.0
    base = found["long BTC", POLICIES[0]]
    first, last = int(base.days_ms[0]), int(base.days_ms[-1])
    highest = max(float(found["long BTC", p].margin.max()) for p in POLICIES) / DOLLARS
    highest = max(highest, float(np.nanmax(base.loss)) / DOLLARS)
    marks = svg.ticks(0.0, highest, 6)

    def x(time_ms: float) -> float:
        return left + (time_ms - first) / (last - first) * (width - left - right)

    def y(share: float) -> float:
        return height - bottom - share / marks[-1] * (height - top - bottom)

    parts = [svg.rect(0, 0, width, height, "#fff")]
    for name, low, high in CRASHES:
        parts.append(svg.rect(x(low), top, x(high) - x(low), height - top - bottom, "#f1ead8"))
        parts.append(svg.text((x(low) + x(high)) / 2, top - 6, name, 11, anchor="middle"))
    for mark in marks:
        parts.append(svg.line(left, y(mark), width - right, y(mark)))
        parts.append(svg.text(left - 6, y(mark) + 4, f"{100 * mark:.0f} %", 11, anchor="end"))
    for year in range(2019, 2024):
        at = x(utc_ms(year, 1, 1))
        parts.append(svg.line(at, height - bottom, at, height - bottom + 5, stroke="#555"))
        parts.append(svg.text(at, height - bottom + 18, str(year), 11, anchor="middle"))
    for time, loss in zip(base.days_ms.tolist(), (base.loss / DOLLARS).tolist(), strict=True):
        if loss > 0.05:
            parts.append(svg.line(x(time), y(0.0), x(time), y(loss), stroke="#bbb"))
    for k, policy in enumerate(POLICIES):
        one = found["long BTC", policy]
        weeks = range(0, len(one.margin), 7)
        points = " ".join(
            f"{x(one.days_ms[w]):.1f},{y(one.margin[w : w + 7].max() / DOLLARS):.1f}" for w in weeks
        )
        colour, dash = svg.LINE_COLOURS[k], svg.LINE_DASHES[k]
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        style = f'fill="none" stroke="{colour}" stroke-width="1.6"{broken}'
        parts.append(f'<polyline points="{points}" {style}/>')
        at = left + 150.0 * k
        parts.append(svg.line(at, 18, at + 30, 18, stroke=colour, width=2, dash=dash))
        parts.append(svg.text(at + 36, 22, policy, 12))
    parts.append(svg.line(left + 465, 12, left + 465, 24, stroke="#bbb", width=2))
    parts.append(svg.text(left + 473, 22, "loss of the next two days over 5 %", 12))
    label = "margin of a long BTC book as a share of its value, 2018 to 2023, under three policies"
    drawn = svg.picture(width, height, label, parts)
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def files_of(folder: Path) -> dict[str, str]:
    """Name under docs and text of the page and the plot."""
    found = measured(folder)
    text = (ROOT / PAGE).read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    one = found["long BTC", POLICIES[0]]
    days = f"{format_ms(int(one.days_ms[0]))[:10]} to {format_ms(int(one.days_ms[-1]))[:10]}"
    made = f"{BEGIN}\n\n{days}, every midnight UTC.\n\n{table(found)}\n\n{END}"
    return {PAGE: f"{head}{made}{tail}", PLOT: plot(found)}


def main(arguments: list[str]) -> int:
    """Write the files, or compare them."""
    check = arguments[1:] == ["--check"]
    if not arguments or (len(arguments) > 1 and not check):
        print("usage: dynamic_evidence.py FOLDER [--check]", file=sys.stderr)
        return 2
    stale = 0
    for name, text in files_of(Path(arguments[0])).items():
        path = ROOT / name
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{name} is not what the script makes: run it without --check")
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
