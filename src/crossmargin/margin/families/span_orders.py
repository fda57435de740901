"""An upper bound of the SPAN requirement over every set of fills of an account's open orders.

With ``risk = max(scan + intra + delivery - credit, SOM)`` and the value of options counted against
it, each part is taken at its own worst:

- scan: in every scenario, and where nothing moves, the orders that lose there fill, what a fill
  costs against the mark (and takes out of the value of options) included: exact;
- intra: one coin of delta more, on either side, makes at most one spread more and moves others from
  a rate to the next dearer one (spreads are made in rising order of their rate), so the charge is
  at most ``now + dearest rate x |delta of all orders|``; and at most the dearest rate times the
  longs or the shorts that can be there, whichever are fewer;
- delivery: every delta that can stand near delivery is in a spread;
- credit: none;
- SOM: every sell of an option fills, and no buy.

The bound is for terms whose spreads are flat, one to one, in rising order of rate, of tiers that
cover all periods, and for a requirement whose net option values are added up.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.margin.families.span_engine import Rows, SpanResult, SpanTerms
from crossmargin.margin.model import Fills, OrderNeed
from crossmargin.margin.pools import by_row, row_of_position

__all__ = ["span_need"]


def _reach(terms: SpanTerms, rows: Rows, fills: Fills, c: int) -> tuple[Floats, Floats]:
    """[A, P] the most and the least that fills can make the delta of each period."""
    tables, accounts, many = terms.tables, len(rows.row) - 1, len(terms.periods[c])

    def grid(owner: Longs, column: Ints, amount: Floats) -> Floats:
        mine = tables.commodity[column] == c
        cell = owner[mine] * many + tables.period[column[mine]]
        return by_row(cell, amount[mine], accounts * many).reshape(accounts, many)

    base = grid(row_of_position(rows.row), rows.column, rows.quantity * tables.delta[rows.column])
    moved = fills.size * tables.delta[fills.column]
    owner = row_of_position(fills.row)
    more = grid(owner, fills.column, np.maximum(moved, 0.0))
    less = grid(owner, fills.column, np.minimum(moved, 0.0))
    return base + more, base + less


def _summed(grid: Floats, chosen: list[int]) -> Floats:
    """[A] sum over periods, from the first on."""
    total = np.zeros(len(grid))
    for p in chosen:
        total += grid[:, p]
    return total


def _charges(terms: SpanTerms, rows: Rows, fills: Fills, found: SpanResult, c: int) -> Floats:
    """[A] the most that intra-commodity spreads and delivery can cost after any fills."""
    commodity, accounts = terms.commodities[c], len(rows.row) - 1
    high, low = _reach(terms, rows, fills, c)
    every = list(range(high.shape[1]))
    matched = np.minimum(
        _summed(np.maximum(high, 0.0), every), _summed(np.maximum(-low, 0.0), every)
    )
    dearest = max((spread.rate for spread in commodity.spreads), default=0.0)
    mine = terms.tables.commodity[fills.column] == c
    moved = np.where(mine, np.abs(fills.size * terms.tables.delta[fills.column]), 0.0)
    added = by_row(row_of_position(fills.row), moved, accounts)
    intra = np.minimum(found.intra[:, c] + dearest * added, dearest * matched)
    rate = {each.period: each.spread_rate for each in commodity.delivery}
    near = [p for p in every if terms.periods[c][p] in rate]
    stands = _summed(np.maximum(np.abs(high), np.abs(low)), near)
    return np.asarray(intra + max(rate.values(), default=0.0) * np.minimum(stands, 2.0 * matched))


def span_need(
    terms: SpanTerms, rows: Rows, fills: Fills, found: SpanResult, im_factor: float
) -> OrderNeed:
    """The bound; ``found`` is the requirement of ``rows``, without the orders.

    ``fills.gain`` of an option is its premium alone: its value is part of what the terms count.
    """
    tables, accounts = terms.tables, len(rows.row) - 1
    owner, every = row_of_position(fills.row), np.arange(accounts)
    points = len(terms.paired)
    value = fills.size * tables.value[fills.column]
    # What a fill adds to the requirement, by scenario, and last where nothing moves.
    loss = np.zeros((len(fills), points + 1))
    loss[:, :points] = -fills.moves(tables.pnl)[:, :points]
    effect = im_factor * (loss - value[:, None]) - fills.gain[:, None]
    total = np.zeros(accounts)
    filled: Bools = np.zeros(len(fills), np.bool_)
    sold = im_factor * terms.som_rate[fills.column] * tables.som_unit[fills.column]
    for c in range(len(terms.commodities)):
        mine = tables.commodity[fills.column] == c
        base = np.zeros((accounts, points + 1))
        base[:, :points] = found.losses[:, c]
        base = im_factor * (base - found.nov[:, c][:, None])
        np.add.at(base, owner[mine], np.maximum(effect[mine], 0.0))
        worst = np.argmax(base, axis=1)
        charged = base[every, worst] + im_factor * _charges(terms, rows, fills, found, c)
        short = np.where(mine, sold * np.maximum(-fills.size, 0.0), 0.0)
        least = base[:, points] + im_factor * found.som[:, c] + by_row(owner, short, accounts)
        total += np.maximum(charged, least)
        filled |= mine & (effect[np.arange(len(fills)), worst[owner]] > 0.0)
    nothing = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)  # a requirement of zero
    need = frozen(np.maximum(total, nothing), np.float64)
    return OrderNeed(need, fills, filled, np.full(accounts, -1, np.int32))
