"""Hedging a book of options along paths: simulated from a seed, or as prices were.

At the start and after each interval the hedge is traded to the book's delta at the legs' own
volatilities, or to the edge of a band around it. Every path gives

    result = value at the end - value at the start + sum hedge_i (S_i+1 - S_i) - costs

with costs by component from the one cost object. Setting the hedge up and unwinding it (also of a
leg that expires) are kept apart from re-hedging, which is what the formula speaks of. Nothing on a
path is used before its time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox

from crossmargin.core.arrays import Floats, finite, frozen
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.checked import number, refused
from crossmargin.decisions.hedge_bands import whalley_wilmott
from crossmargin.decisions.hedge_formula import Pacing
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.option_book import OptionBook

__all__ = ["Hedged", "Mean", "hedge", "past_paths", "simulated_paths", "width_of"]

_CELLS_MAX = 60_000_000
PHASES = ("set up", "re-hedging", "unwinding")


@dataclass(frozen=True, slots=True, eq=False)
class Hedged:
    """[P] paths, dollars. ``gain_usd`` before costs; ``cost`` by (phase, component), a cost
    positive; ``carry_usd`` funding and borrow of the hedge, received negative; ``traded_usd``
    notional of re-hedging; ``trades`` how often it was traded. ``pairs``: paths come in mirrored
    pairs, whose errors are not independent.
    """

    gain_usd: Floats
    cost: dict[tuple[str, str], Floats]
    carry_usd: Floats
    traded_usd: Floats
    trades: Floats
    pairs: bool

    def phase(self, name: str) -> Floats:
        """[P] cost of one phase, components added in their order."""
        total = np.zeros(len(self.gain_usd))
        for (phase, _), values in self.cost.items():
            if phase == name:
                total = total + values
        return total

    @property
    def net_usd(self) -> Floats:
        """[P] gain less every cost and carry."""
        total = self.gain_usd - self.carry_usd
        for values in self.cost.values():
            total = total - values
        return np.asarray(total)

    def mean(self, values: Floats) -> Mean:
        """Mean, its standard error and the standard deviation of a figure over the paths."""
        count = len(values)
        sd = float(values.std(ddof=1)) if count > 1 else 0.0
        own = 0.5 * (values[: count // 2] + values[count // 2 :]) if self.pairs else values
        error = float(own.std(ddof=1)) / math.sqrt(len(own)) if len(own) > 1 else 0.0
        return Mean(float(values.mean()), error, sd)


@dataclass(frozen=True, slots=True)
class Mean:
    """``error`` is the standard error of ``mean``, ``sd`` that of one path."""

    mean: float
    error: float
    sd: float


def simulated_paths(spot: float, vol: float, pacing: Pacing, paths: int, seed: int) -> Floats:
    """[P, n + 1] of a lognormal martingale, the second half mirrored; the same bits for one seed.

    Raises InputError ``number_out_of_range``, also for an odd number of paths.
    """
    s = number("vol", vol, 0.0, above=True)
    if paths < 2 or paths % 2 or seed < 0:
        raise refused("paths and seed", (paths, seed), "an even number of paths, a seed >= 0")
    _fits(paths, pacing.intervals)
    source = Generator(Philox(key=seed))
    z = source.standard_normal((paths // 2, pacing.intervals))
    step = s * math.sqrt(pacing.dt_years)
    both = np.vstack([z, -z]) * step - 0.5 * step * step
    logs = np.concatenate([np.zeros((paths, 1)), np.cumsum(both, axis=1)], axis=1)
    return np.asarray(number("spot", spot, 0.0, above=True) * np.exp(logs))


def past_paths(
    spot: float, prices: Floats, pacing: Pacing, every: int = 1, apart: int | None = None
) -> Floats:
    """[P, n + 1]: stretches of recorded prices, each scaled to begin at ``spot``.

    ``prices[T]`` ascending in time, ``every`` so many of them make one interval. Stretches begin
    ``apart`` observations after each other (default: they do not overlap), and end at the newest.
    Raises MarketDataError ``observations_too_few`` where the history is shorter than one.
    """
    recorded = finite(np.asarray(prices, np.float64), "prices")
    if recorded.ndim != 1 or (recorded <= 0.0).any() or every < 1:
        raise refused("prices", recorded.shape, "one list of prices above 0, every >= 1")
    long = every * pacing.intervals
    gap = long if apart is None else apart
    starts = np.arange(len(recorded) - 1 - long, -1, -gap)[::-1] if gap > 0 else np.zeros(0)
    if not len(starts):
        raise MarketDataError(
            "observations_too_few",
            "the history is shorter than one horizon",
            place="replay",
            value=len(recorded),
            limit=f"> {long} prices",
            remedy="Give a longer history, or a shorter horizon.",
        )
    _fits(len(starts), pacing.intervals)
    at = starts[:, None] + every * np.arange(pacing.intervals + 1)
    picked = recorded[at.astype(np.int64)]
    return np.asarray(spot * picked / picked[:, :1])


def _fits(paths: int, intervals: int) -> None:
    if paths * intervals > _CELLS_MAX:
        raise InputError(
            "size_too_large",
            "so many paths and steps do not fit into memory",
            place="paths x intervals",
            value=paths * intervals,
            limit=f"<= {_CELLS_MAX}",
            remedy="Ask for fewer paths, or hedge less often.",
        )


def width_of(
    book: OptionBook, aversion: float, terms: CostTerms
) -> Callable[[Floats, float], Floats]:
    """Half-width of the band of Whalley and Wilmott at each spot and time."""
    unit = whalley_wilmott(1.0, 1.0, max(terms.one_way, 0.0), aversion).half_width

    def width(spots: Floats, t_years: float) -> Floats:
        gamma = book.cash_gamma(spots, t_years) / spots**2
        return np.asarray(unit * (spots * gamma * gamma) ** (1.0 / 3.0))

    return width


def hedge(
    book: OptionBook,
    paths: Floats,
    pacing: Pacing,
    terms: CostTerms,
    *,
    width: Callable[[Floats, float], Floats] | None = None,
    pairs: bool = False,
) -> Hedged:
    """Hedge along every path; ``width`` gives the half-width of a band, None trades to the delta.

    The book's own linear positions are part of its delta and stay. Raises InputError
    ``shape_wrong`` where the paths do not have the intervals of the pacing.
    """
    if paths.ndim != 2 or paths.shape[1] != pacing.intervals + 1:
        raise InputError(
            "shape_wrong",
            "a path has one price more than there are intervals",
            place="paths",
            value=paths.shape,
            limit=f"[P, {pacing.intervals + 1}]",
            remedy="Use the paths of this pacing.",
        )
    run = _Run(paths.shape[0], terms, pacing)
    alive = len(book)
    for i in range(pacing.intervals):
        spots, t = paths[:, i], i * pacing.dt_years
        wanted = -book.delta(spots, t)
        living = len(book.alive(t))
        phase = "set up" if i == 0 else "unwinding" if living < alive else "re-hedging"
        alive = living
        if i and width is not None:
            room = width(spots, t)
            wanted = np.clip(run.held, wanted - room, wanted + room)
        run.trade(wanted, spots, phase)
        run.hold(spots, paths[:, i + 1])
    end = paths[:, -1]
    settled = len(book.alive(pacing.years)) < alive
    if not settled:  # the hedge is set once more, so that every interval ends with a trade
        wanted = -book.delta(end, pacing.years)
        if width is not None:
            room = width(end, pacing.years)
            wanted = np.clip(run.held, wanted - room, wanted + room)
        run.trade(wanted, end, "re-hedging")
    run.trade(np.full(len(end), -book.linear), end, "unwinding")
    gain = _value_change(book, paths, pacing) + book.linear * (end - paths[:, 0]) + run.gain
    return Hedged(
        frozen(gain, np.float64),
        {key: frozen(values, np.float64) for key, values in run.cost.items()},
        frozen(run.carry, np.float64),
        frozen(run.traded, np.float64),
        frozen(run.trades, np.float64),
        pairs,
    )


def _value_change(book: OptionBook, paths: Floats, pacing: Pacing) -> Floats:
    """Of the options from start to end; a leg that expires is settled at its own time's price."""
    total = np.zeros(paths.shape[0])
    for k, years in enumerate(book.years.tolist()):
        one = book.picked(slice(k, k + 1))
        # an expiry between two prices settles at the one that comes after it
        at = min(math.ceil(years / pacing.dt_years - 1e-9), pacing.intervals)
        total = total + one.payoff_change(paths[:, at], min(years, pacing.years))
    return total


class _Run:
    """The hedge on every path, and what it has cost."""

    def __init__(self, count: int, terms: CostTerms, pacing: Pacing) -> None:
        self.held, self.gain = np.zeros(count), np.zeros(count)
        self.carry, self.traded, self.trades = np.zeros(count), np.zeros(count), np.zeros(count)
        self.cost: dict[tuple[str, str], Floats] = {}
        self._trade, self._carry = terms.trade(), terms.carry(365.0 * pacing.dt_years)
        self._carried = terms.funding_8h != 0.0 or terms.borrow_annual != 0.0

    def trade(self, wanted: Floats, spots: Floats, phase: str) -> None:
        moved = (wanted - self.held) * spots
        for name, paid in self._trade.split(moved):
            key = (phase, name)
            self.cost[key] = self.cost.get(key, 0.0) + paid
        if phase == "re-hedging":
            self.traded = self.traded + np.abs(moved)
            self.trades = self.trades + (moved != 0.0)
        self.held = wanted

    def hold(self, before: Floats, after: Floats) -> None:
        self.gain = self.gain + self.held * (after - before)
        if self._carried:
            self.carry = self.carry + self._carry.at(self.held * before)
