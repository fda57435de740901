"""Books from Parquet and Arrow files: types, absent values, damage."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.books import read_book

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ipc = pytest.importorskip("pyarrow.ipc")

CSV = """\
type,account,venue,instrument,quantity,entry_price,side,limit_price,mmp,time
position,a,deribit,BTC-PERPETUAL,1000,50000,,,,2026-02-05T21:29:37Z
position,b,deribit,BTC-27MAR26-100000-C,-2.5,0.012,,,,
order,b,deribit,BTC-27MAR26-100000-C,1,,buy,0.01,true,
"""
WHEN = datetime.datetime(2026, 2, 5, 21, 29, 37, tzinfo=datetime.UTC)
COLUMNS = {
    "type": pyarrow.array(["position", "position", "order"]).dictionary_encode(),
    "account": pyarrow.array(["a", "b", "b"], pyarrow.large_string()),
    "venue": ["deribit"] * 3,
    "instrument": ["BTC-PERPETUAL", "BTC-27MAR26-100000-C", "BTC-27MAR26-100000-C"],
    "quantity": pyarrow.array([1000.0, -2.5, 1.0]),
    "entry_price": pyarrow.array([decimal.Decimal("50000.000"), decimal.Decimal("0.012"), None]),
    "side": [None, None, "buy"],
    "limit_price": pyarrow.array([None, None, 0.01]),
    "mmp": pyarrow.array([None, None, True]),
    "time": pyarrow.array([WHEN, None, None], pyarrow.timestamp("us", tz="UTC")),
}


def write(path: Path, **changes: object) -> Path:
    table = pyarrow.table({**COLUMNS, **changes})
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    else:
        with ipc.new_file(str(path), table.schema) as sink:
            sink.write_table(table)
    return path


@pytest.mark.parametrize("name", ["book.parquet", "book.arrow"])
def test_the_typed_forms_hold_the_book_of_the_csv(tmp_path: Path, name: str) -> None:
    text = tmp_path / "book.csv"
    text.write_text(CSV)
    wanted, found = read_book(text), read_book(write(tmp_path / name))
    assert found.positions_sha256() == wanted.positions_sha256()
    assert found.orders_sha256() == wanted.orders_sha256()
    assert {line.time_ms for line in found.lines} == {line.time_ms for line in wanted.lines}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": pyarrow.array([1.0, float("nan"), 1.0])}, "number_not_finite"),
        ({"quantity": pyarrow.array([1.0, float("inf"), 1.0])}, "number_not_finite"),
        ({"quantity": pyarrow.array([True, True, True])}, "number_unreadable"),
        ({"quantity": pyarrow.array([1.0, 2.0, 3.0], pyarrow.float32())}, "unit_wrong"),
        ({"quantity": ["1", "1_0", "1"]}, "number_unreadable"),
        ({"quantity": pyarrow.array([1.0, None, 3.0])}, "column_missing"),
        ({"time": pyarrow.array([WHEN.replace(tzinfo=None), None, None])}, "unit_wrong"),
        ({"qty": [1, 2, 3]}, "column_unknown"),
        ({"entry_price": [[1.0], [2.0], [3.0]]}, "unit_wrong"),
    ],
    # The text of an Arrow array holds an address: two workers would collect other names.
    ids=["nan", "infinite", "flag", "float32", "grouped", "null", "zoneless", "unknown", "nested"],
)
def test_a_column_of_another_kind_is_refused(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_book(write(tmp_path / "book.parquet", **changes))
    assert caught.value.code == code
    assert "book.parquet" in caught.value.place


@pytest.mark.parametrize("name", ["book.parquet", "book.arrow"])
def test_a_truncated_or_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    data = path.read_bytes()
    for part in (b"", b"P", data[: len(data) // 2], data[:-1], b"PAR1" + b"\0" * 40 + b"PAR1"):
        path.write_bytes(part)
        with pytest.raises(InputError, match="file_unreadable"):
            read_book(path)


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    for name in ("none.parquet", "none.arrow"):
        with pytest.raises(InputError, match="file_unreadable"):
            read_book(tmp_path / name)


def test_no_row_is_an_empty_book(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    parquet.write_table(pyarrow.table(COLUMNS).slice(0, 0), path)
    with pytest.raises(InputError, match="book_empty"):
        read_book(path)
