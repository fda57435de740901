from __future__ import annotations

import numpy as np

from crossmargin.conformance.world import view_of
from crossmargin.instruments.book import Book, Order
from crossmargin.margin.families.resting import dense_orders
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.pools import cut, make_pool
from tests.margin.families.books import table


def test_orders_of_each_account_and_contract() -> None:
    items = table()
    place = {item.underlying: k for k, item in enumerate(items.items)}
    btc, eth = place["BTC"], place["ETH"]
    orders = [
        Order("a", btc, 1, 2.0, 10.0),
        Order("a", btc, 1, 1.0, 20.0),
        Order("a", btc, -1, 3.0, 30.0),
        Order("a", btc, -1, 1.0, 25.0),
        Order("b", eth, -1, 4.0, 5.0),
    ]
    book = Book.of(items, [], orders, accounts=("a", "b", "c"))
    pool = make_pool(items, np.arange(len(items), dtype=np.int32), "p", "USDC", ("USDC",))
    known = view_of([item for item in items.items if item.underlying != "SOL"]).view
    priced = Priced(pool, known, 1.0, None, None, {}, np.zeros(len(items)))
    held: PoolBook = cut(book, pool, 0)
    found = dense_orders(priced, held)
    assert found.bids[:, btc].tolist() == [3.0, 0.0, 0.0]
    assert found.asks[:, btc].tolist() == [4.0, 0.0, 0.0]
    assert found.quote[:, btc].tolist() == [40.0, 0.0, 0.0]
    assert found.bid_inverse[:, btc].tolist() == [0.05, 0.0, 0.0]
    assert found.lowest_ask[:, btc].tolist() == [25.0, 0.0, 0.0]
    assert found.asks[:, eth].tolist() == [0.0, 4.0, 0.0]
