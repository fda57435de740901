"""The tables of the register: the list of models, and one model with all its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.layouts_why import fidelity_text
from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["model_document", "models_document"]

Figures = Mapping[str, Any]


def models_document(figures: Figures) -> Document:
    """One row a model."""
    columns = (
        Column("model", "model", "name"),
        Column("title", "title"),
        Column("currency", "requirement\nin", "name"),
        Column("rules", "rules", "count", essential=False),
        Column("parameter_sets", "sets", "count", essential=False),
        Column("newest_set", "newest set", "name"),
        Column("standard", "saving is\nagainst", "name"),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in figures["models"])
    lines = ("settle: each settlement currency its own; `crossmargin models NAME` shows one",)
    return Document("margin models", lines, (Table("models", "", columns, rows),))


def model_document(figures: Figures) -> Document:
    """Rules with their sources, readings, what is unknown, and every number of every set."""
    lines = (
        f"balance side: {figures['balance_side']}",
        f"takes: {', '.join(figures['kinds'])} of {figures['venue']}"
        + (f"; maps from {', '.join(figures['maps_from'])}" if figures["maps_from"] else ""),
        f"rules as of {figures['version']}; doubling the book: {figures['scale']}",
    )
    tables = [_rules(figures)]
    if figures["readings"]:
        tables.append(_readings(figures["readings"]))
    if figures["unknown"]:
        rows = tuple((text,) for text in figures["unknown"])
        tables.append(Table("unknown", "", (Column("unknown", "not known"),), rows))
    sets = figures["parameter_sets"]
    tables.append(_sets(sets))
    tables.append(_numbers(sets[-1], sets[:-1]))
    tables.append(_sources(sets[-1]))
    return Document(f"{figures['model']}: {figures['title']}", lines, tuple(tables))


def _rules(figures: Figures) -> Table:
    columns = (
        Column("rule", "rule", "name"),
        Column("text", "what it says"),
        Column("fidelity", "known"),
        Column("source", "source"),
    )
    rows = tuple(
        (each["rule"], each["text"], fidelity_text(each["fidelity"]), each["source"])
        for each in figures["rules"]
    )
    return Table("rules", "rules", columns, rows)


def _readings(readings: Mapping[str, list[str]]) -> Table:
    columns = (Column("reading", "switch", "name"), Column("values", "readings, the default first"))
    rows = tuple((name, ", ".join(values)) for name, values in readings.items())
    return Table("readings", "", columns, rows)


def _sets(sets: list[dict[str, Any]]) -> Table:
    columns = (
        Column("set", "set", "name"),
        Column("date", "date"),
        Column("source", "source"),
        Column("numbers", "numbers", "count"),
        Column("parameters_sha256", "sha256", "machine"),
    )
    rows = tuple(
        (each["set"], each["date"], each["source"], len(each["entries"]), each["sha256"])
        for each in sets
    )
    return Table("sets", "parameter sets", columns, rows)


def _numbers(newest: Figures, earlier: list[dict[str, Any]]) -> Table:
    """Numbers of the newest set; a number that an earlier set has otherwise is shown with it."""
    columns = (
        Column("name", "number", "name"),
        Column("value", "value"),
        Column("unit", "unit"),
        Column("bounds", "accepted", essential=False),
        Column("earlier", "earlier", essential=False),
        Column("source_number", "from", "count"),
    )
    order = _source_order(newest)
    rows = []
    for entry in newest["entries"]:
        before = []
        for old in earlier:
            found = [each["value"] for each in old["entries"] if each["name"] == entry["name"]]
            if found and found[0] != entry["value"]:
                before.append(f"{old['set']}: {_value(found[0])}")
        rows.append(
            (
                entry["name"],
                _value(entry["value"]),
                entry["unit"],
                _bounds(entry),
                "; ".join(before) or None,
                order[entry["source"]],
            )
        )
    return Table("numbers", f"set {newest['set']}", columns, tuple(rows))


def _sources(newest: Figures) -> Table:
    columns = (Column("source_number", "", "count"), Column("source", "source"))
    rows = tuple((number, text) for text, number in _source_order(newest).items())
    return Table("sources", "sources of the numbers", columns, rows)


def _source_order(found: Figures) -> dict[str, int]:
    texts = dict.fromkeys(entry["source"] for entry in found["entries"])
    return {text: number for number, text in enumerate(texts, 1)}


def _value(value: Any) -> str:
    """A number in full; a list by its length and its first rows."""
    if isinstance(value, list):
        shown = "; ".join(" ".join(str(x) for x in row) for row in value[:3] if row)
        return f"{len(value)} rows: {shown}; …"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.12g}"
    return str(value)


def _bounds(entry: Figures) -> str | None:
    if entry["choices"]:
        return " | ".join(entry["choices"])
    if entry["low"] is None and entry["high"] is None:
        return None
    return f"{_value(entry['low'])} to {_value(entry['high'])}"
