"""Margin by tiers of size: a position is charged by its own notional, and nothing nets.

    MM = N r_k - d_k,  IM = N / min(L, L_k)      k the last tier with lower_k <= N

N is the notional, r_k the maintenance share of the tier, d_k its deduction and L_k its largest
leverage; L is the leverage that the holder chose, where he chose one. With

    d_0 = 0,  d_k = d_(k-1) + lower_k (r_k - r_(k-1))

MM is continuous in N and convex where the shares rise. IM steps up where a tier begins, so that the
worst fill of open orders is taken at the largest size that they can make, which is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Fills, OrderNeed, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.market.view import View

__all__ = [
    "BRACKET",
    "Tier",
    "TierTable",
    "brackets",
    "chosen_leverage",
    "deductions",
    "open_size_need",
    "require_tables",
    "unit_notional",
]

# A row of a venue's own bracket table, as a parameter holds it; notional in settlement currency.
BRACKET = (
    Column("lower", 0.0, 1e18),
    Column("cap", 0.0, 1e19),  # the venue writes "no cap" as the largest 64-bit integer
    Column("mm_rate", 0.0, 1.0),
    Column("max_leverage", 1.0, 1000.0),
    Column("deduction", 0.0, 1e18),
)


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier: from which notional on, maintenance share, deduction, largest leverage."""

    lower: float
    mm_rate: float
    deduction: float
    max_leverage: float
    cap: float = float("inf")


@dataclass(frozen=True, slots=True)
class TierTable:
    """[I, T] tiers of each contract in rising order; places beyond its last tier begin nowhere."""

    lower: Floats
    mm_rate: Floats
    deduction: Floats
    max_leverage: Floats
    cap: Floats  # [I] notional above which the table says nothing

    @staticmethod
    def of(tiers: Sequence[Sequence[Tier]]) -> TierTable:
        """From the tiers of each row; a row without any charges nothing."""
        width = max((len(one) for one in tiers), default=0) or 1
        shape = len(tiers), width
        lower, leverage = np.full(shape, np.inf), np.ones(shape)
        rate, deduction = np.zeros(shape), np.zeros(shape)
        cap = np.full(len(tiers), np.inf)
        for i, one in enumerate(tiers):
            for k, tier in enumerate(one):
                lower[i, k], leverage[i, k] = tier.lower, tier.max_leverage
                rate[i, k], deduction[i, k] = tier.mm_rate, tier.deduction
            if one:
                cap[i] = one[-1].cap
        return TierTable(
            frozen(lower, np.float64),
            frozen(rate, np.float64),
            frozen(deduction, np.float64),
            frozen(leverage, np.float64),
            frozen(cap, np.float64),
        )

    def tier(self, column: Ints, notional: Floats) -> Ints:
        """[N] the tier of each position: the last that begins at or below its notional."""
        begun = (self.lower[column] <= notional[:, None]).sum(axis=1)
        return np.asarray(np.maximum(begun - 1, 0), np.int32)

    def maintenance(self, column: Ints, notional: Floats) -> Floats:
        """[N] maintenance charge, never negative."""
        k = self.tier(column, notional)
        charge = notional * self.mm_rate[column, k] - self.deduction[column, k]
        return np.maximum(charge, 0.0)

    def initial(self, column: Ints, notional: Floats, leverage: Floats) -> Floats:
        """[N] initial charge; ``leverage[N]`` is the holder's, 0 where he chose none."""
        most = self.max_leverage[column, self.tier(column, notional)]
        used = np.where(leverage > 0.0, np.minimum(leverage, most), most)
        return notional / used

    def beyond(self, column: Ints, notional: Floats) -> Bools:
        """[N] True above the cap of the last tier."""
        return np.asarray(notional > self.cap[column])


def deductions(lower: Sequence[float], mm_rate: Sequence[float]) -> list[float]:
    """d_k that make the maintenance charge continuous at every ``lower``."""
    out = [0.0]
    for (_, before), (start, rate) in pairwise(zip(lower, mm_rate, strict=True)):
        out.append(out[-1] + start * (rate - before))
    return out


