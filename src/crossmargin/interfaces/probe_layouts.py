"""How probes and the outcome of a fit are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["fit_document", "probe_document"]


def probe_document(figures: Mapping[str, Any]) -> Document:
    """The probes, and what they leave open."""
    columns = (
        Column("probe", "probe", "count"),
        Column("positions", "positions, in coin"),
        Column("parts", "pairs parted", "count"),
    )
    rows = tuple(
        (
            each["probe"],
            ", ".join(f"{name} {size:+g}" for name, size in each["positions"].items()),
            each["parts"],
        )
        for each in figures["probes"]
    )
    lines = [
        f"as of {figures['as_of']}, parameters {figures['parameters']['set']}",
        f"{figures['combinations']} combinations of readings make {figures['pairs']} pairs; "
        f"{len(rows)} of {figures['candidates']} candidate books part "
        f"{figures['pairs'] - figures['pairs_together']} of them",
    ]
    notes = []
    if figures["open"]:
        notes.append("no book of this market tells apart: " + ", ".join(figures["open"]))
    title = f"probes of {figures['model']} at {figures['venue']}"
    return Document(title, tuple(lines), (Table("probes", "", columns, rows),), tuple(notes))


def fit_document(figures: Mapping[str, Any]) -> Document:
    """Each reading with what is left of it; the nearest combinations where none fits."""
    head = f"{figures['answers']} answers, {figures['combinations']} combinations of readings"
    tables = []
    if figures["fits"]:
        lines = (head, f"{figures['holding']} fit every answer")
        left = {**{n: [v] for n, v in figures["decided"].items()}, **figures["undecided"]}
        columns = (
            Column("reading", "reading", "name"),
            Column("left", "what fits"),
            Column("decided", "decided", "name"),
        )
        rows = tuple((n, ", ".join(v), "yes" if len(v) == 1 else "no") for n, v in left.items())
        tables.append(Table("readings", "", columns, rows))
    else:
        lines = (head, "none fits: the rule has another form than those that are known")
        tables.append(_nearest(figures["nearest"]))
    title = f"readings of {figures['model']} at {figures['venue']}"
    return Document(title, lines, tuple(tables))


def _nearest(nearest: list[dict[str, Any]]) -> Table:
    columns = (
        Column("choices", "combination"),
        Column("holding", "answers that fit", "count"),
        Column("distance", "distance"),
        Column("first", "first parts at"),
    )
    rows = tuple(
        (
            ", ".join(f"{n.removeprefix('reading.')} {v}" for n, v in each["choices"].items()),
            each["holding"],
            f"{each['distance']:.3g}",
            each["first"],
        )
        for each in nearest
    )
    return Table("nearest", "the nearest combinations", columns, rows)
