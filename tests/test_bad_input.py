"""Bad books, one table: what a user could send, and the one code that answers it.

Every row is bytes in a file and the code expected. Whatever the code, the answer is one InputError
with a place and a remedy or limit, quick and short; never another exception, never a book.
"""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.symbology import require_alive
from crossmargin.venues.books import read_book

HEAD = b"account,venue,instrument,quantity,entry_price\n"
ORDERS = (
    b"type,account,venue,instrument,quantity,entry_price,side,limit_price,reduce_only,mmp\n"
    b"position,a,deribit,BTC-27MAR26-100000-C,5,0.03,,,,\n"
)
OPTION = b"a,deribit,BTC-27MAR26-100000-C,"


def row(instrument: str = "BTC-PERPETUAL", quantity: str = "1", price: str = "50000") -> bytes:
    return HEAD + f"a,deribit,{instrument},{quantity},{price}\n".encode()


CSV: list[tuple[str, bytes, str]] = [
    ("no byte", b"", "book_empty"),
    ("one byte", b"a", "column_unknown"),
    ("header alone", HEAD, "book_empty"),
    ("blank lines alone", b"\n\n\n", "book_empty"),
    ("binary", b"\x80\x04\x95" + bytes(range(256)), "file_unreadable"),
    ("gzip", gzip.compress(row()), "file_unreadable"),
    ("parquet magic", b"PAR1" + bytes(64), "file_unreadable"),
    ("utf-16", row().decode().encode("utf-16"), "file_unreadable"),
    ("nul", HEAD + b"a,deribit,BTC-PERPETUAL,1\x00,5\n", "file_unreadable"),
    ("broken utf-8", HEAD + b"\xff\xfea,deribit,BTC-PERPETUAL,1,5\n", "file_unreadable"),
    ("lone surrogate", HEAD + b"\xed\xa0\x80,deribit,BTC-PERPETUAL,1,5\n", "file_unreadable"),
    ("open quote", HEAD + b'"a,deribit,BTC-PERPETUAL,1,5\n', "file_unreadable"),
    ("text after quote", HEAD + b'"a"b,deribit,BTC-PERPETUAL,1,5\n', "file_unreadable"),
    ("old line ends", row().replace(b"\n", b"\r"), "file_unreadable"),
    ("huge cell", HEAD + b"a" * 200_000 + b",deribit,BTC-PERPETUAL,1,5\n", "file_unreadable"),
    ("long line", HEAD + b"a" * 1_100_000 + b"\n", "line_too_long"),
    ("semicolons", row().replace(b",", b";"), "column_unknown"),
    ("header twice", HEAD + HEAD, "number_unreadable"),
    ("no header", row()[len(HEAD) :], "column_unknown"),
    ("column twice", HEAD.replace(b"account", b"quantity"), "column_unknown"),
    ("column unknown", HEAD.replace(b"entry_price", b"iv"), "column_unknown"),
    ("column absent", b"account,venue,instrument\na,deribit,BTC-PERPETUAL\n", "column_missing"),
    ("too few cells", HEAD + b"a,deribit,BTC-PERPETUAL,1\n", "column_missing"),
    ("too many cells", HEAD + b"a,deribit,BTC-PERPETUAL,1,000,5\n", "column_unknown"),
    ("venue unknown", HEAD + b"a,ftx,BTC-PERP,1,5\n", "instrument_unknown"),
    ("venue empty", HEAD + b"a,,BTC-PERP,1,5\n", "column_missing"),
    ("account with newline", HEAD + b'"a\nb",deribit,BTC-PERPETUAL,1,5\n', "option_unknown"),
    ("account with zero-width", HEAD + "a\u200d,deribit,BTC,1,5\n".encode(), "option_unknown"),
    ("account right-to-left", HEAD + "\u202ea,deribit,BTC,1,5\n".encode(), "option_unknown"),
    ("account too long", HEAD + b"a" * 129 + b",deribit,BTC-PERPETUAL,1,5\n", "option_unknown"),
    ("row twice", row() + row()[len(HEAD) :], "duplicate_row"),
    ("spot pair held", row("BTC_USDC", "1", ""), "instrument_unknown"),
    ("cash with entry price", row("BTC"), "instrument_unknown"),
    ("inverse bought at zero", row(price="0"), "number_out_of_range"),
    ("inverse bought below zero", row(price="-1"), "number_out_of_range"),
    ("more than exists", row(quantity="1e25"), "number_out_of_range"),
]
CSV += [
    (f"quantity {text!r}", row(quantity=text), code)
    for code, texts in {
        "column_missing": [""],
        "number_not_finite": ["nan", "NaN", "inf", "-inf", "Infinity", "1e999", "-1e400"],
        "number_unreadable": [
            *(" 1", "1 ", "+1", "--1", "1_000", "0x10", "01", "1.", ".5", "1e", "1e5000", "∞"),
            *("true", "True", "one", "$5", "1%", "١٢٣", "５０", "0." + "1" * 41, "9" * 400, "1-2"),
            *("=1+1", "@SUM(A1)", "\t1", "{{7*7}}", "${jndi:x}", "null", "-", "−1"),
        ],
    }.items()
    for text in texts
]
CSV += [
    (f"instrument {text!r:.30}", row(text), "instrument_unknown")
    for text in (
        "BTC-30FEB26-1-C",
        "BTC-27MAR26-1e5-C",
        "btc-perpetual",
        "ＢＴＣ-PERPETUAL",
        "ВTC-PERPETUAL",
        "BTC\u200d-PERPETUAL",
        "=HYPERLINK(1)",
        "@SUM",
        "-2+3",
        "../../etc/passwd",
        "{{7*7}}",
        "<script>",
        "' OR 1=1 --",
        "NOTACOIN",
        "XRP-27MAR26-1-C",
        "A" * 65,
    )
]
CSV += [
    (f"order {cells!r}", ORDERS + f"order,a,deribit,{cells}\n".encode(), code)
    for cells, code in [
        ("BTC-27MAR26-100000-C,-1,,buy,0.01,,", "order_invalid"),
        ("BTC-27MAR26-100000-C,0,,buy,0.01,,", "order_invalid"),
        ("BTC-27MAR26-100000-C,nan,,buy,0.01,,", "number_not_finite"),
        ("BTC-27MAR26-100000-C,1,,buy,0,,", "order_invalid"),
        ("BTC-27MAR26-100000-C,1,,buy,-0.01,,", "order_invalid"),
        ("BTC-27MAR26-100000-C,1,,buy,inf,,", "number_not_finite"),
        ("BTC-27MAR26-100000-C,1,,buy,,,", "column_missing"),
        ("BTC-27MAR26-100000-C,1,,hold,0.01,,", "order_invalid"),
        ("BTC-27MAR26-100000-C,1,,,0.01,,", "column_missing"),
        ("BTC-27MAR26-100000-C,1,,buy,0.01,true,", "order_invalid"),
        ("BTC-PERPETUAL,1,,sell,50000,true,", "order_invalid"),
        ("BTC-27MAR26-100000-C,1,,buy,0.01,maybe,", "option_unknown"),
        ("BTC-27MAR26-100000-C,1,,buy,0.01,,1", "option_unknown"),
        ("BTC-27MAR26-100000-C,1,0.02,buy,0.01,,", "column_unknown"),
        ("NOPE-27MAR26-1-C,1,,buy,0.01,,", "instrument_unknown"),
    ]
]

