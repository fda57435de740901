"""Who lies where, what is posted, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import world_of
from crossmargin.core.errors import InputError
from crossmargin.margin.families.hybrid_buckets import (
    Walls,
    bucket_names,
    buckets_of,
    codes_of,
    posted_usd,
)
from crossmargin.margin.families.hybrid_moves import moved_book
from tests.margin.netting_books import BTC, ETH, book, subject, with_choices

NAMES = ("core", "alt", "isolated", "own")


def walls(number: int, changes: dict[str, object] | None = None) -> Walls:
    found = subject("hybrid", changes)
    return Walls(number, NAMES, codes_of(world_of(found).instruments, found.parameters))


def inside(held: dict[str, float], number: int, chosen: dict[str, float]) -> list[str]:
    made, _ = book(subject("hybrid"), held)
    made = with_choices(made, chosen)
    kept = walls(number).positions(made)
    return [
        made.instruments.items[c].native_id
        for c, k in zip(made.column.tolist(), kept, strict=True)
        if k
    ]


def test_names_and_numbers() -> None:
    found = subject("hybrid")
    assert bucket_names(found.parameters) == NAMES
    core = buckets_of(found.parameters)[0]
    assert (core.weight, core.future, core.floor) == (0.75, (0.1, 0.05), (0.01, 0.005))


def test_tiers_and_choices() -> None:
    held = {"USDC": 100.0, BTC: 1.0, ETH: 2.0}
    assert inside(held, 0, {}) == [BTC, ETH, "USDC"]
    assert inside(held, 0, {f"bucket:{ETH}": 4.0}) == [BTC, "USDC"]
    assert inside(held, 3, {f"bucket:{ETH}": 4.0}) == [ETH]
    assert inside(held, 3, {f"bucket:{ETH}": 0.0}) == []
    away = walls(1, {"tier.ETH.bucket": "alt"})
    assert away.positions(book(subject("hybrid"), held)[0]).tolist() == [False, True, False]
    moved = moved_book(book(subject("hybrid"), held)[0], BTC, 2)
    assert walls(1).positions(moved).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({f"bucket:{BTC}": 5.0}, "no number of a bucket"),
        ({f"bucket:{BTC}": 1.5}, "no number of a bucket"),
        ({f"bucket:{BTC}": -1.0}, "no number of a bucket"),
        ({"bucket:NOTHING": 1.0}, "no contract"),
        ({"bucket:USDC": 2.0}, "no contract"),
    ],
)
def test_wrong_places_are_refused(chosen: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        inside({BTC: 1.0, "USDC": 5.0}, 0, chosen)


def test_postings_come_from_the_core() -> None:
    made, _ = book(subject("hybrid"), {BTC: 1.0})
    posted = with_choices(made, {"posted:alt": 300.0, "posted:own": 50.0})
    dollars = [float(posted_usd(NAMES, number, posted)[0]) for number in range(4)]
    assert dollars == [-350.0, 300.0, 0.0, 50.0]
    for chosen, code in (
        ({"posted:core": 1.0}, "option_unknown"),
        ({"posted:moon": 1.0}, "option_unknown"),
        ({"posted:alt": -1.0}, "number_out_of_range"),
        ({"posted:alt": np.nan}, "number_out_of_range"),
    ):
        with pytest.raises(InputError, match=code):
            posted_usd(NAMES, 0, with_choices(made, chosen))
