"""Paths through markets: one number that moves, and what moves with it.

    spot       every coin by one factor, volatilities as they are
    vol        every volatility by one factor, prices as they are
    time       hours go by, forwards and volatilities as they are; what expires is settled
    response   spot, and volatilities by factor ** beta; beta = d ln vol / d ln spot by coin, fitted
    joint      the lead coin by a factor and each other by factor ** its beta to the lead

A path says in words what volatility does on it. Factors run over a logarithmic grid of 4,000 points
from 0.05 to 20; time from now to the last expiry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.nodes import Account, Move
from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, NEVER_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.instruments.contracts import Kind
from crossmargin.market.history import History, moves
from crossmargin.statistics.ordered import dot, total

__all__ = [
    "FIT_LEAST",
    "HIGHEST",
    "LOWEST",
    "NODES",
    "VOL_BOUNDS",
    "Fit",
    "Path",
    "co_movement",
    "factors",
    "joint_path",
    "response_path",
    "spot_path",
    "time_path",
    "vol_path",
    "vol_response",
]

LOWEST, HIGHEST, NODES = 0.05, 20.0, 4000
# Volatilities on the response path stay within these factors: beyond no history is a guide.
VOL_BOUNDS = (0.25, 4.0)
FIT_LEAST = 60  # moves behind a fit at least
_TIME_NODES = 240


@dataclass(frozen=True, slots=True)
class Fit:
    """``y = beta x`` of moves of one underlying, least squares through the origin.

    ``largest`` is the largest absolute move of x in the sample: beyond it the line is a guess.
    """

    name: str
    beta: float
    r_squared: float
    count: int
    step_ms: int
    largest: float

    def words(self) -> str:
        """The fit in a sentence's part: beta, share explained, sample."""
        step = (
            f"{self.step_ms / DAY_MS:g} d"
            if self.step_ms >= DAY_MS
            else (f"{self.step_ms / 3_600_000:g} h")
        )
        return (
            f"{self.name} {self.beta:+.3f} (R² {self.r_squared:.2f}, {self.count} moves of {step}, "
            f"largest {100.0 * math.expm1(self.largest):.0f} %)"
        )


@dataclass(frozen=True, slots=True)
class Path:
    """``move(x)`` of each ``grid`` point; ``origin`` is now. ``integer``: x is whole (ms)."""

    name: str
    title: str
    says: str  # what volatility does on it, in words
    unit: str  # "factor" or "ms"
    origin: float
    grid: Floats
    move: Callable[[float], Move]
    lead: str = ""  # the coin whose price is shown
    integer: bool = False
    fits: tuple[Fit, ...] = ()


def factors(low: float = LOWEST, high: float = HIGHEST, nodes: int = NODES) -> Floats:
    """The logarithmic grid of a path of factors.

    Raises InputError ``number_out_of_range`` unless ``0 < low < 1 < high`` and nodes are 3 or more.
    """
    if not (0.0 < low < 1.0 < high < math.inf and nodes >= 3):
        raise InputError(
            "number_out_of_range",
            "a path runs from below now to above it",
            value=(low, high, nodes),
            limit="0 < low < 1 < high, 3 nodes or more",
            remedy="Give other ends.",
        )
    return frozen(np.geomspace(low, high, nodes), np.float64)


def spot_path(account: Account, coin: str | None = None, grid: Floats | None = None) -> Path:
    """Every coin by one factor, or ``coin`` alone; volatilities stand."""
    lead = _lead(account, coin)
    chosen = factors() if grid is None else grid
    says = "volatilities stay as they are (by strike)"
    if coin is None:
        return Path("spot", "spot, all coins together", says, "factor", 1.0, chosen,
                    lambda x: Move(every=x), lead)  # fmt: skip
    return Path("spot", f"spot of {coin} alone", says, "factor", 1.0, chosen,
                lambda x: Move(spot={coin: x}), lead)  # fmt: skip


def vol_path(account: Account, grid: Floats | None = None) -> Path:
    """Every volatility by one factor at unchanged prices."""
    chosen = factors() if grid is None else grid
    says = "volatilities of all strikes and expiries move by one factor, prices stand"
    return Path("vol", "volatility at unchanged spot", says, "factor", 1.0, chosen,
                lambda x: Move(vol=x), _lead(account, None))  # fmt: skip


