"""``python -m benchmarks [--only W1,W2] [--quick] [--vectors DIR]``.

Measures, shows, and writes bench-results.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.machine import Limits, describe, measure_limits
from benchmarks.report import Report, WrongValue
from benchmarks.timing import VECTORS, Settings, one_processor

__all__ = ["WORKLOADS", "main"]

WORKLOADS = {
    "W1": "w1_revaluation",
    "W2": "w2_netting",
    "W3": "w3_greeks",
    "W4": "w4_implied_vol",
    "W5": "w5_incremental",
    "W6": "w6_history",
    "W7": "w7_what_if",
    "W8": "w8_orders",
    "W9": "w9_frontier",
    "W10": "w10_optimise",
    "W11": "w11_portfolios",
    "population": "rows_population",
    "models": "rows_models",
    "start": "rows_start",
}
Workload = Callable[[Report, Settings, Limits], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 where a value is wrong, 2 where the command line is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(WORKLOADS)
    parser.add_argument("--only", metavar="ROWS", help=f"some of {names}, with commas")
    parser.add_argument("--quick", action="store_true", help="small sizes, a minute or so")
    parser.add_argument("--results", type=Path, default=Path("bench-results"), help="folder")
    parser.add_argument(
        "--vectors",
        type=Path,
        default=VECTORS,
        help="folder of recorded problems (default: ../shared/vectors)",
    )
    chosen = parser.parse_args(arguments)
    wanted = list(WORKLOADS) if chosen.only is None else chosen.only.split(",")
    for name in wanted:
        if name not in WORKLOADS:
            parser.error(f"no such row: {name} (there are {names})")
    settings = Settings(
        quick=chosen.quick, seconds=0.4 if chosen.quick else 3.0, vectors=chosen.vectors
    )
    report = Report(
        machine=describe(),
        settings={"quick": chosen.quick, "rows": wanted},
    )
    try:
        measure(report, settings, wanted)
    except WrongValue as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    report.show()
    stem = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    path = chosen.results / f"{stem}.json"
    report.save(path)
    path.with_suffix(".md").write_text(report.markdown(), "utf-8")
    print(f"written: {path} and {path.with_suffix('.md').name}")
    return 0


def measure(report: Report, settings: Settings, wanted: Sequence[str]) -> None:
    """The machine's limits, then each workload."""
    begin = time.perf_counter()
    with one_processor():
        limits = measure_limits(quick=settings.quick)
    _remark_limits(report, limits)
    for name in wanted:
        now = time.perf_counter()
        workload: Workload = import_module(f"benchmarks.{WORKLOADS[name]}").run
        workload(report, settings, limits)
        print(f"{name}: {time.perf_counter() - now:.0f} s", file=sys.stderr, flush=True)
    taken = time.perf_counter() - begin
    load = "" if report.machine["load_average"] is None else _load(report.machine["load_average"])
    report.remarks.append(f"the whole run took {taken:.0f} s{load}")


def _load(average: Sequence[float]) -> str:
    return f"; load average of the machine before it: {average[0]:.1f}"


def _remark_limits(report: Report, limits: Limits) -> None:
    report.machine = {**report.machine, "limits": limits.as_dict()}
    giga = 1e-9
    reads = (
        limits.l1_bytes_per_s,
        limits.l2_bytes_per_s,
        limits.l3_bytes_per_s,
        limits.dram_bytes_per_s,
    )
    report.remarks.append(
        f"{report.machine['processor']}: {limits.fma_per_s * giga:.1f} G multiply-adds and "
        f"{limits.divide_per_s * giga:.2f} G divides a second and core, reads "
        + " / ".join(f"{speed * giga:.0f}" for speed in reads)
        + " GB/s from L1 / L2 / L3 / memory"
    )


if __name__ == "__main__":
    sys.exit(main())
