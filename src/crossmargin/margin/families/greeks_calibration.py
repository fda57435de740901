"""What the history in a market would make of the half-widths of a shift grid.

The stated width is what is margined: a grid that widened by itself while the market falls would
call for margin when it is hardest to find. The width by history stands beside it, so that a set
that has grown too narrow is seen. Choices: ``calibration.*`` and ``asset.NAME.width_floor``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.history import History
from crossmargin.statistics.shift_calibration import SEED, Width, grid_half_width

__all__ = ["daily_prices", "width_by_history"]


def daily_prices(history: History) -> Floats:
    """Prices a day apart, oldest first, back from the newest to the first day that is missing."""
    place = {int(time): k for k, time in enumerate(history.times_ms.tolist())}
    out: list[float] = []
    time = int(history.times_ms[-1]) if len(history) else 0
    while time in place:
        out.append(float(history.price[place[time]]))
        time -= DAY_MS
    return np.array(out[::-1])


def width_by_history(
    histories: Mapping[str, History], coin: str, parameters: Parameters
) -> tuple[Width, int] | None:
    """The width of a coin and the number of days that it rests on; None without enough of them.

    Enough are those of the start of the weighted variance and of one horizon.
    """
    prices = daily_prices(histories[coin]) if coin in histories else np.zeros(0)
    horizon = max(round(parameters.number("general.horizon_days")), 1)
    if len(prices) < SEED + 1 + horizon:
        return None
    found = grid_half_width(
        prices,
        z=parameters.number("calibration.z"),
        horizon_days=horizon,
        decay=parameters.number("calibration.decay"),
        floor=parameters.number(f"asset.{coin}.width_floor"),
        stress_share=parameters.number("calibration.stress_share"),
        step=parameters.number("calibration.step"),
    )
    return found, len(prices)
