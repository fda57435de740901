from __future__ import annotations

import pytest

from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.symbology import parse
from crossmargin.sample import market_path
from crossmargin.venues.market_import import read_market
from crossmargin.venues.probe_deribit import candidates, request_of

SNAPSHOT = read_market(str(market_path()))


def test_candidates_are_listed_contracts_of_the_coin_small_first() -> None:
    books, rows = candidates(SNAPSHOT, "BTC")
    assert len(books) == len({str(book) for book in books})
    names = {name for book in books for name in book}
    marks = SNAPSHOT.values("mark")
    for name in names:
        assert parse("deribit", name).settle == "BTC"
        assert f"deribit|{name}" in marks
    assert "BTC-PERPETUAL" in names
    assert {len(book) for book in books} == {1, 2}
    assert abs(next(iter(books[0].values()))) < abs(next(iter(books[-1].values())))
    assert {row.account for row in rows} == {f"{k:04d}" for k in range(len(books))}


def test_an_inverse_future_is_counted_in_dollars_in_the_book_and_coins_in_the_request() -> None:
    books, rows = candidates(SNAPSHOT, "ETH")
    number = next(k for k, book in enumerate(books) if "ETH-PERPETUAL" in book)
    mark = SNAPSHOT.values("mark")["deribit|ETH-PERPETUAL"]
    row = next(row for row in rows if row.account == f"{number:04d}")
    assert row.quantity == books[number]["ETH-PERPETUAL"] * mark
    request = request_of(books[number], "ETH")
    assert request["method"] == "private/pme/simulate"
    assert request["params"]["simulated_positions"] == books[number]


def test_a_coin_that_is_not_priced_is_an_error() -> None:
    with pytest.raises(MarketDataError) as caught:
        candidates(SNAPSHOT, "XRP")
    assert caught.value.code == "index_missing"
