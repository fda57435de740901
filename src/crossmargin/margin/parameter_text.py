"""A parameter set as the text of its file: reading it back gives the same set, to the hash."""

from __future__ import annotations

import json
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.margin.parameter_files import Entry, Parameters
from crossmargin.margin.parameter_rows import Column

__all__ = ["parameter_text"]


def parameter_text(parameters: Parameters, comment: str = "") -> str:
    """TOML of a set: head, then one table of entries after another, in the set's order."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [f"model = {_text(parameters.model)}", f"version = {_text(parameters.version)}"]
    times = {
        "effective_from": parameters.effective_ms,
        "announced_at": parameters.announced_ms,
        "observed": parameters.observed_ms,
    }
    lines += [f"{name} = {_text(format_ms(ms))}" for name, ms in times.items() if ms is not None]
    lines += parameters.effective_for.lines()
    lines.append(f"source = {_text(parameters.source)}")
    table = ""
    for name, entry in _by_table(parameters):
        head, _, last = name.rpartition(".")
        if head != table:
            lines += ["", f"[{'.'.join(_key(part) for part in head.split('.'))}]"]
            table = head
        lines.append(f"{_key(last)} = {_entry(entry)}")
    return "\n".join(lines) + "\n"


def _by_table(parameters: Parameters) -> list[tuple[str, Entry]]:
    """Entries with those of one table together: TOML names a table once."""
    order: dict[str, list[tuple[str, Entry]]] = {}
    for name, entry in parameters.entries.items():
        order.setdefault(name.rpartition(".")[0], []).append((name, entry))
    return [item for items in order.values() for item in items]


def _entry(entry: Entry) -> str:
    parts = [f"value = {_value(entry.value)}"]
    if entry.choices:
        parts.append(f"choices = {_value(list(entry.choices))}")
    else:
        parts.append(f"unit = {_text(entry.unit)}")
    if entry.columns:
        parts.append(f"columns = [{', '.join(_column(column) for column in entry.columns)}]")
    if entry.low is not None and entry.high is not None:
        parts.append(f"min = {_value(entry.low)}, max = {_value(entry.high)}")
    parts.append(f"source = {_text(entry.source)}")
    return "{ " + ", ".join(parts) + " }"


def _column(column: Column) -> str:
    name = f"name = {_text(column.name)}"
    if column.choices:
        return f"{{ {name}, choices = {_value(list(column.choices))} }}"
    return f"{{ {name}, min = {_value(column.low)}, max = {_value(column.high)} }}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)  # the shortest text that reads back as the number
    return _text(str(value))


def _text(text: str) -> str:
    """A basic string; the escapes of JSON are those of TOML."""
    return json.dumps(text, ensure_ascii=False)


def _key(part: str) -> str:
    bare = part.isascii() and part.replace("_", "").replace("-", "").isalnum()
    return part if bare and part else _text(part)
