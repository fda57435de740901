"""The gamma buffer: what re-hedging a book costs while it is closed out.

A book of gamma G whose delta is hedged again every dt trades ``|G| |dS|`` coins a step. With normal
moves ``E|dS| = sigma S sqrt(dt) sqrt(2 / pi)``, so at a one-way cost of k per dollar traded

    cost of a step      k S |G| E|dS| = sqrt(2 / pi) k sigma S^2 |G| sqrt(dt)
    buffer              that x horizon / dt

per coin, on the gamma net of all expiries: one hedge serves them all. A long gamma pays as a short
one does. Source: the expected cost of discrete hedging, textbook.
"""

from __future__ import annotations

import math

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.parameter_files import Parameters

__all__ = ["buffer_rates", "hedging_cost", "hedging_rate"]

HOURS_A_DAY = 24.0


def hedging_rate(
    cost: float, sigma_daily: float, horizon_days: float, rehedge_hours: float
) -> float:
    """Dollars of cost per dollar of ``S^2 |Gamma|``; zero without cost, vol or horizon.

    ``rehedge_hours`` is above zero (a bound of the parameter file).
    """
    step_days = rehedge_hours / HOURS_A_DAY
    steps = horizon_days / step_days
    return math.sqrt(2.0 / math.pi) * cost * sigma_daily * math.sqrt(step_days) * steps


def buffer_rates(coins: tuple[str, ...], parameters: Parameters) -> Floats:
    """[U] the rate of each coin."""
    return np.array(
        [
            hedging_rate(
                parameters.number("buffer.cost"),
                parameters.number(f"asset.{coin}.sigma_daily"),
                parameters.number("general.horizon_days"),
                parameters.number("buffer.rehedge_hours"),
            )
            for coin in coins
        ]
    )


def hedging_cost(gamma_usd: Floats, rates: Floats) -> Floats:
    """[A] dollars over the close-out from the net ``S^2 Gamma`` [A, U] of each coin."""
    total = np.zeros(len(gamma_usd))
    for u, rate in enumerate(rates.tolist()):
        total += rate * np.abs(gamma_usd[:, u])
    return total
