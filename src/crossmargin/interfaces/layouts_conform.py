"""The validation card: what a model's rules rest on, what was checked, what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.layouts_models import extent_text, rules_table, unknown_table
from crossmargin.interfaces.tables import Column, Document, Table

__all__ = [
    "conform_document",
    "promises_table",
    "sensitivity_lines",
    "sensitivity_table",
    "vectors_table",
]

Figures = Mapping[str, Any]


def conform_document(figures: Figures) -> Document:
    """One card a model, then what could not be run."""
    cards = figures["models"]
    lines: list[str] = []
    tables: list[Table] = []
    for card in cards:
        asked = len(card["promises"])
        kept = asked - card["broken"]
        lines += [
            f"{card['model']}: {card['title']}; {extent_text(card)}",
            f"  rules as of {card['version']}, parameters {card['parameters']}; "
            f"promises: {kept} of {asked} kept",
            *(f"  {line}" for line in sensitivity_lines(card)),
        ]
        tables += _tables(card, f"{card['model']}: " if len(cards) > 1 else "")
    if figures["failures"]:
        columns = (Column("subject", "model", "name"), Column("reason", "could not be run"))
        rows = tuple((f["subject"], f"{f['code']}: {f['reason']}") for f in figures["failures"])
        tables.append(Table("failures", "", columns, rows))
    return Document(f"conformance of {figures['name']}", tuple(lines), tuple(tables))


def _tables(card: Figures, before: str) -> list[Table]:
    out = [rules_table(card, f"{before}rules")]
    if card["vectors"]:
        out.append(vectors_table(card["vectors"], f"{before}vectors"))
    out.append(promises_table(card["promises"], f"{before}promises"))
    if card["sensitivity"]:
        out.append(sensitivity_table(card["sensitivity"], f"{before}sensitivity"))
    if card["unknown"]:
        out.append(unknown_table(card["unknown"], before))
    return out


def sensitivity_lines(card: Figures) -> list[str]:
    """In words what the table of sensitivities cannot say."""
    if not card["unmeasured"]:
        return []
    names = ", ".join(card["unmeasured"])
    return [f"inferred without a known rival reading, so of unknown weight: {names}"]


def vectors_table(rows: list[dict[str, Any]], title: str) -> Table:
    """Numbers of independent origin, the best witness first."""
    columns = (
        Column("kind", "vectors"),
        Column("file", "file", essential=False),
        Column("cases", "cases", "count"),
        Column("numbers", "numbers", "count", essential=False),
        Column("failed", "failed", "count"),
        Column("worst_error", "worst\nrelative error"),
        Column("run", "run"),
        Column("faults", "what differs"),
    )
    body = tuple(
        (
            row["kind"],
            row["file"],
            row["cases"],
            row["numbers"],
            len(row["failed"]),
            f"{row['worst_error']:.1e}",
            row["run"],
            "; ".join(row["failed"][:3]) or None,
        )
        for row in rows
    )
    return Table("vectors", title, columns, body)


def promises_table(promises: list[dict[str, Any]], title: str) -> Table:
    """Each promise, kept or broken, and what was found."""
    columns = (
        Column("promise", "promise", "name"),
        Column("kept", "", "name"),
        Column("text", "what it says", essential=False),
        Column("fault", "what was found"),
    )
    rows = tuple(
        (each["promise"], "broken" if each["fault"] else "kept", each["text"], each["fault"])
        for each in promises
    )
    return Table("promises", title, columns, rows)


def sensitivity_table(rows: list[dict[str, Any]], title: str) -> Table:
    """Of each switch between readings: what IM would be otherwise, as a share of IM."""
    columns = (
        Column("reading", "switch", "name"),
        Column("rules", "rules"),
        Column("low_fraction", "sum of IM\nat least", "fraction"),
        Column("high_fraction", "sum of IM\nat most", "fraction"),
        Column("largest_fraction", "largest change\nof an account", "fraction"),
    )
    body = tuple(
        (
            row["reading"],
            ", ".join(row["rules"]),
            row["low_fraction"],
            row["high_fraction"],
            row["largest_fraction"],
        )
        for row in rows
    )
    return Table("sensitivity", title, columns, body)
