"""Open orders of the Derive managers: the worst fill of scenarios and basis, an upper bound.

Scenarios: the worst fill of each straight piece of an expiry (:mod:`crossmargin.pricing.fills`);
exact where the discount on a positive value is not above that on a negative one. The basis is
taken at the fills that are worst for it. Off the chain the venue margins the worst subset of the
orders.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.derive_contingencies import in_order
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, PoolBook, Priced
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.fills import FillNeed, fill_need

__all__ = ["span_need"]


def span_need(
    priced: Priced, held: PoolBook, fills: Fills, im_factor: float
) -> tuple[Floats, FillNeed]:
    """[A] ``im_factor`` times the worst of scenarios and basis, costs of the fills included."""
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
    return span, found


def _basis(priced: Priced, held: PoolBook, fills: Fills) -> Floats:
    """[A] basis contingency at its own worst fills: per expiry and move, what loses there."""
    run = priced.facts["run"]
    rate: Floats = priced.facts["basis_rate"]
    accounts, groups = len(held.row) - 1, len(rate)
    worst = np.zeros((accounts, max(groups, 1)))
    for name in ("basis_up", "basis_down"):
        _, _, low = reach(held, fills, run, priced.columns[name])
        worst[:, : low.shape[1]] = np.minimum(worst[:, : low.shape[1]], low)
    return -in_order(worst[:, :groups] * rate)
