"""What a run over vector files found, by model and file: written with --record-vectors.

The files are not this project's to ship; their counts and worst errors are, and the cards of the
models show them. Only a green run of all of them writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from crossmargin.conformance.recorded import RecordedVectors, read, text_of
from crossmargin.conformance.vectors import KINDS

RECORDED = Path(__file__).parents[2] / "src" / "crossmargin" / "conformance" / "recorded"


@dataclass
class _Seen:
    cases: set[str] = field(default_factory=set)
    numbers: int = 0
    worst: float = 0.0


_SEEN: dict[tuple[str, str, str], _Seen] = {}


def seen(
    model: str, kind: str, file: str, case: str, ours: float, theirs: float, scale: float = 0.0
) -> None:
    """Count one number of a case: ``kind`` is a key of KINDS, the error relative to ``theirs``.

    ``scale`` is what the error of a difference of large numbers is relative to, where it is larger.
    """
    assert kind in KINDS, kind
    entry = _SEEN.setdefault((model, kind, file), _Seen())
    entry.cases.add(case)
    entry.numbers += 1
    entry.worst = max(entry.worst, abs(ours - theirs) / max(abs(theirs), scale, 1e-9))


def rows_of(model: str) -> tuple[RecordedVectors, ...]:
    """What this run has seen of a model."""
    return tuple(
        RecordedVectors(kind, file, len(entry.cases), entry.numbers, entry.worst)
        for (name, kind, file), entry in sorted(_SEEN.items())
        if name == model
    )


def written() -> list[Path]:
    """Write what was seen; rows of files that this run did not read stay."""
    paths = []
    for model in sorted({name for name, _, _ in _SEEN}):
        before, now = read(model), rows_of(model)
        files = {row.file for row in now}
        kept = tuple(row for row in before.vectors if row.file not in files)
        path = RECORDED / f"{model}.toml"
        path.parent.mkdir(exist_ok=True)
        record = type(before)(before.asked, before.broken, (*kept, *now))
        path.write_text(text_of(record), encoding="utf-8")
        paths.append(path)
    return paths
