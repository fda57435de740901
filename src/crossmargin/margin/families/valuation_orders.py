"""The worst fills of open orders over valuation points, group by group.

The fold ``f(x, o) = min(x, o x)`` is the lesser of two straight lines, so a nested sum of it is the
least over slopes: s in {1, o} of every class, S in {1, O} of every product. Under given slopes an
order fills where it loses, its cost against the mark included. The least P&L of a portfolio group,

    sum over g of min over S of sum over c of min over s of
        (S s P_c[k] + sum over m of min(0, S s move_m[k] + gain_m)),

is exact for each point k. The least charge grows by what fills can add to the gross size, and its
fills may be others than those of the loss: an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.margin.families.valuation_points import Groups, class_vectors

__all__ = ["WorstFills", "worst_fills"]


@dataclass(frozen=True, slots=True)
class WorstFills:
    """The worst fills of A accounts in P portfolio groups, and which of M orders they are."""

    need: Floats  # [A, P] largest loss with its fills, their cost included; at least 0
    cost: Floats  # [A, P] what all orders that lose against the mark cost
    point: Ints  # [A, P] -1 where those costs are the most
    filled: Bools  # [M] what fills where its group binds


@dataclass(frozen=True, slots=True)
class _Orders:
    """[M] orders with their places: of account x class, and of account x portfolio group."""

    code: Longs
    place: Longs
    group: Longs
    moves: Floats  # [M, S]
    gain: Floats


@dataclass(frozen=True, slots=True)
class _Branch:
    """One slope a product: the least P&L of each product, and whether a class took its offset."""

    slope: Floats  # [C] of the product of each class
    least: Floats  # [A * G, S]
    offset: Bools  # [A * C, S]


def worst_fills(
    held: tuple[Longs, Ints, Floats],
    pnl: Floats,
    points: int,
    groups: Groups,
    order_row: Longs,
    order_column: Ints,
    moves: Floats,
    gain: Floats,
) -> WorstFills:
    """Worst fills of each account. ``held``: CSR start, column, quantity; ``moves[M, >=points]``.

    ``moves`` is the P&L of whole orders once filled, ``gain[M]`` theirs against the mark.
    """
    row, column, quantity = held
    accounts, classes = len(row) - 1, groups.product.size
    count = groups.product_offset.size
    owner = np.repeat(np.arange(accounts), np.diff(order_row))
    code = groups.of_row[order_column].astype(np.int64)
    of_group = owner * count + groups.portfolio[groups.product[code]]
    orders = _Orders(code, owner * classes + code, of_group, moves[:, :points], gain)
    now = class_vectors(row, column, quantity, pnl, groups)
    base = np.zeros((accounts * classes, points))
    base[now.account * classes + now.code] = now.pnl[:, :points]
    outer = groups.product_offset[groups.portfolio[groups.product]]
    full = _branch(base, groups, orders, np.ones(classes), accounts)
    part = _branch(base, groups, orders, outer, accounts)
    total = np.zeros((accounts * count, points))
    group = np.arange(accounts)[:, None] * count + groups.portfolio[None, :]
    np.add.at(total, group.ravel(), np.minimum(full.least, part.least))
    loss, point = -total.min(axis=1), np.argmin(total, axis=1)
    cost = np.bincount(of_group, weights=np.maximum(-gain, 0.0), minlength=accounts * count)
    still = (cost >= loss) & (cost > 0.0)
    taken = _taken(orders, groups, (full, part), point[of_group], owner)
    shape = (accounts, count)
    return WorstFills(
        np.maximum(np.maximum(loss, cost), 0.0).reshape(shape),
        np.asarray(cost, np.float64).reshape(shape),
        np.where(still, -1, point).astype(np.int32).reshape(shape),
        np.where(still[of_group], gain < 0.0, taken),
    )


def _branch(base: Floats, groups: Groups, orders: _Orders, slope: Floats, accounts: int) -> _Branch:
    """The least of the classes under one slope of their products."""
    sides = []
    for inner in (np.ones(len(slope)), groups.class_offset[groups.product]):
        unit = slope * inner
        side = np.tile(unit, accounts)[:, None] * base
        move = unit[orders.code][:, None] * orders.moves + orders.gain[:, None]
        np.add.at(side, orders.place, np.minimum(move, 0.0))
        sides.append(side)
    products = groups.class_offset.size
    least = np.zeros((accounts * products, base.shape[1]))
    place = np.arange(accounts)[:, None] * products + groups.product[None, :]
    np.add.at(least, place.ravel(), np.minimum(*sides))
    return _Branch(slope, least, sides[1] < sides[0])


def _taken(
    orders: _Orders,
    groups: Groups,
    branches: tuple[_Branch, _Branch],
    point: npt.NDArray[np.int64],
    owner: Longs,
) -> Bools:
    """[M] orders that lose at the binding point under the slopes that bind there."""
    full, part = branches
    product = owner * groups.class_offset.size + groups.product[orders.code]
    second = part.least[product, point] < full.least[product, point]
    inner = np.where(second, part.offset[orders.place, point], full.offset[orders.place, point])
    unit = np.where(second, part.slope[orders.code], full.slope[orders.code])
    unit = unit * np.where(inner, groups.class_offset[groups.product[orders.code]], 1.0)
    move = orders.moves[np.arange(len(point)), point]
    return np.asarray(unit * move + orders.gain < 0.0)
