"""Deribit portfolio margin with the worst fill of the open orders.

The matrix part is the exact worst fill of a lone currency (see :mod:`crossmargin.pricing.fills`).
Roll and delta shock are each taken at the worst fill of their own, so the sum is an upper bound:
it can exceed the need after one and the same set of fills.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.fills import dense, reach
from crossmargin.margin.model import Fills, PoolBook, Priced
from crossmargin.margin.models.deribit_pm_charges import shock_of
from crossmargin.pricing.fills import FillNeed, fill_need
from crossmargin.pricing.sums import sums, sums_of

__all__ = ["matrix_need", "shocks_need"]


def matrix_need(priced: Priced, held: PoolBook, fills: Fills) -> FillNeed:
    """Worst case of the matrix after the worst fill, day-one losses included."""
    assert priced.risk is not None  # set by price()
    return fill_need(
        held.row,
        held.column,
        held.quantity,
        priced.risk.pnl,
        priced.risk.count,
        priced.facts["fold"],
        fills.row,
        fills.column,
        _moves(priced, fills),
        np.zeros(len(fills)),
        fills.gain,
        trusted=True,
    )


def _moves(priced: Priced, fills: Fills) -> Floats:
    """[M, S8] P&L of whole orders; in cross mode the premium leaves the coin's own equity."""
    assert priced.risk is not None  # set by price()
    moves = fills.moves(priced.risk.pnl)
    coin_rows: dict[str, Floats] = priced.facts["coin_rows"]
    if coin_rows:
        items = priced.pool.instruments.items
        for m, c in enumerate(fills.column.tolist()):
            row = coin_rows.get(items[c].settle)
            if row is not None:
                moves[m] += fills.cash[m] * row
    return moves


def shocks_need(priced: Priced, held: PoolBook, fills: Fills) -> Floats:
    """[A] roll plus delta shock, each at the fills that are worst for it."""
    delta = priced.columns["delta"]
    _, high, low = reach(held, fills, priced.pool.facts["roll_run"], delta)
    rate = priced.facts["roll"][None, : high.shape[1]]
    roll = (rate * np.maximum(np.abs(high), np.abs(low))).sum(axis=1)
    run = priced.pool.facts["base_run"]
    accounts, groups = len(held.row) - 1, len(priced.pool.facts["bases"])
    now = sums_of(held.row, held.column, held.quantity, priced.facts["delta_by_base"])
    more = sums(fills.row, fills.column, fills.size, run, delta[:, None], trusted=True)
    long_options = dense(now.row, now.run, now.long[:, 0] + now.short[:, 1], accounts, groups)
    rest = now.net[:, 2] + now.short[:, 0] + now.long[:, 1]
    base = dense(now.row, now.run, rest, accounts, groups)
    code = np.tile(np.arange(max(groups, 1), dtype=np.int32), accounts)
    worst = np.zeros((accounts, max(groups, 1)))
    # A bought option may only reduce; counting it with the rest errs on the side of the venue.
    # Each currency is at its own worst side: one may rise while another falls.
    for side in (more.long[:, 0], more.short[:, 0]):
        moved = base + dense(more.row, more.run, side, accounts, groups)
        flat = shock_of(priced, code, long_options.reshape(-1), moved.reshape(-1))
        worst = np.maximum(worst, flat.reshape(accounts, -1))
    return np.asarray(roll + worst.sum(axis=1))
