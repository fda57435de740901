"""Derive PMRM_2 with the worst fill of the open orders: an upper bound.

Scenarios and basis as in :mod:`crossmargin.margin.families.derive_orders`; contingencies are each
taken at the fills that are worst for them.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.derive_contingencies import (
    naked_reach,
    perp_reach,
    with_every_fill,
)
from crossmargin.margin.families.derive_orders import span_need
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.models.derive_pm2_contingencies import Contingencies

__all__ = ["order_need"]


def order_need(priced: Priced, held: PoolBook, fills: Fills, im_factor: float) -> OrderNeed:
    """Initial requirement with the worst fills, their cost against the mark included."""
    span, found = span_need(priced, held, fills, im_factor)
    need = span + _contingencies(priced, held, fills)
    return OrderNeed(need, fills, found.filled, found.scenario)


def _contingencies(priced: Priced, held: PoolBook, fills: Fills) -> Floats:
    """[A] both levels of every contingency, each at its worst fills."""
    table: Contingencies = priced.facts["contingencies"]
    feeds, rate = table.feeds, table.rate
    charge = table.charges(held)
    perp = perp_reach(held, fills, feeds.perp) * feeds.spot
    naked = naked_reach(held, fills, priced.pool.facts["strike_run"], feeds.option) * feeds.spot
    total = charge["mm_collateral"] + charge["im_collateral"]
    total = total + perp * (rate["mm_perp"] + rate["im_perp"])
    total = total + naked * (rate["mm_option"] + rate["im_option"])
    if not feeds.trusted:
        charge = table.charges(with_every_fill(held, fills, len(feeds.perp)))
    return np.asarray(total + charge["im_confidence"])
