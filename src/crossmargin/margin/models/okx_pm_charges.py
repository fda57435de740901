"""OKX's charges beside the scenarios: basis (MR4), minimum charge (MR7), stablecoins (MR9).

Each loops over its own few buckets, tiers or pairs, never over accounts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.margin.families.quote_hedges import cumulative_charge, hedged_pairs
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.models.okx_pm_units import QUOTES, UnitColumns
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import by_row
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums, sums

__all__ = [
    "PAIRS",
    "Depeg",
    "Held",
    "basis_charge",
    "buckets_of",
    "depeg_of",
    "held_of",
    "minimum_charge",
    "minimum_steps",
]

_HUGE = 1e15
_STEPS = (Column("up_to_usd", 0.0, _HUGE), Column("multiple", 0.0, 1e6))
_RATES = (
    Column("index", 0.0, 1e3),
    Column("up_to_usd", 0.0, _HUGE),
    Column("rate", 0.0, 1e3),
)
# The venue's order: USDT against USD, USDT against USDC, USDC against USD.
PAIRS = tuple(
    (QUOTES.index(a), QUOTES.index(b))
    for a, b in (("USDT", "USD"), ("USDT", "USDC"), ("USDC", "USD"))
)


class Held(NamedTuple):
    """[A] what the charges read of a block; ``bucket[A, B]`` and ``quote[A, 4]`` in dollars."""

    delta: Floats
    coins: Floats
    minimum: Floats
    has_option: Bools
    bucket: Floats
    quote: Floats


def held_of(priced: Priced, held: PoolBook) -> Held:
    """Sums of a block over the unit's columns."""
    row, column, quantity = held.row, held.column, held.quantity
    total = row_sums(row, column, quantity, priced.facts["table"], trusted=True)
    minimum = total.long[:, 2] - total.short[:, 3]
    bucket, quote, options = buckets_of(priced, row, column, quantity)
    return Held(total.net[:, 0], total.net[:, 1], minimum, options > 0.0, bucket, quote)


def buckets_of(
    priced: Priced, row: Longs, column: Ints, quantity: Floats
) -> tuple[Floats, Floats, Floats]:
    """Cash delta by bucket ``[A, B]`` and by quote currency ``[A, 4]``, dollars; options held."""
    facts = priced.pool.facts
    columns: UnitColumns = priced.facts["columns"]
    table = np.stack([columns.cash_delta, columns.option], axis=1)
    found = sums(row, column, quantity, facts["run"], table, trusted=True)
    accounts = len(row) - 1
    out = []
    for code, width in ((facts["bucket"], len(columns.basis)), (facts["quote"], len(QUOTES) + 1)):
        cell = found.row.astype(np.int64) * width + code[found.run]
        out.append(by_row(cell, found.net[:, 0], accounts * width).reshape(accounts, width))
    return out[0], out[1], by_row(found.row, found.long[:, 1] - found.short[:, 1], accounts)


def basis_charge(bucket: Floats, used_usd: Floats, rates: Floats) -> Floats:
    """[A] MR4: the spot in use and the net cash delta of each bucket, each at its own rate."""
    out = used_usd * rates[0]
    for k in range(1, len(rates)):
        out = out + np.abs(bucket[:, k]) * rates[k]
    return np.asarray(out)


def minimum_steps(parameters: Parameters, tier: str) -> tuple[Floats, Floats] | None:
    """Edges and multiples of the raw minimum charge; None where they are not known."""
    name = f"tier.{tier}.minimum_steps"
    if name not in parameters:
        return None
    table = np.array(parameters.rows(name, _STEPS), np.float64)
    return table[:, 0], table[:, 1]


def minimum_charge(raw: Floats, steps: tuple[Floats, Floats] | None) -> Floats:
    """[A] the multiple of the tier in which the whole raw charge lies; 1 where none is known."""
    if steps is None:
        return np.ones(len(raw))
    edges, multiple = steps
    tier = np.minimum(np.searchsorted(edges, raw, side="left"), len(multiple) - 1)
    return np.asarray(multiple[tier])


class Depeg(NamedTuple):
    """MR9 at the stablecoins' indices of one view: edges and rates of each pair."""

    edges: tuple[Floats, ...]
    rates: tuple[Floats, ...]
    below: tuple[bool, ...]  # the index lies below every level that is known

    def charge(self, sizes: list[Floats]) -> tuple[Floats, Bools]:
        """[A] the charge of hedged sizes, and where a part of the table is not known."""
        total = np.zeros(len(sizes[0]))
        unknown = np.zeros(len(sizes[0]), np.bool_)
        for size, edges, rates, low in zip(sizes, self.edges, self.rates, self.below, strict=True):
            part, beyond = cumulative_charge(size, edges, rates)
            total += part
            unknown |= beyond | (low & (size > 0.0))
        return total, unknown

    def of_quotes(self, quote: Floats) -> tuple[Floats, Bools]:
        """[A] the charge of cash deltas by quote currency."""
        return self.charge(hedged_pairs(quote, PAIRS))


def depeg_of(view: View, parameters: Parameters) -> Depeg | None:
    """The table of MR9 at the view's stablecoin indices; None before the rule.

    A pair of two stablecoins is charged at the lower of the two.
    """
    if "depeg.rates" not in parameters:
        return None
    table = np.array(parameters.rows("depeg.rates", _RATES), np.float64)
    levels = np.unique(table[:, 0])
    names = view.instruments.names
    usd = [
        float(view.usd[names.index(name)]) if name in names else view.read("usd", name, 1.0)
        for name in QUOTES
    ]
    usd[QUOTES.index("USD")] = np.inf
    edges, rates, below = [], [], []
    for a, b in PAIRS:
        index = min(usd[a], usd[b])
        reached = levels[levels <= index]
        level = reached[-1] if len(reached) else levels[0]
        mine = table[table[:, 0] == level]
        edges.append(mine[:, 1])
        rates.append(mine[:, 2])
        below.append(not len(reached))
    return Depeg(tuple(edges), tuple(rates), tuple(below))
