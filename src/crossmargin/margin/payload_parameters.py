"""A venue's own parameter payload as a dated set: its numbers in place of those of a known set.

Unit and bounds of a number come from the known set: from the entry of that name or, for an
underlying that the set does not hold, from the entry of the same last name beside it
(``pair.SOL.price_range`` is bounded as ``pair.BTC.price_range``). What the payload does not give is
carried on and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import Entry, Parameters

__all__ = ["FromPayload", "Numbers", "from_payload"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a parameter payload holds: dotted names of the model and values, and its own time."""

    folder: str
    values: Mapping[str, Any]
    observed_ms: int | None  # None where the payload carries no time
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FromPayload:
    """The set, and the names that the payload did not give."""

    parameters: Parameters
    carried: tuple[str, ...]


def from_payload(base: Parameters, given: Numbers, label: str, observed_ms: int) -> FromPayload:
    """``base`` with the payload's numbers, each inside the bounds of its entry.

    Raises InputError ``column_unknown`` for a number that has no counterpart in the set,
    ModelError ``parameter_out_of_bounds`` for one beyond its bounds.
    """
    entries = dict(base.entries)
    for name, value in given.values.items():
        entry = _entry_for(base, name)
        entries[name] = replace(entry, value=entry.checked(value, name), source=given.source)
    tables = {name.rsplit(".", 1)[0] for name in given.values}
    # Of an underlying that the payload speaks of, or of all: what else the rule reads.
    carried = tuple(
        name
        for name in base.entries
        if name not in given.values
        and not name.startswith("reading.")
        and name.rsplit(".", 1)[0] in tables
    )
    made = replace(
        base,
        observed_ms=observed_ms,
        effective_ms=None,
        announced_ms=None,
        source=given.source,
        entries=entries,
        label=label,
        verdicts=(),
    )
    return FromPayload(made, carried)


def _entry_for(base: Parameters, name: str) -> Entry:
    """The entry of a name, or the like entry of another underlying."""
    if name in base.entries:
        return base.entries[name]
    parts = name.split(".")
    for known, entry in base.entries.items():
        other = known.split(".")
        same = len(other) == len(parts) and other[0] == parts[0] and other[-1] == parts[-1]
        if same and len(parts) > 2 and other[2:-1] == parts[2:-1]:
            return entry
    # A collateral of its own: market.BTC.collateral.XYZ.mm_haircut.
    for known, entry in base.entries.items():
        other = known.split(".")
        if len(other) == len(parts) == 5 and other[2] == parts[2] and other[-1] == parts[-1]:
            return entry
    raise InputError(
        "column_unknown",
        "the payload gives a number that the model does not know",
        place=f"{base.model} {base.label}",
        value=name,
        limit=", ".join(list(base.entries)[:6]) + ", …",
        remedy="The rulebook has changed: do not use this set before the model knows the number.",
    )
