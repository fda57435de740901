"""How far a crossing is: in price, per cent, daily sigmas, and how likely it is to be touched.

    daily sigmas   ln(crossing / now) / sigma, sigma the EWMA of daily log returns (decay 0.94)
    touch in h     share of the windows of h hours of the history in which the price, at the
                   history's own times, moved as far; where the history is coarser than an hour or
                   its windows are too few:
                   2 N(-|ln(crossing / now)| / (sigma sqrt(h / 24))), the reflection of a
                   driftless walk of that sigma, without jumps

Windows overlap: ``windows`` are all of them, ``apart`` how many fit side by side. A venue adds its
penalty, the lag of its oracle and the smoothing of its marks (:class:`VenueTerms`).
Sources: RiskMetrics Technical Document, 1996 (decay); Feller, An Introduction to Probability Theory
and Its Applications, 1968 (reflection).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.crossings import Crossing, narrowed
from crossmargin.accounts.nodes import Account, Move
from crossmargin.accounts.path import Path
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.instruments.contracts import Kind
from crossmargin.market.history import History, moves
from crossmargin.statistics.filters import ewma_variance

__all__ = [
    "DECAY",
    "HOURS",
    "TERMS",
    "Distance",
    "Late",
    "SpreadCost",
    "Touch",
    "VenueTerms",
    "after_lag",
    "daily_sigma",
    "distance",
    "late_marks",
    "spread_cost",
    "touches",
]

HOURS = (1.0, 6.0, 24.0)
DECAY = 0.94
WINDOWS_LEAST = 500  # windows of a horizon at least, to be counted rather than modelled
_START = 60  # returns that start the EWMA
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Touch:
    """Probability that the price moves as far within ``hours``. ``how``: counted or reflection.

    ``windows``: windows counted, or returns behind the sigma; ``apart``: of them side by side.
    """

    hours: float
    probability: float
    how: str
    windows: int
    apart: int


@dataclass(frozen=True, slots=True)
class Distance:
    """A crossing of a path of prices, seen from now; ``price`` in dollars of the path's lead coin.

    ``sigmas`` and ``touch`` are None and empty where the market holds no history of the coin.
    """

    crossing: Crossing
    coin: str
    price_now: float
    price: float
    percent: float  # of the price now, as a fraction
    sigma_daily: float | None
    sigmas: float | None
    touch: tuple[Touch, ...]


@dataclass(frozen=True, slots=True)
class VenueTerms:
    """What a venue adds to a crossing; 0 where it is not stated.

    ``penalty_fraction`` of the notional closed; ``oracle_lag_s`` until a price is seen;
    ``mark_lag_s`` until option marks have followed a jump.
    """

    penalty_fraction: float = 0.0
    oracle_lag_s: float = 0.0
    mark_lag_s: float = 0.0
    source: str = "not stated"


# What is stated; everything else is given by the caller.
TERMS: dict[str, VenueTerms] = {
    "deribit": VenueTerms(
        mark_lag_s=1000.0,
        source="option marks take about 1,000 s to follow a jump (venue's help pages); straight "
        "line over that time is this project's",
    ),
}


def daily_sigma(history: History, *, decay: float = DECAY) -> tuple[float, int]:
    """EWMA standard deviation of daily log returns, the forecast of the next day, and how many.

    Raises MarketDataError ``history_missing`` for fewer than 60 daily returns.
    """
    bare = History(
        history.underlying, history.times_ms, history.price, history.times_ms[:0],
        history.price[:0],
    )  # fmt: skip
    found = moves({history.underlying: bare}, [history.underlying], DAY_MS)
    returns = found.log_return[0]
    if len(returns) < _START:
        raise MarketDataError(
            "history_missing",
            "too few daily returns for a volatility",
            place=history.underlying,
            value=len(returns),
            limit=f"{_START} or more",
            remedy="Import the market with a longer --history FILE.",
        )
    path = ewma_variance(returns, decay, start=_START)
    return math.sqrt(float(path[-1])), len(returns)


def touches(
    history: History, factor: float, hours: Sequence[float] = HOURS, *, decay: float = DECAY
) -> tuple[Touch, ...]:
    """The probability of touching ``factor`` times the price now, by horizon.

    Raises InputError ``number_out_of_range`` for a factor or horizon that is not positive.
    """
    if not factor > 0.0 or any(not h > 0.0 for h in hours):
        raise InputError(
            "number_out_of_range",
            "a factor and a horizon are positive",
            value=(factor, tuple(hours)),
            limit="> 0",
            remedy="Give other numbers.",
        )
    sigma, count = daily_sigma(history, decay=decay)
    out = []
    for h in hours:
        counted = _counted(history, factor, h)
        if counted is not None:
            out.append(counted)
            continue
        reach = abs(math.log(factor)) / (sigma * math.sqrt(h / 24.0)) if sigma > 0.0 else math.inf
        probability = math.erfc(reach / math.sqrt(2.0))
        out.append(Touch(h, min(probability, 1.0), "reflection", count, count))
    return tuple(out)


def _counted(history: History, factor: float, hours: float) -> Touch | None:
    """The share of windows that reached; None where the history is too coarse or too short.

    A window is kept where it has every observation of its own: no gap is bridged.
    """
    times = history.times_ms
    if len(times) < 2:
        return None
    step = int(np.median(np.diff(times)))
    if step <= 0 or step > _HOUR_MS or step > hours * _HOUR_MS:
        return None
    length = round(hours * _HOUR_MS / step)
    if len(times) <= length:
        return None
    log_price = np.log(history.price)
    windows = np.lib.stride_tricks.sliding_window_view(log_price, length + 1)
    whole = times[length:] - times[:-length] == length * step
    away = windows[whole] - windows[whole][:, :1]
    if len(away) < WINDOWS_LEAST:
        return None
    goal = math.log(factor)
    hit = away.min(axis=1) <= goal if goal < 0.0 else away.max(axis=1) >= goal
    return Touch(hours, float(hit.mean()), "counted", len(away), len(away) // length)


def distance(account: Account, path: Path, crossing: Crossing) -> Distance:
    """A crossing of a path whose number is a factor on the price of the path's lead coin."""
    now = _price_of(account, path.lead)
    factor = crossing.at
    history = account.view.history.get(path.lead)
    sigma: float | None = None
    touched: tuple[Touch, ...] = ()
    if history is not None and len(history) > _START:
        sigma = daily_sigma(history)[0]
        touched = touches(history, factor)
    return Distance(
        crossing,
        path.lead,
        now,
        now * factor,
        factor - 1.0,
        sigma,
        math.log(factor) / sigma if sigma else None,
        touched,
    )


