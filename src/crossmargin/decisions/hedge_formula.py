"""What hedging a book of options costs, by formula: gamma drag, error, break-even volatility.

Hedged every dt over a horizon of n intervals, cost k one way (share of notional), spot a martingale
of volatility s, G = S^2 Gamma of the net book at the start of an interval:

    proportional part    k sqrt(2/pi) s sqrt(dt) sum E|G|            ~ 1/sqrt(dt)
    3/2-power impact     Y vol_day V^(-1/2) m s^1.5 dt^0.75 sum E|G|^1.5,  m = E|Z|^1.5
    gas                  n trades
    error of discreteness  sd^2 = s^4 dt^2/2 sum E G^2               Derman-Kamal for one option
    break-even           E[gain] = E[value change at s] = cost(s); for one volatility sigma
                         s = sqrt(b^2 + sigma^2) -+ b, b = k sqrt(2/(pi dt))

The laws are the leading term of small steps: legs count in the intervals after which they are
still alive, so that the last interval of a leg, whose gamma is no constant, is its unwinding.
Sources: Leland (1985), Journal of Finance 40:1283; Derman and Kamal (1999), When you cannot hedge
continuously.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number, refused
from crossmargin.decisions.hedge_bands import Leland, leland
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.option_book import OptionBook

__all__ = ["Expected", "Pacing", "break_even", "expected_cost", "leland_of", "vol_edge"]

# E|Z|^1.5 of a normal variable.
_MOMENT = 2.0**0.75 * math.gamma(1.25) / math.sqrt(math.pi)
# Intervals at which the mean gamma is taken where there are more: it is smooth in time.
_SAMPLES = 400
_VOLS = (0.01, 5.0)


@dataclass(frozen=True, slots=True)
class Pacing:
    """``intervals`` of ``dt_years``: the hedge is set at the start and after each of them."""

    dt_years: float
    intervals: int

    def __post_init__(self) -> None:
        number("dt_years", self.dt_years, 0.0, above=True)
        if not 1 <= self.intervals <= 1_000_000:
            raise refused("intervals", self.intervals, "1 to 1000000")

    @property
    def years(self) -> float:
        """The horizon."""
        return self.dt_years * self.intervals


@dataclass(frozen=True, slots=True)
class Expected:
    """Dollars over the horizon: ``components`` add up to ``cost_usd``; ``error_sd_usd`` is the
    standard deviation of the hedged result before costs, ``gain_usd`` its mean.
    """

    cost_usd: float
    components: tuple[tuple[str, float], ...]
    error_sd_usd: float
    gain_usd: float


def expected_cost(book: OptionBook, vol: float, pacing: Pacing, terms: CostTerms) -> Expected:
    """The law, component by component; the module has the formulas. Funding has no law: 0."""
    s = number("vol", vol, 0.0, above=True)
    dt = pacing.dt_years
    first = _sum(book, s, pacing, 1.0)
    moved = math.sqrt(2.0 / math.pi) * s * math.sqrt(dt) * first
    parts = [("fee", terms.fee * moved), ("spread", terms.half_spread * moved)]
    if terms.impact > 0.0:
        scale = terms.impact * terms.vol_day / math.sqrt(terms.volume_day_usd)
        paid = scale * _MOMENT * (s * math.sqrt(dt)) ** 1.5 * _sum(book, s, pacing, 1.5)
        parts.append(("impact", paid))
    if terms.gas_usd > 0.0:
        parts.append(("gas", terms.gas_usd * _alive_intervals(book, pacing)))
    total = 0.0
    for _, paid in parts:
        total += paid
    variance = 0.5 * s**4 * dt * dt * _sum(book, s, pacing, 2.0)
    return Expected(total, tuple(parts), math.sqrt(variance), book.mean_change(s, pacing.years))


def _alive_intervals(book: OptionBook, pacing: Pacing) -> int:
    longest = float(book.years.max()) if len(book) else 0.0
    return min(pacing.intervals, max(math.ceil(longest / pacing.dt_years - 1e-9) - 1, 0))


def _sum(book: OptionBook, vol: float, pacing: Pacing, power: float) -> float:
    """Sum over intervals of E|G|^power at their starts, legs that are alive at their ends.

    Between expiries the mean is smooth: where there are many intervals it is taken at some of them
    and the rest is interpolated.
    """
    dt, total = pacing.dt_years, 0.0
    # Runs of intervals over which the same legs live.
    ends = [max(math.ceil(years / dt - 1e-9) - 1, 0) for years in book.years.tolist()]
    edges = sorted({0, *(min(end, pacing.intervals) for end in ends)})
    for low, high in itertools.pairwise(edges):
        living = book.alive((low + 1) * dt)
        count = high - low
        if count <= _SAMPLES or (power == 1.0 and living.one_sign and count <= 20_000):
            picked = np.arange(low, high)
            values = [living.mean_power(vol, h * dt, power) for h in picked.tolist()]
            total += float(np.sum(values))
            continue
        # denser towards the end of the run, where the gamma of a leg that expires moves most
        share = 1.0 - np.linspace(1.0, 0.0, _SAMPLES) ** 3
        picked = np.unique(np.round(low + share * (count - 1)).astype(np.int64))
        values = [living.mean_power(vol, h * dt, power) for h in picked.tolist()]
        total += float(np.interp(np.arange(low, high), picked, values).sum())
    return total


def leland_of(vol: float, pacing: Pacing, terms: CostTerms) -> Leland:
    """Leland's volatilities at the pace and at twice the one-way cost."""
    return leland(vol, 2.0 * max(terms.one_way, 0.0), pacing.dt_years)


def vol_edge(vol: float, one_way: float, dt_years: float) -> tuple[float, float]:
    """(short, long) break-even volatilities of an option of that volatility, in closed form.

    A sold option earns its hedging cost while the realised volatility stays under the first, a
    bought one once it is above the second.
    """
    sigma = number("vol", vol, 0.0, above=True)
    step = number("dt_years", dt_years, 0.0, above=True)
    b = number("one_way", one_way, 0.0) * math.sqrt(2.0 / (math.pi * step))
    root = math.hypot(b, sigma)
    return sigma * sigma / (root + b), root + b


def break_even(book: OptionBook, pacing: Pacing, terms: CostTerms, near: float) -> float | None:
    """The realised volatility at which mean gain and expected cost are equal, nearest to ``near``.

    None where no volatility between 1 % and 500 % does it: the book loses or earns at all of them.
    Raises InputError ``book_empty`` for a book without options.
    """
    if not len(book):
        raise InputError(
            "book_empty",
            "the book holds no option of the underlying",
            place="hedge cost",
            remedy="Give a book with options.",
        )
    from scipy.optimize import brentq  # a solver is loaded when one is needed

    def net(vol: float) -> float:
        found = expected_cost(book, vol, pacing, terms)
        return found.gain_usd - found.cost_usd

    grid = np.geomspace(*_VOLS, 60)
    values = [net(v) for v in grid.tolist()]
    roots = [
        float(brentq(net, float(grid[k]), float(grid[k + 1]), xtol=1e-10))
        for k in range(len(grid) - 1)
        if (values[k] > 0.0) != (values[k + 1] > 0.0)
    ]
    return min(roots, key=lambda vol: abs(vol - near)) if roots else None
