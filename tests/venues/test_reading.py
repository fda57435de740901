"""Numbers, names, lines and JSON values: what is accepted and what is not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.venues import reading

PLAIN = {
    "0": 0.0,
    "-0": 0.0,
    "12.5": 12.5,
    "-3": -3.0,
    "1e-05": 1e-05,
    "1E+3": 1000.0,
    "0.1" + "0" * 39: 0.1,
    "1e-400": 0.0,
}
REFUSED = {
    "number_unreadable": [
        *("", " 1", "1 ", "1_000", "1,000", "+1", "--1", "1.", ".5", "01", "0x10", "1e", "1e9999"),
        *("true", "one", "١٢٣", "５０", "1\n", "1\x00", "∞", "9" * 50, "0." + "1" * 41, "1 000"),
    ],
    "number_not_finite": ["nan", "NaN", "inf", "-Infinity", "1e999", " nan "],
}


@pytest.mark.parametrize(("text", "value"), PLAIN.items())
def test_a_plain_decimal_is_its_float(text: str, value: float) -> None:
    assert reading.number(text, "here") == value


@pytest.mark.parametrize(
    ("text", "code"),
    [(text, code) for code, texts in REFUSED.items() for text in texts],
    ids=lambda text: ascii(text)[:20],
)
def test_anything_else_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        reading.number(text, "file:3 quantity")
    assert (caught.value.code, caught.value.place) == (code, "file:3 quantity")
    assert caught.value.remedy


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_reads_back_from_its_own_text(value: float) -> None:
    assert reading.number(repr(value), "here") == value


@pytest.mark.parametrize("value", [True, None, [], "x", {}, b"1"])
def test_a_field_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="number_unreadable"):
        reading.real(value, "here")


def test_a_field_that_is_a_number_is_kept() -> None:
    assert [reading.real(value, "here") for value in (1, -2.5, "3.5")] == [1.0, -2.5, 3.5]
    for value in (math.nan, math.inf, "NaN"):
        with pytest.raises(InputError, match="number_not_finite"):
            reading.real(value, "here")


@pytest.mark.parametrize(
    "text", ["", " a", "a ", "a\nb", "a\x00", "\u202eabc", "a\u200db", "x" * 129, None, 7, "\ud800"]
)
def test_a_name_is_short_and_printable(text: object) -> None:
    with pytest.raises(InputError, match="not a usable name"):
        reading.label(text, "here")
    assert reading.label("desk é 7", "here") == "desk é 7"


def test_json_without_its_traps() -> None:
    assert reading.json_value(b'\xef\xbb\xbf{"a": [1, 2.5, true, null, "x"]}', "f") == {
        "a": [1, 2.5, True, None, "x"]
    }


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a": 1, "a": 2}', "file_unreadable"),
        (b'[{"b": {"a": 1, "c": 2, "a": 3}}]', "file_unreadable"),
        (b"[NaN]", "number_not_finite"),
        (b"[Infinity]", "number_not_finite"),
        (b"[-Infinity]", "number_not_finite"),
        (b"[1e999]", "number_not_finite"),
        (b"[" + b"9" * 5000 + b"]", "number_unreadable"),
        (b"[" * 100_000, "file_unreadable"),
        (b'{"a":' * 100_000, "file_unreadable"),
        (b"[01]", "file_unreadable"),
        (b"[1,]", "file_unreadable"),
        (b"", "file_unreadable"),
        (b"{", "file_unreadable"),
        (b"\xff\xfe[\x001\x00]\x00", "file_unreadable"),
        (b'["\xff"]', "file_unreadable"),
        (b'["a\x00"]', "file_unreadable"),
        (b"\x80\x04K\x01.", "file_unreadable"),  # a pickle
    ],
    ids=lambda item: ascii(item)[:24],
)
def test_json_with_a_trap_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        reading.json_value(data, "book.json")
    assert caught.value.code == code
    assert caught.value.place.startswith("book.json")


@given(st.binary(max_size=60))
def test_no_bytes_break_the_json_reader(data: bytes) -> None:
    try:
        reading.json_value(data, "f")
    except InputError as refused:
        assert refused.code in {"file_unreadable", "number_not_finite", "number_unreadable"}


def test_lines_are_streamed_and_limited(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n" + b"x" * (reading.LINE_BYTES_MAX - 1) + b"\nlast")
    assert [len(line) for line in reading.text_lines(path)] == [4, reading.LINE_BYTES_MAX, 4]
    path.write_bytes(b"a\n" + b"x" * (reading.LINE_BYTES_MAX + 1))
    with pytest.raises(InputError, match="line_too_long") as caught:
        list(reading.text_lines(path))
    assert caught.value.place == f"{path}:2"


def test_a_file_that_is_absent_or_too_large_is_refused(tmp_path: Path) -> None:
    for bad in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="file_unreadable"):
            list(reading.text_lines(bad))
        with pytest.raises(InputError, match="file_unreadable") as told:
            reading.file_bytes(bad, 10)
        assert told.value.remedy.startswith("Check the path")
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 11)
    with pytest.raises(InputError, match="too large"):
        reading.file_bytes(path, 10)
    assert len(reading.file_bytes(path, 11)) == 11
