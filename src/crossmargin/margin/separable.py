"""Open orders under models that charge position by position.

The requirement is a sum over instruments, so the worst fill is found instrument by instrument. The
charge C of one position is convex in its size: it is the largest of its tangents, and under a
tangent of slope g an order of size x that costs c against the mark fills if ``g x + c > 0``. So the
worst of all sets of fills is one of the few that some slope picks: from every sell (slopes far
down), with one order changing at a time, to every buy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.instruments.book import Orders, Reported
from crossmargin.margin.model import Fills, MarginModel, OrderNeed, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters

__all__ = ["separable_need"]


def separable_need(
    model: MarginModel, priced: Priced, held: PoolBook, fills: Fills, parameters: Parameters
) -> OrderNeed:
    """Initial requirement after the worst fills, their cost against the mark included."""
    accounts = len(held.row) - 1
    need = model.margin(priced, _without_orders(held), parameters).sheet["im"].copy()
    filled = np.zeros(len(fills), np.bool_)
    for a in range(accounts):
        span = slice(int(fills.row[a]), int(fills.row[a + 1]))
        if span.start == span.stop:
            continue
        sets = [_sets(held, fills, a, c) for c in np.unique(fills.column[span]).tolist()]
        columns = np.concatenate([np.full(len(one.cost), one.column, np.int32) for one in sets])
        alone = _lone(held, columns, np.concatenate([one.quantity for one in sets]))
        im = model.margin(priced, alone, parameters).sheet["im"]
        first = 0
        for one in sets:
            needs = im[first : first + len(one.cost)] + one.cost
            worst = int(np.argmax(needs))
            need[a] += float(max(needs[worst] - needs[0], 0.0))  # the first set is empty
            filled[one.orders] = one.chosen[worst]
            first += len(one.cost)
    return OrderNeed(need, fills, filled, np.full(accounts, -1, np.int32))


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets of fills of one instrument that can be the worst; the first is empty."""

    column: int
    orders: Ints  # [m] rows of the fills
    chosen: Bools  # [k, m]
    quantity: Floats  # [k] the position after each set
    cost: Floats  # [k] what each set costs against the mark


def _sets(held: PoolBook, fills: Fills, account: int, column: int) -> _Sets:
    """One set a slope, and the empty one."""
    own = slice(int(held.row[account]), int(held.row[account + 1]))
    at = dict(zip(held.column[own].tolist(), held.quantity[own].tolist(), strict=True))
    rows = np.arange(int(fills.row[account]), int(fills.row[account + 1]))
    orders = rows[fills.column[rows] == column].astype(np.int32)
    size, cost = fills.size[orders], -fills.gain[orders]
    buys = size > 0.0
    # A buy joins above the slope at which its cost outweighs the relief, a sell leaves there.
    turn = -cost / size
    chosen = np.zeros((len(orders) + 2, len(orders)), np.bool_)
    chosen[1] = ~buys
    for k, order in enumerate(np.argsort(turn, kind="stable").tolist()):
        chosen[k + 2] = chosen[k + 1]
        chosen[k + 2, order] = buys[order]
    position = at.get(column, 0.0) + (chosen * size).sum(axis=1)
    return _Sets(column, orders, chosen, position, (chosen * cost).sum(axis=1))


def _without_orders(held: PoolBook) -> PoolBook:
    book = replace(held.book, orders=Orders.none(len(held.book)), reported=Reported())
    return replace(held, book=book)


def _lone(held: PoolBook, columns: Ints, quantity: Floats) -> PoolBook:
    """One account a row, each with one position."""
    count = len(columns)
    row = frozen(np.arange(count + 1), np.int64)
    column = frozen(columns, np.int32)
    flat = frozen(quantity, np.float64)
    nothing, unknown = frozen(np.zeros(count), np.float64), frozen(np.zeros(count), np.bool_)
    account = frozen(np.arange(count), np.int32)
    book = replace(
        held.book,
        account=tuple(str(k) for k in range(count)),
        row=row,
        column=column,
        quantity=flat,
        entry_price=nothing,
        entry_known=unknown,
        orders=Orders.none(count),
        reported=Reported(),
        choices={},
        lines=(),
    )
    return PoolBook(row, column, flat, nothing, unknown, account, book)
