"""What a hedge must not change: P&L over a dense grid of one's own, and the Greeks.

The grid is spot moves of one per cent and volatilities down, same and up, coin by coin: wider and
finer than any venue's, so that a trade that is good in the venue's scenarios alone is seen.

    P&L of a unit, in dollars    pnl(move, vol) x usd            paid in dollars
                                 pnl(move, vol) x usd (1 + move) paid in the coin itself
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.scenarios.risk_array import price
from crossmargin.scenarios.sets import ScenarioSet, shocked_forwards

__all__ = [
    "DENSE_MOVES",
    "DENSE_VOLS",
    "GREEKS",
    "Grid",
    "UnitGreeks",
    "grid_of",
    "own_scenarios",
    "unit_greeks",
]

MOVES = tuple(k / 100.0 for k in range(-30, 31))
VOLS = (("down", 0.75), ("same", 1.0), ("up", 1.25))
# What an answer is looked at on: between the points on which it was made.
DENSE_MOVES = tuple(k / 400.0 for k in range(-120, 121))
DENSE_VOLS = tuple((f"x {1.0 + k / 16.0:g}", 1.0 + k / 16.0) for k in range(-4, 5))
GREEKS = (("delta", "coins"), ("gamma", "coins per USD"), ("vega", "USD per point"))


@dataclass(frozen=True, slots=True)
class Grid:
    """P&L in dollars of one unit of every row of a view, by coin and point of the grid.

    ``usd[I, K]``; ``coin[I]`` code of each row's underlying, names in ``coins``.
    """

    usd: Floats
    move: Floats
    labels: tuple[str, ...]
    coin: Floats
    coins: tuple[str, ...]

    def of(self, quantity: Floats) -> Floats:
        """[C, K] dollars of a book ``quantity[I]``, coin by coin."""
        out = np.zeros((len(self.coins), self.usd.shape[1]))
        for c in range(len(self.coins)):
            mine = self.coin == c
            out[c] = quantity[mine] @ self.usd[mine]
        return out


def own_scenarios(
    view: View, moves: Sequence[float] = MOVES, vols: Sequence[tuple[str, float]] = VOLS
) -> ScenarioSet:
    """Every move with every volatility, of all forwards alike."""
    part = view.instruments
    cells = [(move, name, factor) for move in moves for name, factor in vols]
    move = np.array([cell[0] for cell in cells])
    shape = (len(part.expiries), len(cells))
    root = np.sqrt(view.life_ms / YEAR_MS)
    factor = np.array([cell[2] for cell in cells])
    spot = np.broadcast_to(1.0 + move, (len(part.pairs), len(cells)))
    forward = np.broadcast_to(1.0 + move, shape)
    return ScenarioSet(
        label=tuple(f"{100.0 * m:+.4g} %, vol {name}" for m, name, _ in cells),
        move=frozen(move, np.float64),
        vol_label=tuple(cell[1] for cell in cells),
        spot=frozen(spot, np.float64),
        forward=shocked_forwards(view.forward, view.forward_settled, forward),
        vol_factor=frozen(root[:, None] * factor, np.float64),
        vol_shift=frozen(np.zeros(shape), np.float64),
        vol_floor=frozen(np.zeros(shape), np.float64),
        discount=frozen(np.ones(shape[0]), np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen(np.ones(len(cells)), np.float64),
        reflect=frozen(np.zeros(len(cells)), np.bool_),
    )


def grid_of(
    view: View, moves: Sequence[float] = MOVES, vols: Sequence[tuple[str, float]] = VOLS
) -> Grid:
    """The grid of every derivative of a view; rows that cannot be priced are zeros."""
    part, scenarios = view.instruments, own_scenarios(view, moves, vols)
    pnl = price(part, view, scenarios, view.mark).scenario_pnl()
    usd = view.usd[part.settle][:, None]
    in_coin = np.array([item.settle == item.underlying for item in part.items], np.bool_)
    grown = np.where(in_coin[:, None], 1.0 + scenarios.move, 1.0)
    live = (part.kind != Kind.ASSET) & view.ok
    names = tuple(dict.fromkeys(i.underlying for i in part.items if i.kind != Kind.ASSET))
    place = {name: float(k) for k, name in enumerate(names)}
    coin = np.array([place.get(i.underlying, -1.0) for i in part.items])
    dollars = np.where(live[:, None], pnl * usd * grown, 0.0)
    return Grid(dollars, scenarios.move, scenarios.label, np.where(live, coin, -1.0), names)


@dataclass(frozen=True, slots=True)
class UnitGreeks:
    """[I, 3] delta (coins), gamma (coins a dollar), vega (dollars a point) of one unit."""

    columns: Floats


def unit_greeks(view: View) -> UnitGreeks:
    """Black-76 at the view's forwards; an inverse future counts its dollars over the mark."""
    part = view.instruments
    out = np.zeros((len(part), 3))
    future = (part.kind == Kind.PERPETUAL) | (part.kind == Kind.FUTURE)
    out[future, 0] = coin_size(part, view)[future]
    rows = np.flatnonzero((part.kind == Kind.OPTION) & view.ok)
    if len(rows):
        expiry, dollars = part.expiry[rows], view.usd[part.quote[rows]]
        unit = greeks(
            (view.forward + view.forward_settled)[expiry],
            part.strike[rows],
            (view.life_ms / YEAR_MS)[expiry],
            view.vol[rows],
            part.right[rows].astype(np.float64),
        )
        size = part.multiplier[rows]
        out[rows, 0] = unit.delta * size
        out[rows, 1] = unit.gamma * size / dollars
        out[rows, 2] = unit.vega * size * dollars / 100.0
    return UnitGreeks(out)
