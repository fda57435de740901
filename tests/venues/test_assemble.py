"""Rows to a book, whatever they came from."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.assemble import Row, RowKind, assemble

PERP = Row(RowKind.POSITION, "a", "deribit", "BTC-PERPETUAL", 1.0, "f:2")
CASH = Row(RowKind.BALANCE, "a", "deribit", "BTC", 2.0, "f:3", equity=2.5)


def test_the_equity_of_a_venue_is_kept_apart_from_the_amount() -> None:
    book = assemble([PERP, CASH], "f")
    assert book.reported.equity == {("a", "BTC"): 2.5}
    assert book.quantity[book.is_cash()].tolist() == [2.0]


def test_equity_without_an_amount_makes_no_line() -> None:
    row = Row(RowKind.BALANCE, "a", "deribit", "BTC", None, "f:3", equity=2.5)
    book = assemble([PERP, row], "f")
    assert not book.is_cash().any()
    assert book.reported.equity == {("a", "BTC"): 2.5}


def test_amounts_of_one_currency_add_up_and_equity_does_not() -> None:
    more = Row(RowKind.BALANCE, "a", "deribit", "BTC", 3.0, "f:4")
    assert assemble([CASH, more], "f").quantity.tolist() == [5.0]
    again = Row(RowKind.BALANCE, "a", "deribit", "BTC", 3.0, "f:4", equity=1.0)
    with pytest.raises(InputError, match="duplicate_row"):
        assemble([CASH, again], "f", allow_duplicates=True)


def test_choices_are_columns_over_the_accounts() -> None:
    other = Row(RowKind.POSITION, "b", "deribit", "BTC-PERPETUAL", 1.0, "f:9")
    book = assemble([PERP, other], "f", choices={"leverage": {"b": 5.0}})
    assert book.choices["leverage"].tolist() == [0.0, 5.0]
    assert book.positions_sha256() != assemble([PERP, other], "f").positions_sha256()


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Row(RowKind.POSITION, "a", "deribit", "NOPE", 1.0, "f:5"), "instrument_unknown"),
        (Row(RowKind.POSITION, "a", "deribit", "BTC_USDC", 1.0, "f:5"), "instrument_unknown"),
        (
            Row(RowKind.POSITION, "a", "deribit", "BTC", 1.0, "f:5", entry_price=5e4),
            "instrument_unknown",
        ),
        (Row(RowKind.BALANCE, "a", "deribit", "btc", 1.0, "f:5"), "currency_unknown"),
        (Row(RowKind.BALANCE, "a", "mars", "BTC", 1.0, "f:5"), "instrument_unknown"),
    ],
    ids=str,
)
def test_what_is_not_a_holding_is_refused_with_its_line(row: Row, code: str) -> None:
    with pytest.raises(InputError) as caught:
        assemble([PERP, row], "f")
    assert caught.value.code == code
    assert caught.value.place.startswith("f:5")


def test_no_rows_are_an_empty_book() -> None:
    with pytest.raises(InputError, match="book_empty"):
        assemble([], "book.csv")
