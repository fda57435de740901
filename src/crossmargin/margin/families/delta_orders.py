"""Open orders under a delta margin: an upper bound over every subset of fills.

With N, M and G the net, the sum of |net| over buckets and the gross delta of a coin,

    charge = (a - c / 2) N + (c - b) / 2 M + b / 2 G + liquidity(N)
    floor  = (u - h / 2) N + h / 2 G

Each of N, M and G is taken at its own most, or at its least where its coefficient is negative, over
what the fills can reach; what fills cost against the mark is added.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.margin.families.delta_rules import Ladder, Rates, delta_sums, liquidity_cost
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.fills import growth, reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook
from crossmargin.margin.pools import by_row, row_of_position

__all__ = ["delta_need"]


def delta_need(
    held: PoolBook,
    fills: Fills,
    premiums: Fills,
    greeks: DollarGreeks,
    ladder: Ladder,
    dollars: Floats,
    rates: Rates,
    im_factor: float,
) -> OrderNeed:
    """Initial requirement in dollars after the worst fills; ``held`` with coins at risk.

    ``premiums`` are the fills with the coins that their premiums move; see ``coin_premiums``.
    """
    accounts = len(held.row) - 1
    _, high, low = reach(held, premiums, greeks.group, dollars)
    _, rung_high, rung_low = reach(held, premiums, ladder.rung, dollars)
    more = growth(held, premiums)
    extra = more.size * np.abs(dollars)[more.column]
    gross = delta_sums(ladder, held.row, held.column, held.quantity).gross
    charge, floor = np.zeros(accounts), np.zeros(accounts)
    for u, rate in enumerate(rates.net.tolist()):
        most, least = _ends(high[:, u], low[:, u])
        bare_most, bare_least = np.zeros(accounts), np.zeros(accounts)
        for r in np.flatnonzero(ladder.coin_of == u).tolist():
            top, bottom = _ends(rung_high[:, r], rung_low[:, r])
            bare_most += top
            bare_least += bottom
        mine = greeks.group[more.column] == u
        whole = gross[:, u] + by_row(more.account[mine], extra[mine], accounts)
        hedged, across = rates.hedged, rates.across
        charge += _term(rate - across / 2.0, most, least)
        charge += _term((across - hedged) / 2.0, bare_most, bare_least)
        charge += hedged / 2.0 * whole + liquidity_cost(rates, u, most)
        floor += _term(rates.floor_net - rates.floor_hedged / 2.0, most, least)
        floor += rates.floor_hedged / 2.0 * whole
    owner = row_of_position(fills.row)
    cost = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
    need = im_factor * np.maximum(charge, floor) + cost
    nothing = np.full(accounts, -1, np.int32)
    return OrderNeed(need, fills, _filled(fills, greeks, dollars, high, low), nothing)


def _ends(high: Floats, low: Floats) -> tuple[Floats, Floats]:
    """Largest and least size of what lies between ``low`` and ``high``."""
    a, b = np.abs(high), np.abs(low)
    crosses = (low <= 0.0) & (high >= 0.0)
    return np.maximum(a, b), np.where(crosses, 0.0, np.minimum(a, b))


def _term(coefficient: float, most: Floats, least: Floats) -> Floats:
    return coefficient * (most if coefficient >= 0.0 else least)


def _filled(
    fills: Fills, greeks: DollarGreeks, dollars: Floats, high: Floats, low: Floats
) -> Bools:
    """[M] the orders that make the net of their coin largest; a row of no coin never does."""
    owner, group = row_of_position(fills.row), greeks.group[fills.column]
    upwards = np.abs(high) >= np.abs(low)
    known = group >= 0
    side = np.where(upwards[owner, np.where(known, group, 0)], 1.0, -1.0)
    return np.asarray(known & (fills.size * dollars[fills.column] * side > 0.0))
