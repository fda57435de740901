"""How parameter sets are shown: changed numbers, changed cash, what a payload gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["check_document", "diff_document", "set_document"]

_ROWS_SHOWN = 2  # of a list: the table says where two lists part, JSON holds them whole


def diff_document(figures: Mapping[str, Any]) -> Document:
    """Both sets, the numbers that differ, and the accounts, largest increase first."""
    tables = [_changes(figures["changes"], figures["before"]["set"], figures["after"]["set"])]
    if figures["accounts"] is not None:
        tables.append(_accounts(figures))
    count = len(figures["changes"])
    lines = (
        _line("before", figures["before"]),
        _line("after", figures["after"]),
        f"{count} numbers differ" if count != 1 else "1 number differs",
    )
    return Document("two parameter sets", lines, tuple(tables))


def set_document(figures: Mapping[str, Any]) -> Document:
    """What the payload changed against the set before, and what it did not give."""
    tables = (_changes(figures["changes"], figures["base"]["set"], "payload"),)
    notes = [*figures["notes"]]
    if figures["carried"]:
        notes.append("not in the payload, carried on: " + ", ".join(figures["carried"]))
    lines = (_line("set", figures["set"]), _line("before", figures["base"]))
    return Document(f"parameters of {figures['venue']}", lines, tables, tuple(notes))


def check_document(figures: Mapping[str, Any]) -> Document:
    """Whether the set in force is what the venue says now."""
    age = figures["age_days"]
    aged = "" if age is None else f", {age:.0f} days old"
    lines = [f"as of {figures['as_of']}", _line("in force", figures["set"]) + aged]
    tables = []
    if figures["changes"]:
        lines.append(f"{len(figures['changes'])} numbers differ from the venue's")
        tables.append(_changes(figures["changes"], figures["set"]["set"], "venue"))
    else:
        lines.append("every number that the payload gives is that of the set")
    notes = [*figures["notes"]]
    if figures["carried"]:
        notes.append("not in the payload, not checked: " + ", ".join(figures["carried"]))
    title = f"parameters of {figures['venue']}"
    return Document(title, tuple(lines), tuple(tables), tuple(notes))


def _line(head: str, named: Mapping[str, Any]) -> str:
    times = [f"{n} {named[n]}" for n in ("announced_at", "effective_from", "observed") if named[n]]
    return f"{head}: {named['set']}, {', '.join(times)}, for {named['effective_for']}"


def _changes(listed: list[dict[str, Any]], before: str, after: str) -> Table:
    columns = (
        Column("name", "name", "name"),
        Column("before", before),
        Column("after", after),
        Column("share", "change", "fraction"),
        Column("unit", "unit", essential=False),
    )
    rows = []
    for each in listed:
        old, new = _shown(each["before"], each["after"])
        rows.append((each["name"], old, new, each["share"], each["unit"]))
    return Table("changes", "changed numbers", columns, tuple(rows))


def _shown(before: Any, after: Any) -> tuple[str | None, str | None]:
    """Two values as text; of two lists the rows that differ."""
    if isinstance(before, list) and isinstance(after, list):
        longest = max(len(before), len(after))
        apart = [k for k in range(longest) if before[k : k + 1] != after[k : k + 1]]

        def rows(values: list[Any]) -> str:
            parts = [f"{k + 1}: {values[k]}" for k in apart[:_ROWS_SHOWN] if k < len(values)]
            more = len(apart) - _ROWS_SHOWN
            return "; ".join(parts) + (f"; and {more} rows" if more > 0 else "")

        return rows(before), rows(after)
    return _single(before), _single(after)


def _single(value: Any) -> str | None:
    if value is None:
        return None
    return f"{len(value)} rows" if isinstance(value, list) else str(value)


def _accounts(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("account", "account", "name"),
        Column("before_usd", "cash to hold\nbefore", "usd"),
        Column("after_usd", "cash to hold\nafter", "usd"),
        Column("change_usd", "change", "usd"),
        Column("error", "why there is no number"),
    )
    rows = tuple(
        (
            each["account"],
            each.get("before_usd"),
            each.get("after_usd"),
            each.get("change_usd"),
            each["error"],
        )
        for each in figures["accounts"]
    )
    # Without a failure there is nothing to say in the last column.
    kept = None if any(each["error"] for each in figures["accounts"]) else -1
    title = f"cash to hold under {figures['model']}, as of {figures['as_of']}"
    return Table("accounts", title, columns[:kept], tuple(row[:kept] for row in rows))
