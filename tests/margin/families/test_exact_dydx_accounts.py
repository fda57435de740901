"""Markets in the chain's integers, and bounds that say where they do not hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.margin.families.exact_dydx_accounts import chosen_imf, dydx_bounds, dydx_market
from crossmargin.margin.pools import cut
from tests.margin.families.books import pool_book
from tests.margin.models.test_dydx_v4 import MODEL, SET, population


def test_a_market_at_the_nearest_tick() -> None:
    _, view = population(1)
    market = dydx_market("dydx|BTC-USD", "BTC", view, 64_000.123456, SET)
    assert (market.price, market.exponent, market.resolution) == (6_400_012_346, -5, -10)
    assert market.notional(10**10) == 64_000_123_460
    assert not market.unknown
    small = dydx_market("dydx|SOL-USD", "SOL", view, 100.0, SET)
    assert small.unknown
    told = replace(view, reads={"open_interest": {"dydx|SOL-USD": 350_000.0}})
    known = dydx_market("dydx|SOL-USD", "SOL", told, 100.0, SET)
    assert (known.open_interest, known.unknown) == (35_000_000_000_000, False)


def test_a_choice_is_read_by_account() -> None:
    held = pool_book([[1.0], [2.0]])
    assert chosen_imf(held, 2) == [0, 0]
    book = replace(held.book, choices={"custom_imf_ppm": np.array([0.0, 50_000.0])})
    assert chosen_imf(replace(held, book=book), 2) == [0, 50_000]


def test_bounds_are_silent_where_more_than_positions_counts() -> None:
    book, view = population(10)
    pool = MODEL.plan(book.instruments, SET).pools[0]
    priced = MODEL.price(pool, view, SET)
    held = cut(book, pool, 0)
    assert dydx_bounds(priced, held, "mm") is not None
    chosen = replace(book, choices={"custom_imf_ppm": np.zeros(10)})
    assert dydx_bounds(priced, cut(chosen, pool, 0), "mm") is None
    counted = replace(held, exact=tuple(range(len(held.column))))
    assert dydx_bounds(priced, counted, "mm") is None
