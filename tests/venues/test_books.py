"""The one door for books in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.books import read_book, write_book

POSITION = {
    "instrument_name": "BTC-PERPETUAL",
    "size": 10.0,
    "direction": "buy",
    "average_price": 5e4,
}
ORDER = {
    "order_id": "1",
    "instrument_name": "BTC-PERPETUAL",
    "direction": "sell",
    "amount": 10.0,
    "price": 6e4,
}
SUMMARY = {"currency": "BTC", "balance": 1.0, "equity": 1.5}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_a_reply_of_deribit_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "reply.json"
    assert len(read_book(write(path, {"jsonrpc": "2.0", "result": [POSITION]})).lines) == 1
    assert len(read_book(write(path, {"jsonrpc": "2.0", "result": [ORDER]})).orders.items) == 1
    reply = {"jsonrpc": "2.0", "result": {"summaries": [SUMMARY]}}
    assert read_book(write(path, reply), account="z").reported.equity == {("z", "BTC"): 1.5}
    with pytest.raises(InputError, match="book_empty"):
        read_book(write(path, {"jsonrpc": "2.0", "result": []}))


def test_replies_and_structures_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    write(path, {"positions": {"result": [POSITION]}, "orders": [ORDER], "summaries": [SUMMARY]})
    book = read_book(path, format="deribit")
    assert (len(book.lines), len(book.orders.items), len(book.reported.equity)) == (2, 1, 1)
    unified = {"symbol": "BTC/USD:BTC", "side": "short", "contracts": 3, "contractSize": 100}
    write(path, {"positions": [unified], "balance": {"total": {"BTC": 2}}})
    book = read_book(path, format="ccxt", venue="okx")
    assert sorted(book.quantity.tolist()) == [-3.0, 2.0]


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ([], {"format": "deribit"}),
        ({"positions": [], "extra": 1}, {"format": "deribit"}),
        ({"positions": "/etc/hostname"}, {"format": "deribit"}),
        ({"positions": [], "balance": "/etc/hostname"}, {"format": "ccxt", "venue": "okx"}),
        ({"positions": []}, {"format": "ccxt"}),
        ({"positions": []}, {"format": "yaml"}),
        ([1], {}),
        ({"book": []}, {}),
    ],
    ids=str,
)
def test_a_file_of_another_shape_is_refused(
    tmp_path: Path, value: Any, options: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        read_book(write(tmp_path / "b.json", value), **options)  # type: ignore[arg-type] # a table


def test_the_suffix_names_the_format_or_the_caller_does(tmp_path: Path) -> None:
    text = "venue,instrument,quantity\nderibit,BTC-PERPETUAL,1\n"
    path = tmp_path / "book.txt"
    path.write_text(text)
    with pytest.raises(InputError, match="option_unknown") as caught:
        read_book(path)
    assert "parquet" in caught.value.limit
    assert read_book(path, format="csv").quantity.tolist() == [1.0]


def test_a_book_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text("venue,instrument,quantity\nderibit,BTC-PERPETUAL,1\n")
    with pytest.raises(InputError, match="cannot be written"):
        write_book(read_book(path), tmp_path / "none" / "b.json")


def test_replies_are_known_without_their_format(tmp_path: Path) -> None:
    path = tmp_path / "der.json"
    write(path, {"positions": {"result": [POSITION]}, "orders": [ORDER], "summaries": [SUMMARY]})
    book = read_book(path)
    assert (len(book.lines), len(book.orders.items), len(book.reported.equity)) == (2, 1, 1)


@pytest.mark.parametrize(
    "reply",
    [
        {"jsonrpc": "2.0", "result": [POSITION]},
        {"result": [POSITION]},
        [POSITION],
        [SUMMARY],
        {"jsonrpc": "2.0", "result": {"summaries": [SUMMARY]}},
        {"id": 7, "summaries": [SUMMARY]},
        {"summaries": [SUMMARY]},
    ],
)
def test_a_bare_reply_with_its_format_named(reply: Any, tmp_path: Path) -> None:
    book = read_book(write(tmp_path / "reply.json", reply), format="deribit")
    assert len(book.lines) == 1