POSITION: dict[str, Any] = {
    "account": "a",
    "venue": "deribit",
    "instrument": "BTC-PERPETUAL",
    "quantity": 1,
}
ORDER = {**POSITION, "side": "buy", "remaining": 1, "limit_price": 1}
del ORDER["quantity"]


def statement(**sections: Any) -> bytes:
    return json.dumps({"schema": "margin-statement/1", **sections}).encode()


def position(text: str) -> bytes:
    """A statement whose quantity is this very text."""
    return statement(book=[{**POSITION, "quantity": "@"}]).replace(b'"@"', text.encode())


JSON: list[tuple[str, bytes, str]] = [
    ("no byte", b"", "file_unreadable"),
    ("half", statement(book=[POSITION])[:-3], "file_unreadable"),
    ("two values", statement() * 2, "file_unreadable"),
    ("utf-16", statement().decode().encode("utf-16"), "file_unreadable"),
    ("nul", b'{"schema":"margin-statement/1\x00"}', "file_unreadable"),
    ("deep list", b"[" * 200_000, "file_unreadable"),
    ("deep object", b'{"a":' * 200_000, "file_unreadable"),
    ("deep result", b'{"schema":"margin-statement/1","result":' + b"[" * 50_000, "file_unreadable"),
    ("null", b"null", "version_unknown"),
    ("list", b"[]", "version_unknown"),
    ("no schema", b'{"book": []}', "version_unknown"),
    ("other version", b'{"schema": "margin-statement/9"}', "version_unknown"),
    ("schema twice", b'{"schema": "margin-statement/1", "schema": "x"}', "file_unreadable"),
    ("nothing in it", statement(), "book_empty"),
    ("unknown section", statement(positions=[]), "column_unknown"),
    ("object for list", statement(book={}), "file_unreadable"),
    ("quantity twice", position('1, "quantity": -1000'), "file_unreadable"),
    ("order twice", statement(orders=[ORDER, ORDER]), "duplicate_row"),
    ("order sold short", statement(orders=[{**ORDER, "remaining": -1}]), "order_invalid"),
    ("order of nothing", statement(orders=[{**ORDER, "remaining": 0}]), "order_invalid"),
    ("order for free", statement(orders=[{**ORDER, "limit_price": 0}]), "order_invalid"),
    ("order of no side", statement(orders=[{**ORDER, "side": "BUY"}]), "order_invalid"),
    ("flag as number", statement(orders=[{**ORDER, "mmp": 1}]), "option_unknown"),
    ("opens reduce-only", statement(orders=[{**ORDER, "reduce_only": True}]), "order_invalid"),
    ("balance of a pair", statement(balances=[{"currency": "BTC_USDC"}]), "column_missing"),
    (
        "balance in lower case",
        statement(
            balances=[{"account": "a", "venue": "deribit", "currency": "btc", "amount": 1}],
        ),
        "currency_unknown",
    ),
]
JSON += [
    (f"quantity {text!r:.30}", position(text), code)
    for text, code in {
        "true": "number_unreadable",
        '"1"': "number_unreadable",
        "null": "number_unreadable",
        "[1]": "number_unreadable",
        "{}": "number_unreadable",
        "NaN": "number_not_finite",
        "Infinity": "number_not_finite",
        "-Infinity": "number_not_finite",
        "1e999": "number_not_finite",
        "9" * 400: "number_unreadable",
        "1" * 6000: "number_unreadable",
        "1e25": "number_out_of_range",
        "0x10": "file_unreadable",
        "01": "file_unreadable",
        "+1": "file_unreadable",
        "1,": "file_unreadable",
        "１": "file_unreadable",
        "": "file_unreadable",
    }.items()
]


