"""Open orders as possible fills of a pool: sizes, day-one gains, and the range they can reach."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.pools import row_of_position
from crossmargin.pricing.sums import sums

__all__ = ["Growth", "dense", "fills_of", "growth", "order_margin", "reach"]


def fills_of(
    priced: Priced, held: PoolBook, to_pool: Floats, *, mmp: bool, value_counts: bool = True
) -> Fills | None:
    """The orders of a block that lie in the pool; None where there are none.

    ``to_pool[I]`` converts settlement currency to the pool's. Orders under maker protection are
    left out unless ``mmp`` (a venue may hold for them by a rule of its own). A reduce-only order is
    cut to the position that it reduces. Gain: ``size m (mark - limit)``; an inverse future's
    ``size m (1/limit - 1/mark)``; an option's is the premium alone, ``-size m limit``, where its
    value backs nothing (``value_counts`` False): a bid takes its price out of what counts.
    """
    orders = held.book.orders
    if len(orders.column) == 0:
        return None
    part, view = priced.pool.instruments, priced.view
    place = np.full(len(held.book.instruments), -1, np.int32)
    place[priced.pool.columns] = np.arange(len(part), dtype=np.int32)
    column = place[orders.column]
    size = orders.bid - orders.ask
    owner = np.repeat(np.arange(len(orders.row) - 1), np.diff(orders.row))
    counted = (column >= 0) & (mmp | ~orders.mmp)
    reduce_only = orders.reduce_only & counted
    size = _reduced(held, reduce_only, owner, column, size, orders.limit_price)
    kept = np.flatnonzero(counted & (size != 0.0))
    if not len(kept):
        return None
    kept = kept[np.lexsort((kept, column[kept], owner[kept]))]
    column, size, limit = column[kept], size[kept], orders.limit_price[kept]
    turned = part.inverse[column] & (part.kind[column] != Kind.OPTION)
    mark = view.mark[column]
    worth = np.where(value_counts | (part.kind[column] != Kind.OPTION), mark, 0.0)
    linear = worth - limit
    inverse = 1.0 / limit - 1.0 / np.where(turned, mark, 1.0)
    gain = size * part.multiplier[column] * np.where(turned, inverse, linear) * to_pool[column]
    premium = np.where(part.kind[column] == Kind.OPTION, part.multiplier[column] * limit, 0.0)
    counts = np.bincount(owner[kept], minlength=len(held.row) - 1)
    return Fills(
        frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64),
        frozen(column, np.int32),
        frozen(size, np.float64),
        frozen(gain, np.float64),
        frozen(-size * premium, np.float64),
        frozen(kept, np.int32),
    )


def _reduced(
    held: PoolBook,
    reduce_only: np.ndarray,
    owner: np.ndarray,
    column: Ints,
    size: Floats,
    limit: Floats,
) -> Floats:
    """Sizes with reduce-only orders cut to the opposite position, nothing where there is none.

    Several against one position share it, the price nearest to the market first, as they would
    fill: together they never take more than it holds, and never at a better price than that.
    """
    if not reduce_only.any():
        return size
    out = size.copy()
    taken: dict[tuple[int, int], float] = {}
    which = np.flatnonzero(reduce_only)
    nearest = np.argsort(-limit[which] * np.sign(size[which]), kind="stable")
    for m in which[nearest].tolist():
        a = int(owner[m])
        span = slice(int(held.row[a]), int(held.row[a + 1]))
        at = np.flatnonzero(held.column[span] == column[m])
        position = float(held.quantity[span][at[0]]) if len(at) else 0.0
        place = (a, int(column[m]))
        room = max(-position * float(np.sign(size[m])) - taken.get(place, 0.0), 0.0)
        fill = min(abs(float(size[m])), room)
        taken[place] = taken.get(place, 0.0) + fill
        out[m] = np.sign(size[m]) * fill
    return out


def dense(rows: Ints, runs: Ints, values: Floats, accounts: int, groups: int) -> Floats:
    """[A, G] sums by account and group of sparse values."""
    out = np.zeros((accounts, max(groups, 1)))
    np.add.at(out, (rows, runs), values)
    return out


def reach(held: PoolBook, fills: Fills, run: Ints, column: Floats) -> tuple[Floats, Floats, Floats]:
    """[A, G] net of a column by run: as held, and the most and the least that fills can make it."""
    accounts, groups = len(held.row) - 1, int(run.max(initial=-1)) + 1
    table = column[:, None]
    now = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    more = sums(fills.row, fills.column, fills.size, run, table, trusted=True)
    base = dense(now.row, now.run, now.net[:, 0], accounts, groups)
    high = base + dense(more.row, more.run, more.long[:, 0], accounts, groups)
    low = base + dense(more.row, more.run, more.short[:, 0], accounts, groups)
    return base, high, low


class Growth(NamedTuple):
    """One entry a contract in which an account has orders: how much larger a position they make."""

    account: Ints
    column: Ints
    size: Floats  # most of |q|, |q + all buys|, |q - all sells|, less |q|: not negative


def growth(held: PoolBook, fills: Fills) -> Growth:
    """What fills can add to the gross size of each contract: buys and sells never add up.

    A charge ``sum rate_i |q_i|`` with rates that are not negative grows by at most
    ``sum rate_i size_i``, and by exactly that where each contract fills its worse side.
    """
    count = np.int64(len(held.book.instruments) + 1)
    key = row_of_position(fills.row) * count + fills.column
    first = np.flatnonzero(np.diff(key, prepend=-1))  # orders of one contract stand together
    buys = np.add.reduceat(np.maximum(fills.size, 0.0), first)
    sells = np.add.reduceat(np.maximum(-fills.size, 0.0), first)
    mine = row_of_position(held.row) * count + held.column
    at = np.searchsorted(mine, key[first])
    there = at < len(mine)
    there[there] = mine[at[there]] == key[first][there]
    now = np.zeros(len(first))
    now[there] = held.quantity[at[there]]
    most = np.maximum(np.abs(now + buys), np.abs(now - sells))
    size = np.maximum(most - np.abs(now), 0.0)
    account = key[first] // count
    return Growth(account.astype(np.int32), fills.column[first], size)


def order_margin(need: OrderNeed | None, base: Floats) -> Floats:
    """[A] what the orders add to the requirement without them; never negative.

    Exactly 0 for an account without orders: ``need`` is summed in another order than ``base``, and
    no bit of an account may depend on what its neighbours have resting.
    """
    if need is None:
        return np.zeros(len(base))
    return np.where(np.diff(need.fills.row) > 0, np.maximum(need.need - base, 0.0), 0.0)
