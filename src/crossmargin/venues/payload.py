"""A venue's reply in whatever form it is at hand: decoded, as bytes, or in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.venues.reading import JSON_BYTES_MAX, file_bytes, json_value, real, unreadable

__all__ = [
    "Payload",
    "difference",
    "items_of",
    "load",
    "optional",
    "required",
    "text_of",
    "time_of",
]

Payload = Mapping[str, object] | Sequence[object] | bytes | str | Path


def load(payload: Payload, what: str) -> tuple[object, str]:
    """The decoded value and the place that messages name; a text is a file's path."""
    if isinstance(payload, (str, Path)):
        path = Path(payload)
        return json_value(file_bytes(path, JSON_BYTES_MAX), str(path)), str(path)
    if isinstance(payload, (bytes, bytearray)):
        return json_value(bytes(payload), what), what
    return payload, what


def items_of(value: object, place: str) -> list[Mapping[str, object]]:
    """A list of objects. Raises InputError ``file_unreadable`` for anything else."""
    if not isinstance(value, (list, tuple)):
        raise unreadable("a list was expected", place, type(value).__name__)
    for k, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise unreadable("an object was expected", f"{place}[{k}]", type(item).__name__)
    return list(value)


def required(item: Mapping[str, object], name: str, place: str) -> float:
    """A finite number that must be there."""
    value = optional(item, name, place)
    if value is None:
        raise _absent(name, place)
    return value


def optional(item: Mapping[str, object], name: str, place: str) -> float | None:
    """A finite number, or None where the field is absent, null or an empty text."""
    value = item.get(name)
    if value is None or value == "":
        return None
    return real(value, f"{place} {name}")


def text_of(item: Mapping[str, object], name: str, place: str) -> str:
    """A text that must be there."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise _absent(name, place)
    return value


def time_of(item: Mapping[str, object], name: str) -> int | None:
    """Milliseconds, where the field holds an integer."""
    value = item.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def difference(whole: float, part: float) -> float:
    """``whole - part`` of two decimals: 0.3 - 0.1 is 0.2, not the difference of their floats."""
    return float(Fraction(repr(whole)) - Fraction(repr(part)))


def _absent(name: str, place: str) -> InputError:
    return InputError(
        "column_missing",
        "a field of the reply is absent",
        place=place,
        value=name,
        limit=name,
        remedy="Give the venue's whole reply.",
    )
