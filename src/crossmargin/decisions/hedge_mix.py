"""Two linear programmes over a chain: the cheapest bought mix above a floor, and the tail hedge.

    cheapest mix    min c'x    with    g(S) + sum_i h_i(S) x_i >= 0 at every price S,  x >= 0
    tail hedge      max sum_s p_s payoff_s'x    with    a'x <= budget a year,  0 <= x <= limit

g is the account less its floor at the expiry, h what a bought option pays less what it costs, c the
dollars paid for it, a its cost a year (paid over the life, bought again at each expiry). Nothing is
sold, so the first is the least that any bought hedge of the expiry can cost. Both are solved and
proven by :mod:`crossmargin.decisions.programme`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.errors import InputError, ModelError
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.hedge_finder import Field, Found, Leg
from crossmargin.decisions.programme import Programme, relaxed_text
from crossmargin.statistics.checks import number

__all__ = ["Crash", "Tail", "TailLeg", "cheapest_mix", "highest_floor", "tail_hedge"]

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
        most = np.full(count, np.floor(field.most / size + 1e-9) if whole else np.inf)
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


@dataclass(frozen=True, slots=True)
class Crash:
    """A fall of the price at once: ``move`` below 0, what volatility is multiplied by, its weight.

    ``weight`` is a probability, or any number of at least 0.
    """

    move: float
    vol_factor: float
    weight: float


@dataclass(frozen=True, slots=True)
class TailLeg:
    """A bought put: its row, size, dollars paid, and cost a year if bought again and again."""

    row: int
    size: float
    cost_usd: float
    year_usd: float


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The programme's answer. ``payoff_usd``: gain in each crash, before what it cost.

    ``convexity``: payoff over premium. ``breakeven``: crashes of that kind a year at which the
    payoffs pay the cost of the year. ``price_usd``: what a further dollar of budget would bring
    (the programme's dual).
    """

    legs: tuple[TailLeg, ...]
    cost_usd: float
    year_usd: float
    payoff_usd: tuple[float, ...]
    convexity: tuple[float, ...]
    breakeven: tuple[float, ...]
    price_usd: float


def tail_hedge(
    field: Field,
    chains: Sequence[Chain],
    crashes: Sequence[Crash],
    budget_usd: float,
    limits: dict[int, float],
    rows: tuple[Floats, Floats] | None = None,
) -> Tail:
    """The puts that pay most in the crashes for a budget a year; rounded down to lots.

    ``limits``: the largest size of a row of the view; one that is not named is not bought.
    ``rows``: (A [K, puts], b [K]) of further conditions ``A x <= b`` over the bought puts in the
    chains' order (a margin row). Each put is revalued at once after the fall at its own volatility
    times the factor. Raises InputError for a crash that is no fall and a budget that is none,
    ModelError ``solver_failed`` with the smallest relaxations for conditions that contradict.
    """
    number(budget_usd, "budget", above=0.0)
    for crash in crashes:
        number(crash.move, "crash", above=-1.0, below=0.0)
        number(crash.vol_factor, "vol factor", above=0.0)
        number(crash.weight, "weight", above=-1e-300)
    if not crashes:
        raise InputError("option_unknown", "a tail hedge needs a crash", place="crashes")
    puts = [(c, k) for c in chains for k in c.puts.bought()]
    lines = field.lines
    payoff = np.zeros((len(crashes), len(puts)))
    cost, year, most = (np.zeros(len(puts)) for _ in range(3))
    for n, (chain, k) in enumerate(puts):
        row = chain.puts.rows[k]
        cost[n] = float(chain.puts.buy[k]) * float(lines.usd[row])
        year[n] = cost[n] / chain.years
        most[n] = limits.get(row, 0.0)
        today = float(lines.values([row], np.array([lines.price]), 0.0)[0, 0])
        for s, crash in enumerate(crashes):
            fallen = np.array([lines.price * (1.0 + crash.move)])
            # the response that multiplies the volatility by the factor at that price
            response = -np.log(crash.vol_factor) / np.log1p(crash.move)
            payoff[s, n] = float(lines.values([row], fallen, 0.0, response)[0, 0]) - today
    if not puts:
        return Tail((), 0.0, 0.0, *((0.0,) * len(crashes),) * 3, 0.0)
    weight = np.array([crash.weight for crash in crashes])
    more, bound = rows if rows is not None else (np.zeros((0, len(puts))), np.zeros(0))
    brought = weight @ payoff
    unit = max(float(np.abs(brought).max()), 1e-300)  # the objective is counted in it
    programme = Programme(-brought / unit, np.zeros(len(puts)), most)
    every = range(len(puts))
    programme.add(every, year / budget_usd, -np.inf, 1.0, "budget")
    for k, (row, limit) in enumerate(zip(more, bound.tolist(), strict=True)):
        programme.add(every, row, -np.inf, limit, f"condition {k + 1}")
    solved = programme.solve()
    if solved is None:
        raise _contradicted(programme)
    sizes = np.floor(solved.x / field.lot + 1e-9) * field.lot
    paid, yearly, brings = float(cost @ sizes), float(year @ sizes), payoff @ sizes
    legs = tuple(
        TailLeg(chain.puts.rows[k], round(float(q), 12), float(cost[n] * q), float(year[n] * q))
        for n, ((chain, k), q) in enumerate(zip(puts, sizes.tolist(), strict=True))
        if q > 0.0
    )
    return Tail(
        legs, paid, yearly, tuple(brings.tolist()),
        tuple(float(b) / paid if paid > 0.0 else 0.0 for b in brings),
        tuple(yearly / float(b) if b > 0.0 else np.inf for b in brings),
        -float(solved.row_dual[0]) * unit / budget_usd,
    )  # fmt: skip


def _contradicted(programme: Programme) -> ModelError:
    return ModelError(
        "solver_failed",
        "no sizes within the limits meet the conditions of the tail hedge",
        place="tail hedge",
        value=relaxed_text(programme.relaxations()),
        limit="conditions that agree",
        remedy="Loosen the conditions by what the value says.",
    )
