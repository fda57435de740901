"""The first answer of the command, process start to exit, with compiled kernels and without."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.machine import Limits
from benchmarks.report import Measure, Report
from benchmarks.timing import Settings

__all__ = ["run"]

MODEL = "deribit-xpm"
BOOK = "market-maker"
WARM_S, EMPTY_S = 2.0, 6.0
TIMEOUT_S = 60


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Warm and empty in turn, five times each."""
    del limits
    case = f"margin of the sample book {BOOK} under {MODEL}"
    if importlib.util.find_spec("crossmargin.__main__") is None:
        report.measures.append(
            Measure("start", case, "crossmargin", "s", note="the command is not there")
        )
        return
    from crossmargin import sample

    command = [
        sys.executable, "-m", "crossmargin", "margin", str(sample.book_path(BOOK)),
        "--market", str(sample.market_path()), "--model", MODEL,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        warm, empty = Path(folder) / "warm", Path(folder) / "empty"
        _once(command, warm)  # also writes the byte code of the modules
        taken: dict[str, list[float]] = {"warm": [], "empty": []}
        for _ in range(1 if settings.quick else 5):
            taken["warm"].append(_once(command, warm))
            shutil.rmtree(empty, ignore_errors=True)
            taken["empty"].append(_once(command, empty))
    import_s = median(_seconds([sys.executable, "-c", "import numba"]) for _ in range(3))
    for name, limit in (("warm", WARM_S), ("empty", EMPTY_S)):
        wall = report.seconds("start", f"{case}, {name} kernel cache", taken[name])
        reason = f"of it {import_s:.2f} s to import numba alone"
        report.goal(
            "start", f"first answer, {name} kernel cache", limit, wall, "s", at_least=False,
            reason=reason,
        )  # fmt: skip


def _once(command: list[str], cache: Path) -> float:
    return _seconds(command, CROSSMARGIN_CACHE_DIR=str(cache))


def _seconds(command: list[str], **environment: str) -> float:
    """Wall seconds of a process; its output is dropped, a failure is raised."""
    variables = {**os.environ, **environment}
    now = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        env=variables,
        stdout=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
    )
    return time.perf_counter() - now
