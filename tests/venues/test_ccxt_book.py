"""ccxt's structures to a book: units, signs, the midnight trap, totals."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.venues.ccxt_book import from_ccxt


def held(book: Book) -> dict[str, float]:
    names = [book.instruments.items[c].native_id for c in book.column]
    return dict(zip(names, book.quantity.tolist(), strict=True))


def position(symbol: str, side: str, contracts: float, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "side": side, "contracts": contracts, "entryPrice": 5e4, **more}


def test_contracts_are_the_venues_own_unit() -> None:
    rows = [
        position("BTC/USD:BTC", "short", 10, contractSize=100),
        position("BTC/USDT:USDT", "long", 25, contractSize=0.01),
        position("BTC/USD:BTC-260327-100000-C", "short", 3, contractSize=0.01, entryPrice=0.02),
        position("SOL/USDT:USDT", "long", 2, contractSize=1.0),
    ]
    book = from_ccxt("okx", rows)
    assert held(book) == {
        "BTC-USD-SWAP": -10.0,
        "BTC-USDT-SWAP": 25.0,
        "BTC-USD-260327-100000-C": -3.0,
        "SOL-USDT-SWAP": 2.0,
    }
    sizes = {item.native_id: item.multiplier for item in book.instruments.items}
    assert (sizes["BTC-USD-SWAP"], sizes["SOL-USDT-SWAP"]) == (100.0, 1.0)


def test_deribits_native_size_is_taken_and_signed_by_the_side() -> None:
    rows = [
        position("BTC/USD:BTC", "short", -5000, contractSize=10, info={"size": -5000}),
        position("BTC/USD:BTC-260327-100000-C", "long", 2.5, contractSize=1, entryPrice=0.03),
        position("ETH/USD:ETH", "short", 0, info={"size": 0, "direction": "zero"}),
    ]
    assert held(from_ccxt("deribit", rows)) == {
        "BTC-PERPETUAL": -5000.0,
        "BTC-27MAR26-100000-C": 2.5,
    }


def test_the_midnight_of_an_unlisted_option_becomes_the_venues_hour() -> None:
    symbol = "BTC/USDC:USDC-260327-100000-C"
    midnight, eight = utc_ms(2026, 3, 27), utc_ms(2026, 3, 27, 8)
    new_york = utc_ms(2026, 3, 27, 20)
    for given, wanted in ((None, eight), (midnight, eight), (eight, eight), (new_york, new_york)):
        book = from_ccxt("derive", [position(symbol, "long", 1, expiry=given)])
        assert book.instruments.items[0].expiry_ms == wanted


def test_open_orders_keep_what_remains() -> None:
    order = {
        "symbol": "BTC/USDT:USDT",
        "side": "sell",
        "price": "120000",
        "amount": "0.3",
        "filled": "0.1",
        "remaining": None,
        "reduceOnly": True,
        "clientOrderId": "q1",
        "timestamp": 1770326977000,
        "info": {},
    }
    waiting = {**order, "price": None, "info": {"order_state": "untriggered"}}
    book = from_ccxt("binanceusdm", [position("BTC/USDT:USDT", "long", 1)], [order, waiting])
    (kept,) = book.orders.items
    assert (kept.side, kept.remaining, kept.limit_price) == (-1, 0.2, 120000.0)
    assert (kept.reduce_only, kept.tags) == (True, (("label", "q1"),))
    with pytest.raises(InputError, match="order_invalid"):
        from_ccxt("binance", orders=[{**order, "price": None}])
    with pytest.raises(InputError, match="order_invalid"):
        from_ccxt("binance", orders=[{**order, "side": None}])


def test_a_total_is_equity_only_where_the_exchange_means_it() -> None:
    balance = {"info": {}, "total": {"USDT": "100.5", "BTC": 0, "ETH": None}, "USDT": {}}
    cash = from_ccxt("bybit", balance=balance)
    assert (held(cash), cash.reported.equity) == ({"USDT": 100.5}, {})
    okx = from_ccxt("okx", balance=balance, account="z")
    assert okx.reported.equity == {("z", "USDT"): 100.5}
    summary = {"currency": "BTC", "balance": 3.0, "equity": 3.25}
    deribit = from_ccxt("deribit", balance={"info": {"summaries": [summary]}, "total": {"BTC": 9}})
    assert (held(deribit), deribit.reported.equity) == ({"BTC": 3.0}, {("main", "BTC"): 3.25})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"exchange": "kraken", "positions": []}, "instrument_unknown"),
        ({"positions": [position("BTC/USD", "long", 1)]}, "instrument_unknown"),
        ({"positions": [position("BTCUSD", "long", 1)]}, "instrument_unknown"),
        ({"positions": [position("BTC/USD:BTC", "both", 1)]}, "option_unknown"),
        ({"positions": [position("BTC/USD:BTC", "long", True)]}, "number_unreadable"),
        ({"positions": [position("BTC/USD:BTC", "long", "NaN")]}, "number_not_finite"),
        ({"positions": [position("BTC/USD:BTC", "long", 1, contractSize=7)]}, "instrument_unknown"),
        ({"positions": [{"symbol": "BTC/USD:BTC", "side": "long"}]}, "column_missing"),
        ({"positions": "BTC"}, "file_unreadable"),
        ({"balance": {"BTC": 1}}, "column_missing"),
        ({"balance": {"total": {"BTC": 1}, "BTC": {"debt": 0.5}}}, "unit_wrong"),
        ({}, "book_empty"),
    ],
    ids=str,
)
def test_a_structure_that_does_not_fit_is_refused(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        from_ccxt(**{"exchange": "okx", **arguments})
    assert caught.value.code == code
