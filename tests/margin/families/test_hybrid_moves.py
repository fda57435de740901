"""What a move would need is what the model says of the moved book."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.world import world_of
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.margin import run
from crossmargin.margin.details import details_of
from crossmargin.margin.families.hybrid_moves import if_moved, moved_book
from tests.margin.netting_books import (
    BTC,
    CALL,
    ETH,
    dollars,
    margined,
    stage,
    subject,
    with_choices,
)

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


def test_a_move_keeps_what_a_basis_needs() -> None:
    """A perpetual hedged with the coin: the parting of both is required, and goes with a move."""
    found = margined("hybrid", {"USDC": 1e6, "BTC": 10.0, BTC: -10.0}, {"break.basis": 0.05})
    for move in if_moved(*stage(found), found.parameters):
        after = run(
            moved_book(found.book, move.name, NAMES.index(move.target) + 1),
            found.view,
            found.via,
            found.parameters,
        )
        assert move.im_usd == pytest.approx(dollars(after), rel=1e-9)


def test_a_move_says_what_is_left_in_either_bucket() -> None:
    """Profit and option value move with the position, what was posted stays."""
    full = subject("hybrid")
    world = world_of(full)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    lines = [
        Line("a", place["USDC"], 200_000.0),
        Line("a", place["BTC"], 0.5),
        Line("a", place[BTC], 1.5, 50_000.0),
        Line("a", place[ETH], -20.0, 2_500.0),
        Line("a", place[CALL], 2.0, 1_500.0),
    ]
    book = with_choices(Book.of(world.instruments, lines), {"posted:isolated": 30_000.0})
    found = run(book, world.view, full.model, full.parameters)
    moves = if_moved(*stage(found), found.parameters)
    assert {move.name for move in moves} == {"BTC", BTC, ETH, CALL}
    for move in moves:
        number = NAMES.index(move.target)
        after = run(moved_book(found.book, move.name, number + 1), found.view, found.via,
                    found.parameters)  # fmt: skip
        left = {int(p): float(after.sheet["counted_im"][r] - after.sheet["im"][r])
                for r, p in enumerate(after.sheet.pool)}  # fmt: skip
        assert move.over_im_source_usd == pytest.approx(left[0], rel=1e-9)
        assert move.over_im_target_usd == pytest.approx(left[number], rel=1e-9, abs=1e-6)
    said = replace(book, reported=Reported(equity={("a", "USDC"): 250_000.0}))
    found = run(said, world.view, full.model, full.parameters)
    assert {m.over_im_target_usd for m in if_moved(*stage(found), found.parameters)} == {None}


def test_the_table_lists_the_cheapest_first() -> None:
    found = margined("hybrid", HELD)
    (table,) = details_of(found, 0)
    changes = [row[3] for row in table.rows]
    assert changes == sorted(changes)
    assert details_of(found, 1) == ()  # nothing lies in that bucket
