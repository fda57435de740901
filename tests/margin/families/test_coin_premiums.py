"""Premiums in coin: they move with the coin, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.coin_premiums import moves_with_premiums, purses, with_premiums
from crossmargin.margin.families.whole_account import fills_in_dollars
from crossmargin.margin.model import Fills, Priced
from crossmargin.margin.pools import cut
from tests.margin.greek_books import COIN, MONEY, PERP, option, required

INVERSE = option(70_000.0, quote="USD", settle="BTC", inverse=True)
LINEAR = option(70_000.0)


def made(*items: object) -> tuple[Priced, Fills]:
    """A buy of 2 inverse calls at 0.07 coin, a sale of 1 linear call at 5,000, and a future."""
    orders = [(INVERSE, 1, 2.0, 0.07), (LINEAR, -1, 1.0, 5_000.0), (PERP, 1, 1.0, 70_000.0)]
    found = required("greeks", dict.fromkeys(items, 1.0), orders=orders)
    priced = found.priced[0]
    fills = fills_in_dollars(priced, cut(found.book, priced.pool, 0))
    assert fills is not None
    return priced, fills


def test_the_purse_of_a_row_is_the_coin_that_it_settles_in() -> None:
    priced, _ = made(COIN, MONEY)
    items = priced.pool.instruments.items
    named = {
        item.key: None if k < 0 else items[k].key
        for item, k in zip(items, purses(priced).tolist(), strict=True)
    }
    assert named[INVERSE.key] == COIN.key
    assert named[LINEAR.key] is None
    assert named[PERP.key] is None
    assert (purses(made(MONEY)[0]) == -1).all()


def test_a_premium_paid_in_coin_loses_where_the_coin_would_have_gained() -> None:
    priced, fills = made(COIN)
    assert priced.risk is not None
    items, pnl = priced.pool.instruments.items, priced.risk.pnl
    coin = next(k for k, item in enumerate(items) if item == COIN)
    found, bare = moves_with_premiums(priced, fills, pnl), fills.moves(pnl)
    for m, k in enumerate(fills.column.tolist()):
        extra = np.minimum(-0.14 * pnl[coin], 0.0) if items[k] == INVERSE else 0.0
        assert found[m] == pytest.approx(bare[m] + extra, abs=1e-9)
    alone, fills = made(MONEY)
    assert alone.risk is not None
    assert moves_with_premiums(alone, fills, alone.risk.pnl).tolist() == (
        fills.moves(alone.risk.pnl).tolist()
    )


def test_premiums_as_fills_of_their_own() -> None:
    priced, fills = made(COIN)
    items = priced.pool.instruments.items
    more = with_premiums(priced, fills)
    assert len(more) == len(fills) + 1
    assert (np.diff(more.column) >= 0).all()
    lines = {
        items[k]: size for k, size in zip(more.column.tolist(), more.size.tolist(), strict=True)
    }
    assert lines[COIN] == pytest.approx(-0.14)
    assert lines[INVERSE] == 2.0
    assert more.gain.sum() == pytest.approx(fills.gain.sum())
    bare, fills = made(MONEY)
    assert with_premiums(bare, fills) is fills
