"""Spot in a risk unit: what a coin balance does to the scenarios of its own derivatives.

    cash         nothing: it is money
    position     all of it moves with the spot
    hedge        as much as offsets the net delta D of the derivatives:
                 used = sign(q) min(|q|, |D|) where q and D have opposite signs, else 0
    hedge_gains  the same, counted only in the scenarios in which it gains

The used coins are one more position of the account, on a row beside the risk array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.margin.families.scan_table import Market
from crossmargin.margin.model import PoolBook
from crossmargin.pricing.revalue import padded
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["Hedge", "Rows", "balance_and_delta", "hedged", "used_coins", "used_of"]


class Rows(NamedTuple):
    """Positions of a block as CSR, the used coins among them."""

    row: Longs
    column: Ints
    quantity: Floats


@dataclass(frozen=True, slots=True)
class Hedge:
    """How the coin of a pool counts. ``leg[S8]`` is the P&L of one coin in dollars."""

    on: bool
    gains_only: bool
    leg: Floats
    coin: Floats  # [I] 1 at the coin's balance line
    delta: Floats  # [I] coins of delta of the derivatives

    @staticmethod
    def of(mode: str, coin: Bools, market: Market, scenarios: ScenarioSet) -> Hedge:
        """The hedge of a pool under ``form.coins``."""
        factor = scenarios.spot[:1] if len(scenarios.spot) else 1.0 + scenarios.move[None, :]
        price = float(market.index_usd[np.argmax(coin)]) if coin.any() else 0.0
        leg = price * (padded(np.ascontiguousarray(factor))[0] - 1.0)
        on = mode.startswith("hedge") and bool(coin.any())
        return Hedge(on, mode == "hedge_gains", leg, coin.astype(np.float64), market.delta)

    def rows(self, coin: Bools) -> Floats:
        """[I, S8] the leg on the coin's own line."""
        return np.where(coin[:, None], self.leg, 0.0)

    def beside(self, pnl: Floats) -> Floats:
        """``pnl`` with two more rows: of used coins held, and of used coins owed."""
        if not self.on:
            return pnl
        held, owed = self.leg, self.leg
        if self.gains_only:
            held, owed = np.maximum(self.leg, 0.0), np.minimum(self.leg, 0.0)
        return frozen(np.vstack([pnl, held[None, :], owed[None, :]]), np.float64)


def used_of(coins: Floats, delta: Floats) -> Floats:
    """Coins in use: ``sign(q) min(|q|, |D|)`` where balance and delta have opposite signs."""
    used = np.sign(coins) * np.minimum(np.abs(coins), np.abs(delta))
    return np.where(coins * delta < 0.0, used, 0.0) + 0.0


def used_coins(hedge: Hedge, held: PoolBook) -> Floats:
    """[A] coins in use on the books as they stand."""
    if not hedge.on:
        return np.zeros(len(held.row) - 1)
    coins, delta = balance_and_delta(hedge, held)
    return used_of(coins, delta)


def balance_and_delta(hedge: Hedge, held: PoolBook) -> tuple[Floats, Floats]:
    """[A] coins held, and net delta of the derivatives."""
    table = np.stack([hedge.coin, hedge.delta], axis=1)
    net = row_sums(held.row, held.column, held.quantity, table, trusted=True).net
    return net[:, 0], net[:, 1]


def hedged(hedge: Hedge, held: PoolBook, used: Floats) -> Rows:
    """The positions of a block with the used coins at the end of each account."""
    if not hedge.on or not used.any():
        return Rows(held.row, held.column, held.quantity)
    lines = len(hedge.coin)
    some = used != 0.0
    place = held.row[1:][some]
    virtual = np.where(used > 0.0, lines, lines + 1)[some]
    row = held.row + np.concatenate([[0], np.cumsum(some)])
    return Rows(
        frozen(row, np.int64),
        frozen(np.insert(held.column, place, virtual), np.int32),
        frozen(np.insert(held.quantity, place, used[some]), np.float64),
    )
