"""The cheapest bought mix above a floor: a linear programme over the options of one expiry.

    min c'x    with    g(S) + sum_i h_i(S) x_i >= 0 at every price S,  x >= 0

g is the account less its floor at the expiry, h what a bought option pays less what it costs, c the
dollars paid for it. Nothing is sold, so this is the least that any bought hedge of the expiry can
cost. Solved and proven by :mod:`crossmargin.decisions.programme`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.hedge_finder import Field, Found, Leg
from crossmargin.decisions.programme import Programme

__all__ = ["cheapest_mix", "highest_floor"]

_TRIES = 6
# Of a search in whole lots: how near to the best an answer is taken, and after how many nodes.
_GAP, _NODES = 1e-2, 50
_FINE = 1e-4  # the same of a floor, with as many more nodes


@dataclass(frozen=True, slots=True, eq=False)
class _Bought:
    """What may be bought of one expiry, at the prices at which the floor is checked."""

    legs: list[tuple[int, float]]  # row and coin or dollars paid a unit
    strikes: list[float]  # of the expiry and of the account
    prices: Floats
    bare: Floats  # the account without a hedge at each price
    unit: Floats  # [legs, prices] dollars of a unit at the expiry, less what it cost
    cost: Floats  # dollars a unit

    @staticmethod
    def of(field: Field, chain: Chain) -> _Bought | None:
        legs = [(s.rows[k], float(s.buy[k])) for s in (chain.puts, chain.calls) for k in s.bought()]
        if not legs:
            return None
        lines = field.lines
        strikes = [*chain.puts.strike.tolist(), *chain.calls.strike.tolist()]
        prices = field.grid(strikes)
        unit = lines.values([row for row, _ in legs], prices, chain.years)
        for n, (row, cash) in enumerate(legs):
            unit[n] -= cash * lines.money(row, prices)
        cost = np.array([cash * float(lines.usd[row]) for row, cash in legs])
        bare = field.book.at(prices, chain.years, field.response)
        return _Bought(legs, [*strikes, *field.book.strikes()], prices, bare, unit, cost)

    def programme(
        self, field: Field, *, whole: bool = False, gap: float = _GAP, at: Longs | None = None
    ) -> Programme:
        """Columns: a size each, in lots where they are ``whole``, then the floor at today's price.

        The last row asks for the floor. Money is counted in the coin's price of today, so that the
        numbers lie near one. Whole lots end where the bound of what a structure may buy does.
        ``at``: places of the prices that are asked; None asks all.
        """
        count, price = len(self.legs), field.lines.price
        size = field.lot if whole else 1.0
        most = np.full(count, np.inf)
        if whole:
            coins = np.array([field.lines.items[row].multiplier for row, _ in self.legs])
            most = np.floor(field.most / (coins * size) + 1e-9)
        floor, level = field.floor(self.prices), self.level(field)
        made = Programme(
            np.append(self.cost * size / price, 0.0), np.zeros(count + 1), np.append(most, np.inf),
            np.append(np.full(count, whole), False), gap=gap, nodes=int(_NODES * _GAP / gap),
        )  # fmt: skip
        rows = np.hstack([self.unit.T * size / price, -(floor / level)[:, None]])
        least = -self.bare / price
        rows, least = (rows, least) if at is None else (rows[at], least[at])
        made.add_dense(range(count + 1), rows, least, np.full(len(rows), np.inf))
        made.add([count], [1.0], level / price, np.inf, "floor")
        return made

    def level(self, field: Field) -> float:
        """The floor at today's price."""
        return float(field.floor(np.array([field.lines.price]))[0])

    def held(self, field: Field, size: Floats) -> float:
        """The highest floor, in dollars at today's price, that these sizes hold; 0 for none."""
        share = field.floor(self.prices) / self.level(field)
        value = self.bare + size @ self.unit
        if not (value >= -1e-9).all():
            return 0.0
        return float((value[share > 0.0] / share[share > 0.0]).min())


def cheapest_mix(field: Field, chain: Chain) -> Found | None:
    """The least that bought puts and calls of one expiry cost above the floor; None if none do.

    Sizes are rounded up to lots. What the rounding costs may break the floor again: the programme
    is then solved with that much in reserve, and where that ends nowhere, in whole lots.
    """
    bought = _Bought.of(field, chain)
    if bought is None:
        return None
    size = _rounded(bought, field)
    if size is None:
        return None
    legs = bought.legs
    kept = [n for n in range(len(legs)) if size[n] > 0.0]
    if not kept:
        return None
    return Found(
        "cheapest mix",
        tuple(Leg(legs[n][0], round(float(size[n]), 12)) for n in kept),
        1.0,
        chain.years,
        chain.expiry_ms,
        tuple(round(float(size[n]), 12) * legs[n][1] for n in kept),
        float(bought.cost @ size),
    )


def _rounded(bought: _Bought, field: Field) -> Floats | None:
    """The cheapest sizes in whole lots, as :func:`cheapest_mix` says."""
    count, unit = len(bought.legs), bought.unit
    gap = bought.bare - field.floor(bought.prices)
    programme, reserve = bought.programme(field), 0.0
    for n in range(_TRIES):
        solved = programme.solve()
        if solved is None and n == 0:
            return None  # not even in parts of a lot
        if solved is None:
            break
        exact = solved.x[:count]
        size = np.ceil(exact / field.lot - 1e-9) * field.lot
        size[exact < 1e-9] = 0.0
        short = float((gap + size @ unit).min())
        if short >= -1e-9:
            return size
        reserve += 1.01 * -short
        for row, least in enumerate((reserve - bought.bare) / field.lines.price):
            programme.bound_row(row, float(least), np.inf)
    return _in_lots(bought, field)


def _in_lots(bought: _Bought, field: Field, *, highest: bool = False) -> Floats | None:
    """Whole lots that hold the floor at the least cost, or the ``highest`` up to the floor asked.

    The payoff is straight between strikes but for longer options of the account: the strikes and
    both ends are asked first, then the price that is furthest below, until none is.
    """
    count, price, level = len(bought.legs), field.lines.price, bought.level(field)
    ends = [0, len(bought.prices) - 1]
    asked = np.union1d(ends, np.flatnonzero(np.isin(bought.prices, bought.strikes)))
    for _ in range(_TRIES):
        programme = bought.programme(field, whole=True, gap=_FINE if highest else _GAP, at=asked)
        if highest:
            programme.bound_row(programme.rows - 1, -np.inf, level / price)
            programme.change_cost(np.append(np.zeros(count), -1.0))
        solved = programme.solve()
        if solved is None:
            return None
        size = np.asarray(np.round(solved.x[:count]) * field.lot)
        over = bought.bare + size @ bought.unit
        over = over - float(solved.x[count]) * price / level * field.floor(bought.prices)
        if float(over.min()) >= -1e-6:
            return size
        asked = np.union1d(asked, np.flatnonzero(over < -1e-6))
    return None


def highest_floor(field: Field, chain: Chain) -> float | None:
    """The highest floor, in dollars at today's price, that whole lots bought of one expiry hold.

    Asked where :func:`cheapest_mix` has none: the floor gives way as little as it must. Never above
    the floor that is asked; None where nothing can be bought.
    """
    bought = _Bought.of(field, chain)
    if bought is None:
        return None
    size = _in_lots(bought, field, highest=True)
    return None if size is None else min(bought.held(field, size), bought.level(field))
