"""Text to UTC milliseconds and back, and what is not a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.clock import NEVER_MS, format_ms, parse_ms, utc_ms, years
from crossmargin.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-02-05T21:29:37Z", 1770326977000),
        ("2026-02-05T22:29:37+01:00", 1770326977000),
        ("2026-02-05 21:29:37.250+00:00", 1770326977250),
        ("1770326977000", 1770326977000),
        (1770326977000, 1770326977000),
    ],
)
def test_a_time_with_its_zone_is_read(text: str | int, value: int) -> None:
    assert parse_ms(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-05T21:29:37",
        "2026-02-05",
        "",
        "now",
        " 2026-02-05T21:29:37Z",
        "2026-02-30T00:00:00Z",
        "1770326977",  # seconds
        "1770326977000000",  # microseconds
        "-1",
        "１７７０３２６９７７０００",
        "١٧٧٠٣٢٦٩٧٧٠٠٠",
        "9" * 5000,
        "2026-02-05T25:00:00Z",
        True,
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_anything_else_is_refused_with_its_place(text: str | int) -> None:
    with pytest.raises(InputError, match="time_unreadable") as caught:
        parse_ms(text, "book.csv:3 time")
    assert caught.value.place == "book.csv:3 time"


@given(st.integers(utc_ms(2010, 1, 1), utc_ms(2199, 1, 1)))
def test_a_written_time_reads_back(time_ms: int) -> None:
    assert parse_ms(format_ms(time_ms)) == time_ms
    moment = datetime.fromtimestamp(time_ms // 1000, tz=UTC)
    assert format_ms(time_ms).startswith(moment.strftime("%Y-%m-%dT%H:%M:%S"))


def test_calendar_and_years() -> None:
    assert utc_ms(1970, 1, 1) == 0
    assert utc_ms(2026, 2, 5, 21, 29) == 1770326940000
    with pytest.raises(ValueError, match="day"):
        utc_ms(2026, 2, 30)
    assert years(365 * 86_400_000) == 1.0
    assert years(0) == 0.0
    assert format_ms(NEVER_MS) == "never"
