"""A thousand days of BTC and ETH of our own making, which end where the sample market stands.

Daily log returns share a fat-tailed shock (Student t with four degrees of freedom) whose size
follows a GARCH(1,1); the volatility of thirty days answers a fall at once and forgets it over
weeks. The paths are scaled so that the last prices and volatilities lie next to the market's own.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from crossmargin.core.clock import DAY_MS
from crossmargin.market.fields import Row
from crossmargin.market.history import history_rows

DAYS = 1000
SEED = 20260704
_FREEDOM = 4
_KEPT, _ANSWER = 0.90, 0.07  # of the variance: what it keeps, what a day's square adds


@dataclass(frozen=True)
class Past:
    """Where one coin's path ends, and how it moves."""

    name: str
    price: float
    vol: float
    own: float  # share of its shock that is not the common one
    scale: float  # of its daily returns against those of the common shock


PASTS = (
    Past("BTC", 68_301.2, 0.3975, 0.25, 0.024),
    Past("ETH", 2_041.35, 0.5540, 0.45, 0.034),
)


def shocks(draw: random.Random, days: int) -> list[float]:
    """Student t shocks of unit variance."""
    found = []
    for _ in range(days):
        chi = sum(draw.gauss(0.0, 1.0) ** 2 for _ in range(_FREEDOM))
        found.append(draw.gauss(0.0, 1.0) / math.sqrt(chi / _FREEDOM) / math.sqrt(2.0))
    return found


def path(past: Past, common: list[float], draw: random.Random) -> list[tuple[float, float]]:
    """(price, volatility) of each day, oldest first."""
    own = shocks(draw, len(common))
    variance, vol, log_price = 1.0, 0.0, 0.0
    logs, vols = [0.0], [0.0]
    for shared, alone in zip(common, own, strict=True):
        shock = math.sqrt(1.0 - past.own**2) * shared + past.own * alone
        move = past.scale * math.sqrt(variance) * shock
        variance = (1.0 - _KEPT - _ANSWER) + _KEPT * variance + _ANSWER * variance * shock**2
        log_price += move + 0.0004
        vol = 0.96 * vol - 1.1 * min(move, 0.0) - 0.25 * max(move, 0.0) - 0.009
        vol += 0.018 * draw.gauss(0.0, 1.0)
        logs.append(log_price)
        vols.append(vol)
    return [
        (
            round(past.price * math.exp(one - logs[-1]), 2),
            round(past.vol * math.exp(max(min(two - vols[-1], 1.1), -0.5)), 4),
        )
        for one, two in zip(logs, vols, strict=True)
    ]


def rows(as_of_ms: int, source: str) -> list[Row]:
    """The history up to the last midnight before the market."""
    draw = random.Random(SEED)
    common = shocks(draw, DAYS)
    last = as_of_ms - as_of_ms % DAY_MS
    lines = [
        (last - (DAYS - k) * DAY_MS, past.name, "USD", price, vol)
        for past in PASTS
        for k, (price, vol) in enumerate(path(past, common, draw))
    ]
    return history_rows(lines, source)