def time_path(account: Account, nodes: int = _TIME_NODES) -> Path:
    """Hours go by at unchanged forwards and volatilities, to the last expiry and just beyond.

    Raises InputError ``option_unknown`` for a book without a dated contract.
    """
    table, column = account.book.instruments, account.book.column
    dated = table.kind[column] != Kind.ASSET
    when = {int(ms) for ms in table.expiry_ms[column][dated].tolist() if ms != NEVER_MS}
    lives = sorted(ms - account.view.as_of_ms for ms in when if ms >= account.view.as_of_ms)
    if not lives:
        raise InputError(
            "option_unknown",
            "nothing in the book expires: time alone changes nothing",
            place="--path time",
            limit="spot, vol, response, joint",
            remedy="Choose another path.",
        )
    even = np.linspace(0, lives[-1], nodes).astype(np.int64).tolist()
    points = sorted({*even, *lives, *(life + 1 for life in lives)})
    says = "forwards and volatilities stay as they are; what expires is settled at its last mark"
    return Path("time", "time at an unchanged market", says, "ms", 0.0,
                frozen(points, np.float64), lambda x: Move(passed_ms=int(x)),
                _lead(account, None), integer=True)  # fmt: skip


def response_path(
    account: Account,
    betas: Mapping[str, float] | None = None,
    grid: Floats | None = None,
    bounds: tuple[float, float] = VOL_BOUNDS,
) -> Path:
    """Spot of all coins by one factor, volatilities by ``factor ** beta`` within ``bounds``.

    ``betas`` by coin; those not given are fitted on the view's history
    (:func:`vol_response`, which raises where there is none).
    """
    wanted = _with_options(account) or account.coins()
    known = dict(betas or {})
    fits = tuple(vol_response(account.view.history, coin) for coin in wanted if coin not in known)
    known |= {fit.name: fit.beta for fit in fits}
    low, high = bounds

    def move(x: float) -> Move:
        vols = {coin: min(max(x**beta, low), high) for coin, beta in known.items()}
        return Move(every=x, vols=vols)

    told = ", ".join(
        fit.words() if fit else f"{coin} {known[coin]:+.3f}"
        for coin, fit in ((c, next((f for f in fits if f.name == c), None)) for c in known)
    )
    says = (
        "volatilities of all strikes move by (spot factor) ** beta, "
        f"within {low:g} to {high:g} of now; beta of {told}"
    )
    chosen = factors() if grid is None else grid
    return Path("response", "spot with the volatility that followed it", says, "factor", 1.0,
                chosen, move, _lead(account, None), fits=fits)  # fmt: skip


def joint_path(
    account: Account,
    lead: str | None = None,
    betas: Mapping[str, float] | None = None,
    grid: Floats | None = None,
) -> Path:
    """The lead coin by a factor, each other coin by ``factor ** beta`` to it; volatilities stand.

    ``betas`` by coin (1: together, 0: it stands); those not given are fitted on the history.
    """
    first = _lead(account, lead)
    others = [coin for coin in account.coins() if coin != first]
    known = dict(betas or {})
    fits = tuple(
        co_movement(account.view.history, first, coin) for coin in others if coin not in known
    )
    known |= {fit.name: fit.beta for fit in fits}

    def move(x: float) -> Move:
        return Move(spot={first: x, **{coin: x ** known[coin] for coin in others}})

    told = ", ".join(
        next((f.words() for f in fits if f.name == coin), f"{coin} {known[coin]:+.3f}")
        for coin in others
    )
    says = f"{first} by a factor; others by its power: {told or 'none'}; volatilities stay"
    chosen = factors() if grid is None else grid
    return Path("joint", f"{first} and what moves with it", says, "factor", 1.0, chosen, move,
                first, fits=fits)  # fmt: skip


