"""A million accounts under each model, and a book of six million positions from unsorted rows."""

from __future__ import annotations

import cProfile
import pstats
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.machine import Limits
from benchmarks.populations import (
    chain,
    chain_of,
    positions,
    quantities,
    view_of,
)
from benchmarks.report import Measure, Report, WrongValue
from benchmarks.timing import Settings
from crossmargin.instruments.book import Book
from crossmargin.margin import model_named
from crossmargin.margin import run as margin_run
from crossmargin.market.view import View
from crossmargin.pricing.positions import order_positions

__all__ = ["HELD", "check", "profile", "run", "timed"]

HELD = 60
# The models that a million accounts are margined under; the others are in rows_models.
MILLION = (
    "deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "paradex-pm", "fixed-rate",
)  # fmt: skip
TARGET_S, STRETCH_S = 3.0, 1.5
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Each chain once, the models that take the same rows in turn on one population."""
    del limits
    _book(report, settings)
    accounts = settings.size(1_000_000, 50_000)
    tables = {name: chain_of(name) for name in MILLION}
    for table in dict.fromkeys(tables.values()):
        rng = np.random.default_rng(10)
        row, column = positions(rng, accounts, HELD, len(table))
        arrays = (row, column, quantities(rng, table, column))
        names = [name for name, own in tables.items() if own == table]
        view = view_of(table)
        for name in names:
            check(name, arrays, view)
        walls, cpus = timed(names, arrays, view, settings)
        for name in names:
            costs = profile(name, arrays, view, min(accounts, 50_000))
            _say(report, name, len(table), accounts, walls[name], median(cpus[name]), costs)


def timed(
    names: list[str], arrays: Arrays, view: View, settings: Settings
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Arrays to sheet, the models in turn, three rounds."""
    walls: dict[str, list[float]] = {name: [] for name in names}
    cpus: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(1 if settings.quick else 3):
        for name in names:
            model = model_named(name)
            busy, now = time.process_time(), time.perf_counter()
            book = Book.of_arrays(view.instruments, *arrays)
            made = margin_run(book, view, model, threads=settings.threads)
            walls[name].append(time.perf_counter() - now)
            cpus[name].append(time.process_time() - busy)
            del made, book
    return walls, cpus


def _say(
    report: Report,
    name: str,
    instruments: int,
    accounts: int,
    walls: list[float],
    cpu_s: float,
    costs: list[tuple[str, float]],
) -> None:
    """The line and the goals of a model, at a million accounts."""
    case = f"{accounts}×{HELD}, {instruments} instruments, two threads"
    note = ", ".join(f"{what} {100 * share:.0f} %" for what, share in costs)
    wall = median(walls)
    report.measures.append(
        Measure(
            "population",
            f"{name}: {case}",
            "crossmargin",
            "s",
            wall,
            wall,
            cpu_s,
            len(walls),
            note=note,
        )
    )
    scaled = wall * 1_000_000 / accounts
    text = f"{name}: 10⁶ accounts × {HELD}, arrays to sheet"
    if accounts < 1_000_000:
        text += f" (from {accounts})"
    spent = f"{cpu_s * 1e6 / accounts:.1f} s of processor time"
    reason = f"{spent}, had {cpu_s / wall:.1f} processors; {note}"
    for limit, stretch in ((TARGET_S, False), (STRETCH_S, True)):
        report.goal(
            "population", text, limit, scaled, "s", at_least=False, stretch=stretch, reason=reason
        )


def _part(arrays: Arrays, accounts: int) -> Arrays:
    row, column, quantity = arrays
    last = int(row[accounts])
    return row[: accounts + 1], column[:last], quantity[:last]


def check(name: str, arrays: Arrays, view: View) -> None:
    """An account alone has the bits that it has among five thousand, on two threads."""
    model, table = model_named(name), view.instruments
    some = margin_run(Book.of_arrays(table, *_part(arrays, 5_000)), view, model, threads=2)
    alone = margin_run(Book.of_arrays(table, *_part(arrays, 1)), view, model)
    pools = len(alone.sheet)
    for k in range(pools):
        first = np.flatnonzero((some.sheet.account == 0) & (some.sheet.pool == k))[0]
        for level in ("im", "mm"):
            if some.sheet[level][first] != alone.sheet[level][k]:
                raise WrongValue(f"{name}: the {level} of an account depends on the others")


def profile(name: str, arrays: Arrays, view: View, accounts: int) -> list[tuple[str, float]]:
    """The six dearest functions of a run on one thread, as shares of the whole."""
    book = Book.of_arrays(view.instruments, *_part(arrays, accounts))
    recorder = cProfile.Profile()
    recorder.runcall(margin_run, book, view, model_named(name))
    stats = pstats.Stats(recorder)
    own: dict[str, float] = {}
    for (path, _, function), (_, _, seconds, _, _) in stats.stats.items():  # type: ignore[attr-defined] # the published way to read a profile has no types
        where = "NumPy" if "numpy" in path or path == "~" else Path(path).stem
        label = where if where == "NumPy" else f"{where}.{function}"
        own[label] = own.get(label, 0.0) + seconds
    total = sum(own.values())
    dearest = sorted(own.items(), key=lambda item: -item[1])[:6]
    return [(label, seconds / total) for label, seconds in dearest]


def _book(report: Report, settings: Settings) -> None:
    """Rows in any order to a book: sorted by account and instrument, lots merged."""
    table = chain("deribit")
    rng = np.random.default_rng(12)
    accounts = settings.size(100_000, 10_000)
    row, column = positions(rng, accounts, HELD, len(table))
    quantity = rng.standard_normal(column.size)
    owner = np.repeat(np.arange(accounts, dtype=np.int32), HELD)
    order = rng.permutation(column.size)
    mixed = owner[order], column[order], quantity[order]

    def build() -> Book:
        made = order_positions(*mixed, accounts, len(table))
        return Book.of_arrays(table, made.row_ptr, made.column, made.quantity)

    first = build()
    same = (
        np.array_equal(first.row, row)
        and np.array_equal(first.column, column)
        and np.array_equal(first.quantity, quantity)
    )
    if not same:
        raise WrongValue("book: the rows in canonical order differ from those that were shuffled")
    walls = []
    for _ in range(1 if settings.quick else 5):
        now = time.perf_counter()
        build()
        walls.append(time.perf_counter() - now)
    wall = report.seconds("book", f"{column.size} unsorted rows", walls)
    scaled = wall * 6_000_000 / column.size
    text = "6 M positions from unsorted rows"
    if column.size < 6_000_000:
        text += f" (from {column.size})"
    reason = "random reads of the rows: each misses the cache; one thread"
    report.goal("book", text, 0.5, scaled, "s", at_least=False, reason=reason)
