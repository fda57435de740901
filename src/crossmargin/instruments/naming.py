"""What a grammar of names is made of: the terms that a name says, and the parts of spelling.

A venue's grammar is a pair of functions over these; see `names`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossmargin.instruments.contracts import Kind

__all__ = [
    "BASE",
    "DMY",
    "HALF_HOUR_MS",
    "HOUR_MS",
    "RIGHT",
    "STRIKE",
    "YMD",
    "Date",
    "Terms",
    "VenueNames",
    "as_dmy",
    "as_ymd",
    "dated",
    "derivative",
    "grammar",
    "half_hour",
    "matched",
    "no_average",
    "one_unit",
    "plain",
]

Date = tuple[int, int, int]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
BASE = r"(?P<base>[A-Z0-9]{1,15})"
DMY = r"(?P<dmy>[1-9][0-9]?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[0-9]{2})"
YMD = r"(?P<ymd>(?:20)?[0-9]{6})"
STRIKE = r"(?P<strike>[0-9]{1,12}(?:[.][0-9]{1,8})?)"
RIGHT = r"(?P<right>[CP])"
HALF_HOUR_MS = 1_800_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What a name says of a contract; ``day`` is None where the contract has no expiry."""

    kind: Kind
    base: str
    quote: str
    settle: str
    day: Date | None = None
    strike: Decimal | None = None
    right: int = 0

    @property
    def inverse(self) -> bool:
        """True where a derivative settles in its own underlying."""
        return self.kind not in (Kind.ASSET, Kind.DEBT) and self.settle == self.base


@dataclass(frozen=True, slots=True)
class VenueNames:
    """One venue: both directions of its spelling, contract sizes, expiry hour, settlement window.

    ``unit`` is None where the size of a contract must be given; ``ccxt_quote`` is the quote that
    ccxt writes where it differs from the currency of the index.
    """

    read: Callable[[str], Terms | None]
    write: Callable[[Terms], str | None]
    unit: Callable[[Terms], float | None]
    window_ms: Callable[[Kind, int], int]
    forms: str
    hour: int = 8
    ccxt_quote: Mapping[str, str] | None = None


def plain(strike: Decimal, point: str = ".") -> str:
    """A strike as digits, without exponent or trailing zeros, with the venue's decimal sign."""
    text = format(strike, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", point)


def grammar(*forms: str) -> tuple[re.Pattern[str], ...]:
    """Patterns of the forms that a venue writes."""
    return tuple(re.compile(form) for form in forms)


def matched(patterns: tuple[re.Pattern[str], ...], text: str) -> dict[str, str] | None:
    """Named parts of the first form that is the whole text; None where none is."""
    for pattern in patterns:
        found = pattern.fullmatch(text)
        if found:
            return {name: value for name, value in found.groupdict().items() if value}
    return None


def _day(part: Mapping[str, str]) -> Date | None:
    dmy, ymd = part.get("dmy"), part.get("ymd")
    if dmy:
        return 2000 + int(dmy[-2:]), 1 + _MONTHS.index(dmy[-5:-2]), int(dmy[:-5])
    if ymd:
        return 2000 + int(ymd[-6:-4]), int(ymd[-4:-2]), int(ymd[-2:])
    return None


def derivative(part: Mapping[str, str], quote: str, settle: str) -> Terms:
    """Terms of a derivative: an option has a strike, a future a date, a perpetual neither."""
    day = _day(part)
    strike = part.get("strike")
    kind = Kind.OPTION if strike else Kind.FUTURE if day else Kind.PERPETUAL
    return Terms(
        kind=kind,
        base=part["base"],
        quote=quote,
        settle=settle,
        day=day,
        strike=Decimal(strike) if strike else None,
        right={"C": 1, "P": -1}.get(part.get("right", ""), 0),
    )


def as_dmy(day: Date) -> str:
    """A day as ``7MAR25``."""
    return f"{day[2]}{_MONTHS[day[1] - 1]}{day[0] % 100:02d}"


def as_ymd(day: Date) -> str:
    """A day as ``250307``."""
    return f"{day[0] % 100:02d}{day[1]:02d}{day[2]:02d}"


def dated(terms: Terms, date: Callable[[Date], str], point: str = ".") -> str:
    """``DATE`` of a future or ``DATE-STRIKE-RIGHT`` of an option."""
    text = date(terms.day) if terms.day else ""
    if terms.strike is None:
        return text
    return f"{text}-{plain(terms.strike, point)}-{'C' if terms.right > 0 else 'P'}"


def half_hour(kind: Kind, expiry_ms: int) -> int:  # noqa: ARG001 - one signature for all venues
    """The settlement average of a venue where it always lasts half an hour."""
    return HALF_HOUR_MS


def no_average(kind: Kind, expiry_ms: int) -> int:  # noqa: ARG001 - one signature for all venues
    """The settlement average of a venue that takes one price at expiry, or lists no expiry."""
    return 0


def one_unit(terms: Terms) -> float | None:  # noqa: ARG001 - one signature for all venues
    """The size of a contract where each is one of its underlying."""
    return 1.0
