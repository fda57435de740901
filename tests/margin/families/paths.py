"""Small histories of our own: days and hours of one coin, made from a seed or by rule."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS, utc_ms
from crossmargin.market.history import History

START_MS = utc_ms(2020, 1, 1)
DAYS = 420


def history(moves: np.ndarray, vols: np.ndarray | None = None, coin: str = "BTC") -> History:
    """Prices at midnight after each daily log move, from 100; volatilities at the same times."""
    price = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    times = frozen(START_MS + DAY_MS * np.arange(len(price)), np.int64)
    own = np.zeros(0) if vols is None else vols
    return History(coin, times, frozen(price, np.float64), times[: len(own)], frozen(own, float))


def random_moves(seed: int = 5, days: int = DAYS, deviation: float = 0.03) -> np.ndarray:
    """Fat tails, a crash of 40 % half way."""
    moves = np.random.default_rng(seed).standard_t(4.0, days) * deviation / 2.0**0.5
    moves[days // 2] = -0.5
    return np.asarray(moves)


def steady(days: int = DAYS, move: float = 0.02) -> np.ndarray:
    """Up and down by the same: a volatility that never changes."""
    return np.where(np.arange(days) % 2 == 0, move, -move)


def end_ms(found: History) -> int:
    """The last time of a history."""
    return int(found.times_ms[-1])
