"""Dated parameter files: every number with its unit, bounds and source, chosen by date.

A file is TOML under ``parameters/<model>/<date>.toml``. Its head names the model, the version of
the rules, three times (``effective_from``, ``announced_at``, ``observed``; to the minute, or a date
alone for 00:00 UTC; the first two may be absent) and for whom it is in force (``effective_for``:
all, listed accounts, or accounts one by one in a window; see :mod:`parameter_scope`).
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
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.parameter_rows import Column, check_rows, columns_of
from crossmargin.margin.parameter_scope import ALL, Scope, moment_of_head, scope_of

__all__ = [
    "OLD_DAYS",
    "Entry",
    "Parameters",
    "available",
    "from_values",
    "load",
    "overlay",
    "read_parameters",
    "select",
]

# A set that nobody has looked at for longer may no longer be the venue's.
OLD_DAYS = 60
_HEAD = (
    "model",
    "version",
    "effective_from",
    "effective",
    "announced_at",
    "announced",
    "observed",
    "effective_for",
    "source",
)


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
    effective_for: Scope = ALL

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

    def choice(self, name: str, best: str) -> str:
        """The reading that a switch names; ``best`` where the set states none (a payload's)."""
        return str(self.entries[name].value) if name in self.entries else best

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

    def doubts(self, as_of_ms: int) -> tuple[str, ...]:
        """The verdicts of the choice, and ``parameters_old`` 60 days after it was last known.

        A set is known from its effective time on, and again on the day when it was seen.
        """
        known = [ms for ms in (self.effective_ms, self.observed_ms) if ms and ms <= as_of_ms]
        old = bool(known) and as_of_ms - max(known) > OLD_DAYS * DAY_MS
        return (*self.verdicts, *(("parameters_old",) if old else ()))

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

    def moment(*names: str) -> int | None:
        found = [name for name in names if name in content]
        return moment_of_head(content[found[0]], place) if found else None

    return Parameters(
        model=content["model"],
        version=str(content["version"]),
        observed_ms=moment("observed") or 0,
        effective_ms=moment("effective_from", "effective"),
        announced_ms=moment("announced_at", "announced"),
        source=content["source"],
        entries=entries,
        label=place.rsplit("/", 1)[-1].removesuffix(".toml"),
        effective_for=scope_of(content.get("effective_for", "all"), place),
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
    return replace(base, entries=entries, label=f"{base.label} + {label}")


@cache
def available(folder: str) -> tuple[Parameters, ...]:
    """Every set that ships for a model, oldest first.

    ``package:path`` are data of another package. ``wrapper+folder`` are the sets of a wrapped model
    with the wrapper's numbers under its name.
    """
    wrapper, sign, inner = folder.partition("+")
    if sign:
        return _wrapped(wrapper, available(inner))
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


def _wrapped(wrapper: str, inner: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
    """Each set of a model with each of the wrapper's, from when both are in force.

    A pair that begins when a later set of the model for all accounts is in force already is none.
    """
    out, outers = [], available(wrapper)
    for own in inner:
        first = _begin_ms(own)
        later = [_begin_ms(o) for o in inner if o.effective_for == ALL and _begin_ms(o) > first]
        for number, outer in enumerate(outers):
            begin = first if number == 0 else max(first, _begin_ms(outer))
            replaced = [*later, *(_begin_ms(o) for o in outers[number + 1 :])]
            if any(other <= begin for other in replaced):
                continue
            more = {f"{wrapper}.{name}": entry for name, entry in outer.entries.items()}
            made = replace(own, entries={**own.entries, **more})
            out.append(made if begin == first else replace(made, effective_ms=begin))
    return tuple(sorted(out, key=lambda p: (_begin_ms(p), p.observed_ms)))


def select(sets: tuple[Parameters, ...], as_of_ms: int, account: str | None = None) -> Parameters:
    """The newest set with ``effective_from`` (else ``observed``) not after ``as_of_ms``.

    A set for listed accounts stands for those alone, a set that is being phased in for nobody
    before the end of its window; where such a set is passed over the one chosen has the verdict
    ``parameters_of_some_accounts`` or ``parameters_being_phased_in``. If none is in force: the
    earliest one, with the verdict ``parameters_later_than_market``.
    """
    begun = [p for p in sets if _begin_ms(p) <= as_of_ms]
    mine = [p for p in begun if p.effective_for.covers(account, as_of_ms)]
    if not mine:
        return replace(sets[0], verdicts=(*sets[0].verdicts, "parameters_later_than_market"))
    chosen = max(mine, key=_begin_ms)
    verdicts = dict.fromkeys(chosen.verdicts)
    for other in begun:
        passed_over = other not in mine and _begin_ms(other) > _begin_ms(chosen)
        if passed_over and not other.effective_for.accounts:
            verdicts["parameters_being_phased_in"] = None
        elif passed_over and account is None:
            verdicts["parameters_of_some_accounts"] = None
    return replace(chosen, verdicts=tuple(verdicts)) if verdicts else chosen


def _begin_ms(found: Parameters) -> int:
    """When a set begins: its effective time if known, else when it was seen."""
    return found.observed_ms if found.effective_ms is None else found.effective_ms


def load(folder: str, as_of_ms: int, account: str | None = None) -> Parameters:
    """The set of a model in force at ``as_of_ms``, for an account where sets differ by account."""
    return select(available(folder), as_of_ms, account)


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
