"""How a comparison with a venue's reply is shown: components, then the vectors that part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["verify_document"]

# A person sees the digits in which two numbers part: sixteen decide, fifteen are shown.
_DIGITS = 15


def verify_document(figures: Mapping[str, Any], scenarios: bool = False) -> Document:
    """Verdict, components, vectors; scenario by scenario those that differ, or every one."""
    tables = [_components(figures)]
    if figures["vectors"]:
        tables.append(_vectors(figures["vectors"]))
    tables += [_scenarios(each) for each in figures["vectors"] if scenarios or not each["holds"]]
    return Document(
        f"{figures['venue']} {figures['endpoint']} against {figures['model']}",
        _verdict(figures),
        tuple(tables),
        tuple(figures["notes"]),
    )


def _verdict(figures: Mapping[str, Any]) -> tuple[str, ...]:
    parameters = figures["parameters"]
    head = f"as of {figures['as_of']}, parameters {parameters['set']}"
    missing = [x["component"] for x in figures["components"] if x["status"] == "missing"]
    left = f"; not compared, rule unknown: {', '.join(missing)}" if missing else ""
    if figures["holds"]:
        return head, f"holds: every component and every scenario agrees{left}"
    first = figures["first"]
    lines = [head, f"differs, first at {first['place']}: rule {first['rule']}{left}"]
    if first["text"]:
        lines.append(f"  {first['text']} ({first['source']})")
    if figures["scenario"]:
        lines.append(f"  the worst scenario is ours {figures['scenario']}, theirs another")
    return tuple(lines)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.{_DIGITS}g}"


def _components(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("component", "component", "name"),
        Column("ours", "ours"),
        Column("theirs", "theirs"),
        Column("difference", "difference"),
        Column("status", "verdict", "name"),
        Column("rule", "rule", "name", essential=False),
        Column("fidelity", "fidelity", "name", essential=False),
    )
    rows = tuple(
        (
            each["component"],
            _number(each["ours"]),
            _number(each["theirs"]),
            None if each["difference"] is None else f"{each['difference']:.3g}",
            each["status"],
            each["rule"],
            each["fidelity"],
        )
        for each in figures["components"]
    )
    return Table("components", "components", columns, rows)


def _vectors(vectors: list[dict[str, Any]]) -> Table:
    columns = (
        Column("vector", "vector", "name"),
        Column("numbers", "numbers", "count"),
        Column("largest_difference", "largest difference"),
        Column("verdict", "verdict", "name"),
        Column("first", "first parts at"),
    )
    rows = tuple(
        (
            each["vector"],
            each["numbers"],
            f"{each['largest_difference']:.3g}",
            "holds" if each["holds"] else "differs",
            each["first"],
        )
        for each in vectors
    )
    return Table("vectors", "scenarios", columns, rows)


def _scenarios(vector: Mapping[str, Any]) -> Table:
    columns = (
        Column("scenario", "scenario"),
        Column("ours", "ours"),
        Column("theirs", "theirs"),
        Column("difference", "difference"),
    )
    rows = tuple(
        (
            each["scenario"],
            _number(each["ours"]),
            _number(each["theirs"]),
            f"{each['ours'] - each['theirs']:.3g}",
        )
        for each in vector["scenarios"]
    )
    return Table("scenarios", vector["vector"], columns, rows)
