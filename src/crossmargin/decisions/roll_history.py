"""A hedge bought, held to expiry and bought again over recorded chains: what it really cost.

At each start the put nearest below a share of the price, of the expiry nearest to a life, is
bought at its ask with the fee; it pays ``max(K - S, 0)`` dollars at the first chain at or after its
expiry. The premium of a coin-settled option is counted at the price at which it was paid. A start
where nothing is quoted is counted and the next chain is tried: no price is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import ModelError
from crossmargin.statistics.checks import number

__all__ = ["Recorded", "Roll", "Rolls", "roll_puts"]


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One chain: [N] puts with what a unit costs in dollars, fee inside (NaN: not quoted)."""

    time_ms: int
    price: float
    expiry_ms: np.ndarray
    strike: Floats
    ask_usd: Floats


@dataclass(frozen=True, slots=True)
class Roll:
    """One holding. ``paid_usd`` and ``got_usd`` a coin; ``price`` and ``end_price`` of the coin."""

    start_ms: int
    end_ms: int
    strike: float
    price: float
    end_price: float
    paid_usd: float
    got_usd: float


@dataclass(frozen=True, slots=True)
class Rolls:
    """All holdings, one after another; ``waited`` chains quoted no such put."""

    rolls: tuple[Roll, ...]
    waited: int

    @property
    def paid_usd(self) -> float:
        """Premium and fees a coin."""
        return sum(each.paid_usd for each in self.rolls)

    @property
    def got_usd(self) -> float:
        """Payoffs a coin."""
        return sum(each.got_usd for each in self.rolls)

    @property
    def years(self) -> float:
        """Time under protection."""
        return sum(each.end_ms - each.start_ms for each in self.rolls) / (365.0 * DAY_MS)

    @property
    def cost_per_year(self) -> float:
        """Net cost a year, over the price at each start (mean); 0 without a holding."""
        if not self.rolls:
            return 0.0
        share = sum((each.paid_usd - each.got_usd) / each.price for each in self.rolls)
        return share / self.years


def roll_puts(chains: Sequence[Recorded], moneyness: float, days: float) -> Rolls:
    """Puts at ``moneyness`` (strike over price) of about ``days``, rolled at each expiry.

    Raises ModelError ``observations_too_few`` where fewer than two chains are given, InputError for
    numbers out of bounds. ``chains`` ascend in time. A holding that outlasts them is left out.
    """
    number(moneyness, "moneyness", above=0.0)
    number(days, "days", above=0.0)
    if len(chains) < 2:
        raise ModelError(
            "observations_too_few",
            "a roll needs chains at its start and at its end",
            place="chains",
            value=len(chains),
            limit="2 or more",
        )
    rolls: list[Roll] = []
    waited = place = 0
    times = np.array([chain.time_ms for chain in chains])
    while place < len(chains):
        chain = chains[place]
        k = _choice(chain, moneyness, days)
        if k is None:
            waited, place = waited + 1, place + 1
            continue
        end = int(np.searchsorted(times, chain.expiry_ms[k]))
        if end >= len(chains):
            break
        last = chains[end]
        strike = float(chain.strike[k])
        rolls.append(
            Roll(
                chain.time_ms, last.time_ms, strike, chain.price, last.price,
                float(chain.ask_usd[k]), max(strike - last.price, 0.0),
            )
        )  # fmt: skip
        place = end
    return Rolls(tuple(rolls), waited)


def _choice(chain: Recorded, moneyness: float, days: float) -> int | None:
    """The quoted put: the expiry nearest to the life, then the highest strike not above."""
    life = (chain.expiry_ms - chain.time_ms) / DAY_MS
    able = np.isfinite(chain.ask_usd) & (chain.strike <= moneyness * chain.price * (1.0 + 1e-12))
    able &= (
        (life > 0.5 * days) & (life < 2.0 * days) & (chain.strike > 0.5 * moneyness * chain.price)
    )
    if not able.any():
        return None
    rows = np.flatnonzero(able)
    gap = np.abs(life[rows] - days)
    rows = rows[gap == gap.min()]
    return int(rows[np.argmax(chain.strike[rows])])
