"""The one door for time: text to UTC integer milliseconds and back. Nothing here reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime

from crossmargin.core.errors import InputError

__all__ = ["DAY_MS", "NEVER_MS", "YEAR_MS", "format_ms", "parse_ms", "utc_ms", "years"]

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
NEVER_MS = 2**63 - 1
# A venue's data is younger than 2009 (the first block) and older than 2200.
_EARLIEST_MS = 1_230_768_000_000
_LATEST_MS = 7_258_118_400_000


def parse_ms(text: str | int, place: str = "") -> int:
    """UTC milliseconds of an ISO 8601 text (with zone, ``Z`` included) or an integer of ms.

    A time without a zone is refused: it would be read differently on two machines.
    """
    try:
        if isinstance(text, str) and not text.isascii():
            raise ValueError("not plain ASCII")  # int() reads the digits of every script
        if isinstance(text, int) or text.lstrip("-").isdigit():
            value = int(text)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
            value = delta.days * DAY_MS + delta.seconds * 1000 + delta.microseconds // 1000
    except ValueError as cause:
        raise InputError(
            "time_unreadable",
            f"cannot read a time ({cause})",
            place=place,
            value=text,
            limit="ISO 8601 with a zone (2026-02-05T21:29:37Z) or integer milliseconds UTC",
            remedy="Write the time with its zone.",
        ) from None
    if not _EARLIEST_MS <= value <= _LATEST_MS:
        raise InputError(
            "time_unreadable",
            "time is outside 2009 to 2200; seconds or microseconds instead of milliseconds?",
            place=place,
            value=text,
            limit="milliseconds since 1970",
            remedy="Give the time in milliseconds or as ISO 8601.",
        )
    return value


def format_ms(time_ms: int) -> str:
    """ISO 8601 in UTC; milliseconds are written only where they are not zero."""
    if time_ms == NEVER_MS:
        return "never"
    moment = datetime.fromtimestamp(time_ms // 1000, tz=UTC)
    rest = time_ms % 1000
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{rest:03d}Z" if rest else "Z")


def utc_ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Milliseconds of a calendar moment in UTC; a date that does not exist raises ValueError."""
    moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return delta.days * DAY_MS + delta.seconds * 1000


def years(life_ms: int) -> float:
    """Years of 365 days: ``life_ms / 1000 / 86400 / 365`` (the house's day count)."""
    return life_ms / YEAR_MS
