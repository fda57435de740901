"""The worked book of the specification: one perpetual and three options on a 24-scenario scan."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

# (move, volatility shock, weight)
GRID = (
    (0.16, 0.4, 1.0), (0.12, 0.4, 1.0), (0.12, -0.22, 1.0), (0.08, 0.4, 1.0), (0.08, -0.22, 1.0),
    (0.04, 0.4, 1.0), (0.04, -0.22, 1.0), (0.0, 0.4, 1.0), (0.0, -0.22, 1.0), (-0.04, 0.4, 1.0),
    (-0.04, -0.22, 1.0), (-0.08, 0.4, 1.0), (-0.08, -0.22, 1.0), (-0.12, 0.4, 1.0),
    (-0.12, -0.22, 1.0), (-0.16, 0.4, 1.0), (-0.66, 0.4, 0.18), (-0.33, 0.4, 0.36),
    (0.5, 0.4, 0.24), (1.0, 0.4, 0.12), (2.0, 0.4, 0.06), (3.0, 0.4, 0.04), (4.0, 0.4, 0.03),
    (5.0, 0.4, 0.024),
)  # fmt: skip
# (quantity, strike or None for the perpetual, days, +1 call or -1 put)
LEGS = (
    (1.0, None, None, 0),
    (-5.0, 70_000.0, 30, 1),
    (3.0, 50_000.0, 30, -1),
    (-2.0, 60_000.0, 7, 1),
)
SPOT, VOL = 60_000.0, 0.6

QUANTITY = np.array([leg[0] for leg in LEGS])
# Euler, Shapley, incremental and stand-alone of each leg, to a dollar.
PRINTED = {
    "euler": (-7_200, 34_665, 50, 14_305),
    "shapley": (-2_559, 31_719, 151, 12_508),
    "incremental": (-7_200, 34_568, 50, 14_305),
    "stand_alone": (9_600, 34_665, 1_981, 16_407),
}
PRINTED_MARGIN = 41_820


def black(forward: float, strike: float, years: float, vol: float, right: int) -> float:
    deviation = vol * years**0.5
    d1 = np.log(forward / strike) / deviation + deviation / 2.0
    return float(
        right * (forward * norm.cdf(right * d1) - strike * norm.cdf(right * (d1 - deviation)))
    )


def loss_per_unit(spot: float = SPOT, vol: float = VOL) -> np.ndarray:
    """[24, 4] weighted loss of one unit of each leg; shocks of vol scale with (30 / days)^p."""
    out = np.zeros((len(GRID), len(LEGS)))
    for s, (move, shock, weight) in enumerate(GRID):
        for i, (_, strike, days, right) in enumerate(LEGS):
            if strike is None or days is None:
                out[s, i] = -weight * spot * move
                continue
            power = 0.30 if days < 30 else 0.13
            shocked = vol * (1.0 + shock * (30.0 / max(1, days)) ** power)
            years = days / 365.0
            change = black(spot * (1.0 + move), strike, years, shocked, right) - black(
                spot, strike, years, vol, right
            )
            out[s, i] = -weight * change
    return out
