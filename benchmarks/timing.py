"""How a comparison is timed: candidates in turn (A B C A B C …), medians, one processor pinned."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

__all__ = [
    "OURS",
    "VECTORS",
    "Candidate",
    "Latency",
    "Settings",
    "Timing",
    "interleaved",
    "latencies",
    "one_processor",
]

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"
OURS = "crossmargin"  # the candidate that the others are compared with


@dataclass(frozen=True)
class Settings:
    """How much to measure: ``seconds`` and ``rounds`` bound one comparison.

    ``vectors``: folder of recorded problems, read in place where it is there.
    """

    quick: bool = False
    seconds: float = 3.0
    rounds: int = 15
    threads: int = 2
    vectors: Path = VECTORS

    def size(self, full: int, quick: int) -> int:
        """The full or the quick size of a workload."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Candidate:
    """Something that does ``units`` of work a call; ``error`` says how wrong its values are."""

    name: str
    run: Callable[[], object]
    units: float
    error: float | None = None  # against the reference, in the unit of the workload
    failure: str = ""  # why it cannot be measured


@dataclass(frozen=True)
class Timing:
    """Median seconds of one call, and how much the calls differed."""

    candidate: Candidate
    wall_s: float
    cpu_s: float
    rounds: int
    spread: float  # third less first quartile of the wall seconds, over the median

    @property
    def rate(self) -> float:
        """Units a second of wall time."""
        return self.candidate.units / self.wall_s

    @property
    def cpu_rate(self) -> float:
        """Units a second of processor time: what a row on one pinned processor is judged by."""
        return self.candidate.units / max(self.cpu_s, 1e-9)

    @property
    def processors(self) -> str:
        """How many processors it had, for a row that wants two."""
        return f"had {self.cpu_s / self.wall_s:.1f} processors"


@dataclass(frozen=True)
class Latency:
    """Microseconds of one call."""

    name: str
    p50_us: float
    p99_us: float
    calls: int


@contextmanager
def one_processor(pinned: bool = True) -> Iterator[None]:
    """Keep this thread, and those that it starts, on one processor, where that is possible."""
    if not pinned or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def interleaved(candidates: Sequence[Candidate], settings: Settings) -> dict[str, Timing]:
    """Each candidate once a round, until the rounds or the seconds are used up; at least three.

    Candidates have been called before (their values were checked): nothing compiles here.
    """
    live = [candidate for candidate in candidates if not candidate.failure]
    wall: dict[str, list[float]] = {candidate.name: [] for candidate in live}
    cpu: dict[str, list[float]] = {candidate.name: [] for candidate in live}
    begin = time.perf_counter()
    least = 1 if settings.quick else 3
    for k in range(settings.rounds):
        if k >= least and time.perf_counter() - begin > settings.seconds:
            break
        for candidate in live:
            busy, now = time.process_time(), time.perf_counter()
            candidate.run()
            wall[candidate.name].append(time.perf_counter() - now)
            cpu[candidate.name].append(time.process_time() - busy)
    return {
        candidate.name: Timing(
            candidate,
            median(wall[candidate.name]),
            median(cpu[candidate.name]),
            len(wall[candidate.name]),
            _spread(wall[candidate.name]),
        )
        for candidate in live
    }


def latencies(
    calls: Sequence[tuple[str, Callable[[], object]]],
    settings: Settings,
    count: int = 20_000,
    inside: Mapping[str, int] | None = None,
) -> dict[str, Latency]:
    """Percentiles of single calls, in turns of a fiftieth of ``count`` each.

    ``inside`` names the calls that do their work several times: theirs is the mean of each call.
    """
    turns = 5 if settings.quick else 50
    share = max(count // 50, 20)
    clock = time.perf_counter_ns
    found: dict[str, list[np.ndarray]] = {name: [] for name, _ in calls}
    for _ in range(turns):
        for name, call in calls:
            taken = np.empty(share, np.int64)
            call()
            for n in range(share):
                now = clock()
                call()
                taken[n] = clock() - now
            found[name].append(taken)
    times = inside or {}
    return {
        name: _latency(name, np.concatenate(parts), times.get(name, 1))
        for name, parts in found.items()
    }


def _latency(name: str, taken_ns: np.ndarray, times: int) -> Latency:
    p50, p99 = np.percentile(taken_ns, [50, 99]) / (1e3 * times)
    return Latency(name, float(p50), float(p99), taken_ns.size)


def _spread(values: list[float]) -> float:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float((high - low) / middle)