def brackets(parameters: Parameters, name: str) -> list[Tier]:
    """The tiers of a bracket table of the parameters, in rising order.

    Raises ModelError ``parameter_missing`` without it, ``parameter_out_of_bounds`` for a bad row.
    """
    rows = sorted(parameters.rows(name, BRACKET), key=lambda row: float(row[0]))
    return [
        Tier(float(lower), float(rate), float(deduction), float(leverage), float(cap))
        for lower, cap, rate, leverage, deduction in rows
    ]


def require_tables(parameters: Parameters, names: Sequence[str], remedy: str) -> None:
    """ModelError ``parameter_missing`` naming the first table that the set lacks."""
    for name in names:
        if name not in parameters:
            raise ModelError(
                "parameter_missing",
                "the venue's table of tiers is not in the set",
                place=f"{parameters.model} {parameters.label}",
                value=name,
                limit=", ".join(parameters.tables(name.split(".")[0])) or "none",
                remedy=remedy,
            )


def unit_notional(part: Instruments, view: View) -> Floats:
    """[I] notional of one unit of a future or perpetual at its mark, in settlement currency.

    Linear ``m mark``; inverse ``m / mark``, in coin. 0 of other rows.
    """
    future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)
    turned = part.inverse & (view.mark > 0.0)
    per_unit = np.where(turned, 1.0 / np.where(turned, view.mark, 1.0), view.mark)
    return np.where(future, part.multiplier * per_unit, 0.0)


def chosen_leverage(held: PoolBook, owner: Ints | None = None) -> Floats:
    """[N] the leverage that each position's holder chose (choice ``leverage``); 0 where none.

    ``owner`` are rows of the block, one a position; without it those of the book's positions.
    """
    rows = row_of_position(held.row) if owner is None else owner
    chosen = held.book.choices.get("leverage")
    return np.zeros(len(rows)) if chosen is None else np.asarray(chosen)[rows]


@dataclass(frozen=True, slots=True)
class _Reach:
    """Each account and instrument with orders: the position, and its ends if one side fills."""

    owner: Ints
    column: Ints
    now: Floats
    high: Floats
    low: Floats
    order: Ints  # [M] row of each order


def _reach(held: PoolBook, fills: Fills) -> _Reach:
    resting = row_of_position(fills.row)
    width = int(max(fills.column.max(initial=0), held.column.max(initial=0))) + 1
    key, order = np.unique(resting * width + fills.column, return_inverse=True)
    owned = row_of_position(held.row) * width + held.column
    now = np.zeros(len(key))
    place = np.searchsorted(key, owned)
    inside = place < len(key)
    hit = np.flatnonzero(inside)[key[place[inside]] == owned[inside]]
    now[place[hit]] = held.quantity[hit]
    buys = by_row(order, np.maximum(fills.size, 0.0), len(key))
    sells = by_row(order, np.maximum(-fills.size, 0.0), len(key))
    return _Reach(
        (key // width).astype(np.int32),
        (key % width).astype(np.int32),
        now,
        now + buys,
        now - sells,
        order.astype(np.int32),
    )


def open_size_need(
    base: Floats, held: PoolBook, fills: Fills, charge: Callable[[Ints, Ints, Floats], Floats]
) -> OrderNeed:
    """The requirement with each instrument at its larger open size, and every open loss.

    ``max(C(position + buys), C(position - sells))`` in place of ``C(position)``, plus what each
    order loses against the mark. ``charge(owner, column, quantity)`` is C, in the pool's currency
    and rising with size on either side; ``base[A]`` is the requirement without orders. An upper
    bound of the worst fill: the losses of both sides are counted.
    """
    ends, accounts = _reach(held, fills), len(held.row) - 1
    high = charge(ends.owner, ends.column, ends.high)
    low = charge(ends.owner, ends.column, ends.low)
    more = np.maximum(high, low) - charge(ends.owner, ends.column, ends.now)
    added = by_row(ends.owner, np.maximum(more, 0.0), accounts)
    loss = by_row(row_of_position(fills.row), np.maximum(-fills.gain, 0.0), accounts)
    filled = (high >= low)[ends.order] == (fills.size > 0.0)
    return OrderNeed(base + added + loss, fills, filled, np.full(accounts, -1, np.int32))
