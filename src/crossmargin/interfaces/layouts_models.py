"""The tables of the register: the list of models, and one model with all its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.layouts import fidelity_means
from crossmargin.interfaces.layouts_why import fidelity_text
from crossmargin.interfaces.tables import Column, Document, Table

__all__ = [
    "extent_text",
    "model_document",
    "models_document",
    "rules_table",
    "unknown_table",
]

Figures = Mapping[str, Any]

_EXTENTS = {
    "complete": "complete",
    "at_least": "at least",
    "refused": "refused without the venue's payload",
}


def models_document(figures: Figures) -> Document:
    """One row a model, then what is wrong with models of other packages."""
    columns = (
        Column("model", "model", "name"),
        Column("title", "title"),
        Column("extent", "extent"),
        Column("standing", "standing"),
        Column("currency", "requirement\nin", "name"),
        Column("rules", "rules", "count", essential=False),
        Column("parameter_sets", "sets", "count", essential=False),
        Column("newest_set", "newest set", "name"),
        Column("standard", "saving is\nagainst", "name", essential=False),
        Column("package", "package", "name", essential=False),
    )
    rows = tuple(
        tuple(
            _EXTENTS[each["extent"]] if column.key == "extent" else each[column.key]
            for column in columns
        )
        for each in figures["models"]
    )
    totals = figures["totals"]
    lines = [
        f"{totals['active']} active: {totals['complete']} complete, {totals['at_least']} at least, "
        f"{totals['refused']} refused without the venue's payload",
        "settle: each settlement currency its own; `crossmargin models NAME` shows one",
    ]
    if totals["not_counted"]:
        lines.insert(1, f"{totals['not_counted']} dormant or historical: listed, not counted")
    tables = [Table("models", "", columns, rows)]
    if figures["failures"]:
        heads = (Column("subject", "model", "name"), Column("reason", "cannot be used"))
        bad = tuple((f["subject"], f"{f['code']}: {f['reason']}") for f in figures["failures"])
        tables.append(Table("failures", "", heads, bad))
    return Document("margin models", tuple(lines), tuple(tables))


def extent_text(figures: Figures) -> str:
    """How much of the rulebook is held, and whether the venue still runs it."""
    own = figures["venue"] == "any"
    whose = "the model" if own else "the venue"
    given = "the user's own parameters" if own else "the venue's own parameter payload"
    said = {
        "complete": f"complete: every rule that {whose} names",
        "at_least": "at least: a charge that is not known is left out",
        "refused": f"refused: no number without {given}",
    }
    return f"extent {said[figures['extent']]}; standing {figures['standing']}"


def model_document(figures: Figures) -> Document:
    """Rules with their sources, readings, what is unknown, and every number of every set."""
    lines = (
        extent_text(figures),
        f"balance side: {figures['balance_side']}",
        f"takes: {', '.join(figures['kinds'])} of {figures['venue']}"
        + (f"; maps from {', '.join(figures['maps_from'])}" if figures["maps_from"] else ""),
        f"rules as of {figures['version']}; doubling the book: {figures['scale']}",
    )
    tables = [_known(figures), rules_table(figures, "rules")]
    if figures["readings"]:
        tables.append(_readings(figures["readings"]))
    if figures["unknown"]:
        tables.append(unknown_table(figures["unknown"]))
    sets = figures["parameter_sets"]
    tables.append(_sets(sets))
    tables.append(_numbers(sets[-1], sets[:-1]))
    tables.append(_sources(sets[-1]))
    return Document(f"{figures['model']}: {figures['title']}", lines, tuple(tables))


def _known(figures: Figures) -> Table:
    """How well each part is known: the rules of each level, the best known first."""
    columns = (
        Column("fidelity", "known"),
        Column("means", "what that means"),
        Column("rules", "rules"),
    )
    rows = tuple(
        (
            each["fidelity"],
            fidelity_means(each["fidelity"], figures["venue"] == "any"),
            ", ".join(each["rules"]),
        )
        for each in figures["known"]
    )
    return Table("known", "what is known", columns, rows)


def unknown_table(texts: list[str], before: str = "") -> Table:
    """What is not known, in words."""
    rows = tuple((text,) for text in texts)
    title = f"{before}not known" if before else ""
    return Table("unknown", title, (Column("unknown", "not known"),), rows)


def rules_table(figures: Figures, title: str) -> Table:
    """Rules with text, fidelity and source."""
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
    return Table("rules", title, columns, rows)


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
