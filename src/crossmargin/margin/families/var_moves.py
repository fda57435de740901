"""Joint moves of price and volatility over a horizon: what a value at risk is taken over.

Moves are logs. A volatility moves by what the thirty-day volatility moved; `var_table` scales it by
maturity. Historical moves are past days scaled by the root of the horizon, or windows as long as
the horizon that overlap. Filtered ones are each series' own past moves at today's volatility of the
series (full, or halfway there), so that a day keeps its joint pattern.

Source: Hull and White, Incorporating volatility updating into the historical simulation method,
1998; Barone-Adesi, Giannopoulos and Vosper, VaR without correlations, 1999.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from crossmargin.core.arrays import Floats, Longs, frozen
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import MarketDataError, ModelError
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.history import Moves, moves
from crossmargin.market.view import View
from crossmargin.statistics.filters import (
    Garch,
    Scaling,
    ewma_variance,
    filtered_scenarios,
    garch_fit,
    garch_variance,
)

__all__ = [
    "JointMoves",
    "filtered_moves",
    "historical_moves",
    "known_coins",
]

STALE_DAYS = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class JointMoves:
    """S joint moves of N coins over the horizon, oldest first where they are of the past.

    ``known[N]`` and ``has_vol[N]``: whether the coin's price and volatility have moves at all.
    ``overlap`` windows share a day (1: none do). ``warnings`` are said with every result.
    """

    names: tuple[str, ...]
    log_price: Floats  # [N, S]
    log_vol: Floats  # [N, S] of the thirty-day volatility
    known: tuple[bool, ...]
    has_vol: tuple[bool, ...]
    end_ms: Longs | None = None  # [S] where they are of the past
    overlap: int = 1
    left_out: int = 0
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.log_price.shape[1])

    def label(self, s: int) -> str:
        """The day on which the move ended, or the number of the draw."""
        if self.end_ms is None:
            return f"draw {s + 1}"
        return format_ms(int(self.end_ms[s]))[:10]


def known_coins(parameters: Parameters) -> tuple[str, ...]:
    """Coins that the set has numbers of, in its order."""
    return parameters.tables("coin")


def historical_moves(parameters: Parameters, view: View) -> JointMoves:
    """Past moves over the horizon.

    ``form.windows``: ``scaled`` takes days times the root of the horizon, ``overlapping`` takes
    windows of whole days, one a day. Errors: ``history_missing``, ``history_gap``,
    ``parameter_out_of_bounds`` where overlapping windows are not of two whole days or more.
    """
    days = parameters.number("horizon.days")
    if parameters.get("form.windows") == "overlapping":
        span = _whole_days(days)
        found = _past(parameters, view, span * DAY_MS, int(parameters.number("history.lookback")))
        return _joint(parameters, view, found, found.log_return, found.log_vol, span)
    found = _past(parameters, view, DAY_MS, int(parameters.number("history.lookback")))
    root = math.sqrt(days)
    return _joint(parameters, view, found, found.log_return * root, found.log_vol * root, 1)


def filtered_moves(parameters: Parameters, view: View) -> JointMoves:
    """Past days at today's volatility, times the root of the horizon.

    ``form.filter`` is the recursion (``ewma``, ``garch``), ``form.scaling`` how far it reaches. The
    filter runs over the whole history, the scenarios are the last ``history.lookback`` days.
    """
    found = _past(parameters, view, DAY_MS, None)
    root = math.sqrt(parameters.number("horizon.days"))
    last = int(parameters.number("history.lookback"))
    rows = [
        _filtered(parameters, series) for series in (*found.log_return, *found.log_vol)
    ]  # fmt: skip
    count = min(last, *(len(row) for row in rows))
    table = np.stack([row[-count:] for row in rows]) * root
    half = len(found.names)
    return _joint(parameters, view, found, table[:half], table[half:], 1)


def _whole_days(days: float) -> int:
    if days < 2.0 or days != math.floor(days):
        raise ModelError(
            "parameter_out_of_bounds",
            "windows overlap only where the horizon is two whole days or more",
            place="horizon.days",
            value=days,
            limit="2, 3, 4, …",
            remedy="Set form.windows to scaled, or a horizon of whole days.",
        )
    return int(days)


def _past(parameters: Parameters, view: View, step_ms: int, last: int | None) -> Moves:
    """Moves of the coins that the set knows and the market has a history of."""
    names = [name for name in known_coins(parameters) if name in view.history]
    if not names:
        raise MarketDataError(
            "history_missing",
            "the market holds no history of a coin that the model has numbers of",
            place=f"{parameters.model} {parameters.label}",
            value=", ".join(view.history) or "none",
            limit=", ".join(known_coins(parameters)),
            remedy="Import the market with --history FILE.",
        )
    return moves(
        view.history,
        names,
        step_ms,
        last,
        gaps_max=parameters.number("history.gaps_max"),
        overlap_ms=DAY_MS,
    )


def _joint(
    parameters: Parameters,
    view: View,
    found: Moves,
    price: Floats,
    vol: Floats,
    overlap: int,
) -> JointMoves:
    """The record over all coins of the set; one without a history stands still, and is refused."""
    names = known_coins(parameters)
    count = price.shape[1]
    place = {name: k for k, name in enumerate(found.names)}
    zero = np.zeros(count)
    said = _stale(view, found) + _lacking(found)
    return JointMoves(
        names=names,
        log_price=frozen([price[place[n]] if n in place else zero for n in names], np.float64),
        log_vol=frozen([vol[place[n]] if n in place else zero for n in names], np.float64),
        known=tuple(n in place for n in names),
        has_vol=tuple(n in place and found.has_vol[place[n]] for n in names),
        end_ms=frozen(found.end_ms[-count:], np.int64),
        overlap=overlap,
        left_out=found.left_out,
        warnings=said,
    )


def _stale(view: View, found: Moves) -> tuple[str, ...]:
    if not len(found):
        return ()
    age = (view.as_of_ms - int(found.end_ms[-1])) / DAY_MS
    if age <= STALE_DAYS:
        return ()
    newest = format_ms(int(found.end_ms[-1]))[:10]
    return (f"The newest move of the history ends on {newest}, {age:.0f} days before the market.",)


def _lacking(found: Moves) -> tuple[str, ...]:
    if not found.left_out:
        return ()
    return (f"{found.left_out} steps of the history lack an observation and are left out.",)


# ---------------------------------------------------------------- filters


def _filtered(parameters: Parameters, series: Floats) -> Floats:
    """One series at its own forecast; a series that never moves stays as it is."""
    start = int(parameters.number("filter.warm_up_days"))
    if not series.any():
        return series[start:]
    scaling = Scaling(parameters.get("form.scaling"))
    if parameters.get("form.filter") == "ewma":
        variance = ewma_variance(series, parameters.number("filter.decay"), start=start)
    else:
        variance = garch_variance(series, _fitted(series.tobytes()))[start:]
    return filtered_scenarios(series, variance, scaling)


@lru_cache(maxsize=64)
def _fitted(series: bytes) -> Garch:
    """The fit of one series, which takes a second; the same series is fitted once a process."""
    return garch_fit(np.frombuffer(series, np.float64))
