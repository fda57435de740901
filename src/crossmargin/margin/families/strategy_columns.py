"""Every strategy that the positions of an account could form, as columns of one linear programme.

A *column* is a strategy of named legs, one coin of each: a position alone, a short call with a
short put, a covered or protected linear position, a collar, a reverse conversion, a long against a
short, a long box with a long life. A *block* is a spread of any shape: the short options of one
expiry with any long options that expire no sooner, at the worst loss over the price at expiry.
A block is convex in its legs and one block an expiry is never dearer than several, so verticals,
calendars, butterflies, condors, iron condors and boxes are all in it and need no columns.

The loss of a block is piecewise linear in the price; only where a long option's strike bends it
down, and at a price of nothing, can it be largest, provided that calls sold are covered by calls
bought. It is at least nothing before premiums: a gain that is certain pays for none. A long option
that expires later counts at the block's expiry as though it expired there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints
from crossmargin.margin.families.strategy_rules import (
    Legs,
    Rates,
    box_cost,
    collar_cost,
    combination_cost,
    covered_cost,
    linear_cost,
    long_cost,
    naked_cost,
    offset_cost,
    protected_cost,
    reverse_cost,
)

__all__ = ["CLASSES", "STRATEGIES", "Block", "Columns", "columns_of", "costs_of"]

# Classes of the sheet, in its order.
CLASSES = (
    "long_options",
    "naked_options",
    "combinations",
    "spreads",
    "covered",
    "protected",
    "outright",
    "offset",
)
# Strategies of columns: their name and their class.
STRATEGIES = (
    ("short straddle or strangle", "combinations"),
    ("covered option", "covered"),
    ("protected position", "protected"),
    ("collar", "protected"),
    ("reverse conversion", "protected"),
    ("long against short", "offset"),
    ("long box", "spreads"),
    ("long option", "long_options"),
    ("short option", "naked_options"),
    ("linear position", "outright"),
)
_COMBINATION, _COVERED, _PROTECTED, _COLLAR, _REVERSE, _OFFSET, _BOX, _LONG, _SHORT, _LINEAR = (
    range(len(STRATEGIES))
)
_WIDTH = 4  # most legs of a column


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Spreads of one expiry. ``loss[k, i] y_i`` summed is the loss at kink k, premiums included."""

    expiry: int
    legs: Ints  # [m] the expiry's own short options and every long one that expires no sooner
    loss: Floats  # [K, m] dollars lost on a coin of each leg at a kink, premiums included
    sold: Bools  # [m]
    calls: Floats  # [m] +1 a call bought, -1 a call sold: their sum may not be negative

    def cost(self, amount: Floats) -> float:
        """The need of given amounts of the legs; sums from the left."""
        lost = np.cumsum(self.loss * amount, axis=1)[:, -1]
        return max(float(lost.max()), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Candidates of n legs; the last n columns are the legs alone, in their order."""

    strategy: Bytes  # [m] into STRATEGIES
    legs: Ints  # [m, 4], -1 where there are fewer
    blocks: tuple[Block, ...]

    def __len__(self) -> int:
        return len(self.strategy)


def columns_of(legs: Legs, far_days: float) -> Columns:
    """All candidates of some legs. ``far_days``: life beyond which a long box has its own rule."""
    index = np.arange(len(legs), dtype=np.int32)
    call, put, linear = legs.right > 0, legs.right < 0, legs.right == 0
    bought, sold = legs.size > 0.0, legs.size < 0.0
    short_call, short_put = index[call & sold], index[put & sold]
    long_call, long_put = index[call & bought], index[put & bought]
    long, short = index[linear & bought], index[linear & sold]
    found: list[tuple[int, Ints]] = [
        (_COMBINATION, _pairs(short_call, short_put)),
        (_COVERED, _living(legs, _pairs(long, short_call))),
        (_COVERED, _living(legs, _pairs(short, short_put))),
        (_PROTECTED, _pairs(long, long_put)),
        (_PROTECTED, _pairs(short, long_call)),
        (_COLLAR, _triples(legs, long, _one_expiry(legs, long_put, short_call, False))),
        (_REVERSE, _triples(legs, short, _one_expiry(legs, short_put, long_call, True))),
        (_OFFSET, _pairs(long, short)),
        (_BOX, _boxes(legs, far_days)),
    ]
    alone = np.where(linear, _LINEAR, np.where(bought, _LONG, _SHORT)).astype(np.int8)
    code = [np.full(len(rows), kind, np.int8) for kind, rows in found]
    members = [_padded(rows) for _, rows in found]
    return Columns(
        np.concatenate([*code, alone]),
        np.concatenate([*members, _padded(index[:, None])]),
        _blocks(legs, index[(call | put) & sold], index[(call | put) & bought]),
    )


def costs_of(columns: Columns, legs: Legs, rates: Rates) -> Floats:
    """[m] dollars of one coin of each column; inf where the level has no such rule."""
    cost = np.full(len(columns), np.inf)
    rules: dict[int, Callable[..., Floats]] = {
        _COMBINATION: combination_cost,
        _COVERED: covered_cost,
        _PROTECTED: protected_cost,
        _COLLAR: collar_cost,
        _REVERSE: reverse_cost,
        _OFFSET: offset_cost,
        _LONG: long_cost,
        _SHORT: naked_cost,
        _LINEAR: linear_cost,
    }
    count = {_COMBINATION: 2, _COVERED: 2, _PROTECTED: 2, _COLLAR: 3, _REVERSE: 3, _OFFSET: 2}
    for kind, rule in rules.items():
        rows = np.flatnonzero(columns.strategy == kind)
        members = [columns.legs[rows, place] for place in range(count.get(kind, 1))]
        cost[rows] = rule(legs, *members, rates)
    rows = np.flatnonzero(columns.strategy == _BOX)
    cost[rows] = box_cost(legs, columns.legs[rows], rates)
    return cost


def _pairs(first: Ints, second: Ints) -> Ints:
    """[m, 2] every one of the first with every one of the second."""
    return np.stack([np.repeat(first, len(second)), np.tile(second, len(first))], axis=1)


def _living(legs: Legs, pairs: Ints) -> Ints:
    """Pairs whose linear leg does not expire before the option that it covers."""
    return pairs[legs.expiry[pairs[:, 0]] >= legs.expiry[pairs[:, 1]]]


def _one_expiry(legs: Legs, put: Ints, call: Ints, same_strike: bool) -> Ints:
    """[m, 2] puts with calls of one expiry, at one strike or with the put's no higher."""
    pairs = _pairs(put, call)
    low, high = legs.strike[pairs[:, 0]], legs.strike[pairs[:, 1]]
    fits = low == high if same_strike else low <= high
    fits &= legs.expiry[pairs[:, 0]] == legs.expiry[pairs[:, 1]]
    return np.asarray(pairs[fits])


def _triples(legs: Legs, linear: Ints, pairs: Ints) -> Ints:
    """[m, 3] each linear leg with each pair that expires no later."""
    rows = _pairs(linear, np.arange(len(pairs), dtype=np.int32))
    rows = np.concatenate([rows[:, :1], pairs[rows[:, 1]]], axis=1)
    return np.asarray(rows[legs.expiry[rows[:, 0]] >= legs.expiry[rows[:, 1]]])


def _boxes(legs: Legs, far_days: float) -> Ints:
    """[m, 4] long call, short call, short put, long put of two strikes of one far expiry."""
    at: dict[tuple[int, float, int], list[int]] = {}
    far = (legs.right != 0) & (legs.days > far_days)
    for k in np.flatnonzero(far).tolist():
        key = int(legs.expiry[k]), float(legs.strike[k]), int(legs.right[k])
        at.setdefault(key, []).append(k)
    size = legs.size.tolist()
    low = [key for key in at if key[2] > 0 and any(size[k] > 0.0 for k in at[key])]
    out = []
    for expiry, strike, _ in low:
        for other, high, right in at:
            if other != expiry or right < 0 or high <= strike:
                continue
            sides = (at.get((expiry, s, r), []) for s, r in ((strike, 1), (high, 1)))
            bought, sold = sides
            puts = at.get((expiry, strike, -1), []), at.get((expiry, high, -1), [])
            out += [
                (a, b, c, d)
                for a in bought if size[a] > 0.0
                for b in sold if size[b] < 0.0
                for c in puts[0] if size[c] < 0.0
                for d in puts[1] if size[d] > 0.0
            ]  # fmt: skip
    return np.array(sorted(out), np.int32).reshape(-1, _WIDTH)


def _padded(rows: Ints) -> Ints:
    out = np.full((len(rows), _WIDTH), -1, np.int32)
    out[:, : rows.shape[1]] = rows
    return out


def _blocks(legs: Legs, sold: Ints, bought: Ints) -> tuple[Block, ...]:
    """One block an expiry with short options."""
    out = []
    for expiry in np.unique(legs.expiry[sold]).tolist():
        own = sold[legs.expiry[sold] == expiry]
        later = bought[legs.expiry[bought] >= expiry]
        members = np.sort(np.concatenate([own, later])).astype(np.int32)
        kinks = np.unique(np.concatenate([[0.0], legs.strike[later]]))
        right, strike = legs.right[members], legs.strike[members]
        worth = np.maximum(right * (kinks[:, None] - strike), 0.0)
        # A gain that is certain is not lent on: premiums are paid in full, whatever they buy.
        worth = np.concatenate([worth, np.zeros((1, len(members)))])
        side = np.where(legs.size[members] > 0.0, 1.0, -1.0)
        loss = side * (legs.price[members] - worth)
        calls = np.where(right > 0, side, 0.0)
        out.append(Block(int(expiry), members, loss, side < 0.0, calls))
    return tuple(out)
