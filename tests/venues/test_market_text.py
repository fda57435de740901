from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.venues.market_text import number, read_bytes, read_csv


def code(path: Path) -> str:
    with pytest.raises(CrossMarginError) as caught:
        read_csv(path)
    return caught.value.code


def test_rows_by_name_and_repeated_names_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('\ufeffInstrument,Size,"IV Bid",Size,,\nX,1,-,"2,5",,\n\n', encoding="utf-8")
    table = read_csv(path)
    assert table.columns == ("Instrument", "Size", "IV Bid", "Size#2")
    assert table.rows == [{"Instrument": "X", "Size": "1", "IV Bid": "-", "Size#2": "2,5"}]


def test_gzip_is_unpacked_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"a,b\r\n1,2\r\n"))
    assert read_csv(path).rows == [{"a": "1", "b": "2"}]


def test_truncated_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 5000)[:-9])
    assert code(path) == "file_unreadable"


def test_packed_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossmargin.venues.market_text.FILE_BYTES_MAX", 1_000_000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 3_000_000))
    with pytest.raises(CrossMarginError) as caught:
        read_bytes(path)
    assert caught.value.code == "file_unreadable"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n" + b"9" * 1_000_001 + b",1\n", "line_too_long"),
        (b"a,b\n1,2,3\n", "file_unreadable"),
        (b"a,b\n1\n", "file_unreadable"),
        (b"a,b\n\xff\xfe,1\n", "file_unreadable"),
        (b"a\x00,b\n1,2\n", "file_unreadable"),
        (b'a,b\n"' + b"9" * 200_000 + b'",1\n', "file_unreadable"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert code(path) == expected


def test_absent_file(tmp_path: Path) -> None:
    assert code(tmp_path / "none.csv") == "file_unreadable"


def test_numbers() -> None:
    assert number("4e-05", "x") == 4e-05
    assert number(" -12.5 ", "x") == -12.5
    assert [number(cell, "x") for cell in ("", "-", None, "NaN")] == [None] * 4
    for cell in ("1_000", "１２", "0x10", "1,5", True, [1]):
        with pytest.raises(CrossMarginError) as caught:
            number(cell, "x")
        assert caught.value.code == "number_unreadable"
    with pytest.raises(CrossMarginError) as caught:
        number("1e999", "x")
    assert caught.value.code == "number_not_finite"
