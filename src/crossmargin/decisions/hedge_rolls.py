"""What a hedge costs until the horizon: bought again where it expires before, sold where after.

A roll is an estimate from today's term structure, not a quote. At the money the chain has the
variance ``v(t) t``; the options of a later stretch are priced at the same moneyness with

    vol x sqrt(forward variance of the stretch / variance of the first expiry)

the ratio never below one half, at today's price, plus today's half spread and fee. What is left of
an option at the horizon is what it would be worth at today's price and volatility, less the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import NEVER_MS
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.hedge_finder import Found
from crossmargin.decisions.price_grid import Lines
from crossmargin.pricing.revalue import black_value

__all__ = ["Plan", "Term", "plan_of", "term_of"]

_LEAST_RATIO = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Volatility at the money by life: ``years`` rising, ``variance`` = vol^2 x years."""

    years: Floats
    variance: Floats

    def at(self, years: float) -> float:
        """Total variance, linear between expiries; beyond them at the last one's volatility."""
        if not len(self.years):
            return 0.0
        if years <= self.years[0]:
            return float(self.variance[0] * years / self.years[0])
        if years >= self.years[-1]:
            return float(self.variance[-1] * years / self.years[-1])
        return float(np.interp(years, self.years, self.variance))

    def between(self, low: float, high: float) -> float:
        """Forward variance a year over a stretch; it may be below zero on an odd chain."""
        return (self.at(high) - self.at(low)) / (high - low)


@dataclass(frozen=True, slots=True)
class Plan:
    """``rolls`` further purchases that cost ``roll_usd`` in all, or ``resale_usd`` at the horizon.

    ``horizon_cost_usd``: cost now, and rolls, less resale: an estimate but for the first part.
    """

    rolls: int
    roll_usd: float
    resale_usd: float
    horizon_cost_usd: float


def term_of(lines: Lines, chains: Sequence[Chain]) -> Term:
    """The volatility of the strike nearest to the forward of each expiry."""
    found: dict[float, float] = {}
    for chain in chains:
        side = chain.puts if len(chain.puts.strike) else chain.calls
        if not len(side.strike):
            continue
        forward = lines.price * float(lines.basis[side.rows[0]])
        place = int(np.argmin(np.abs(side.strike - forward)))
        found[chain.years] = float(lines.vol[side.rows[place]]) ** 2 * chain.years
    order = sorted(found)
    return Term(np.array(order), np.array([found[each] for each in order]))


def plan_of(
    lines: Lines, found: Found, chain: Chain | None, term: Term, horizon_years: float
) -> Plan:
    """The cost until the horizon; a perpetual needs no roll (its funding is in its cost)."""
    if found.expiry_ms == NEVER_MS or chain is None:
        return Plan(0, 0.0, 0.0, found.cost_usd)
    cost = {
        row: float(side.mid_cost[k])
        for side in (chain.puts, chain.calls)
        for k, row in enumerate(side.rows)
    }
    if found.years >= horizon_years:
        resale = 0.0
        for leg in found.legs:
            here = np.array([lines.price])
            worth = float(lines.values([leg.row], here, horizon_years)[0, 0])
            spent = _finite(cost[leg.row])
            part = leg.ratio * worth - abs(leg.ratio) * spent
            # What is bought would not be sold for less than nothing: it is kept.
            resale += max(part, 0.0) if leg.ratio > 0.0 else part
        resale *= found.size
        return Plan(0, 0.0, resale, found.cost_usd - resale)
    first = term.between(0.0, found.years)
    rolls, paid, start = 0, 0.0, found.years
    while start < horizon_years - 1e-9:
        end = min(start + found.years, horizon_years)
        ratio = max(term.between(start, end) / first, _LEAST_RATIO**2) if first > 0.0 else 1.0
        for leg in found.legs:
            worth = _again(lines, leg.row, end - start, float(np.sqrt(ratio)))
            paid += leg.ratio * worth + abs(leg.ratio) * _finite(cost[leg.row])
        rolls, start = rolls + 1, end
    return Plan(rolls, found.size * paid, 0.0, found.cost_usd + found.size * paid)


def _again(lines: Lines, row: int, years: float, scale: float) -> float:
    """Dollars of a unit of the same moneyness and another life, at today's price."""
    item, quote = lines.items[row], float(lines.quote[row])
    # the forward's own moneyness is kept, so that a roll is the same option later
    forward = lines.price * float(lines.basis[row])
    stdev = float(lines.vol[row]) * scale * np.sqrt(years)
    value = black_value(forward, item.strike * quote, stdev, float(item.right))
    return float(value) * item.multiplier * (1.0 / float(lines.basis[row]) if item.inverse else 1.0)


def _finite(cost: float) -> float:
    """Half the spread of a contract quoted on one side alone is not known: nothing is added."""
    return cost if np.isfinite(cost) else 0.0
