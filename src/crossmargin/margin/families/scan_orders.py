"""Open orders under the scan family: the worst fill of the scenarios, charges at their own.

With f the IM factor, c >= 0 what the fills cost against the mark and B the most that a charge can
be after any fills:

    need <= max( f x worst fill of (loss + c / f) + f x sum of B,  f x B of a floor + c )

The first term is exact where there are no charges. A hedge of spot depends on the delta after the
fills: its least and its largest use are both taken, the requirement being convex in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan_charges import Charge, worst_filled
from crossmargin.margin.families.scan_hedge import Hedge, balance_and_delta, hedged, used_of
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.fills import FillNeed, fill_need
from crossmargin.pricing.fold import fold_tables

__all__ = ["scan_need"]


def scan_need(priced: Priced, held: PoolBook, fills: Fills, im_factor: float) -> OrderNeed:
    """Initial requirement in dollars after the worst fills, before rounding."""
    hedge: Hedge = priced.facts["hedge"]
    given = fills
    fills = replace(given, gain=given.gain - _premium_haircut(priced, given))
    scan = _scan(priced, held, fills, im_factor, hedge)
    added = _sum(priced.facts["charges"], held, fills)
    need = im_factor * (scan.need + added)
    if priced.facts["floors"]:
        owner = row_of_position(fills.row)
        cost = by_row(owner, np.maximum(-fills.gain, 0.0), len(held.row) - 1)
        for floor in priced.facts["floors"]:
            need = np.maximum(need, im_factor * worst_filled(floor, held, fills) + cost)
    return OrderNeed(need, given, scan.filled, scan.scenario)


def _premium_haircut(priced: Priced, fills: Fills) -> Floats:
    """[M] dollars by which a premium received counts less than the option that was sold for it."""
    part = priced.pool.instruments
    lost = priced.facts["collateral"].loss_usd
    line = {i.underlying: k for k, i in enumerate(part.items) if i.kind == Kind.ASSET}
    rate = np.array([lost[line[i.settle]] if i.settle in line else 0.0 for i in part.items])
    return np.asarray(np.maximum(fills.cash, 0.0) * rate[fills.column])


def _sum(charges: Sequence[Charge], held: PoolBook, fills: Fills) -> Floats:
    out = np.zeros(len(held.row) - 1)
    for charge in charges:
        out = out + worst_filled(charge, held, fills)
    return out


def _scan(priced: Priced, held: PoolBook, fills: Fills, im_factor: float, hedge: Hedge) -> FillNeed:
    if not hedge.on:
        return _at(priced, held, fills, im_factor, np.zeros(len(held.row) - 1))
    low, high = _range_of_use(hedge, held, fills)
    first = _at(priced, held, fills, im_factor, low)
    if np.array_equal(low, high):
        return first
    second = _at(priced, held, fills, im_factor, high)
    take = second.need > first.need
    whole = take[row_of_position(fills.row)]
    return FillNeed(
        np.where(take, second.need, first.need),
        np.where(take, second.scenario, first.scenario).astype(np.int32),
        np.where(whole, second.filled, first.filled),
    )


def _range_of_use(hedge: Hedge, held: PoolBook, fills: Fills) -> tuple[Floats, Floats]:
    """[A] least and most coins in use while the delta lies in the reach of the fills."""
    coins, _ = balance_and_delta(hedge, held)
    alone = np.zeros(len(hedge.coin), np.int32)
    _, most, least = reach(held, fills, alone, hedge.delta)
    ends = used_of(coins, most[:, 0]), used_of(coins, least[:, 0])
    return np.minimum(*ends), np.maximum(*ends)


def _at(priced: Priced, held: PoolBook, fills: Fills, im_factor: float, used: Floats) -> FillNeed:
    """The worst fill over the scenarios with so many coins in use."""
    risk, scenarios = priced.risk, priced.scenarios
    assert risk is not None and scenarios is not None  # set by price()
    pnl: Floats = priced.facts["hedge_pnl"]
    book = hedged(priced.facts["hedge"], held, used)
    linear = np.full(len(pnl), -1, np.int32)
    nothing = np.zeros(0)
    fold = fold_tables(pnl.shape[1], linear, nothing, nothing, weight_s=scenarios.weight)
    return fill_need(
        *book,
        pnl,
        risk.count,
        fold,
        fills.row,
        fills.column,
        _moves(priced, fills),
        np.zeros(len(fills)),
        fills.gain / im_factor,
        trusted=True,
    )


def _moves(priced: Priced, fills: Fills) -> Floats:
    """[M, S8] P&L of whole orders; a premium may leave or reach a balance that is at risk.

    The worse of both: whether it is booked to that balance is not the model's to know.
    """
    risk = priced.risk
    assert risk is not None  # set by price()
    moves = fills.moves(risk.pnl)
    line = _purses(priced)
    if line is not None:
        purse = line[fills.column]
        paid = purse >= 0
        booked = fills.cash[paid, None] * risk.pnl[purse[paid]]
        moves[paid] += np.minimum(booked, 0.0)
    return moves


def _purses(priced: Priced) -> Ints | None:
    """[I] the line that pays a premium of each row, where balances carry P&L; None where none."""
    risk, part = priced.risk, priced.pool.instruments
    assert risk is not None  # set by price()
    moving: Bools = (priced.pool.cash == 1) & (risk.pnl != 0.0).any(axis=1)
    if not moving.any():
        return None
    rows = {part.items[k].underlying: k for k in np.flatnonzero(moving).tolist()}
    return np.array([rows.get(item.settle, -1) for item in part.items], np.int32)
