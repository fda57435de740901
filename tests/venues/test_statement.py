"""The published JSON form: round trip, strictness, and the schema that says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.venues import statement
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.books import read_book, write_book

NAMES = [
    ("deribit", "BTC-PERPETUAL"),
    ("deribit", "BTC-27MAR26-100000-C"),
    ("deribit", "XRP_USDC-27MAR26-0d625-P"),
    ("bybit", "BTC-27MAR26-100000-C"),
    ("okx", "BTC-USD-SWAP"),
]
FIGURE = st.floats(-1e24, 1e24, allow_nan=False)
POSITIVE = st.floats(1e-18, 1e15)
TAGS = st.dictionaries(st.sampled_from(["client", "desk"]), st.just("é 7"), max_size=2).map(
    lambda tags: tuple(sorted(tags.items()))
)
TIME = st.one_of(st.none(), st.integers(utc_ms(2010, 1, 1), utc_ms(2100, 1, 1)))
ACCOUNT = st.sampled_from(["a", "b"])
NAMED = st.sampled_from(NAMES)


def position(account: str, key: tuple[str, str], **fields: Any) -> Row:
    return Row(RowKind.POSITION, account, key[0], key[1], place="p", **fields)


def order(account: str, key: tuple[str, str], **fields: Any) -> Row:
    return Row(RowKind.ORDER, account, key[0], key[1], place="o", **fields)


ROWS = st.lists(
    st.one_of(
        st.builds(
            position,
            account=ACCOUNT,
            key=NAMED,
            quantity=FIGURE,
            entry_price=st.one_of(st.none(), POSITIVE),
            tags=TAGS,
            time_ms=TIME,
        ),
        st.builds(
            order,
            account=ACCOUNT,
            key=NAMED,
            quantity=POSITIVE,
            limit_price=POSITIVE,
            side=st.sampled_from([1, -1]),
            mmp=st.booleans(),
            group=st.sampled_from(["", "g"]),
            tags=TAGS,
            time_ms=TIME,
        ),
    ),
    min_size=1,
    max_size=8,
)
BALANCES = st.lists(
    st.tuples(ACCOUNT, st.sampled_from(["BTC", "USDC", "NEWCOIN"])), unique=True, max_size=4
)


@given(rows=ROWS, balances=BALANCES, data=st.data())
def test_a_book_written_and_read_is_the_same_book(
    rows: list[Row], balances: list[tuple[str, str]], data: st.DataObject
) -> None:
    for account, currency in balances:
        rows = [
            *rows,
            Row(
                RowKind.BALANCE,
                account,
                "deribit",
                currency,
                quantity=data.draw(FIGURE),
                place="b",
                equity=data.draw(st.one_of(st.none(), FIGURE)),
                holds=data.draw(st.sampled_from([(), (("mmp_margin", 0.25),)])),
                reported=data.draw(st.sampled_from([(), (("delta_total", -1.5),)])),
            ),
        ]
    choices = data.draw(st.sampled_from([{}, {"leverage": {"a": 5.0}}]))
    book = assemble(rows, "test", allow_duplicates=True, choices=choices)
    again = roundtrip(book)
    assert again.positions_sha256() == book.positions_sha256()
    assert again.orders_sha256() == book.orders_sha256()
    assert again.reported == book.reported
    assert again.instruments == book.instruments
    assert [(line.tags, line.time_ms) for line in again.lines] == [
        (line.tags, line.time_ms) for line in book.lines
    ]


def roundtrip(book: Book) -> Book:
    value = json.loads(statement.encode_statement(book))
    return statement.decode_statement(value, "test", allow_duplicates=True).book


def test_sizes_and_expiries_beyond_the_name_survive(tmp_path: Path) -> None:
    new_york = utc_ms(2026, 3, 27, 20)
    rows = [
        position("a", ("okx", "SOL-USDT-SWAP"), quantity=1.0, multiplier=1.0),
        position("a", ("derive", "BTC-20260327-1-C"), quantity=1.0, expiry_ms=new_york),
    ]
    book = assemble(rows, "test")
    write_book(book, tmp_path / "b.json", result={"im": 1.5}, receipt={"book": "x"})
    found = statement.read_statement(tmp_path / "b.json")
    assert found.book.instruments.sha256 == book.instruments.sha256
    assert (found.result, found.receipt) == ({"im": 1.5}, {"book": "x"})
    assert "multiplier" in (tmp_path / "b.json").read_text()


def test_a_population_from_arrays_is_written_with_its_empty_accounts(tmp_path: Path) -> None:
    table = Instruments.of(parse(*key) for key in NAMES[:2])
    row = np.array([0, 2, 2, 3], np.int64)
    book = Book.of_arrays(table, row, np.array([0, 1, 1], np.int32), np.array([1.0, -2.0, 3.0]))
    write_book(book, tmp_path / "b.json")
    again = read_book(tmp_path / "b.json")
    assert again.account == ("0", "1", "2")
    assert (again.row.tolist(), again.quantity.tolist()) == (row.tolist(), [1.0, -2.0, 3.0])


MINIMAL: dict[str, Any] = {
    "schema": "margin-statement/1",
    "book": [
        {"account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 1.0},
    ],
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schema": "margin-statement/2"}, "version_unknown"),
        ({"schema": None}, "version_unknown"),
        ({"schema": ["margin-statement/1"]}, "version_unknown"),
        ({"positions": []}, "column_unknown"),
        ({"book": {}}, "file_unreadable"),
        ({"book": [7]}, "file_unreadable"),
        ({"book": None}, "file_unreadable"),
        ({"book": []}, "book_empty"),
        ({"book": [{"account": "a"}]}, "column_missing"),
        ({"orders": [{"side": "buy"}]}, "column_missing"),
        ({"balances": [{"account": "a", "venue": "deribit", "currency": "BTC"}]}, "column_missing"),
        ({"result": []}, "file_unreadable"),
        ({"accounts": [{"account": "a", "choices": {"leverage": True}}]}, "number_unreadable"),
    ],
    ids=str,
)
def test_a_section_that_the_schema_does_not_know_is_refused(
    change: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        statement.decode_statement({**MINIMAL, **change}, "b.json")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": True}, "number_unreadable"),
        ({"quantity": "1"}, "number_unreadable"),
        ({"quantity": None}, "number_unreadable"),
        ({"quantity": [1]}, "number_unreadable"),
        ({"quantity": 1e25}, "number_out_of_range"),
        ({"entry_price": "50000"}, "number_unreadable"),
        ({"entry_price": 0.0}, "number_out_of_range"),
        ({"qty": 1}, "column_unknown"),
        ({"__proto__": {}}, "column_unknown"),
        ({"instrument": "BTC-30FEB26"}, "instrument_unknown"),
        ({"instrument": "BTC_USDC"}, "instrument_unknown"),
        ({"instrument": 5}, "file_unreadable"),
        ({"venue": "nowhere"}, "instrument_unknown"),
        ({"account": ""}, "option_unknown"),
        ({"account": "a\nb"}, "option_unknown"),
        ({"time": "yesterday"}, "time_unreadable"),
        ({"time": 1.5}, "file_unreadable"),
        ({"tags": {"desk": 7}}, "file_unreadable"),
        ({"multiplier": 2.0}, "instrument_unknown"),
    ],
    ids=str,
)
def test_a_position_that_the_schema_does_not_know_is_refused(
    change: dict[str, Any], code: str
) -> None:
    bad = {**MINIMAL, "book": [{**MINIMAL["book"][0], **change}]}
    with pytest.raises(InputError) as caught:
        statement.decode_statement(bad, "b.json")
    assert caught.value.code == code
    assert "b.json" in caught.value.place


def test_duplicates_are_refused_unless_allowed() -> None:
    twice = {**MINIMAL, "book": MINIMAL["book"] * 2}
    with pytest.raises(InputError, match="duplicate_row"):
        statement.decode_statement(twice, "b.json")
    book = statement.decode_statement(twice, "b.json", allow_duplicates=True).book
    assert book.quantity.tolist() == [2.0]


def test_the_published_schema_says_what_the_reader_takes() -> None:
    schema = json.loads(statement.schema_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["schema"]["const"] == statement.SCHEMA
    pairs: list[tuple[dict[str, Any], type[msgspec.Struct]]] = [
        (schema, statement.StatementFile),
        (schema["$defs"]["account"], statement.Account),
        (schema["$defs"]["position"], statement.Position),
        (schema["$defs"]["order"], statement.OpenOrder),
        (schema["$defs"]["balance"], statement.Balance),
    ]
    for said, taken in pairs:
        fields = {each.name: each for each in msgspec.structs.fields(taken)}
        assert set(said["properties"]) == set(fields)
        assert set(said["required"]) == {n for n, each in fields.items() if each.required}
        assert said["additionalProperties"] is False
    text = json.dumps(schema)
    for part in text.split('"#/$defs/')[1:]:
        assert part.split('"')[0] in schema["$defs"]
