"""What earlier runs found of the built-in models: promises, and vectors that are not shipped.

Many vectors are venues' own recordings under other licences. Who has them runs
``pytest tests/vectors --record-vectors``; the counts and the worst errors are kept in
``recorded/<model>.toml``. Promises are written by ``scripts/renew_docs.py``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from crossmargin.conformance.vectors import KINDS

__all__ = ["Recorded", "RecordedVectors", "read", "text_of"]


@dataclass(frozen=True, slots=True)
class RecordedVectors:
    """Cases of one kind from one file: how many numbers agreed, and the worst relative error."""

    kind: str
    file: str
    cases: int
    numbers: int
    worst_error: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """Of one model; ``asked`` is 0 where no run has written its promises."""

    asked: int = 0
    broken: tuple[str, ...] = ()
    vectors: tuple[RecordedVectors, ...] = ()


def read(model: str) -> Recorded:
    """What is recorded of a model; nothing where there is no file."""
    place = resources.files("crossmargin.conformance") / "recorded" / f"{model}.toml"
    if not place.is_file():
        return Recorded()
    content = tomllib.loads(place.read_text(encoding="utf-8"))
    promises = content.get("promises", {})
    rows = [
        RecordedVectors(
            row["kind"], row["file"], row["cases"], row["numbers"], float(row["worst_error"])
        )
        for row in content.get("vectors", ())
    ]
    return Recorded(promises.get("asked", 0), tuple(promises.get("broken", ())), _ordered(rows))


def text_of(recorded: Recorded) -> str:
    """The file of a record: the same record, the same text."""
    parts = ["# Written by a run, not by hand: see crossmargin.conformance.recorded.", ""]
    broken = ", ".join(f'"{name}"' for name in recorded.broken)
    parts += ["[promises]", f"asked = {recorded.asked}", f"broken = [{broken}]"]
    for row in _ordered(recorded.vectors):
        parts += [
            "",
            "[[vectors]]",
            f'kind = "{row.kind}"',
            f'file = "{row.file}"',
            f"cases = {row.cases}",
            f"numbers = {row.numbers}",
            f"worst_error = {row.worst_error:.1e}",
        ]
    return "\n".join(parts) + "\n"


def _ordered(rows: Sequence[RecordedVectors]) -> tuple[RecordedVectors, ...]:
    order = list(KINDS)
    return tuple(sorted(rows, key=lambda row: (order.index(row.kind), row.file)))
