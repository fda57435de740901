"""Earlier prices and volatilities of an underlying, and the joint moves of several.

A market holds them as rows ``past_price`` and ``past_vol`` (subject ``BTC/USD@<ms>``), so that one
file carries all that a result rests on. Nothing later than the as-of time is ever in a view.

A move over a step needs an observation at both of its ends. One that lacks either is left out and
counted; where too many are left out the history is refused, never bridged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Longs, frozen
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.market.fields import DOLLAR_PEGGED, Row, dated_subject, split_dated

__all__ = ["History", "Moves", "histories_of", "history_rows", "moves"]

# The share of steps that may lack an observation before a history is refused.
GAPS_MAX = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One underlying: T prices in dollars, and V volatilities (fractions) at times of their own."""

    underlying: str
    times_ms: Longs  # [T] ascending
    price: Floats  # [T]
    vol_times_ms: Longs  # [V] ascending
    vol: Floats  # [V]

    def __len__(self) -> int:
        return len(self.times_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Joint moves of N underlyings over K steps, oldest first; ``end_ms`` is where each ends.

    ``log_return[N, K]`` of the price; ``log_vol[N, K]`` of the volatility, zero for an underlying
    without any (``has_vol``). ``left_out`` steps lacked an observation.
    """

    names: tuple[str, ...]
    step_ms: int
    end_ms: Longs
    log_return: Floats
    log_vol: Floats
    has_vol: tuple[bool, ...]
    left_out: int

    def __len__(self) -> int:
        return len(self.end_ms)


def histories_of(
    prices: Mapping[str, float], vols: Mapping[str, float], as_of_ms: int
) -> Mapping[str, History]:
    """Histories by underlying from subjects ``BTC/USD@<ms>``; what is later than as-of is not read.

    Raises MarketDataError ``market_duplicate`` where an underlying has prices in two quotes.
    """
    found: dict[str, tuple[dict[int, float], dict[int, float]]] = {}
    quotes: dict[str, str] = {}
    for which, values in enumerate((prices, vols)):
        for subject, value in values.items():
            underlying, quote, time_ms = split_dated(subject)
            if quotes.setdefault(underlying, quote) != quote:
                raise MarketDataError(
                    "market_duplicate",
                    "the history of an underlying is given in two quote currencies",
                    place=f"past_price {underlying}",
                    value=quote,
                    limit=quotes[underlying],
                    remedy="Keep one of them.",
                )
            series = found.setdefault(underlying, ({}, {}))
            if time_ms <= as_of_ms:
                series[which][time_ms] = value
    return {
        name: History(name, *_sorted(price), *_sorted(vol))
        for name, (price, vol) in sorted(found.items())
        if price
    }


def _sorted(values: Mapping[int, float]) -> tuple[Longs, Floats]:
    times = sorted(values)
    return frozen(times, np.int64), frozen([values[time] for time in times], np.float64)


def history_rows(
    lines: Iterable[tuple[int, str, str, float | None, float | None]], source: str
) -> list[Row]:
    """Rows of a snapshot from (time, underlying, quote, price, vol); either value may be absent.

    The quote is a dollar: prices in other money are refused (InputError ``currency_unknown``).
    """
    rows: list[Row] = []
    for time_ms, underlying, quote, price, vol in lines:
        if quote not in DOLLAR_PEGGED:
            raise InputError(
                "currency_unknown",
                "a history is of prices in dollars",
                place=f"{source} {underlying} {format_ms(time_ms)}",
                value=quote,
                limit=", ".join(sorted(DOLLAR_PEGGED)),
                remedy="Convert the prices to dollars.",
            )
        subject = dated_subject(underlying, quote, time_ms)
        if price is not None:
            rows.append(Row("past_price", subject, price, quote, source, time_ms, time_ms))
        if vol is not None:
            rows.append(Row("past_vol", subject, vol, "fraction", source, time_ms, time_ms))
    return rows


def moves(
    history: Mapping[str, History],
    names: Sequence[str],
    step_ms: int,
    last: int | None = None,
    *,
    gaps_max: float = GAPS_MAX,
    overlap_ms: int = 0,
) -> Moves:
    """Joint log moves over ``step_ms``, back from the latest common time; the ``last`` of them.

    ``overlap_ms`` below the step makes windows that overlap: one begins every so many milliseconds.
    Raises MarketDataError ``history_missing`` for an underlying without a history, ``history_gap``
    where more than a share ``gaps_max`` of the steps lacks an observation.
    """
    missing = [name for name in names if name not in history]
    if missing or not names:
        raise MarketDataError(
            "history_missing",
            "the market holds no history of an underlying",
            place=", ".join(missing) or "no underlying",
            limit=", ".join(history) or "none",
            remedy="Import the market with --history FILE.",
        )
    series = [history[name] for name in names]
    every = overlap_ms or step_ms
    newest = min(int(each.times_ms[-1]) for each in series)
    oldest = max(int(each.times_ms[0]) for each in series)
    ends = np.arange(newest, oldest + step_ms - 1, -every, dtype=np.int64)[::-1]
    if last is not None:
        ends = ends[-last:]
    found = [_log_moves(each.times_ms, each.price, ends, step_ms) for each in series]
    vols = [
        _log_moves(each.vol_times_ms, each.vol, ends, step_ms) if len(each.vol) else None
        for each in series
    ]
    there = np.ones(len(ends), np.bool_)
    for known, _ in (*found, *(vol for vol in vols if vol is not None)):
        there &= known
    _refuse_gaps(names, ends, there, gaps_max)
    zero = np.zeros(len(ends))
    return Moves(
        names=tuple(names),
        step_ms=step_ms,
        end_ms=frozen(ends[there], np.int64),
        log_return=frozen(np.stack([move[there] for _, move in found]), np.float64),
        log_vol=frozen(
            np.stack([(zero if vol is None else vol[1])[there] for vol in vols]), np.float64
        ),
        has_vol=tuple(vol is not None for vol in vols),
        left_out=int((~there).sum()),
    )


def _log_moves(
    times: Longs, values: Floats, ends: Longs, step_ms: int
) -> tuple[np.ndarray, Floats]:
    """Which steps have both ends, and the log of the ratio (0 where not)."""
    low, has_low = _at(times, ends - step_ms)
    high, has_high = _at(times, ends)
    known = has_low & has_high
    ratio = np.where(known, values[high] / values[low], 1.0)
    return known, np.log(ratio)


def _at(times: Longs, wanted: Longs) -> tuple[Longs, np.ndarray]:
    place = np.minimum(np.searchsorted(times, wanted), len(times) - 1)
    return place, times[place] == wanted


def _refuse_gaps(names: Sequence[str], ends: Longs, there: np.ndarray, gaps_max: float) -> None:
    lost = int((~there).sum())
    if len(ends) and lost <= gaps_max * len(ends):
        return
    first = format_ms(int(ends[~there][0])) if lost else "no step at all"
    raise MarketDataError(
        "history_gap",
        "the history lacks observations: its moves would not be over one step",
        place=f"{', '.join(names)}, first step without: {first}",
        value=f"{lost} of {len(ends)} steps",
        limit=f"at most {100.0 * gaps_max:g} % of the steps",
        remedy="Give the missing observations, or cut the history to its whole part.",
    )
