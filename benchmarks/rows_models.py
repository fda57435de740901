"""A hundred thousand accounts under every model that takes options: arrays to sheet."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.machine import Limits
from benchmarks.populations import (
    NOT_TIMED,
    VENUE_OF_MODEL,
    chain_of,
    positions,
    quantities,
    view_of,
)
from benchmarks.report import Measure, Report
from benchmarks.rows_population import HELD, check, timed
from benchmarks.timing import Settings
from crossmargin.margin import model_named

__all__ = ["run"]

TARGET_S, STRETCH_S = 0.5, 0.2


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Each chain once, the models that take the same rows in turn; goals for scan models alone."""
    del limits
    accounts = settings.size(100_000, 10_000)
    tables = {name: chain_of(name) for name in VENUE_OF_MODEL}
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
            wall, cpu = median(walls[name]), median(cpus[name])
            case = f"{name}: {accounts}×{HELD}, {len(table)} instruments, two threads"
            report.measures.append(
                Measure("models", case, "crossmargin", "s", wall, wall, cpu, len(walls[name]))
            )
            if model_named(name).spec.family != "scan":
                continue
            scaled = wall * 100_000 / accounts
            text = f"{name}: 10⁵ accounts × {HELD}, arrays to sheet"
            reason = f"{cpu * 1e5 / accounts:.2f} s of processor time"
            for limit, stretch in ((TARGET_S, False), (STRETCH_S, True)):
                report.goal(
                    "models", text, limit, scaled, "s", at_least=False, stretch=stretch,
                    reason=reason,
                )  # fmt: skip
    for name, why in NOT_TIMED.items():
        report.remarks.append(f"models: {name} is not timed: it {why}")
