"""Derive PMRM_2 with the worst fill of the open orders: an upper bound.

Scenarios: the worst fill of each straight piece of an expiry (:mod:`crossmargin.pricing.fills`);
exact where the discount on a positive value is not above that on a negative one. Basis and
contingencies are each taken at the fills that are worst for them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.models.derive_pm2_contingencies import Contingencies
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.fills import fill_need
from crossmargin.pricing.positions import order_positions

__all__ = ["order_need"]


def order_need(priced: Priced, held: PoolBook, fills: Fills, im_factor: float) -> OrderNeed:
    """Initial requirement with the worst fills, their cost against the mark included."""
    assert priced.risk is not None  # set by price()
    found = fill_need(
        held.row,
        held.column,
        held.quantity,
        priced.risk.pnl,
        priced.risk.count,
        priced.facts["fold"],
        fills.row,
        fills.column,
        fills.moves(priced.risk.pnl),
        fills.size * priced.columns["value"][fills.column],
        fills.gain / im_factor,  # a scenario's loss is multiplied by the factor, a cost is not
        trusted=True,
    )
    accounts = len(held.row) - 1
    cost = by_row(row_of_position(fills.row), np.maximum(-fills.gain, 0.0), accounts)
    span = np.maximum(im_factor * found.need, im_factor * _basis(priced, held, fills) + cost)
    need = span + _contingencies(priced, held, fills)
    return OrderNeed(need, fills, found.filled, found.scenario)


def _basis(priced: Priced, held: PoolBook, fills: Fills) -> Floats:
    """[A] basis contingency at its own worst fills: per expiry and move, what loses there."""
    run = priced.facts["run"]
    rate: Floats = priced.facts["basis_rate"]
    accounts, groups = len(held.row) - 1, len(rate)
    worst = np.zeros((accounts, max(groups, 1)))
    for name in ("basis_up", "basis_down"):
        _, _, low = reach(held, fills, run, priced.columns[name])
        worst[:, : low.shape[1]] = np.minimum(worst[:, : low.shape[1]], low)
    return -(worst[:, :groups] * rate).sum(axis=1) if groups else np.zeros(accounts)


def _contingencies(priced: Priced, held: PoolBook, fills: Fills) -> Floats:
    """[A] both levels of every contingency, each at its worst fills."""
    table: Contingencies = priced.facts["contingencies"]
    charge = table.charges(held)
    # Perpetuals are charged line by line: they net only with fills of their own.
    line = np.where(table.perp > 0.0, np.cumsum(table.perp > 0.0) - 1, -1).astype(np.int32)
    _, high, low = reach(held, fills, line, table.perp)
    perp = np.maximum(np.abs(high), np.abs(low)).sum(axis=1) * table.spot
    _, _, short = reach(held, fills, priced.pool.facts["strike_run"], table.option)
    naked = np.maximum(-short, 0.0).sum(axis=1) * table.spot
    rate = table.rate
    total = charge["mm_collateral"] + charge["im_collateral"]
    total = total + perp * (rate["mm_perp"] + rate["im_perp"])
    total = total + naked * (rate["mm_option"] + rate["im_option"])
    if table.lowest_confidence < table.threshold:
        charge = table.charges(_with_every_fill(held, fills, len(table.perp)))
    return np.asarray(total + charge["im_confidence"])


def _with_every_fill(held: PoolBook, fills: Fills, instruments: int) -> PoolBook:
    """Gross sizes of all positions and orders as one book.

    The charge for low confidence grows with gross size, and takes the lowest confidence of what is
    held: no set of fills is charged more.
    """
    owner = np.concatenate([row_of_position(held.row), row_of_position(fills.row)])
    column = np.concatenate([held.column, fills.column])
    size = np.abs(np.concatenate([held.quantity, fills.size]))
    row, name, quantity = order_positions(owner, column, size, len(held.row) - 1, instruments)[:3]
    nothing, unknown = np.zeros(len(name)), np.zeros(len(name), np.bool_)
    return replace(
        held, row=row, column=name, quantity=quantity, entry_price=nothing, entry_known=unknown
    )
