"""Candidate trades by the margin that each saves for its cost: thousands in one call of the model.

    saved = IM before - IM after, all of it recomputed          cost = fee - gain against the mark
    freed = saved - what the trade takes out of what counts, beside its cost

Every candidate is one variant of the account in a population, margined in full with its open
orders: the saving is the exact difference and no derivative. Fills are at the executable side. The
cost of the first is then that of the one cost object, with what the size walks and moves: spread
and fee are no more than it, so that a candidate that stands behind with them stands behind.
Where option value does not count against IM a bought option saves margin and locks its price up:
what it frees is what the ranking goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError, InputError, ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.view import View

__all__ = [
    "RankedTrades",
    "costed",
    "largest_that_fits",
    "life_days",
    "ranked_trades",
    "standard_candidates",
]

FREE_USD = 0.01  # a cost below a cent is none: what saves for nothing stands first


@dataclass(frozen=True, slots=True)
class RankedTrades:
    """[C] candidates, best first; ``order`` are their numbers as they came. Dollars.

    ``per_cost``: dollars freed for one of cost; infinite where a trade that frees costs nothing, 0
    where it frees nothing. ``whole``: the cost is that of the cost object, else
    spread and fee alone.
    """

    order: Ints
    saved_im_usd: Floats
    freed_usd: Floats
    saved_mm_usd: Floats
    cost_usd: Floats
    per_cost: Floats
    passes: Bools
    im_usd: Floats
    room_im_usd: Floats
    whole: Bools


def ranked_trades(
    prepared: Prepared,
    candidates: Sequence[Sequence[Leg]],
    progress: Callable[[int, int], None] | None = None,
) -> RankedTrades:
    """Candidates that the venue takes before the others, each by margin saved for its cost.

    Ties by what is saved, then as they came.
    """
    found = prepared.rank(candidates, (), progress)
    saved, cost = -found.marginal_im_usd, found.fees_usd - found.day_one_usd
    noise = 1e-9 * max(abs(prepared.before.equity_usd), prepared.before.im_usd, 1.0)
    freed = saved - np.where(np.abs(found.uncounted_usd) <= noise, 0.0, found.uncounted_usd)
    per = _per_cost(freed, cost, prepared.before.im_usd)
    order = np.lexsort((found.order, -freed, -per, ~found.passes))
    return RankedTrades(
        frozen(found.order[order], np.int32),
        saved[order],
        freed[order],
        -found.marginal_mm_usd[order],
        cost[order],
        per[order],
        found.passes[order],
        found.im_usd[order],
        found.room_im_usd[order],
        frozen(np.zeros(len(order)), np.bool_),
    )


def _per_cost(freed: Floats, cost: Floats, before_usd: float) -> Floats:
    helps = freed > 1e-9 * max(before_usd, 1.0)
    per = np.where(helps, freed / np.where(cost > FREE_USD, cost, 1.0), 0.0)
    return np.where(helps & (cost <= FREE_USD), np.inf, per)


def costed(
    found: RankedTrades, cost_of: Callable[[int], float], first: int, before_usd: float
) -> RankedTrades:
    """The ranking whose ``first`` are right by ``cost_of(candidate)``, dollars of the cost object.

    Best first: a candidate takes its place when its whole cost is known and nothing that is ahead
    of it is left. The rest follow as they stand, with what is known of their cost.
    """
    cost, per = np.array(found.cost_usd), np.array(found.per_cost)
    whole = np.zeros(len(per), np.bool_)

    def key(k: int) -> tuple[bool, float, float, int, int]:
        number = int(found.order[k])
        return not found.passes[k], -float(per[k]), -float(found.freed_usd[k]), number, k

    heap = [key(k) for k in range(len(per))]
    heapify(heap)
    order: list[int] = []
    while heap and len(order) < first:
        k = heappop(heap)[-1]
        if whole[k]:
            order.append(k)
            continue
        whole[k], cost[k] = True, cost_of(int(found.order[k]))
        per[k] = _per_cost(found.freed_usd[k : k + 1], cost[k : k + 1], before_usd)[0]
        heappush(heap, key(k))
    order.sort(key=key)  # where the plain cost was no bound a later one may be cheaper
    now = np.array([*order, *(each[-1] for each in sorted(heap))], np.int64)
    return RankedTrades(
        frozen(found.order[now], np.int32),
        found.saved_im_usd[now],
        found.freed_usd[now],
        found.saved_mm_usd[now],
        cost[now],
        per[now],
        found.passes[now],
        found.im_usd[now],
        found.room_im_usd[now],
        frozen(whole[now], np.bool_),
    )


def life_days(table: Instruments, as_of_ms: int) -> Floats:
    """[I] days until each row of a table expires; infinite where it does not."""
    left = (table.expiry_ms - as_of_ms) / DAY_MS
    return np.asarray(np.where(table.expiry >= 0, left, np.inf))


def standard_candidates(
    prepared: Prepared, view: View, share: float, least_days: float = 0.0
) -> list[tuple[str, list[Leg]]]:
    """Every contract of the prepared table at one size, both sides where they are quoted.

    ``view`` is of that table. The size is ``share`` of the coins of the book's largest position in
    the underlying, in whole lots, one at least. What expires before ``least_days`` is only sold
    where the book holds it, and bought where it is short of it: the margin that a contract saves is
    back when it is gone.
    """
    life = life_days(view.instruments, view.as_of_ms)
    part = view.instruments
    coins = coin_size(part, view)
    most: dict[str, float] = {}
    rows = [prepared.desk.row_of(k) for k in range(len(part))]
    for k, item in enumerate(part.items):
        if item.kind != Kind.ASSET and rows[k] >= 0:
            held = prepared.ground.position(rows[k]) / prepared.desk.factor_of(k)
            size = abs(held) * float(coins[k])
            most[item.underlying] = max(most.get(item.underlying, 0.0), size)
    out = []
    for k, item in enumerate(part.items):
        target = share * most.get(item.underlying, 0.0)
        known = item.kind != Kind.ASSET and view.ok[k] and rows[k] >= 0 and coins[k] > 0.0
        if not known or target <= 0.0:
            continue
        size = _in_lots(prepared, k, target / float(coins[k]))
        for sign, there in ((1.0, view.has_ask[k]), (-1.0, view.has_bid[k])):
            if there and (life[k] >= least_days or sign * prepared.ground.position(rows[k]) < 0.0):
                name = f"{'buy' if sign > 0.0 else 'sell'} {size:g} {item.native_id}"
                out.append((name, [Leg(k, sign * size)]))
    if not out:
        raise InputError(
            "order_invalid",
            "there is no candidate",
            place="candidates",
            limit="a contract with a bid or an ask in an underlying of the book, that lives "
            f"{least_days:g} days",
            remedy="Give candidates, a shorter life, or a market that quotes those underlyings.",
        )
    return out


def _in_lots(prepared: Prepared, k: int, size: float) -> float:
    try:
        lot = lot_of(prepared.table.items[k], prepared.desk.schedule.parameters)
    except ModelError:
        return size
    return float(max(round(size / lot), 1) * lot)


def largest_that_fits(
    prepared: Prepared, legs: Sequence[Leg]
) -> tuple[tuple[float, ...] | None, str]:
    """Sizes of the legs at which the venue takes them and one step more it does not.

    By bisection of the exact model. None, with the reason in words, where no size is a limit.
    """
    try:
        found = prepared.size_to_fit(legs)
    except CrossMarginError as error:
        return None, error.message
    assert found.fit is not None  # a size to fit always has one
    if found.fit.unlimited:
        return None, "no size is too large"
    return found.fit.sizes, ""