def refused(path: Path, data: bytes, code: str) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_book(path)
    error = caught.value
    assert error.code == code, str(error)
    assert path.name in error.place
    assert error.limit
    assert error.remedy
    assert len(str(error)) < 1500
    assert "\n" not in str(error)


@pytest.mark.parametrize(("data", "code"), [c[1:] for c in CSV], ids=[c[0] for c in CSV])
def test_a_bad_csv_gets_one_clear_error(tmp_path: Path, data: bytes, code: str) -> None:
    refused(tmp_path / "book.csv", data, code)


@pytest.mark.parametrize(("data", "code"), [c[1:] for c in JSON], ids=[c[0] for c in JSON])
def test_a_bad_statement_gets_one_clear_error(tmp_path: Path, data: bytes, code: str) -> None:
    refused(tmp_path / "book.json", data, code)


def test_a_truncated_parquet_gets_one_clear_error(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    sink = io.BytesIO()
    columns = {"venue": ["deribit"], "instrument": ["BTC-PERPETUAL"], "quantity": [1.0]}
    parquet.write_table(pyarrow.table(columns), sink)
    whole = sink.getvalue()
    for data in (b"", whole[:4], whole[: len(whole) // 2], whole[:-4], whole[:-1]):
        refused(tmp_path / "book.parquet", data, "file_unreadable")
        refused(tmp_path / "book.arrow", data, "file_unreadable")


def test_a_line_of_100_megabytes_fails_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    with path.open("wb") as stream:
        stream.write(HEAD)
        stream.truncate(100_000_000)  # a hole: zeros without a line end
    tracemalloc.start()
    with pytest.raises(InputError, match="line_too_long"):
        read_book(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_missing_file_and_an_unknown_format_are_named(tmp_path: Path) -> None:
    for name, code in {
        "none.csv": "file_unreadable",
        "none.json": "file_unreadable",
        "none.parquet": "file_unreadable",
        "book.xlsx": "option_unknown",
        "book": "option_unknown",
    }.items():
        with pytest.raises(InputError) as caught:
            read_book(tmp_path / name)
        assert caught.value.code == code


def test_lines_and_orders_of_expired_contracts_are_found(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_bytes(ORDERS + b"order,a,deribit,BTC-6FEB26-70000-P,1,,buy,0.01,,\n")
    book = read_book(path)
    require_alive(book.instruments.items, utc_ms(2026, 2, 6, 8))
    with pytest.raises(InputError, match="instrument_expired") as caught:
        require_alive(book.instruments.items, utc_ms(2026, 2, 6, 8) + 1)
    assert "BTC-6FEB26-70000-P" in caught.value.place


@given(data=st.binary(max_size=80), good=st.booleans())
def test_no_bytes_at_all_get_past_the_door_or_break_it(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, good: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name, head in (("f.csv", row()), ("f.json", b"")):
        path = folder / name
        path.write_bytes((head if good else b"") + data)
        try:
            read_book(path)
        except InputError as error:
            assert error.remedy or error.limit
