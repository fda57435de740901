"""Dated parameter files: every number with its unit, bounds and source, chosen by date.

A file is TOML under ``parameters/<model>/<date>.toml``. Its head names the model, the version of
the rules and three dates (``effective``, ``announced``, ``observed``; the first two may be absent).
Every entry is a table: ``{ value, unit, min, max, source }`` (numbers), ``{ value, choices }``
(switches between rival readings) or ``{ value, unit, columns, source }`` (lists of rows; a column
is ``{ name, min, max }`` or ``{ name, choices }``). Entries may be nested in tables, one per
underlying. A number outside its bounds does not load.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from crossmargin.core.arrays import digest
from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.parameter_rows import Column, check_rows, columns_of

__all__ = [
    "Entry",
    "Parameters",
    "available",
    "from_values",
    "load",
    "overlay",
    "read_parameters",
    "select",
]

_HEAD = ("model", "version", "effective", "announced", "observed", "source")


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter: its value, unit, bounds or choices, and where it was read."""

    value: Any
    unit: str
    source: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()  # of a list's rows

    def checked(self, value: Any, place: str) -> Any:
        """``value`` if it is of the right type and inside the bounds, else ModelError."""
        if self.columns:
            return check_rows(value, self.columns, place)
        if self.choices:
            good = value in self.choices
            limit = " | ".join(self.choices)
        elif isinstance(self.value, list):
            good = isinstance(value, list)
            limit = "a list"
        else:
            good = isinstance(value, int | float) and not isinstance(value, bool)
            good = good and (self.low is None or value >= self.low)
            good = good and (self.high is None or value <= self.high)
            limit = f"{self.low} to {self.high} {self.unit}"
        if not good:
            raise ModelError(
                "parameter_out_of_bounds",
                "a parameter is outside its bounds",
                place=place,
                value=value,
                limit=limit,
                remedy="Correct the parameter file.",
            )
        return value


@dataclass(frozen=True, slots=True)
class Parameters:
    """One dated set. ``entries`` maps dotted names (``pair.BTC.price_range``) to entries."""

    model: str
    version: str
    observed_ms: int
    effective_ms: int | None
    announced_ms: int | None
    source: str
    entries: Mapping[str, Entry]
    label: str
    verdicts: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of model, version and every value (not of comments or order)."""
        values = sorted((name, repr(entry.value)) for name, entry in self.entries.items())
        return digest([self.model, self.version, values])

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def get(self, name: str) -> Any:
        """The value of a dotted name; ModelError ``parameter_missing`` if it is not in the set."""
        entry = self.entries.get(name)
        if entry is None:
            raise ModelError(
                "parameter_missing",
                "the parameter set lacks a number that the rule needs",
                place=f"{self.model} {self.label}",
                value=name,
                remedy="Give it in a parameter file (--params FILE).",
            )
        return entry.value

    def number(self, name: str) -> float:
        """A number as float."""
        return float(self.get(name))

    def rows(self, name: str, columns: tuple[Column, ...]) -> list[Any]:
        """A list of rows, each cell inside the bounds of ``columns`` (a payload states none)."""
        return check_rows(self.get(name), columns, f"{self.model} {self.label} {name}")

    def tables(self, prefix: str) -> tuple[str, ...]:
        """Names one level under ``prefix``, in file order: tables("pair") -> ("BTC", "ETH")."""
        start = prefix + "."
        found = {k[len(start) :].split(".")[0]: None for k in self.entries if k.startswith(start)}
        return tuple(found)

    @property
    def date_text(self) -> str:
        """The date that selects the set: effective if known, else observed."""
        known = self.effective_ms is not None
        when = self.effective_ms if self.effective_ms is not None else self.observed_ms
        return f"{'effective' if known else 'observed'} {format_ms(when)[:10]}"


def read_parameters(text: str, place: str) -> Parameters:
    """Parse and check one file. Raises InputError or ModelError naming the entry."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise InputError(
            "file_unreadable", f"not TOML ({cause})", place=place, remedy="Correct the file."
        ) from None
    for name in ("model", "version", "observed", "source"):
        if name not in content:
            raise InputError(
                "column_missing",
                f"the head lacks '{name}'",
                place=place,
                remedy="A parameter file names model, version, observed and source.",
            )
    entries: dict[str, Entry] = {}
    _flatten({k: v for k, v in content.items() if k not in _HEAD}, "", entries, content, place)

    def moment(name: str) -> int | None:
        if name not in content:
            return None
        text = str(content[name])  # a day, or the moment itself where the venue names the hour
        return parse_ms(text if "T" in text else f"{text}T00:00:00Z", place)

    return Parameters(
        model=content["model"],
        version=str(content["version"]),
        observed_ms=moment("observed") or 0,
        effective_ms=moment("effective"),
        announced_ms=moment("announced"),
        source=content["source"],
        entries=entries,
        label=place.rsplit("/", 1)[-1].removesuffix(".toml"),
    )


