"""What a run found: measures and goals, as JSON, as a table on the screen and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.timing import OURS, Candidate, Latency, Timing

__all__ = ["Goal", "Measure", "Report", "WrongValue"]


class WrongValue(Exception):  # noqa: N818 - it is named for what happened
    """Our own values differ from the reference: nothing is timed."""


@dataclass(frozen=True)
class Measure:
    """One line: a candidate on a case. ``rate`` in ``unit``, or none where there is no time."""

    workload: str
    case: str
    candidate: str
    unit: str
    rate: float | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    rounds: int = 0
    spread: float | None = None
    times_slower: float | None = None  # our rate over its rate
    limit_share: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Goal:
    """One target: ``wanted`` and ``found`` in ``unit``; none found where a peer is absent."""

    workload: str
    text: str
    unit: str
    wanted: float
    found: float | None
    at_least: bool
    reason: str = ""
    stretch: bool = False

    @property
    def met(self) -> bool | None:
        """None where nothing could be measured."""
        if self.found is None:
            return None
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    @property
    def ratio(self) -> float | None:
        """How many times the target: above one is better than asked."""
        if self.found is None:
            return None
        return self.found / self.wanted if self.at_least else self.wanted / max(self.found, 1e-300)


@dataclass
class Report:
    """Collects what the workloads find."""

    machine: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    measures: list[Measure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def compare(
        self,
        workload: str,
        case: str,
        unit: str,
        timings: Mapping[str, Timing],
        candidates: Sequence[Candidate],
        *,
        scale: float = 1e6,
        by_cpu: bool = True,
        limit: float | None = None,
    ) -> dict[str, float]:
        """A line for each candidate; the rates by name. ``limit`` is the most that is possible."""

        def rate_of(timing: Timing) -> float:
            return (timing.cpu_rate if by_cpu else timing.rate) / scale

        rates = {name: rate_of(timing) for name, timing in timings.items()}
        for candidate in candidates:
            if candidate.failure:
                self.measures.append(
                    Measure(workload, case, candidate.name, unit, note=candidate.failure)
                )
                continue
            timing = timings[candidate.name]
            rate = rates[candidate.name]
            own = candidate.name.startswith("crossmargin")
            self.measures.append(
                Measure(
                    workload,
                    case,
                    candidate.name,
                    unit,
                    rate,
                    timing.wall_s,
                    timing.cpu_s,
                    timing.rounds,
                    timing.spread,
                    rates[OURS] / rate,
                    rate * scale / limit if limit and own else None,
                    candidate.error,
                )
            )
        return rates

    def latency(self, workload: str, case: str, found: Mapping[str, Latency]) -> None:
        """A line for each kind of call: microseconds."""
        for latency in found.values():
            self.measures.append(
                Measure(
                    workload,
                    case,
                    latency.name,
                    "µs, p50",
                    latency.p50_us,
                    latency.p50_us / 1e6,
                    None,
                    latency.calls,
                    note=f"p99 {latency.p99_us:.3g} µs",
                )
            )

    def seconds(self, workload: str, case: str, wall_s: Sequence[float], **more: Any) -> float:
        """A line of median seconds."""
        middle = sorted(wall_s)[len(wall_s) // 2]
        self.measures.append(
            Measure(workload, case, "crossmargin", "s", middle, middle, rounds=len(wall_s), **more)
        )
        return middle

    def goal(
        self,
        workload: str,
        text: str,
        wanted: float,
        found: float | None,
        unit: str,
        *,
        at_least: bool = True,
        reason: str = "",
        stretch: bool = False,
    ) -> None:
        """One target; ``reason`` is shown where it is not met."""
        found = None if found is None else float(found)  # NumPy's numbers are no JSON
        met = Goal(workload, text, unit, wanted, found, at_least).met
        said = {True: "", False: reason, None: "nothing to compare with: see its line above"}[met]
        self.goals.append(Goal(workload, text, unit, wanted, found, at_least, said, stretch))

    def against(
        self,
        workload: str,
        case: str,
        rates: Mapping[str, float],
        peers: Mapping[str, tuple[float, float]],
    ) -> None:
        """Goals of the form "at least N times a peer": peer -> (N, rate that N was set against)."""
        for peer, (wanted, assumed) in peers.items():
            text = f"{case}: against {peer}"
            if peer not in rates:
                self.goal(workload, text, wanted, None, "×")
                continue
            reason = (
                f"{peer} does {rates[peer]:.3g} here, {rates[peer] / assumed:.2g} times the "
                f"{assumed:g} that the target was set against"
            )
            times = rates[OURS] / rates[peer]
            self.goal(workload, text, wanted, times, "×", reason=reason)

    def save(self, path: Path) -> None:
        """Everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "machine": dict(self.machine),
            "settings": dict(self.settings),
            "measures": [asdict(measure) for measure in self.measures],
            "goals": [
                {**asdict(goal), "met": goal.met, "ratio": goal.ratio} for goal in self.goals
            ],
            "remarks": self.remarks,
        }
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def measure_rows(self) -> list[tuple[str, ...]]:
        """Text of the table of measures."""
        return [
            (
                m.workload,
                m.case,
                m.candidate,
                _figure(m.rate),
                m.unit,
                f"{m.times_slower:.3g}" if m.times_slower is not None else "",
                f"{100 * m.limit_share:.0f} %" if m.limit_share is not None else "",
                f"{m.error:.1e}" if m.error is not None else "",
                m.note,
            )
            for m in self.measures
        ]

    def goal_rows(self) -> list[tuple[str, ...]]:
        """Text of the table of goals."""
        word = {True: "met", False: "NOT met", None: "—"}
        return [
            (
                g.workload,
                g.text + (" (stretch)" if g.stretch else ""),
                f"{'≥' if g.at_least else '≤'} {g.wanted:.4g} {g.unit}",
                f"{g.found:.4g}" if g.found is not None else "—",
                f"{g.ratio:.2f}" if g.ratio is not None else "—",
                word[g.met],
                g.reason,
            )
            for g in self.goals
        ]

    def markdown(self) -> str:
        """Both tables, for a file."""
        parts = [
            _markdown(MEASURE_HEADS, self.measure_rows()),
            _markdown(GOAL_HEADS, self.goal_rows()),
            "\n".join(f"- {remark}" for remark in self.remarks),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def show(self) -> None:
        """Both tables on the screen; plain Markdown where rich is not installed."""
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            print(self.markdown())
            return
        console = Console()
        both = (
            ("Measured", MEASURE_HEADS, self.measure_rows()),
            ("Targets", GOAL_HEADS, self.goal_rows()),
        )
        for title, heads, rows in both:
            table = Table(title=title)
            for head in heads:
                table.add_column(head, justify="right" if head in NUMBERS else "left")
            for row in rows:
                table.add_row(*row)
            console.print(table)
        for remark in self.remarks:
            console.print(f"- {remark}", highlight=False)


MEASURE_HEADS = ("row", "case", "candidate", "rate", "unit", "ours ×", "of limit", "error", "note")
GOAL_HEADS = ("row", "target", "wanted", "found", "ratio", "", "why not")
NUMBERS = ("rate", "ours ×", "of limit", "error", "found", "ratio")


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
