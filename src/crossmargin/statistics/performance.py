"""What a series of returns earned and how: growth, volatility, drawdown, and their ratios.

``returns [T]`` are simple returns of equal periods, oldest first, ``periods`` of them a year (365
for days of a market that never closes, 252 for exchange days). Deviations divide by T - 1, squares
below the line by T. Flows into or out of the account are to be taken out before.

Definitions follow the open-source package empyrical (Apache-2.0), whose published test figures they
reproduce: the annual return compounds, the Sharpe and Sortino ratios are arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import number, series
from crossmargin.statistics.ordered import total
from crossmargin.statistics.quantiles import Convention, value_at_risk

__all__ = [
    "Performance",
    "drawdown",
    "maximum_drawdown",
    "omega_ratio",
    "performance",
    "tail_ratio",
]


@dataclass(frozen=True, slots=True)
class Performance:
    """Shares of the start (0.1: 10 %); a ratio that would divide by nothing is None.

    ``drawdown_max`` is negative or 0; ``under_water``: the longest number of periods below an
    earlier peak; ``ulcer``: root mean square drawdown.
    """

    total: float
    annual_return: float
    annual_volatility: float
    sharpe: float | None
    sortino: float | None
    downside: float
    drawdown_max: float
    drawdown_mean: float
    ulcer: float
    under_water: int
    calmar: float | None


def drawdown(returns: npt.ArrayLike) -> Floats:
    """``[T]``: wealth over its highest so far (the start counts), less 1."""
    r = _simple(returns)
    wealth = np.cumprod(1.0 + r)
    peak = np.maximum(np.maximum.accumulate(wealth), 1.0)
    return np.asarray(wealth / peak - 1.0)


def maximum_drawdown(returns: npt.ArrayLike) -> float:
    """The least of :func:`drawdown`, negative or 0."""
    return float(min(drawdown(returns).min(), 0.0))


def omega_ratio(returns: npt.ArrayLike, threshold: float = 0.0) -> float | None:
    """Mean gain above ``threshold`` per period over mean loss below; None without a loss."""
    gap = _simple(returns) - number(threshold, "threshold")
    below = -float(total(np.minimum(gap, 0.0)))
    return float(total(np.maximum(gap, 0.0))) / below if below > 0.0 else None


def tail_ratio(returns: npt.ArrayLike, share: float = 0.05) -> float | None:
    """The upper quantile's size over the lower's, linear between outcomes; None at a zero."""
    r = _simple(returns)
    low = -float(value_at_risk(r, 1.0 - share, Convention.LINEAR, least=1))
    high = float(value_at_risk(-r, 1.0 - share, Convention.LINEAR, least=1))
    return abs(high) / abs(low) if low != 0.0 else None


def performance(
    returns: npt.ArrayLike, periods: float = 365.0, risk_free: float = 0.0
) -> Performance:
    """All figures of ``returns [T]``, T of 2 or more; ``risk_free`` per period.

    Errors: ``number_not_finite``, ``number_out_of_range`` (a loss of more than everything),
    ``observations_too_few``.
    """
    r = series(_simple(returns), "returns", least=2)
    number(periods, "periods", above=0.0)
    count = len(r)
    whole = float(np.cumprod(1.0 + r)[-1])
    annual = whole ** (periods / count) - 1.0 if whole > 0.0 else -1.0
    mean = float(total(r)) / count
    gap = r - mean
    deviation = sqrt(float(total(gap * gap)) / (count - 1))
    excess = mean - number(risk_free, "risk-free return")
    low = np.minimum(r - risk_free, 0.0)
    below = sqrt(float(total(low * low)) / count)
    fallen = drawdown(r)
    worst = float(min(fallen.min(), 0.0))
    return Performance(
        total=whole - 1.0,
        annual_return=annual,
        annual_volatility=deviation * sqrt(periods),
        sharpe=excess / deviation * sqrt(periods) if deviation > 0.0 else None,
        sortino=excess / below * sqrt(periods) if below > 0.0 else None,
        downside=below * sqrt(periods),
        drawdown_max=worst,
        drawdown_mean=float(total(fallen)) / count,
        ulcer=sqrt(float(total(fallen * fallen)) / count),
        under_water=_longest(fallen < 0.0),
        calmar=annual / -worst if worst < 0.0 else None,
    )


def _longest(below: npt.NDArray[np.bool_]) -> int:
    longest = run = 0
    for under in below.tolist():
        run = run + 1 if under else 0
        longest = max(longest, run)
    return longest


def _simple(returns: npt.ArrayLike) -> Floats:
    r = series(returns, "returns")
    if r.ndim != 1:
        raise InputError("shape_wrong", "returns must be one series", value=r.shape, limit="[T]")
    if (r < -1.0).any():
        raise InputError(
            "number_out_of_range",
            "a simple return loses more than everything",
            place=f"returns[{int(np.argmin(r))}]",
            value=float(r.min()),
            limit="-1 or more",
            remedy="Give simple returns, not logarithms.",
        )
    return r
