"""Books from CSV: canonical columns, several accounts, lots, and one error with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.venues.books import read_book

FULL = """\
type,account,venue,instrument,quantity,entry_price,time,tag.desk,side,limit_price,reduce_only,mmp,\
group,currency,amount,equity,hold.mmp_margin
position,alice,deribit,BTC-PERPETUAL,1000,50000,2026-02-05T21:29:37Z,vol,,,,,,,,,
position,alice,deribit,BTC-PERPETUAL,3000,100000,1770326977000,,,,,,,,,,
,bob,deribit,BTC-27MAR26-100000-C,-2.5,0.012,,flow,,,,,,,,,
order,bob,deribit,BTC-27MAR26-100000-C,1,,,,buy,0.01,true,FALSE,g1,,,,
order,alice,deribit,BTC-PERPETUAL,500,,,,sell,120000,,True,,,,,

balance,alice,deribit,,,,,,,,,,,BTC,3.5,3.6,0.01
balance,bob,deribit,USDC,10000,,,,,,,,,,,,
"""


def read(tmp_path: Path, text: str | bytes, **options: object) -> Book:
    path = tmp_path / "book.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_book(path, **options)  # type: ignore[arg-type] # options of the test's table


def test_a_file_of_several_accounts_positions_orders_and_balances(tmp_path: Path) -> None:
    book = read(tmp_path, FULL)
    assert tuple(book.account) == ("alice", "bob")
    held = {
        (book.account[a], book.instruments.items[book.column[k]].native_id): book.quantity[k]
        for a in range(2)
        for k in range(int(book.row[a]), int(book.row[a + 1]))
    }
    assert held == {
        ("alice", "BTC-PERPETUAL"): 4000.0,
        ("alice", "BTC"): 3.5,
        ("bob", "BTC-27MAR26-100000-C"): -2.5,
        ("bob", "USDC"): 10000.0,
    }
    assert book.lots_merged == 1
    assert book.reported.equity == {("alice", "BTC"): 3.6}
    assert book.reported.holds == {("alice", "BTC"): {"mmp_margin": 0.01}}
    first, second = book.orders.items
    assert (first.account, first.side, first.remaining, first.mmp) == ("alice", -1, 500.0, True)
    assert (second.limit_price, second.reduce_only, second.group) == (0.01, True, "g1")
    tags = {line.tags for line in book.lines}
    assert tags == {(("desk", "vol"),), (("desk", "flow"),), ()}
    assert {line.time_ms for line in book.lines} == {1770326977000, None}


def test_order_of_lines_and_columns_is_irrelevant(tmp_path: Path) -> None:
    whole = read(tmp_path, FULL)
    head, *lines = FULL.strip().splitlines()
    mixed = read(tmp_path, "\n".join([head, *reversed(lines)]))
    assert mixed.positions_sha256() == whole.positions_sha256()
    assert mixed.orders_sha256() == whole.orders_sha256()
    turned = "\n".join(
        ",".join(reversed(line.split(","))) for line in [head, *lines] if line.strip()
    )
    assert read(tmp_path, turned).positions_sha256() == whole.positions_sha256()


def test_venue_and_account_may_come_from_the_caller(tmp_path: Path) -> None:
    text = "instrument,quantity\nBTC-PERPETUAL,10\n"
    book = read(tmp_path, text, venue="deribit", account="z")
    assert (book.account[0], book.instruments.items[0].venue) == ("z", "deribit")
    assert read(tmp_path, text, venue="deribit").account == ("main",)
    both = read(tmp_path, "venue,instrument,quantity\nokx,BTC-USD-SWAP,1\n", venue="deribit")
    assert both.instruments.items[0].venue == "okx"


def test_a_bom_quotes_and_dos_lines_are_read(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf"venue","instrument","quantity"\r\nderibit,"BTC-PERPETUAL","-1.5"\r\n'
    assert read(tmp_path, text).quantity.tolist() == [-1.5]


def test_sizes_and_expiries_that_names_do_not_carry(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        "venue,instrument,quantity,multiplier,expiry\n"
        "okx,SOL-USDT-SWAP,5,1,\n"
        "derive,ETH-20260327-2400_5-P,2,,2026-03-27T20:00:00Z\n",
    )
    terms = {item.native_id: (item.multiplier, item.expiry_ms) for item in book.instruments.items}
    assert terms["SOL-USDT-SWAP"][0] == 1.0
    assert terms["ETH-20260327-2400_5-P"][1] % 86_400_000 == 20 * 3_600_000


def test_two_like_rows_are_refused_unless_allowed(tmp_path: Path) -> None:
    text = "venue,instrument,quantity\n" + "deribit,BTC-PERPETUAL,1\n" * 2
    with pytest.raises(InputError, match="duplicate_row") as caught:
        read(tmp_path, text)
    assert caught.value.place.endswith("book.csv:3")
    assert "book.csv:2" in caught.value.message
    book = read(tmp_path, text, allow_duplicates=True)
    assert (book.quantity.tolist(), book.lots_merged) == ([2.0], 1)
    # the same number written in two ways is the same row
    with pytest.raises(InputError, match="duplicate_row"):
        read(tmp_path, text.replace("1\n", "1.0\n", 1))


def test_equity_given_twice_is_refused_even_in_different_rows(tmp_path: Path) -> None:
    text = "type,venue,currency,amount,equity\nbalance,deribit,BTC,1,2\nbalance,deribit,BTC,2,2\n"
    with pytest.raises(InputError, match="duplicate_row"):
        read(tmp_path, text)


def test_a_long_line_fails_fast_in_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "long.csv"
    with path.open("wb") as stream:
        stream.write(b"venue,instrument,quantity\n")
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(InputError, match="line_too_long") as caught:
        read_book(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000
    assert caught.value.place == f"{path}:2"
