"""Lines added and taken out; everything else of the book stays."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.accounts.book_edits import edited, money_line, one_account, without
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import asset, parse

PERP, USDC = parse("paradex", "BTC-USD-PERP"), asset("paradex", "USDC")


def held() -> Book:
    table = Instruments.of([PERP, USDC])
    at = table.index_of()
    lines = [Line("a", at[PERP.key], 2.0, 68_000.0), Line("a", at[USDC.key], 100.0)]
    orders = [Order("a", at[PERP.key], 1, 1.0, 60_000.0)]
    return Book.of(table, lines, orders, Reported({("a", "USDC"): 90.0}))


def test_nothing_changes_where_nothing_is_asked() -> None:
    book = edited(held())
    assert book.positions_sha256() == held().positions_sha256()
    assert book.orders_sha256() == held().orders_sha256()


def test_money_is_added_and_what_the_venue_reported_moves_with_it() -> None:
    book = edited(held(), {USDC: -30.0})
    assert sorted(book.quantity.tolist()) == [2.0, 70.0]
    assert book.reported.equity["a", "USDC"] == 60.0
    assert float(book.entry_price.max()) == 68_000.0


def test_a_line_is_taken_out_with_its_orders() -> None:
    book = edited(held(), drop=[PERP.key])
    assert book.quantity.tolist() == [100.0]
    assert len(book.orders.items) == 0
    assert len(book.instruments) == 1


def test_money_of_a_currency_that_is_not_held_gets_a_line() -> None:
    usdt = money_line(held(), "paradex", "USDT")
    book = edited(held(), {usdt: 5.0})
    assert np.isclose(sorted(book.quantity.tolist()), [2.0, 5.0, 100.0]).all()
    assert money_line(held(), "paradex", "USDC") == USDC


def test_a_book_of_two_accounts_is_refused() -> None:
    table = Instruments.of([USDC])
    book = Book.of(table, [Line("a", 0, 1.0), Line("b", 0, 1.0)])
    with pytest.raises(InputError, match="option_unknown"):
        one_account(book, "here")


def test_the_last_line_leaves_a_line_of_money_that_holds_nothing() -> None:
    one = edited(held(), drop=[USDC.key])
    assert without(held(), PERP, USDC).instruments.items == (USDC,)
    empty = without(one, PERP, USDC)
    assert empty.instruments.items == (USDC,)
    assert len(empty.column) == 0
    assert len(without(edited(held(), drop=[PERP.key]), USDC, USDC).instruments) == 0
