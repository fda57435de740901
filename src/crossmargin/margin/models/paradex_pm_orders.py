"""Paradex portfolio margin with the worst fill of the open orders: an upper bound.

SCAN: the exact worst fill. The least charge on delta, funding and fees are each taken at the fills
that are worst for them.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.fills import growth, reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.fills import fill_need
from crossmargin.pricing.fold import fold_tables
from crossmargin.pricing.sums import row_sums

__all__ = ["order_need"]


def order_need(
    priced: Priced, held: PoolBook, fills: Fills, rates: tuple[float, float]
) -> OrderNeed:
    """Initial requirement with the worst fills; ``rates``: unhedged and hedged factor."""
    risk, scenarios = priced.risk, priced.scenarios
    assert risk is not None and scenarios is not None  # set by price()
    linear = np.full(len(priced.pool.instruments), -1, np.int32)
    nothing = np.zeros(0)
    fold = fold_tables(risk.pnl.shape[1], linear, nothing, nothing, weight_s=scenarios.weight)
    scan = fill_need(
        held.row,
        held.column,
        held.quantity,
        risk.pnl,
        risk.count,
        fold,
        fills.row,
        fills.column,
        fills.moves(risk.pnl),
        np.zeros(len(fills)),
        fills.gain,
        trusted=True,
    )
    accounts = len(held.row) - 1
    owner = row_of_position(fills.row)
    cost = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
    lone = np.zeros(len(linear), np.int32)
    _, high, low = reach(held, fills, lone, priced.columns["delta"])
    net = np.maximum(np.abs(high), np.abs(low))[:, 0]
    more = growth(held, fills)
    delta = np.abs(priced.columns["delta"])
    gross = _gross(priced, held) + by_row(more.account, more.size * delta[more.column], accounts)
    unhedged, hedged = rates
    # u |net| + h (gross - |net|) / 2, the net counted only where it costs more than it hedges.
    rate = max(unhedged - hedged / 2.0, 0.0)
    least = (rate * net + hedged / 2.0 * gross) * priced.facts["spot"]
    _, funding, _ = reach(held, fills, lone, priced.columns["funding"])
    fee = row_sums(held.row, held.column, held.quantity, priced.columns["fee"][:, None])
    fees = (fee.long - fee.short)[:, 0]
    fees = fees + by_row(more.account, more.size * priced.columns["fee"][more.column], accounts)
    pimr = np.maximum(scan.need, least + cost)
    need = pimr + np.maximum(funding[:, 0], 0.0) + fees
    return OrderNeed(need, fills, scan.filled, scan.scenario)


def _gross(priced: Priced, held: PoolBook) -> Floats:
    """[A] sum of |delta| as held."""
    table = np.abs(priced.columns["delta"])[:, None]
    found = row_sums(held.row, held.column, held.quantity, table)
    return np.asarray((found.long - found.short)[:, 0])
