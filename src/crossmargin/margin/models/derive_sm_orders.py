"""Derive standard margin with the worst fill of the open orders.

Perpetuals and coins: the exact worst, contract by contract (the charge is the larger of two lines
in the size). An expiry with few orders: every set of its fills is tried. With many, an upper bound:
the expiry is margined by the lesser of two ways, so it needs at most the lesser of both ways' own
worst fills (shorts one by one: exact by contract; maximum loss: exact over every settlement price
that can be a candidate), and what a doubtful feed or a broken peg costs is taken at the most that
fills can leave short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.models.derive_sm_penalties import Penalties

__all__ = ["order_need"]

EVERY_SET = 8  # so many orders of one expiry are tried in all 256 sets of fills


@dataclass(frozen=True, slots=True)
class _Part:
    """Contracts of one account that are charged together, and the orders in them."""

    columns: Ints  # [n] rows of the pool's table
    held: Floats  # [n]
    orders: Longs  # [m] rows of the fills
    size: Floats  # [m]
    cost: Floats  # [m] what a fill takes out of what counts
    where: Longs  # [m] into the columns

    def sums(self, values: Floats) -> Floats:
        """[n] sums of order values by contract."""
        return np.bincount(self.where, weights=values, minlength=len(self.columns)).astype(
            np.float64
        )


def order_need(priced: Priced, held: PoolBook, fills: Fills) -> OrderNeed:
    """Initial requirement with the worst fills, what they take out of what counts included."""
    accounts = len(held.row) - 1
    need, filled = np.zeros(accounts), np.zeros(len(fills), np.bool_)
    run: Ints = priced.facts["run"]
    for a in np.flatnonzero(np.diff(fills.row)).tolist():
        own = slice(int(held.row[a]), int(held.row[a + 1]))
        orders = np.arange(int(fills.row[a]), int(fills.row[a + 1]), dtype=np.int64)
        columns = np.unique(np.concatenate([held.column[own], fills.column[orders]]))
        for code in np.unique(run[columns]).tolist():
            part = _part(held, own, fills, orders, columns[run[columns] == code])
            charge = _lines if code < 0 else _expiry
            amount, chosen = charge(priced, part)
            need[a] += amount
            filled[part.orders] = chosen
    return OrderNeed(need, fills, filled, np.full(accounts, -1, np.int32))


def _part(held: PoolBook, own: slice, fills: Fills, orders: Longs, columns: Ints) -> _Part:
    quantity = np.zeros(len(columns))
    mine = np.isin(held.column[own], columns)
    quantity[np.searchsorted(columns, held.column[own][mine])] = held.quantity[own][mine]
    inside = orders[np.isin(fills.column[orders], columns)]
    where = np.searchsorted(columns, fills.column[inside]).astype(np.int64)
    return _Part(columns, quantity, inside, fills.size[inside], -fills.gain[inside], where)


def _lines(priced: Priced, part: _Part) -> tuple[float, Bools]:
    """Perpetuals and coins: a rate times the size, whichever way."""
    columns = priced.columns
    rate = (columns["im_perp"] + columns["depeg"] + columns["penalty"])[part.columns]
    return _worse(part, rate, -rate)


def _worse(part: _Part, slope: Floats, other: Floats) -> tuple[float, Bools]:
    """The larger of two lines in the size, each with the fills that are worst for it."""
    joins = [each[part.where] * part.size + part.cost for each in (slope, other)]
    first, second = (
        each * part.held + part.sums(np.maximum(join, 0.0))
        for each, join in zip((slope, other), joins, strict=True)
    )
    turned = second > first
    chosen = np.where(turned[part.where], joins[1] > 0.0, joins[0] > 0.0)
    return float(np.where(turned, second, first).sum()), chosen


def _expiry(priced: Priced, part: _Part) -> tuple[float, Bools]:
    """Options of one expiry: every set of fills, or the lesser of the worst of both ways."""
    if len(part.orders) <= EVERY_SET:
        return _every_set(priced, part)
    extra = _extra(priced, part)
    short = priced.columns["im_short"][part.columns] + extra
    alone, chosen = _worse(part, -short, np.zeros(len(short)))
    most, others = _maximum_loss(priced, part)
    left = np.maximum(-(part.held + part.sums(np.minimum(part.size, 0.0))), 0.0)
    most += float((extra * left).sum())
    return (most, others) if most < alone else (alone, chosen)


def _every_set(priced: Priced, part: _Part) -> tuple[float, Bools]:
    """The worst of all sets of fills, and that set."""
    table, facts = priced.pool.instruments, priced.facts
    penalties: Penalties = facts["penalties"]
    code, count = int(table.expiry[part.columns[0]]), len(part.orders)
    sets = (np.arange(2**count)[:, None] >> np.arange(count)) % 2 == 1
    position = np.tile(part.held, (len(sets), 1))
    for j, column in enumerate(part.where.tolist()):
        position[:, column] += sets[:, j] * part.size[j]
    short, held = np.maximum(-position, 0.0), position != 0.0
    alone = (short * priced.columns["im_short"][part.columns]).sum(axis=1)
    strike, unit = table.strike[part.columns], table.multiplier[part.columns]
    right = table.right[part.columns]
    top = np.where(held, strike, 0.0).max(axis=1)
    most = np.zeros(len(sets))
    for price in [0.0, *np.unique(strike).tolist()]:  # between strikes held nothing is added
        paid = (position * (unit * np.maximum(right * (price - strike), 0.0))).sum(axis=1)
        most = np.where(price <= top, np.maximum(most, -paid), most)
    calls = (position * np.where(right > 0, unit, 0.0)).sum(axis=1)
    most = most + np.maximum(-calls, 0.0) * float(facts["unpaired"][0][code])
    lowest = np.where(held, penalties.vol[part.columns], 1.0).min(axis=1)
    lowest = np.minimum(lowest, penalties.dated[code])
    doubt = np.where(lowest < penalties.threshold[code], 1.0 - lowest, 0.0)
    beside = (short * priced.columns["depeg"][part.columns]).sum(axis=1)
    beside = beside + doubt * penalties.rate[code] * (short * unit).sum(axis=1)
    need = np.minimum(alone, most) + beside + (sets * part.cost).sum(axis=1)
    worst = int(np.argmax(need))
    return float(need[worst]), sets[worst]


def _extra(priced: Priced, part: _Part) -> Floats:
    """[n] what a unit short costs beside: depeg, and the lowest feed of what may be held."""
    penalties: Penalties = priced.facts["penalties"]
    table = priced.pool.instruments
    code = int(table.expiry[part.columns[0]])
    named = (part.held != 0.0) | (part.sums(np.abs(part.size)) > 0.0)
    lowest = float(penalties.vol[part.columns[named]].min(initial=penalties.dated[code]))
    doubt = 1.0 - lowest if lowest < penalties.threshold[code] else 0.0
    rate: Floats = priced.columns["depeg"][part.columns]
    return np.asarray(rate + doubt * penalties.rate[code] * table.multiplier[part.columns])


def _maximum_loss(priced: Priced, part: _Part) -> tuple[float, Bools]:
    """The worst over settlement prices, with and without a charge for net short calls."""
    table = priced.pool.instruments
    strike, right = table.strike[part.columns], table.right[part.columns]
    unit = table.multiplier[part.columns]
    named = (part.held != 0.0) | (part.sums(np.abs(part.size)) > 0.0)
    prices = np.concatenate([[0.0], np.unique(strike[named])])[:, None]
    paid = unit * np.maximum(right * (prices - strike), 0.0)
    paid = np.concatenate([np.zeros((1, len(unit))), paid])  # first: no price loses
    unpaired = float(priced.facts["unpaired"][0][table.expiry[part.columns[0]]])
    calls = np.where(table.kind[part.columns] == Kind.OPTION, np.maximum(right, 0), 0) * unit
    best, chosen = 0.0, np.zeros(len(part.orders), np.bool_)
    for rate in (0.0, unpaired):
        slope = paid + rate * calls  # of the loss, on what is sold
        join = -slope[:, part.where] * part.size + part.cost
        loss = -(slope * part.held).sum(axis=1) + np.maximum(join, 0.0).sum(axis=1)
        k = int(np.argmax(loss))
        if loss[k] > best:
            best, chosen = float(loss[k]), join[k] > 0.0
    return best, chosen
