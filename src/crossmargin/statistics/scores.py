"""Tests of the expected shortfall, scores of forecasts, and whether one forecast beats another.

Profit ``pnl`` is negative where money is lost; ``value_at_risk`` and ``shortfall`` are losses,
positive, one a day. ``p`` is the tail (0.025 for a level of 0.975).

Sources: Acerbi and Szekely, Backtesting expected shortfall, 2014; Nolde and Ziegel, Elicitability
and backtesting, 2017; McNeil and Frey, Estimation of tail-related risk measures, 2000; Fissler and
Ziegel, 2016, and Patton, Ziegel and Chen, 2019 (FZ0); Diebold and Mariano, 1995, with the small-
sample form of Harvey, Leybourne and Newbold, 1997; Hommel, 1983.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import enough, number, numbers, probability, series
from crossmargin.statistics.ordered import dot, total

__all__ = [
    "Alternative",
    "Calibration",
    "Comparison",
    "LongRun",
    "acerbi_szekely",
    "conditional_calibration",
    "diebold_mariano",
    "exceedance_residuals",
    "fz0_loss",
    "quantile_loss",
]


class Alternative(StrEnum):
    """What a small p-value speaks for."""

    TWO_SIDED = "two_sided"
    LESS = "less"  # the first forecast loses less


class LongRun(StrEnum):
    """How the variance of a mean of dependent differences is estimated."""

    ACF = "acf"  # autocovariances of weight 1
    BARTLETT = "bartlett"  # falling weights: never negative


class Calibration(NamedTuple):
    """p-values of conditional calibration, simple and general, two-sided and one-sided."""

    two_sided_simple: float
    one_sided_simple: float
    two_sided_general: float
    one_sided_general: float


class Comparison(NamedTuple):
    """The Diebold-Mariano statistic and its p-value by student t with T - 1 degrees."""

    value: float
    p_value: float


def quantile_loss(pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike, p: float) -> Floats:
    """``(p - 1{pnl < q}) (pnl - q)`` with ``q = -value_at_risk``, ``[T]``; never negative."""
    y, v = _pair(pnl, value_at_risk, "value at risk")
    probability(p, "p")
    return np.asarray((p - (y < -v)) * (y + v))


def fz0_loss(
    pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike, shortfall: npt.ArrayLike, p: float
) -> Floats:
    """The joint score of both figures, homogeneous of degree 0, ``[T]``.

    ``1{y <= q} (q - y) / (p |e|) + q/e + ln |e| - 1`` with ``q, e = -value_at_risk, -shortfall``.
    """
    y, v, e = _triple(pnl, value_at_risk, shortfall)
    probability(p, "p")
    excess = np.where(y <= -v, -v - y, 0.0)
    return np.asarray(excess / (p * e) + v / e + np.log(e) - 1.0)


def acerbi_szekely(
    pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike, shortfall: npt.ArrayLike, p: float
) -> float:
    """Z2 = ``sum_t pnl_t 1{breach} / (T p ES_t) + 1``: 0 expected, negative where risk was missed.

    Critical values that hold widely are -0.70 at 5 % and -1.8 at 0.01 % (p = 0.025).
    """
    y, v, e = _triple(pnl, value_at_risk, shortfall)
    return float(total(np.where(y < -v, y / e, 0.0))) / (len(y) * probability(p, "p")) + 1.0


def conditional_calibration(
    pnl: npt.ArrayLike,
    value_at_risk: npt.ArrayLike,
    shortfall: npt.ArrayLike,
    p: float,
    deviation: npt.ArrayLike | None = None,
) -> Calibration:
    """Nolde and Ziegel's Wald tests that both figures are right, given the past.

    With ``V = (p - 1{y <= q}, e - q + 1{y <= q} (q - y) / p)``, mean 0 where both hold. Two-sided:
    ``T m' W^-1 m`` (chi2) for the test functions I (simple) or ``((q - e)/p, 1)/s`` (general).
    One-sided: Hommel's combination over the rows of I, or ``(1, 0), (|q|, 0), (0, 1), (0, 1/s)``,
    each before V, against a mean above 0: fewer breaches than p, or too small a shortfall. A value
    at risk that is too small shows in the second alone; that is the direction of R's esback.
    ``s`` is the forecast ``deviation``, 1 where it is not given.
    """
    from scipy.special import chdtrc, ndtr

    y, v, es = _triple(pnl, value_at_risk, shortfall)
    probability(p, "p")
    s = np.ones_like(y) if deviation is None else _pair(pnl, deviation, "deviation", 0.0)[1]
    hit = y <= -v
    first = np.asarray(p - hit, np.float64)
    second = np.asarray(v - es + np.where(hit, -v - y, 0.0) / p)
    wald = _wald_pair(first, second)
    joint = np.asarray((es - v) / p / s * first + second / s)
    rows = [np.asarray(row) for row in (first, v * first, second, second / s)]
    ones = [float(ndtr(-_t_value(row))) for row in (first, second)]
    fours = [float(ndtr(-_t_value(row))) for row in rows]
    both = 2.0 * float(ndtr(-abs(_t_value(joint))))
    return Calibration(float(chdtrc(2, wald)), _hommel(ones), both, _hommel(fours))


def exceedance_residuals(
    pnl: npt.ArrayLike,
    value_at_risk: npt.ArrayLike,
    shortfall: npt.ArrayLike,
    uniform: npt.ArrayLike,
    deviation: npt.ArrayLike | None = None,
) -> float:
    """McNeil and Frey: bootstrap p-value that shortfalls beyond a breach are too small (one-sided).

    The residuals ``pnl + ES`` (over ``deviation`` where given) on breach days have mean 0 where the
    shortfall is right; a low p-value says that the loss beyond was larger. ``uniform [B, m]`` in
    [0, 1) redraws the m residuals B times (`bootstrap.uniforms`). Errors: ``observations_too_few``
    below two breaches.
    """
    y, v, es = _triple(pnl, value_at_risk, shortfall)
    s = np.ones_like(y) if deviation is None else _pair(pnl, deviation, "deviation", 0.0)[1]
    hit = y <= -v
    residual = ((y + es) / s)[hit]
    enough(len(residual), 2, "breaches")
    u = numbers(uniform, "uniform", above=-1e-300, below=1.0)
    if u.ndim != 2 or u.shape[1] != len(residual):
        raise InputError(
            "shape_wrong", "uniform is refused", value=u.shape, limit=f"[B, {len(residual)}]"
        )
    own = _student(residual)
    centred = residual - float(total(residual)) / len(residual)
    drawn = centred[np.floor(u * len(residual)).astype(np.int64)]
    spread = drawn - total(drawn)[:, None] / drawn.shape[1]
    moves = (total(spread * spread) > 0.0) & (np.ptp(drawn, axis=1) > 0.0)
    drawn = drawn[moves]
    enough(len(drawn), 1, "redrawn samples that vary")
    return float(np.mean(_student(drawn) <= own))


def diebold_mariano(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    horizon: int = 1,
    long_run: LongRun = LongRun.ACF,
    alternative: Alternative = Alternative.TWO_SIDED,
) -> Comparison:
    """Do the losses ``first [T]`` and ``second [T]`` of two forecasts differ in the mean?

    ``m / sqrt(V/T) sqrt((T + 1 - 2h + h (h - 1)/T) / T)`` for the mean difference m and its long-
    run variance V over h - 1 autocovariances (h = ``horizon``). Negative: the first loses less.
    Errors: ``number_out_of_range`` where the differences do not vary or V is not positive.
    """
    from scipy.special import stdtr

    one, two = _pair(first, second, "second")
    if horizon < 1:
        raise InputError(
            "number_out_of_range", "horizon is refused", value=horizon, limit="1 or more"
        )
    enough(len(one), 2 * horizon + 1, "losses")
    gap = one - two
    count = len(gap)
    mean = float(total(gap)) / count
    centred = gap - mean
    variance = 0.0
    for lag in range(horizon):
        cover = float(dot(centred[lag:], centred[: count - lag])) / count
        weight = 1.0 - lag / horizon if LongRun(long_run) is LongRun.BARTLETT else 1.0
        variance += (2.0 if lag else 1.0) * weight * cover
    number(variance, "long-run variance of the differences", above=0.0)
    small = (count + 1.0 - 2.0 * horizon + horizon * (horizon - 1.0) / count) / count
    value = mean / math.sqrt(variance / count) * math.sqrt(small)
    if Alternative(alternative) is Alternative.LESS:
        return Comparison(value, float(stdtr(count - 1, value)))
    return Comparison(value, 2.0 * float(stdtr(count - 1, -abs(value))))


def _pair(
    pnl: npt.ArrayLike, other: npt.ArrayLike, what: str, above: float = -np.inf
) -> tuple[Floats, Floats]:
    y, v = series(pnl, "pnl"), numbers(other, what, above=above)
    if y.ndim != 1 or y.shape != v.shape:
        raise InputError("shape_wrong", f"{what} and pnl differ", value=v.shape, limit=f"{y.shape}")
    return y, v


def _triple(
    pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike, shortfall: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    y, v = _pair(pnl, value_at_risk, "value at risk", 0.0)
    _, e = _pair(pnl, shortfall, "shortfall", 0.0)
    return y, v, e


def _wald_pair(first: Floats, second: Floats) -> float:
    """``T m' W^-1 m`` for two columns, W the uncentred second moments."""
    count = len(first)
    m = float(total(first)) / count, float(total(second)) / count
    a, b, c = (
        float(dot(x, y)) / count for x, y in ((first, first), (first, second), (second, second))
    )
    size = number(a * c - b * b, "determinant of the second moments", above=0.0)
    return count * (c * m[0] ** 2 - 2.0 * b * m[0] * m[1] + a * m[1] ** 2) / size


def _t_value(x: Floats) -> float:
    """``sqrt(T) mean / sqrt(mean square)``."""
    square = number(float(dot(x, x)), "second moment", above=0.0)
    return float(total(x)) / math.sqrt(square)


def _student(x: Floats) -> Floats:
    """``sqrt(T) mean / sd`` along the last axis."""
    count = x.shape[-1]
    mean = total(x) / count
    gap = x - mean[..., None]
    return np.asarray(
        mean / np.sqrt(numbers(total(gap * gap), "spread", above=0.0) / (count - 1) / count)
    )


def _hommel(p_values: list[float]) -> float:
    """One p-value of several, whatever their dependence."""
    ordered = sorted(p_values)
    count = len(ordered)
    harmonic = sum(1.0 / k for k in range(1, count + 1))
    return min(1.0, harmonic * min(count * p / (k + 1) for k, p in enumerate(ordered)))
