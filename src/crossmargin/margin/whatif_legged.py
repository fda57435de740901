"""Legs that fill one after another: the worst state on the way, over every order of fills.

Whatever the order, each state on the way is a subset of the legs, and every subset is on the way of
some order. Up to ten legs every subset is margined, which is exact; the order whose worst state is
best is found among them. Beyond that an upper bound is given: the legs as open orders, at the
model's own worst fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Order, Orders, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.pools import cut
from crossmargin.margin.whatif_judge import Judged, Verdict, judge, verdict_of
from crossmargin.margin.whatif_trades import Fill
from crossmargin.margin.whatif_variants import Ground, States

__all__ = ["LEGS_EXACT", "Legged", "bounded", "exact", "subsets"]

LEGS_EXACT = 10
# Requirements are rounded to nine places where a rule says so.
_ROUNDING = 2e-9


@dataclass(frozen=True, slots=True)
class Legged:
    """The worst state on the way. ``filled`` are the legs (from 0) that make it.

    ``im_usd``, ``mm_usd``: the largest requirement on the way. ``room_im_usd``: the least of what
    counts less what is required. ``order``: an order of fills whose worst state is the best of all
    orders, with its ``order_room_im_usd``; empty for a bound. ``exact`` False: an upper bound.
    """

    filled: tuple[int, ...]
    im_usd: float
    mm_usd: float
    room_im_usd: float
    room_mm_usd: float
    order: tuple[int, ...]
    order_room_im_usd: float | None
    exact: bool


def subsets(fills: Sequence[Fill]) -> list[list[Fill]]:
    """Every non-empty subset; subset ``m - 1`` holds the legs whose bit is set in ``m``."""
    count = len(fills)
    return [[fills[k] for k in range(count) if mask >> k & 1] for mask in range(1, 1 << count)]


def exact(ground: Ground, legs: int, states: States, judged: Judged) -> tuple[Legged, Verdict]:
    """The worst state among the states of :func:`subsets`, and the verdict over all of them."""
    worst = int(np.argmin(judged.room_im_usd))
    # The verdict is that of the worst code; among equals, of the state that lacks most.
    key = np.lexsort((judged.room_im_usd, -judged.need_usd, -judged.code.astype(np.int64)))
    im, mm = _usd(ground, states)
    order, room = _best_order(legs, judged.room_im_usd.tolist())
    found = Legged(
        filled=tuple(k for k in range(legs) if (worst + 1) >> k & 1),
        im_usd=float(im.max()),
        mm_usd=float(mm.max()),
        room_im_usd=float(judged.room_im_usd[worst]),
        room_mm_usd=float(judged.room_mm_usd.min()),
        order=order,
        order_room_im_usd=room,
        exact=True,
    )
    return found, verdict_of(ground, judged, int(key[0]))


def _usd(ground: Ground, states: States) -> tuple[Floats, Floats]:
    im, mm = np.zeros(states.variants), np.zeros(states.variants)
    for pool, values in zip(ground.pools, states.values, strict=True):
        im += values[0] * pool.priced.usd_per_unit
        mm += values[1] * pool.priced.usd_per_unit
    return im, mm


def _best_order(legs: int, room: list[float]) -> tuple[tuple[int, ...], float]:
    """The order whose least room is largest: best over the last leg, subset by subset."""
    best = [float("inf")] * (1 << legs)
    last = [0] * (1 << legs)
    for mask in range(1, 1 << legs):
        top, chosen = -float("inf"), 0
        for k in range(legs):
            if mask >> k & 1 and best[mask ^ (1 << k)] > top:
                top, chosen = best[mask ^ (1 << k)], k
        best[mask], last[mask] = min(room[mask - 1], top), chosen
    mask = (1 << legs) - 1
    least, order = best[mask], []
    while mask:
        order.append(last[mask])
        mask ^= 1 << last[mask]
    return tuple(reversed(order)), least


def bounded(ground: Ground, fills: Sequence[Fill]) -> tuple[Legged, States]:
    """An upper bound for many legs, and states whose verdict is that of the bound.

    The legs rest as orders at their prices beside those of the account. The model's worst fill
    bounds ``IM - gain`` over every subset, and what counts changes by the gain less the fee, so
    that the gain falls out of the room that is left. Maintenance is bounded by initial. ModelError
    ``rules_unknown`` under a model that has no worst fill.
    """
    book = _with_orders(ground, fills)
    values: list[Floats] = []
    touched: list[Bools | None] = []
    for number, pool in enumerate(ground.pools):
        mine = [fill for fill in fills if ground.pool_of[fill.column] == number]
        touched.append(np.ones(1, np.bool_) if mine else None)
        own = pool.values[:, 0]
        cost = _costs(ground, fills, number)
        need, gain, holds = own[0], 0.0, 0.0
        if mine:
            need, gain, holds = _worst_fill(ground, book, number)
        im = need + gain + holds + cost
        room = own[2] - need - holds - cost, own[3] - need - holds - cost
        row = [im, im, im + room[0], im + room[1], own[4], own[5]]
        values.append(np.array(row, np.float64)[:, None])
    states = States(
        tuple(values),
        tuple(pool.scenario for pool in ground.pools),
        tuple(pool.source for pool in ground.pools),
        tuple(touched),
        np.array([any(pool.at_least for pool in ground.pools)]),
        None,
    )
    judged = judge(ground, states)
    im_usd, mm_usd = _usd(ground, states)
    found = Legged(
        filled=(),
        im_usd=float(im_usd[0]),
        mm_usd=float(mm_usd[0]),
        room_im_usd=float(judged.room_im_usd[0]),
        room_mm_usd=float(judged.room_mm_usd[0]),
        order=(),
        order_room_im_usd=None,
        exact=False,
    )
    return found, states


def _costs(ground: Ground, fills: Sequence[Fill], number: int) -> float:
    """What trades take from a pool beside their gain: fees, haircuts, value under the mark."""
    pool = ground.pools[number]
    part = pool.priced.pool.instruments
    total = 0.0
    for fill in fills:
        worth = ground.usd_of(fill.column) / pool.priced.usd_per_unit
        haircut = ground.haircut(fill.column, number)
        total += max(fill.cash * worth, 0.0) * haircut
        if ground.pool_of[fill.column] != number:
            continue
        total += fill.fee * worth
        local = pool.local[fill.column]
        if part.kind[local] == Kind.OPTION:
            mark = part.multiplier[local] * pool.priced.view.mark[local]
            total += max(fill.size * float(mark - pool.priced.option_value[local]) * worth, 0.0)
    return total


def _worst_fill(ground: Ground, book: Book, number: int) -> tuple[float, float, float]:
    """Need after the worst fill of orders and legs, what they could gain, and fixed holds."""
    pool = ground.pools[number]
    model, parameters = ground.model, ground.parameters
    held = cut(book, pool.priced.pool, 0)
    need = model.order_need(pool.priced, held, parameters)
    if need is None:  # the pool has a leg, so the model has no worst fill at all
        raise ModelError(
            "rules_unknown",
            "this model has no worst fill of its own, by which many legs one by one are bounded",
            place=model.spec.name,
            value=len(held.book.orders.column),
            limit=f"up to {LEGS_EXACT} legs",
            remedy="Ask for fewer legs, or for all of them at once.",
        )
    gain = float(np.maximum(need.fills.gain, 0.0).sum())
    bare = replace(book, orders=Orders.none(1), reported=Reported(equity=book.reported.equity))
    sheet = model.margin(pool.priced, cut(bare, pool.priced.pool, 0), parameters).sheet
    without = float(sheet["im"][0])
    holds = float(pool.values[0, 0]) - without
    if not book.reported.holds:
        resting = model.order_need(pool.priced, pool.held, parameters)
        holds -= 0.0 if resting is None else max(float(resting.need[0]) - without, 0.0)
    return max(float(need.need[0]), without), gain, max(holds, 0.0) + _ROUNDING


def _with_orders(ground: Ground, fills: Sequence[Fill]) -> Book:
    """The account's book with the legs resting beside its orders, at their prices."""
    book = ground.book
    orders = [
        Order(
            ground.account,
            fill.column,
            1 if fill.size > 0.0 else -1,
            abs(fill.size),
            fill.price,
            place=f"leg {k + 1}",
        )
        for k, fill in enumerate(fills)
    ]
    whole = Book.of(
        book.instruments,
        [line for column in sorted(ground.lots.held) for line in ground.lots.held[column]],
        [*book.orders.items, *orders],
        book.reported,
        (ground.account,),
    )
    return replace(whole, choices=book.choices)
