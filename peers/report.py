"""What a comparison found: lines, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Line", "Report", "compared", "not_run", "unexplained"]


@dataclass(frozen=True)
class Line:
    """One comparison of our figures with a peer's, case by case.

    ``tolerance`` bounds ``|ours - theirs|`` over the larger of the two and ``least`` (see
    :func:`compared`); ``expected`` is the verdict that the reason explains: a line that comes out
    otherwise is a finding and fails the run.
    """

    comparison: str
    peer: str
    what: str
    cases: int
    agree: int
    tolerance: float | None
    worst: float | None  # largest relative difference
    expected: str
    reason: str

    @property
    def verdict(self) -> str:
        """``agrees`` where every case does, ``differs`` where one does not."""
        if self.cases == 0:
            return "not run"
        return "agrees" if self.agree == self.cases else "differs"

    @property
    def explained(self) -> bool:
        """Whether the verdict is the one that the reason explains; what is not run is."""
        return self.verdict in ("not run", self.expected)


@dataclass
class Report:
    """Lines in order, with the versions of what was run and the sources that they depend on."""

    versions: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    lines: list[Line] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON; no time and no path of a machine is in it."""
        return {
            "fingerprint": self.fingerprint,
            "versions": dict(self.versions),
            "lines": [{**asdict(line), "verdict": line.verdict} for line in self.lines],
            "sources": dict(self.sources),
        }

    @staticmethod
    def read(path: Path) -> Report:
        """A saved report."""
        held = json.loads(path.read_text("utf-8"))
        names = [part.name for part in fields(Line)]
        lines = [Line(**{name: line[name] for name in names}) for line in held["lines"]]
        return Report(held["versions"], held["sources"], held["fingerprint"], lines)

    def save(self, path: Path) -> None:
        """The JSON file."""
        text = json.dumps(self.as_dict(), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")

    def table(self) -> str:
        """The lines as Markdown, comparison by comparison."""
        out = []
        for comparison in dict.fromkeys(line.comparison for line in self.lines):
            own = [line for line in self.lines if line.comparison == comparison]
            out += [f"## {comparison}", "", _HEAD, _RULE]
            out += [_row(line) for line in own]
            out.append("")
        return "\n".join(out)


_HEAD = "| what | peer | agree | worst difference | verdict and reason |"
_RULE = "|---|---|---:|---:|---|"


def _row(line: Line) -> str:
    share = f"{line.agree:,} of {line.cases:,}" if line.cases else ""
    worst = "" if line.worst is None else ("0" if line.worst == 0.0 else f"{line.worst:.0e}")
    if line.worst is not None and line.worst >= 1e-3:
        worst = f"{100.0 * line.worst:.3g} %"
    said = f"**{line.verdict}**" + (f": {line.reason}" if line.reason else "")
    return f"| {line.what} | {line.peer} | {share} | {worst} | {said} |"


def compared(
    comparison: str,
    peer: str,
    what: str,
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    *,
    tolerance: float,
    least: float = 0.0,
    expected: str = "agrees",
    reason: str = "",
) -> Line:
    """The line of figures that should be the same, pair by pair.

    The difference is relative to the larger of the two figures and ``least``; the worst is kept to
    two digits, so that rounding in the last place of another machine does not show.
    """
    mine, other = (np.ravel(np.asarray(x, dtype=np.float64)) for x in (ours, theirs))
    if mine.shape != other.shape or not len(mine):
        raise ValueError(f"{comparison}, {what}: {mine.shape} against {other.shape}")
    if not (np.isfinite(mine).all() and np.isfinite(other).all()):
        raise ValueError(f"{comparison}, {what}: a figure is not finite")
    scale = np.maximum(np.maximum(np.abs(mine), np.abs(other)), least)
    gap = np.abs(mine - other) / np.where(scale == 0.0, 1.0, scale)
    agree, worst = int((gap <= tolerance).sum()), float(f"{gap.max():.1e}")
    return Line(comparison, peer, what, len(mine), agree, tolerance, worst, expected, reason)


def not_run(comparison: str, peer: str, what: str, reason: str) -> Line:
    """The line of something that could not be run here."""
    return Line(comparison, peer, what, 0, 0, None, None, "not run", reason)


def unexplained(lines: Sequence[Line]) -> list[Line]:
    """Lines whose verdict is not the one that their reason explains."""
    return [line for line in lines if not line.explained]
