"""Premiums of option orders that are paid in a coin which is itself at risk.

A fill of a coin-settled option takes its premium from the coin's balance, or adds to it, and that
balance moves with the index. Whether it is booked there is not a model's to know (equity may be
reported apart), so an order need takes the worse of both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.model import Fills, Priced
from crossmargin.margin.pools import row_of_position

__all__ = ["moves_with_premiums", "purses", "with_premiums"]


def purses(priced: Priced) -> Ints:
    """[I] the balance line of the coin that pays a premium of each row; -1 where there is none."""
    items = priced.pool.instruments.items
    lines = {
        item.underlying: k
        for k, item in enumerate(items)
        if item.kind == Kind.ASSET and not is_money(item.underlying)
    }
    return frozen([lines.get(item.settle, -1) for item in items], np.int32)


def moves_with_premiums(priced: Priced, fills: Fills, pnl: Floats) -> Floats:
    """[M, S8] scenario P&L of whole orders, with what their premium loses as coin."""
    moves = fills.moves(pnl)
    purse = purses(priced)[fills.column]
    paid = (purse >= 0) & (fills.cash != 0.0)
    if paid.any():
        booked = fills.cash[paid, None] * pnl[purse[paid]]
        moves[paid] += np.minimum(booked, 0.0)
    return moves


def with_premiums(priced: Priced, fills: Fills) -> Fills:
    """The fills and, as fills of their own without a gain, the coins that their premiums move.

    Each may fill without the other: the subsets that can happen are among them.
    """
    purse = purses(priced)[fills.column]
    paid = np.flatnonzero((purse >= 0) & (fills.cash != 0.0))
    if not len(paid):
        return fills
    owner = row_of_position(fills.row)
    who = np.concatenate([owner, owner[paid]])
    column = np.concatenate([fills.column, purse[paid]])
    order = np.lexsort((np.arange(len(who)), column, who))
    nothing = np.zeros(len(paid))
    counts = np.bincount(who, minlength=len(fills.row) - 1)
    return replace(
        fills,
        row=frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
        column=frozen(column[order], np.int32),
        size=frozen(np.concatenate([fills.size, fills.cash[paid]])[order], np.float64),
        gain=frozen(np.concatenate([fills.gain, nothing])[order], np.float64),
        cash=frozen(np.concatenate([fills.cash, nothing])[order], np.float64),
        source=frozen(np.concatenate([fills.source, fills.source[paid]])[order], np.int32),
    )
