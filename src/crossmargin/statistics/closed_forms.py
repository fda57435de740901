"""Value at risk and expected shortfall of known distributions of the loss, in closed form.

Every function takes the confidence ``level`` a in (0, 1) and parameters that broadcast together,
and gives both figures as losses (positive where money is lost) in the unit of the parameters.
With q = 1 - a, the expected shortfall is the mean loss beyond the value at risk.

Source of the formulas: McNeil, Frey and Embrechts, Quantitative Risk Management, 2015, chapters 2,
5 and 6; each follows from integrating the density beyond the quantile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import matrix, numbers, probability, series
from crossmargin.statistics.ordered import dot

__all__ = [
    "Figures",
    "Portfolio",
    "exponential",
    "generalised_pareto",
    "laplace",
    "logistic",
    "lognormal_long",
    "lognormal_short",
    "normal",
    "normal_density",
    "normal_portfolio",
    "peaks_over_threshold",
    "student_t",
    "student_t_of_deviation",
]

ROOT_TWO_PI = 2.5066282746310002


class Figures(NamedTuple):
    """Both figures of a loss."""

    value_at_risk: Floats
    expected_shortfall: Floats


class Portfolio(NamedTuple):
    """A normal portfolio's figures and each exposure's share: they sum to the value at risk."""

    value_at_risk: float
    expected_shortfall: float
    component: Floats


def normal_density(x: npt.ArrayLike) -> Floats:
    """exp(-x^2/2) / sqrt(2 pi)."""
    z = np.asarray(x, dtype=np.float64)
    return np.asarray(np.exp(-0.5 * z * z) / ROOT_TWO_PI)


def normal(level: float, mean: npt.ArrayLike = 0.0, deviation: npt.ArrayLike = 1.0) -> Figures:
    """Normal loss: ``mean + deviation z_a`` and ``mean + deviation phi(z_a) / q``."""
    from scipy.special import ndtri

    a = probability(level)
    m, s = numbers(mean, "mean"), numbers(deviation, "deviation", above=0.0)
    z = float(ndtri(a))
    return Figures(np.asarray(m + s * z), np.asarray(m + s * (normal_density(z) / (1.0 - a))))


def student_t(
    level: float,
    freedom: npt.ArrayLike,
    location: npt.ArrayLike = 0.0,
    scale: npt.ArrayLike = 1.0,
) -> Figures:
    """Student-t loss with density f: ``t_a`` and ``f(t_a) / q (v + t_a^2) / (v - 1)``, scaled.

    ``freedom`` v must exceed 1, or the mean beyond the quantile does not exist.
    """
    from scipy.special import gammaln, stdtrit

    a = probability(level)
    v = numbers(freedom, "freedom", above=1.0)
    m, s = numbers(location, "location"), numbers(scale, "scale", above=0.0)
    t = stdtrit(v, a)
    log_density = gammaln(0.5 * (v + 1.0)) - gammaln(0.5 * v) - 0.5 * np.log(np.pi * v)
    density = np.exp(log_density - 0.5 * (v + 1.0) * np.log1p(t * t / v))
    tail = density / (1.0 - a) * (v + t * t) / (v - 1.0)
    return Figures(np.asarray(m + s * t), np.asarray(m + s * tail))


def student_t_of_deviation(
    level: float,
    freedom: npt.ArrayLike,
    mean: npt.ArrayLike = 0.0,
    deviation: npt.ArrayLike = 1.0,
) -> Figures:
    """Student-t loss of the given standard deviation: scale ``deviation sqrt((v - 2) / v)``.

    ``freedom`` v must exceed 2, or the deviation does not exist.
    """
    v = numbers(freedom, "freedom", above=2.0)
    s = numbers(deviation, "deviation", above=0.0)
    return student_t(level, v, mean, s * np.sqrt((v - 2.0) / v))


def lognormal_long(
    level: float, mean: npt.ArrayLike = 0.0, deviation: npt.ArrayLike = 1.0
) -> Figures:
    """Loss ``1 - exp(X)``, X normal, of one unit held.

    ``1 - exp(m + s z_q)`` and ``1 - exp(m + s^2/2) Phi(z_q - s) / q``.
    """
    from scipy.special import ndtr, ndtri

    q = 1.0 - probability(level)
    m, s = numbers(mean, "mean"), numbers(deviation, "deviation", above=0.0)
    z = float(ndtri(q))
    worst = np.exp(m + 0.5 * s * s) * ndtr(z - s) / q
    return Figures(np.asarray(-np.expm1(m + s * z)), np.asarray(1.0 - worst))


def lognormal_short(
    level: float, mean: npt.ArrayLike = 0.0, deviation: npt.ArrayLike = 1.0
) -> Figures:
    """Loss ``exp(X) - 1``, X normal, of one unit sold.

    ``exp(m + s z_a) - 1`` and ``exp(m + s^2/2) Phi(s - z_a) / q - 1``.
    """
    from scipy.special import ndtr, ndtri

    a = probability(level)
    m, s = numbers(mean, "mean"), numbers(deviation, "deviation", above=0.0)
    z = float(ndtri(a))
    worst = np.exp(m + 0.5 * s * s) * ndtr(s - z) / (1.0 - a)
    return Figures(np.asarray(np.expm1(m + s * z)), np.asarray(worst - 1.0))


def laplace(level: float, location: npt.ArrayLike = 0.0, scale: npt.ArrayLike = 1.0) -> Figures:
    """Laplace loss, density ``exp(-|x - m| / b) / (2 b)``.

    At or above the median ``m - b ln(2 q)`` and VaR + b; below it ``m + b ln(2 a)`` and
    ``(m - a (VaR - b)) / q``.
    """
    a = probability(level)
    m, b = numbers(location, "location"), numbers(scale, "scale", above=0.0)
    if a >= 0.5:
        value = m - b * np.log(2.0 * (1.0 - a))
        return Figures(np.asarray(value), np.asarray(value + b))
    value = m + b * np.log(2.0 * a)
    return Figures(np.asarray(value), np.asarray((m - a * (value - b)) / (1.0 - a)))


def logistic(level: float, location: npt.ArrayLike = 0.0, scale: npt.ArrayLike = 1.0) -> Figures:
    """Logistic loss: ``m + s ln(a / q)`` and ``m + s H(a) / q``, H the entropy of (a, q)."""
    a = probability(level)
    q = 1.0 - a
    m, s = numbers(location, "location"), numbers(scale, "scale", above=0.0)
    entropy = -a * np.log(a) - q * np.log(q)
    return Figures(np.asarray(m + s * np.log(a / q)), np.asarray(m + s * (entropy / q)))


def exponential(level: float, rate: npt.ArrayLike = 1.0) -> Figures:
    """Exponential loss of rate r: ``-ln(q) / r`` and VaR + 1/r."""
    q = 1.0 - probability(level)
    r = numbers(rate, "rate", above=0.0)
    value = -np.log(q) / r
    return Figures(np.asarray(value), np.asarray(value + 1.0 / r))


def generalised_pareto(level: float, shape: npt.ArrayLike, scale: npt.ArrayLike = 1.0) -> Figures:
    """Generalised Pareto loss: ``scale (q^-shape - 1) / shape`` and (VaR + scale) / (1 - shape).

    ``shape`` must be below 1, or the mean beyond the quantile does not exist; 0 is the exponential.
    """
    return peaks_over_threshold(level, 0.0, 1.0, shape, scale)


def peaks_over_threshold(
    level: float,
    threshold: npt.ArrayLike,
    exceeding: npt.ArrayLike,
    shape: npt.ArrayLike,
    scale: npt.ArrayLike,
) -> Figures:
    """Loss whose excess over ``threshold`` u is generalised Pareto (shape x, scale b).

    ``u + b/x [(q / exceeding)^-x - 1]`` and ``(VaR + b - x u) / (1 - x)``, where ``exceeding`` is
    the share of observations above the threshold. Refused where q exceeds it: the quantile then
    lies below the threshold, where the tail says nothing.
    """
    q = 1.0 - probability(level)
    u, x = numbers(threshold, "threshold"), numbers(shape, "shape", below=1.0)
    b = numbers(scale, "scale", above=0.0)
    share = numbers(exceeding, "exceeding", above=0.0)
    if (share > 1.0).any() or (q > share * (1.0 + 1e-12)).any():
        raise InputError(
            "number_out_of_range",
            "the quantile lies below the threshold",
            place="exceeding",
            value=float(share.min()),
            limit=f"{q} (1 - level) to 1",
            remedy="Ask for a higher level or lower the threshold.",
        )
    depth = -np.log(q / share)  # (q / exceeding)^-x - 1 = expm1(x depth)
    flat = np.where(x == 0.0, 1.0, x)
    value = u + b * np.where(x == 0.0, depth, np.expm1(x * depth) / flat)
    return Figures(np.asarray(value), np.asarray((value + b - x * u) / (1.0 - x)))


def normal_portfolio(level: float, exposure: npt.ArrayLike, covariance: npt.ArrayLike) -> Portfolio:
    """Exposures ``w [n]`` (money) of normal returns with ``covariance [n, n]`` and mean 0.

    ``z_a sqrt(w' C w)``; the component of i is ``z_a w_i (C w)_i / sqrt(w' C w)``, by Euler.
    """
    w = series(exposure, "exposure")
    c = matrix(covariance, "covariance")
    if w.shape != (len(c),):
        raise InputError(
            "shape_wrong", "exposure has the wrong shape", value=w.shape, limit=f"({len(c)},)"
        )
    pull = dot(c, w)
    variance = float(dot(w, pull))
    if variance < -1e-12 * float(np.abs(c).max(initial=0.0) * dot(w, w)):
        raise InputError(
            "matrix_not_psd", "the variance of the portfolio is negative", value=variance, limit="0"
        )
    deviation = max(variance, 0.0) ** 0.5
    unit = normal(level)
    if deviation == 0.0:
        return Portfolio(0.0, 0.0, np.zeros(len(w)))
    component = w * pull * (float(unit.value_at_risk) / deviation)
    value, shortfall = (float(figure) * deviation for figure in unit)
    return Portfolio(value, shortfall, component)
