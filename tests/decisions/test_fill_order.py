"""Fills one by one: margin at every state, the best order by trying all of them."""

from __future__ import annotations

import itertools

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.fill_order import fill_order
from crossmargin.interfaces.whatif import prepare
from crossmargin.margin.whatif_trades import Leg

TRADES = (
    ("BTC-31JUL26-80000-C", -3.0),
    ("BTC-31JUL26-60000-P", 3.0),
    ("BTC-PERPETUAL", 60000.0),
    ("BTC-28AUG26-85000-C", 2.0),
)


def prepared() -> tuple[object, list[Leg]]:
    made = prepare("sample:retail-short-vol", "sample:market", candidates=[n for n, _ in TRADES])
    items = [item.native_id for item in made.core.table.items]
    return made.core, [Leg(items.index(name), size) for name, size in TRADES]


def test_the_order_is_the_best_of_all_and_its_states_are_full_recomputes() -> None:
    core, legs = prepared()
    found = fill_order(core, legs)
    assert sorted(found.order) == [0, 1, 2, 3]

    def least(order: tuple[int, ...]) -> float:
        states = [core.whatif([legs[k] for k in order[: n + 1]]) for n in range(len(order))]
        return min(each.after.counted_im_usd - each.after.im_usd for each in states)

    every = {order: least(order) for order in itertools.permutations(range(4))}
    assert found.least_room_usd == pytest.approx(max(every.values()), rel=1e-9)
    assert found.least_room_usd == pytest.approx(every[found.order], rel=1e-9)
    whole = core.whatif(legs)
    assert found.im_usd[-1] == pytest.approx(whole.after.im_usd, rel=1e-12)
    assert found.best


def test_many_legs_go_by_relief() -> None:
    core, legs = prepared()
    many = [Leg(leg.column, leg.size / 4.0) for leg in legs for _ in range(3)]
    found = fill_order(core, many)
    assert not found.best
    assert sorted(found.order) == list(range(12))
    assert len(found.im_usd) == 12
    alone = [core.whatif([many[k]]).after.im_usd for k in found.order]
    assert alone == sorted(alone)


def test_one_leg_and_none() -> None:
    core, legs = prepared()
    assert fill_order(core, legs[:1]).order == (0,)
    with pytest.raises(InputError):
        fill_order(core, [])
