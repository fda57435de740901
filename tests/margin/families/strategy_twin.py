"""A slow twin of the strategy rules: one position at a time in plain floats, every partition tried.

Formulas are written from the margin manual again. A spread is any set of options whose worst loss
is looked for over a grid of prices that has every strike and a far point, so nothing of how the
engine finds it is used. Whole lots only, a handful of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product

import numpy as np

from crossmargin.margin.families.strategy_rules import Leg, Rates

Lots = tuple[int, ...]


def charge(leg: Leg, rates: Rates) -> float:
    if leg.right > 0:
        far, least = leg.strike - leg.spot, leg.spot
    else:
        far, least = leg.spot - leg.strike, leg.strike
    full = rates.short_share * leg.spot - max(far, 0.0)
    return max(full, rates.short_floor * least)


def alone(leg: Leg, rates: Rates) -> float:
    if leg.right == 0:
        return leg.price * (rates.linear_long if leg.size > 0 else rates.linear_short)
    if leg.size > 0:
        return leg.price * (rates.far_share if leg.days > rates.far_days else 1.0)
    return charge(leg, rates) + (leg.price if rates.proceeds_held else 0.0)


def spread(legs: Sequence[Leg], counts: Lots) -> float | None:
    """Need of one spread; None where it is none."""
    held = [(leg, n) for leg, n in zip(legs, counts, strict=True) if n]
    sold = {leg.expiry for leg, _ in held if leg.size < 0}
    if any(leg.right == 0 for leg, _ in held) or len(sold) != 1:
        return None
    if any(leg.size > 0 and leg.expiry < min(sold) for leg, _ in held):
        return None
    far = 1e4 * max(leg.strike for leg, _ in held)
    grid = [0.0, far, *(leg.strike for leg, _ in held)]

    def value(price: float) -> float:
        return sum(
            n * np.sign(leg.size) * max(leg.right * (price - leg.strike), 0.0) for leg, n in held
        )

    if value(2.0 * far) < value(far) - 1e-6:
        return None
    paid = sum(n * float(np.sign(leg.size)) * leg.price for leg, n in held)
    return max(paid - min(0.0, *(value(price) for price in grid)), 0.0)


def named(legs: Sequence[Leg], rates: Rates) -> Iterator[tuple[Lots, float]]:
    """Strategies of one coin of two or three positions, and their needs."""
    every = range(len(legs))

    def lots(*members: int) -> Lots:
        return tuple(int(k in members) for k in every)

    held = rates.proceeds_held
    for i, j in product(every, every):
        a, b = legs[i], legs[j]
        if a.right > 0 > a.size and b.right < 0 and b.size < 0:
            x, y = charge(a, rates), charge(b, rates)
            need = x if x + a.price >= y + b.price else y
            yield lots(i, j), need + (a.price + b.price if held else 0.0)
        if a.right != 0:
            continue
        share = rates.linear_long if a.size > 0 else rates.linear_short
        side = 1 if a.size > 0 else -1
        if b.right == side and b.size < 0 and a.expiry >= b.expiry:
            need = share * a.price
            if rates.at_strike:
                cap = min(a.price, b.strike) if side > 0 else max(a.price, b.strike)
                need = share * cap + max(side * (a.price - b.strike), 0.0)
            yield lots(i, j), max(need - (0.0 if held else b.price), 0.0)
        if b.right == 0 and a.size > 0 > b.size:
            yield lots(i, j), rates.offset_share * max(a.price, b.price)
        if not rates.hedged or b.right != -side or b.size <= 0:
            continue
        out = max(b.spot - b.strike, 0.0) if side > 0 else max(b.strike - b.spot, 0.0)
        need = min(rates.hedge_share * b.strike + out, share * a.price)
        yield lots(i, j), need + b.price
        for k in every:
            c = legs[k]
            if c.right != side or c.size > 0 or c.expiry != b.expiry or a.expiry < c.expiry:
                continue
            received = 0.0 if held else c.price
            if side > 0 and b.strike <= c.strike:
                need = rates.hedge_share * b.strike
                if b.strike < c.strike:
                    need = min(need + out, share * c.strike)
                need += max(a.price - c.strike, 0.0)
                yield lots(i, j, k), max(need + b.price - received, 0.0)
            if side < 0 and b.strike == c.strike:
                need = rates.hedge_share * c.strike + max(c.strike - a.price, 0.0)
                yield lots(i, j, k), max(need + b.price - received, 0.0)


def least(legs: Sequence[Leg], rates: Rates) -> float:
    """Need of the best of all partitions of whole lots."""
    sizes = tuple(int(abs(leg.size)) for leg in legs)
    shapes = list(named(legs, rates))
    single = [alone(leg, rates) for leg in legs]

    @cache
    def of(left: Lots) -> float:
        first = next((k for k, n in enumerate(left) if n), None)
        if first is None:
            return 0.0
        best = single[first] + of(minus(left, unit(first, len(left))))
        for lots, need in shapes:
            if lots[first] and fits(lots, left):
                best = min(best, need + of(minus(left, lots)))
        for lots in product(*(range(n + 1) for n in left)):
            if lots[first] and sum(lots) > 1:
                need_of = spread(legs, lots)
                if need_of is not None:
                    best = min(best, need_of + of(minus(left, lots)))
        return best

    return of(sizes)


def unit(k: int, count: int) -> Lots:
    return tuple(int(i == k) for i in range(count))


def minus(left: Lots, lots: Lots) -> Lots:
    return tuple(a - b for a, b in zip(left, lots, strict=True))


def fits(lots: Lots, left: Lots) -> bool:
    return all(a <= b for a, b in zip(lots, left, strict=True))


def greedy(legs: Sequence[Leg], rates: Rates, order: Callable[[int], int]) -> float:
    """Need when strategies are taken one by one as they come, in some order."""
    left = tuple(int(abs(leg.size)) for leg in legs)
    shapes = list(named(legs, rates))
    for pair in product(range(len(legs)), repeat=2):
        lots = tuple(int(k in pair) for k in range(len(legs)))
        need = spread(legs, lots)
        if len(set(pair)) == 2 and need is not None:
            shapes.append((lots, need))
    total = 0.0
    for k in sorted(range(len(shapes)), key=order):
        lots, need = shapes[k]
        while fits(lots, left):
            left, total = minus(left, lots), total + need
    return total + sum(n * alone(leg, rates) for leg, n in zip(legs, left, strict=True))
