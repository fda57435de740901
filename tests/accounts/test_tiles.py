"""Copies of a table have codes of their own and nothing else that differs."""

from __future__ import annotations

import numpy as np

from crossmargin.accounts.tiles import tile_of, tiled_table, tiled_view
from crossmargin.instruments.book import Reported
from tests.accounts.random_books import random_account


def test_a_copy_is_the_table_with_its_own_codes() -> None:
    account = random_account(17)
    table, count = account.book.instruments, 3
    made = tiled_table(table, count)
    rows = len(table)
    assert len(made) == count * rows and made.items[rows:] == table.items * 2
    for k in range(count):
        part = slice(k * rows, (k + 1) * rows)
        assert np.array_equal(made.strike[part], table.strike)
        for codes, names in (("settle", "names"), ("pair", "pairs")):
            own = [getattr(made, names)[c] for c in getattr(made, codes)[part].tolist()]
            step = len(getattr(table, names))
            assert own == [getattr(table, names)[c] for c in getattr(table, codes).tolist()]
            assert (getattr(made, codes)[part] // step == k).all()
        assert np.array_equal(made.expiry[part] < 0, table.expiry < 0)


def test_a_view_is_seen_again_and_each_account_holds_its_own_copy() -> None:
    account = random_account(17)
    many = tiled_view(account.view, 2)
    assert np.array_equal(many.mark, np.tile(account.view.mark, 2))
    tile = tile_of(account.book, account.view, account.plan, account.counted, 4)
    assert len(tile.book) == 4 and tile.book.account == ("0", "1", "2", "3")
    rows, size = len(account.book.instruments), len(account.book.column)
    owner = np.repeat(np.arange(4), size)
    assert (tile.book.column // rows == owner).all()
    by_name = np.ones((4, len(account.view.instruments.names)))
    parts, unlined = tile.run(by_name, np.ones((4, rows)), account.model, account.parameters)
    for _, values, usd in parts:
        assert (values == values[:, :1]).all() and (usd == usd[0]).all()
    assert all(not dollars.any() for dollars in unlined.values())


def test_a_reported_equity_moves_with_each_copy() -> None:
    from dataclasses import replace

    from crossmargin.accounts.nodes import Account, Move

    account = random_account(0)
    settle = account.book.instruments.items[0].settle
    told = replace(account.book, reported=Reported(equity={("a", settle): 5.0}))
    rules = account.model, account.parameters
    fast = Account(told, account.view, *rules)
    slow = Account(told, account.view, *rules, tiled=False)
    moves = [Move(every=f) for f in (0.5, 0.9, 1.0, 1.4, 3.0)]
    one, two = fast.many(moves), slow.many(moves)
    assert fast.tiled
    assert np.allclose(one.equity_usd, two.equity_usd, rtol=1e-12)
    assert np.allclose(one.over_mm_usd, two.over_mm_usd, rtol=1e-11, atol=1e-8)
