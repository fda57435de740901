"""What a move would need is what the model says of the moved book."""

from __future__ import annotations

import pytest

from crossmargin.margin import run
from crossmargin.margin.details import details_of
from crossmargin.margin.families.hybrid_moves import if_moved, moved_book
from tests.margin.netting_books import BTC, CALL, ETH, dollars, margined, stage

HELD = {"USDC": 1e6, BTC: 3.0, ETH: -90.0, CALL: -2.0}
NAMES = ("core", "alt", "isolated", "own")


def test_every_move_is_a_run() -> None:
    found = margined("hybrid", HELD)
    priced, own = stage(found)
    moves = if_moved(priced, own, found.parameters)
    assert len(moves) == 3 * 3  # money does not move: it is posted
    for move in moves:
        number = NAMES.index(move.target) + 1
        moved = moved_book(found.book, move.name, number)
        after = run(moved, found.view, found.via, found.parameters)
        change = dollars(after) - dollars(found)
        assert move.im_change_usd == pytest.approx(change, rel=1e-9, abs=1e-6)
        change = dollars(after, "mm") - dollars(found, "mm")
        assert move.mm_change_usd == pytest.approx(change, rel=1e-9, abs=1e-6)
        assert move.im_usd == pytest.approx(dollars(after), rel=1e-9)


def test_the_table_lists_the_cheapest_first() -> None:
    found = margined("hybrid", HELD)
    (table,) = details_of(found, 0)
    changes = [row[3] for row in table.rows]
    assert changes == sorted(changes)
    assert details_of(found, 1) == ()  # nothing lies in that bucket
