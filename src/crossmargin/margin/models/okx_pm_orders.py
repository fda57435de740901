"""OKX portfolio margin with the worst fill of a risk unit's open orders: an upper bound.

Scenarios: the worst fill with the spot in use (:mod:`crossmargin.margin.families.spot_overlay`).
Basis, minimum charge and stablecoins are each taken at the fills that are worst for them; what a
fill costs against the mark is the order loss.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.quote_hedges import hedge_bound
from crossmargin.margin.families.spot_overlay import overlay_need, spot_used
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.models.okx_pm_charges import (
    PAIRS,
    Held,
    basis_charge,
    buckets_of,
    minimum_charge,
)
from crossmargin.margin.models.okx_pm_units import UnitColumns
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.netting import net

__all__ = ["order_need"]


def order_need(
    priced: Priced, held: PoolBook, sums: Held, fills: Fills, im_factor: float
) -> OrderNeed:
    """Initial requirement of the unit after the worst fills, their cost included."""
    risk, scenarios = priced.risk, priced.scenarios
    assert risk is not None and scenarios is not None  # set by price()
    columns: UnitColumns = priced.facts["columns"]
    count, accounts = risk.count, len(held.row) - 1
    base = net(held.row, held.column, held.quantity, risk.pnl, trusted=True)[:, :count]
    column, size = fills.column, fills.size
    gain = fills.gain / im_factor  # a scenario's loss is multiplied by the factor, a cost is not
    fill_delta = size * columns.delta[column]
    owner = row_of_position(fills.row)
    coins = size * columns.coins[column]
    most = sums.coins + by_row(owner, np.maximum(coins, 0.0), accounts)
    least = sums.coins + by_row(owner, np.minimum(coins, 0.0), accounts)
    scan = overlay_need(
        base * scenarios.weight,
        priced.facts["leg"],
        sums.delta,
        (least, most),
        fills,
        size[:, None] * risk.pnl[column, :count] * scenarios.weight,
        fill_delta,
        gain,
    )
    lowest = sums.delta + by_row(owner, np.minimum(fill_delta, 0.0), accounts)
    used = spot_used(lowest, most) * columns.spot_usd
    up, down = _reach(priced, fills, columns.cash_delta)
    bucket = np.maximum(np.abs(sums.bucket + up[0]), np.abs(sums.bucket + down[0]))
    rest = basis_charge(bucket, used, columns.basis)
    if priced.facts["depeg"] is not None:
        sizes = hedge_bound(sums.quote + up[1], sums.quote + down[1], PAIRS)
        rest = rest + priced.facts["depeg"].charge(sizes)[0]
    charge = np.where(size > 0.0, columns.charge_long[column], columns.charge_short[column])
    # Whatever fills, no unit is closed at a charge above that of all that is held and ordered.
    raw = sums.minimum + by_row(owner, np.abs(size) * charge, accounts)
    floor = im_factor * raw * minimum_charge(raw, priced.facts["steps"])
    cost = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
    need = np.maximum(im_factor * (scan.need + rest), floor + cost)
    return OrderNeed(need, fills, scan.filled, scan.scenario)


def _reach(
    priced: Priced, fills: Fills, cash_delta: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """What fills can add to the cash delta of buckets and quotes, and what they can take off."""
    value = fills.size * cash_delta[fills.column]
    out = []
    for sign in (1.0, -1.0):
        side = np.where(value * sign > 0.0, fills.size, 0.0)
        out.append(buckets_of(priced, fills.row, fills.column, side)[:2])
    return out[0], out[1]