def _flatten(
    table: Mapping[str, Any],
    prefix: str,
    out: dict[str, Entry],
    head: Mapping[str, Any],
    place: str,
) -> None:
    for name, item in table.items():
        where = f"{place} {prefix}{name}"
        if not isinstance(item, Mapping):
            raise InputError(
                "unit_wrong",
                "a bare number: every parameter states its unit, bounds and source",
                place=where,
                value=item,
                remedy="Write { value = …, unit = …, min = …, max = … }.",
            )
        if "value" not in item:
            _flatten(item, f"{prefix}{name}.", out, head, place)
            continue
        choices = tuple(item.get("choices", ()))
        if not choices and "unit" not in item:
            raise InputError(
                "unit_wrong", "a parameter without a unit", place=where, remedy="State the unit."
            )
        number = isinstance(item["value"], int | float)
        if number and not ("min" in item and "max" in item):
            raise InputError(
                "unit_wrong", "a number without bounds", place=where, remedy="State min and max."
            )
        columns = columns_of(item.get("columns", ()), where)
        if isinstance(item["value"], list) and not columns:
            raise InputError(
                "unit_wrong", "a list without columns", place=where, remedy="State its columns."
            )
        low, high = item.get("min"), item.get("max")
        if low is not None and high is not None and low > high:
            raise InputError(
                "number_out_of_range", "bounds are inverted", place=where, value=(low, high)
            )
        entry = Entry(
            value=item["value"],
            unit=item.get("unit", "choice"),
            source=item.get("source", head["source"]),
            low=low,
            high=high,
            choices=choices,
            columns=columns,
        )
        entry.checked(entry.value, where)
        out[prefix + name] = entry


def overlay(base: Parameters, changes: Mapping[str, Any], label: str) -> Parameters:
    """``base`` with dotted names set to new values, each inside the bounds of its entry.

    Raises ModelError ``parameter_missing`` for a name that the set does not have.
    """
    entries = dict(base.entries)
    for name, value in changes.items():
        if name not in entries:
            raise ModelError(
                "parameter_missing",
                "no parameter of that name",
                place=f"{base.model} {base.label}",
                value=name,
                limit=", ".join(list(entries)[:6]) + ", …",
                remedy="Use a name that `crossmargin models NAME` lists.",
            )
        old = entries[name]
        entries[name] = replace(old, value=old.checked(value, name), source=label)
    return Parameters(
        base.model,
        base.version,
        base.observed_ms,
        base.effective_ms,
        base.announced_ms,
        base.source,
        entries,
        f"{base.label} + {label}",
        base.verdicts,
    )


@cache
def available(folder: str) -> tuple[Parameters, ...]:
    """Every set that ships for a model, oldest first.

    ``package:path`` are data of another package.
    """
    package, _, path = folder.rpartition(":")
    root = resources.files(package or "crossmargin.margin")
    for part in (path if package else f"parameters/{path}").split("/"):
        root = root / part
    found = [
        read_parameters(item.read_text(encoding="utf-8"), f"{folder}/{item.name}")
        for item in root.iterdir()
        if item.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda p: (p.effective_ms or p.observed_ms, p.observed_ms)))


def select(sets: tuple[Parameters, ...], as_of_ms: int) -> Parameters:
    """The newest set with ``effective`` (else ``observed``) not after ``as_of_ms``.

    If none: the earliest one, with the verdict ``parameters_later_than_market``.
    """
    past = [p for p in sets if p.effective_ms is not None and p.effective_ms <= as_of_ms]
    seen = [p for p in sets if p.effective_ms is None and p.observed_ms <= as_of_ms]
    if past or seen:
        return max(past + seen, key=lambda p: p.effective_ms or p.observed_ms)
    first = sets[0]
    return Parameters(
        first.model,
        first.version,
        first.observed_ms,
        first.effective_ms,
        first.announced_ms,
        first.source,
        first.entries,
        first.label,
        (*first.verdicts, "parameters_later_than_market"),
    )


def load(folder: str, as_of_ms: int) -> Parameters:
    """The set of a model in force at ``as_of_ms``."""
    return select(available(folder), as_of_ms)


def from_values(model: str, version: str, values: Mapping[str, Any], label: str) -> Parameters:
    """A set from plain nested values, as a venue's own payload gives them: no bounds to check.

    Strings become switches whose only choice is what was given.
    """
    entries: dict[str, Entry] = {}

    def walk(table: Mapping[str, Any], prefix: str) -> None:
        for name, item in table.items():
            if isinstance(item, Mapping):
                walk(item, f"{prefix}{name}.")
            else:
                choices = (item,) if isinstance(item, str) else ()
                entries[prefix + name] = Entry(item, "as given", label, choices=choices)

    walk(values, "")
    return Parameters(model, version, 0, None, None, label, entries, label)
