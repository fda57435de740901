"""A spot leg that each account sizes for itself: as much of its coin as hedges its derivatives.

    used      = clip(-net delta, 0, coin held)
    P&L[s]    = derivatives[s] + used * leg[s]

The leg is part of the P&L before the worst is taken. With open orders both delta and coin move.
In one scenario the P&L after the fills F is ``L(F) + used(F) g``. With M0 the least of ``L(F)`` and
M1 the least of ``L(F) - delta(F) g``, both exact order by order, it is never below

    g < 0    max(M0 + most coin * g, min(M0, M1))
    g >= 0   min(M0 + least coin * g, max(M0, M1))
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.margin.model import Fills
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.pricing.netting import NONE, Worst, empty_worst, pick_kernel
from crossmargin.pricing.rows import TIE

__all__ = ["OverlayNeed", "overlay_need", "spot_used", "worst_of"]


class OverlayNeed(NamedTuple):
    """As ``pricing.fills.FillNeed``: need, its scenario (-1: the costs alone), what fills there."""

    need: Floats
    scenario: Ints
    filled: Bools


def spot_used(delta: Floats, coins: Floats) -> Floats:
    """[A] coins of spot that hedge a net delta of the derivatives; never more than is held."""
    return np.minimum(np.maximum(-delta, 0.0), np.maximum(coins, 0.0))


def worst_of(row: np.ndarray, vector: Floats, count: int) -> Worst:
    """The two worst of the first ``count`` cells of ``vector[A, S8]``; see `netting.worst`.

    ``vector`` must be contiguous and is left as it is.
    """
    result = empty_worst(len(vector))
    scratch = vector.copy()
    pick_kernel.run(row, scratch.ravel(), vector.shape[1], count, NONE, NONE, *result)
    return result


def overlay_need(
    base: Floats,
    leg: Floats,
    delta: Floats,
    coins: tuple[Floats, Floats],
    fills: Fills,
    moves: Floats,
    fill_delta: Floats,
    gain: Floats,
) -> OverlayNeed:
    """Need of the scenarios after the worst fill, an upper bound; see the module.

    ``base[A, S]`` P&L of the derivatives held and ``leg[S]`` of one coin of spot, both weighted;
    ``delta[A]`` coins; ``coins`` least and most spot that fills can leave; ``moves[M, S]`` weighted
    P&L of each order, ``fill_delta[M]`` its delta, ``gain[M]`` what the fill gains.
    """
    owner = row_of_position(fills.row)
    plain = base + _least(moves + gain[:, None], fills.row)
    hedged_moves = moves - fill_delta[:, None] * leg[None, :] + gain[:, None]
    hedged = base - delta[:, None] * leg[None, :] + _least(hedged_moves, fills.row)
    low, high = (np.maximum(each, 0.0)[:, None] * leg[None, :] for each in coins)
    falls = (leg < 0.0)[None, :]
    full = plain + np.where(falls, high, low)
    near = np.where(falls, np.minimum(plain, hedged), np.maximum(plain, hedged))
    value = np.where(falls, np.maximum(full, near), np.minimum(full, near))
    worst = -value.min(axis=1, initial=0.0)
    still = by_row(owner, np.maximum(-gain, 0.0), len(base))
    edge = -worst + TIE * worst
    first = np.argmax(value <= edge[:, None], axis=1)
    scenario = np.where((still >= worst) & (still > 0.0), -1, first).astype(np.int32)
    s = scenario[owner]
    cell = (owner, np.maximum(s, 0))
    by_hedge = value[cell] == hedged[cell]
    one = np.arange(len(gain))
    change = np.where(by_hedge, hedged_moves[one, cell[1]], moves[one, cell[1]] + gain)
    filled = np.where(s < 0, gain < 0.0, change < 0.0)
    return OverlayNeed(np.maximum(worst, still), scenario, filled)


def _least(values: Floats, row: np.ndarray) -> Floats:
    """[A, S] sums over each account's orders of what lowers its P&L, added in order."""
    out = np.zeros((len(row) - 1, values.shape[1]))
    owner = row_of_position(row)
    np.add.at(out, owner, np.minimum(values, 0.0))
    return out
