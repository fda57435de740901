"""Open orders under models that charge position by position.

The requirement is a sum over instruments, so the worst fill is found instrument by instrument:
nothing fills, every buy fills, or every sell fills. The charge of one position is convex in its
size, so one of the three is the worst.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
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
        columns = np.unique(fills.column[span])
        if not len(columns):
            continue
        states, gains = _states(held, fills, a, columns)
        alone = _lone(held, np.repeat(columns, 3), states.reshape(-1))
        im = model.margin(priced, alone, parameters).sheet["im"].reshape(-1, 3)
        state = np.argmax(im - gains, axis=1)
        extra = (im - gains).max(axis=1) - im[:, 0]
        need[a] += float(np.maximum(extra, 0.0).sum())
        chosen = state[np.searchsorted(columns, fills.column[span])]
        filled[span] = chosen == np.where(fills.size[span] > 0.0, 1, 2)
    return OrderNeed(need, fills, filled, np.full(accounts, -1, np.int32))


def _states(held: PoolBook, fills: Fills, account: int, columns: Ints) -> tuple[Floats, Floats]:
    """[k, 3] position and gain of each instrument: as held, all buys filled, all sells filled."""
    span = slice(int(fills.row[account]), int(fills.row[account + 1]))
    own = slice(int(held.row[account]), int(held.row[account + 1]))
    at = dict(zip(held.column[own].tolist(), held.quantity[own].tolist(), strict=True))
    states, gains = np.zeros((len(columns), 3)), np.zeros((len(columns), 3))
    for k, c in enumerate(columns.tolist()):
        mine = fills.column[span] == c
        size, gain = fills.size[span][mine], fills.gain[span][mine]
        buys = size > 0.0
        states[k] = at.get(c, 0.0) + np.array([0.0, size[buys].sum(), size[~buys].sum()])
        # A fill better than the mark need not happen: only costs are counted, which is a bound.
        cost = np.minimum(gain, 0.0)
        gains[k] = (0.0, cost[buys].sum(), cost[~buys].sum())
    return states, gains


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