def _price_of(account: Account, coin: str) -> float:
    """Dollars of a coin now: the index that its contracts settle on."""
    table, view = account.view.instruments, account.view
    usd = float(view.usd[table.names.index(coin)]) if coin in table.names else 0.0
    if usd > 0.0:
        return usd
    pair = next(k for k, (name, _) in enumerate(table.pairs) if name == coin)
    quote = table.names.index(table.pairs[pair][1])
    return float(view.index[pair]) * float(view.usd[quote])


def after_lag(distance: Distance, terms: VenueTerms, sigmas: float = 2.0) -> float | None:
    """The price that the venue may act at: the crossing and ``sigmas`` of its oracle's lag beyond.

    ``price x exp(-+ sigmas sigma sqrt(lag / day))``, away from now; None without a volatility.
    """
    if distance.sigma_daily is None:
        return None
    further = sigmas * distance.sigma_daily * math.sqrt(terms.oracle_lag_s / 86_400.0)
    away = 1.0 if distance.price >= distance.price_now else -1.0
    return distance.price * math.exp(away * further)


# ---------------------------------------------------------------- smoothed marks


@dataclass(frozen=True, slots=True)
class Late:
    """A jump of spot to ``factor`` with volatility at ``vol_factor`` once the marks have followed.

    ``after_s``: seconds until the venue's own figures break; 0 at once, None not at all.
    """

    factor: float
    vol_factor: float
    after_s: float | None


def late_marks(account: Account, path: Path, factor: float, mark_lag_s: float) -> Late:
    """When the venue's figures break after a jump to ``factor`` on a path, prices seen at once.

    Volatilities of the venue's marks go from now's to the path's in a straight line of factors over
    ``mark_lag_s``.
    """
    end = path.move(factor)

    def valued(share: float) -> tuple[float, float]:
        def part(vol: float) -> float:
            return 1.0 + share * (vol - 1.0)

        vols = {coin: part(vol) for coin, vol in end.vols.items()}
        one = account.one(Move(end.every, part(end.vol), 0, end.spot, vols))
        return float(one.over_mm_usd[0]), float(one.need_mm_usd[0])

    vol_end = next(iter(end.vols.values()), end.vol)
    if valued(0.0)[0] < 0.0:
        return Late(factor, vol_end, 0.0)
    if valued(1.0)[0] >= 0.0:
        return Late(factor, vol_end, None)
    found = narrowed(valued, 0.0, 1.0)
    return Late(factor, vol_end, None if found is None else found.at * mark_lag_s)


# ---------------------------------------------------------------- market quotes


@dataclass(frozen=True, slots=True)
class SpreadCost:
    """Dollars between mark and the side at which each leg can be closed now, never negative.

    ``unquoted`` legs have no such side: they count nothing, and are named.
    """

    dollars: float
    quoted: int
    unquoted: tuple[str, ...]


def spread_cost(account: Account) -> SpreadCost:
    """``sum |q| m |mark - side|``: bids for what is long, asks for what is short, at the touch."""
    book, view = account.book, account.view
    table = book.instruments
    cost, quoted = 0.0, 0
    unquoted: list[str] = []
    for j, k in enumerate(book.column.tolist()):
        size = float(book.quantity[j])
        item = table.items[k]
        if item.kind in (Kind.ASSET, Kind.DEBT) or size == 0.0:
            continue
        known, side = (view.has_bid, view.bid) if size > 0.0 else (view.has_ask, view.ask)
        if not known[k]:
            unquoted.append(table.label(k))
            continue
        quoted += 1
        mark, price = float(view.mark[k]), float(side[k])
        gap = mark - price if size > 0.0 else price - mark
        if item.inverse and item.kind != Kind.OPTION and price > 0.0:
            gap = (1.0 / price - 1.0 / mark) * (1.0 if size > 0.0 else -1.0)
        usd = float(view.usd[table.settle[k]])
        cost += max(abs(size) * item.multiplier * gap * usd, 0.0)
    return SpreadCost(cost, quoted, tuple(unquoted))
