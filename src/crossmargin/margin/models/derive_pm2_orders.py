"""Derive PMRM_2 with the worst fill of the open orders: an upper bound.

Scenarios: the worst fill of each straight piece of an expiry (:mod:`crossmargin.pricing.fills`);
exact where the discount on a positive value is not above that on a negative one. Basis and
contingencies are each taken at the fills that are worst for them.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.fills import dense, reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.models.derive_pm2_contingencies import Contingencies
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.fills import fill_need
from crossmargin.pricing.sums import sums

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
    accounts = len(held.row) - 1
    lone = np.zeros(len(table.perp), np.int32)
    base, high, low = reach(held, fills, lone, table.perp)
    perp = np.maximum(np.abs(high), np.abs(low))[:, 0] * table.spot
    _, _, short = reach(held, fills, priced.pool.facts["strike_run"], table.option)
    naked = np.maximum(-short, 0.0).sum(axis=1) * table.spot
    rate = table.rate
    total = charge["mm_collateral"] + charge["im_collateral"]
    total = total + perp * (rate["mm_perp"] + rate["im_perp"])
    total = total + naked * (rate["mm_option"] + rate["im_option"])
    size = sums(fills.row, fills.column, np.abs(fills.size), lone, table.option[:, None])
    gross = dense(size.row, size.run, size.net[:, 0], accounts, 1)[:, 0]
    lowest = min(
        table.spot_confidence,
        float(table.confidence.min(initial=1.0)),
        float(table.expiry_confidence.min(initial=1.0)),
    )
    doubt = (1.0 - lowest) * table.conf_margin if lowest < table.threshold else 0.0
    more = doubt * table.spot * (gross + np.abs(high - base)[:, 0] + np.abs(low - base)[:, 0])
    return np.asarray(total + charge["im_confidence"] + more)