def vol_response(
    history: Mapping[str, History], coin: str, step_ms: int = DAY_MS, least: int = FIT_LEAST
) -> Fit:
    """``d ln vol / d ln spot`` of one coin over steps of its history; nothing later than the view.

    Raises MarketDataError ``history_missing`` without prices and volatilities enough.
    """
    own = history.get(coin)
    if own is None or not len(own.vol):
        raise _no_history(coin, "prices and volatilities", least)
    found = moves({coin: _within(own)}, [coin], step_ms)
    return _fit(coin, found.log_return[0], found.log_vol[0], step_ms, least)


def co_movement(
    history: Mapping[str, History], lead: str, coin: str, step_ms: int = DAY_MS,
    least: int = FIT_LEAST,
) -> Fit:  # fmt: skip
    """``d ln price / d ln lead`` of one coin over steps of the common history."""
    for name in (lead, coin):
        if name not in history:
            raise _no_history(name, "prices", least)
    bare = {
        name: History(name, h.times_ms, h.price, h.times_ms[:0], h.price[:0])
        for name, h in ((n, history[n]) for n in (lead, coin))
    }
    found = moves(bare, [lead, coin], step_ms)
    return _fit(coin, found.log_return[0], found.log_return[1], step_ms, least)


def _within(own: History) -> History:
    """The part of a history over which both price and volatility are known."""
    first = max(int(own.times_ms[0]), int(own.vol_times_ms[0]))
    last = min(int(own.times_ms[-1]), int(own.vol_times_ms[-1]))
    in_price = (own.times_ms >= first) & (own.times_ms <= last)
    in_vol = (own.vol_times_ms >= first) & (own.vol_times_ms <= last)
    if not in_price.any() or not in_vol.any():
        raise _no_history(own.underlying, "prices and volatilities of one period", FIT_LEAST)
    return History(
        own.underlying,
        own.times_ms[in_price],
        own.price[in_price],
        own.vol_times_ms[in_vol],
        own.vol[in_vol],
    )


def _fit(name: str, x: Floats, y: Floats, step_ms: int, least: int) -> Fit:
    if len(x) < least:
        raise _no_history(name, f"{len(x)} moves of {step_ms / DAY_MS:g} days", least)
    square = float(dot(x, x))
    if not square > 0.0:
        raise _no_history(name, "prices that never move", least)
    beta = float(dot(x, y)) / square
    rest = y - beta * x
    whole = float(dot(y, y))
    explained = 1.0 - float(total(rest * rest)) / whole if whole > 0.0 else 0.0
    return Fit(name, beta, explained, len(x), step_ms, float(np.abs(x).max()))


def _no_history(coin: str, found: str, least: int) -> MarketDataError:
    return MarketDataError(
        "history_missing",
        "no response can be fitted",
        place=coin,
        value=found,
        limit=f"a history of {least} daily moves or more",
        remedy="Import the market with --history FILE, give the beta, or choose --path spot.",
    )


def _with_options(account: Account) -> tuple[str, ...]:
    """Underlyings of the options that the account holds, in order of name."""
    table, column = account.book.instruments, account.book.column
    held = (table.items[k] for k in column.tolist())
    return tuple(sorted({item.underlying for item in held if item.kind == Kind.OPTION}))


def _lead(account: Account, coin: str | None) -> str:
    """The coin whose price a path shows: the one asked for, else that of most notional."""
    coins: Sequence[str] = account.coins()
    if coin is not None:
        if coin not in coins:
            raise InputError(
                "option_unknown",
                "the account holds nothing that moves with this coin",
                value=coin,
                limit=", ".join(coins) or "none",
                remedy="Choose one of its coins.",
            )
        return coin
    if not coins:
        raise InputError(
            "option_unknown",
            "the account holds nothing that moves: money alone has no liquidation price",
            limit="a position or a coin",
            remedy="Give a book with positions.",
        )
    size = dict.fromkeys(coins, 0.0)
    book, view = account.book, account.view
    table = book.instruments
    for j, k in enumerate(book.column.tolist()):
        item = table.items[k]
        if item.underlying not in size:
            continue
        turned = item.inverse and item.kind in (Kind.PERPETUAL, Kind.FUTURE)
        index = float(view.index[table.pair[k]]) * float(view.usd[table.quote[k]])
        one = 1.0 if turned else index
        size[item.underlying] += abs(float(book.quantity[j])) * item.multiplier * one
    return max(coins, key=lambda name: size[name])
