"""What if a position lay in another bucket: the requirement of both sides, before and after.

Every bucket of a table has the same scenarios, so a move is two rows of the same stage: the bucket
that is left, without the position, and the one that it comes to, with it. The equity that moves
with a position is its profit since entry; what is posted stays where it is. What is then left over
the initial requirement of either bucket says what has to be posted first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.margin.families.cross_scan import netted
from crossmargin.margin.families.hybrid_blend import blend_of, bucket_equity
from crossmargin.margin.families.hybrid_buckets import (
    PLACE,
    Bucket,
    Walls,
    places_of,
    posted_usd,
)
from crossmargin.margin.families.hybrid_static import Static
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters

__all__ = ["Moved", "if_moved", "moved_book", "moves_table"]


@dataclass(frozen=True, slots=True)
class Moved:
    """One position in another bucket: dollars of both buckets together, and where it would be."""

    name: str
    quantity: float
    source: str
    target: str
    im_usd: float
    mm_usd: float
    im_change_usd: float
    mm_change_usd: float
    over_im_source_usd: float | None  # None: nothing says what the bucket is worth
    over_im_target_usd: float | None


def moved_book(book: Book, name: str, bucket: int) -> Book:
    """The book whose accounts keep the contract ``name`` in the bucket of that number.

    1 is the first bucket, 0 the place by tier. The model refuses a number that there is none of.
    """
    chosen = frozen(np.full(len(book), float(bucket)), np.float64)
    return replace(book, choices={**book.choices, f"{PLACE}{name}": chosen})


def if_moved(priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Moved, ...]:
    """Every position of a bucket in each of the others; ``held`` is of one account."""
    buckets: tuple[Bucket, ...] = priced.facts["buckets"]
    walls: Walls = priced.facts["walls"]
    book, here = held.book, walls.number
    where = places_of(walls, book, np.zeros(len(book.column), np.int64), book.column)
    items = priced.pool.instruments.items
    # Rows: this bucket; each other bucket; then two rows a move.
    rows: list[tuple[int, Ints]] = [
        (b, np.flatnonzero(where == b).astype(np.int32)) for b in range(len(buckets))
    ]
    cases = []
    for j in np.flatnonzero((where == here) & (book.quantity != 0.0)).tolist():
        if is_money(items[int(book.column[j])].underlying):
            continue
        for target in range(len(buckets)):
            if target != here:
                left, came = rows[here][1], rows[target][1]
                cases.append((j, target))
                rows.append((here, left[left != j]))
                rows.append((target, np.sort(np.append(came, j)).astype(np.int32)))
    im, mm = _required(priced, book, rows, parameters)
    counted = _counted(priced, held, rows)
    out = []
    for k, (j, target) in enumerate(cases):
        at = len(buckets) + 2 * k
        after = im[at] + im[at + 1], mm[at] + mm[at + 1]
        before = im[here] + im[target], mm[here] + mm[target]
        out.append(
            Moved(
                items[int(book.column[j])].native_id,
                float(book.quantity[j]),
                buckets[here].name,
                buckets[target].name,
                float(after[0]),
                float(after[1]),
                float(after[0] - before[0]),
                float(after[1] - before[1]),
                *(None if counted is None else float(counted[r] - im[r]) for r in (at, at + 1)),
            )
        )
    return tuple(out)


def _required(
    priced: Priced, book: Book, rows: list[tuple[int, Ints]], parameters: Parameters
) -> tuple[Floats, Floats]:
    """[R] initial and maintenance of sets of positions, each under its own bucket's numbers."""
    column = np.concatenate([part for _, part in rows])
    start = np.concatenate([[0], np.cumsum([len(part) for _, part in rows])])
    held = _rows(book, column, start)
    now = netted(priced.facts["scan"], held)
    code = np.array([number for number, _ in rows])
    im, mm = np.zeros(len(rows)), np.zeros(len(rows))
    buckets: tuple[Bucket, ...] = priced.facts["buckets"]
    statics: tuple[Static, ...] = priced.facts["statics"]
    for number, (bucket, static) in enumerate(zip(buckets, statics, strict=True)):
        first, second = blend_of(bucket, static, now, held, parameters)
        im = np.where(code == number, first.required, im)
        mm = np.where(code == number, second.required, mm)
    return im, mm


def _counted(priced: Priced, held: PoolBook, rows: list[tuple[int, Ints]]) -> Floats | None:
    """[R] dollars that count in each set; None where a venue reports the account's equity."""
    book = held.book
    if book.reported.equity:
        return None
    walls: Walls = priced.facts["walls"]
    buckets: tuple[Bucket, ...] = priced.facts["buckets"]
    out = np.zeros(len(rows))
    for k, (number, chosen) in enumerate(rows):
        part = _rows(book, chosen, np.array([0, len(chosen)]))
        entry = frozen(book.entry_price[chosen], np.float64)
        known = frozen(book.entry_known[chosen], np.bool_)
        own = replace(part.book, entry_price=entry, entry_known=known)
        part = replace(part, entry_price=entry, entry_known=known, book=own)
        found = bucket_equity(priced, part, number)
        posted = posted_usd(walls.names, number, book)[0]
        value = buckets[number].weight * found.option_value[0]
        out[k] = found.cash[0] + posted + found.unrealised[0] + value
    return out


def _rows(book: Book, chosen: Ints, start: Ints) -> PoolBook:
    """Sets of positions as accounts; no orders, no reports, no entry prices."""
    count, size = len(start) - 1, len(chosen)
    row, column = frozen(start, np.int64), frozen(book.column[chosen], np.int32)
    quantity = frozen(book.quantity[chosen], np.float64)
    nothing, unknown = frozen(np.zeros(size), np.float64), frozen(np.zeros(size), np.bool_)
    bare = replace(
        book,
        account=tuple(str(k) for k in range(count)),
        row=row,
        column=column,
        quantity=quantity,
        entry_price=nothing,
        entry_known=unknown,
        orders=Orders.none(count),
        reported=Reported(),
        choices={},
        lines=(),
        exact=None,
    )
    account = frozen(np.arange(count), np.int32)
    return PoolBook(row, column, quantity, nothing, unknown, account, bare)


def moves_table(priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
    """The table of :func:`if_moved`, the cheapest move first; nothing where nothing can move."""
    if len(held.row) != 2:
        return ()
    found = sorted(if_moved(priced, held, parameters), key=lambda m: (m.im_change_usd, m.name))
    if not found:
        return ()
    return (
        Detail(
            "if_moved",
            "If a position lay in another bucket",
            (
                ("instrument", "Position", "name"),
                ("quantity", "Quantity", "quantity"),
                ("to", "To", "name"),
                ("im_change_usd", "Change of IM", "amount"),
                ("mm_change_usd", "Change of MM", "amount"),
                ("im_usd", "IM of both buckets", "amount"),
                ("mm_usd", "MM of both buckets", "amount"),
                ("over_im_target_usd", "Then left over IM there", "amount"),
                ("over_im_source_usd", "Then left over IM here", "amount"),
            ),
            tuple(
                (
                    m.name,
                    m.quantity,
                    m.target,
                    m.im_change_usd,
                    m.mm_change_usd,
                    m.im_usd,
                    m.mm_usd,
                    m.over_im_target_usd,
                    m.over_im_source_usd,
                )
                for m in found
            ),
            (
                "without open orders; the profit of the position moves with it, postings stay: "
                "what is left below zero has to be posted",
            ),
        ),
    )
