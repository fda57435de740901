"""Two linear programmes over a chain: the cheapest bought mix above a floor, and the tail hedge.

    cheapest mix    min c'x    with    g(S) + sum_i h_i(S) x_i >= 0 at every price S,  x >= 0
    tail hedge      max sum_s p_s payoff_s'x    with    a'x <= budget a year,  0 <= x <= limit

g is the account less its floor at the expiry, h what a bought option pays less what it costs, c the
dollars paid for it, a its cost a year (paid over the life, bought again at each expiry). Nothing is
sold, so the first is the least that any bought hedge of the expiry can cost. HiGHS on one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.hedge_chain import Chain
from crossmargin.decisions.hedge_finder import Field, Found, Leg
from crossmargin.statistics.checks import number

__all__ = ["Crash", "Tail", "TailLeg", "cheapest_mix", "tail_hedge"]

_TRIES = 6


def cheapest_mix(field: Field, chain: Chain) -> Found | None:
    """The least that bought puts and calls of one expiry cost above the floor; None if none do.

    Sizes are rounded up to lots. What the rounding costs may break the floor again: the programme
    is then solved with that much in reserve.
    """
    legs = [(s.rows[k], float(s.buy[k])) for s in (chain.puts, chain.calls) for k in s.bought()]
    if not legs:
        return None
    lines = field.lines
    strikes = [*chain.puts.strike.tolist(), *chain.calls.strike.tolist()]
    prices = field.grid(strikes)
    gap = field.book.at(prices, chain.years, field.response) - field.floor(prices)
    rows = [row for row, _ in legs]
    unit = lines.values(rows, prices, chain.years)
    for n, (row, cash) in enumerate(legs):
        unit[n] -= cash * lines.money(row, prices)
    cost = np.array([cash * float(lines.usd[row]) for row, cash in legs])
    reserve = 0.0
    for _ in range(_TRIES):
        solved = linprog(cost, A_ub=-unit.T, b_ub=gap - reserve, method="highs")
        if solved.status != 0:
            return None
        size = np.ceil(solved.x / field.lot - 1e-9) * field.lot
        size[solved.x < 1e-9] = 0.0
        short = float((gap + size @ unit).min())
        if short >= -1e-9:
            break
        reserve += 1.01 * -short
    else:
        return None
    kept = [n for n in range(len(legs)) if size[n] > 0.0]
    if not kept:
        return None
    return Found(
        "cheapest mix",
        tuple(Leg(rows[n], round(float(size[n]), 12)) for n in kept),
        1.0,
        chain.years,
        chain.expiry_ms,
        tuple(round(float(size[n]), 12) * legs[n][1] for n in kept),
        float(cost @ size),
    )


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
    times the factor. Raises InputError for a crash that is no fall and a budget that is none.
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
    solved = linprog(
        -(weight @ payoff),
        A_ub=np.vstack([year, more]),
        b_ub=np.append(budget_usd, bound),
        bounds=list(zip(np.zeros(len(puts)), most, strict=True)),
        method="highs",
    )
    sizes = np.floor(solved.x / field.lot + 1e-9) * field.lot if solved.status == 0 else 0.0 * year
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
        float(-solved.ineqlin.marginals[0]) if solved.status == 0 else 0.0,
    )  # fmt: skip
