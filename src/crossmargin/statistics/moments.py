"""Population moments, the Cornish-Fisher quantile and the modified expected shortfall.

Moments divide by n, not n - 1: that is what PerformanceAnalytics in R does. Outcomes are profits;
figures are losses, positive where money is lost.

Sources: Cornish and Fisher, 1938; Maillard, A user's guide to the Cornish Fisher expansion, 2012
(where the expansion's quantile rises); Boudt, Peterson and Croux, Estimation and decomposition of
downside risk for portfolios with non-normal returns, 2008 (modified expected shortfall).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.statistics.checks import numbers, probability, series
from crossmargin.statistics.closed_forms import normal_density
from crossmargin.statistics.ordered import total

__all__ = [
    "Modified",
    "Moments",
    "cornish_fisher",
    "cornish_fisher_rises",
    "cornish_fisher_value_at_risk",
    "modified_expected_shortfall",
    "population_moments",
]


class Moments(NamedTuple):
    """Mean, standard deviation, skewness and excess kurtosis, each ``[...]``."""

    mean: Floats
    deviation: Floats
    skewness: Floats
    excess_kurtosis: Floats


class Modified(NamedTuple):
    """The modified expected shortfall: as the formula gives it, and not below the value at risk."""

    raw: Floats
    floored: Floats
    value_at_risk: Floats


def population_moments(pnl: npt.ArrayLike) -> Moments:
    """Moments of ``pnl [..., S]`` over the last axis, divided by S.

    Skewness ``m3 / m2^1.5``, excess kurtosis ``m4 / m2^2 - 3``. Errors: ``number_out_of_range``
    where a row does not vary, ``observations_too_few`` below two.
    """
    rows = series(pnl, "pnl", least=2)
    count = rows.shape[-1]
    mean = total(rows) / count
    gap = rows - mean[..., None]
    square = gap * gap
    variance = total(square) / count
    level = np.abs(rows).max(axis=-1)
    if (variance <= (8.0 * np.finfo(np.float64).eps * level) ** 2).any():
        raise InputError(
            "number_out_of_range",
            "the outcomes do not vary: skewness and kurtosis do not exist",
            place="pnl",
            value=0.0,
            limit="a standard deviation above 0",
        )
    third, fourth = total(square * gap) / count, total(square * square) / count
    deviation = np.sqrt(variance)
    return Moments(
        np.asarray(mean),
        np.asarray(deviation),
        np.asarray(third / (variance * deviation)),
        np.asarray(fourth / (variance * variance) - 3.0),
    )


def cornish_fisher(
    z: npt.ArrayLike, skewness: npt.ArrayLike, excess_kurtosis: npt.ArrayLike
) -> Floats:
    """The expansion of a standardised quantile from the normal one.

    ``h = z + (z^2 - 1) S/6 + (z^3 - 3 z) K/24 - (2 z^3 - 5 z) S^2/36``.
    """
    x, s, k = (np.asarray(value, dtype=np.float64) for value in (z, skewness, excess_kurtosis))
    cube = x * x * x
    return np.asarray(
        x
        + (x * x - 1.0) * s / 6.0
        + (cube - 3.0 * x) * k / 24.0
        - (2.0 * cube - 5.0 * x) * s * s / 36.0
    )


def cornish_fisher_rises(skewness: npt.ArrayLike, excess_kurtosis: npt.ArrayLike) -> Bools:
    """Whether the expansion is a quantile function at all: it rises in z everywhere.

    Its slope ``(K/8 - S^2/6) z^2 + (S/3) z + 1 - K/8 + 5 S^2/36`` has no two real roots and opens
    upwards.
    """
    s, k = np.asarray(skewness, np.float64), np.asarray(excess_kurtosis, np.float64)
    lead = k / 8.0 - s * s / 6.0
    rest = 1.0 - k / 8.0 + 5.0 * s * s / 36.0
    straight = (lead == 0.0) & (s == 0.0)
    return np.asarray(np.where(straight, rest >= 0.0, (lead > 0.0) & (s * s <= 36.0 * lead * rest)))


def cornish_fisher_value_at_risk(
    level: float, moments: Moments, *, anywhere: bool = False
) -> Floats:
    """``-(mean + deviation h(z_q))`` with q = 1 - level, in the unit of the moments.

    Refused (``expansion_invalid``) where the expansion does not rise, unless ``anywhere``: then the
    caller reads :func:`cornish_fisher_rises` and says so.
    """
    mean, deviation, h = _expanded(level, moments, anywhere)
    return np.asarray(-(mean + deviation * h))


def modified_expected_shortfall(
    level: float, moments: Moments, *, anywhere: bool = False
) -> Modified:
    """Mean of the tail below the Cornish-Fisher quantile h under the Edgeworth density.

    ``-mean + deviation phi(h)/q [1 + h^3 S/6 + (h^4 - 2 h^2 - 1) K/24
    + (h^6 - 9 h^4 + 9 h^2 + 3) S^2/72]``. The density may be negative in the tail, so that the
    result is below the value at risk; ``floored`` is the larger of the two. ``anywhere`` as in
    :func:`cornish_fisher_value_at_risk`.
    """
    mean, deviation, h = _expanded(level, moments, anywhere)
    s, k = moments.skewness, moments.excess_kurtosis
    h2 = h * h
    factor = (
        1.0
        + h2 * h * s / 6.0
        + (h2 * h2 - 2.0 * h2 - 1.0) * k / 24.0
        + (h2 * h2 * h2 - 9.0 * h2 * h2 + 9.0 * h2 + 3.0) * s * s / 72.0
    )
    raw = np.asarray(-mean + deviation * (normal_density(h) / (1.0 - level)) * factor)
    value = np.asarray(-(mean + deviation * h))
    return Modified(raw, np.maximum(raw, value), value)


def _expanded(level: float, moments: Moments, anywhere: bool) -> tuple[Floats, Floats, Floats]:
    from scipy.special import ndtri

    q = 1.0 - probability(level)
    mean = numbers(moments.mean, "mean")
    deviation = numbers(moments.deviation, "deviation", above=0.0)
    s = numbers(moments.skewness, "skewness")
    k = numbers(moments.excess_kurtosis, "excess kurtosis")
    rises = cornish_fisher_rises(s, k)
    if not anywhere and not rises.all():
        first = int(np.argmin(rises))
        raise ModelError(
            "expansion_invalid",
            "the Cornish-Fisher quantile does not rise at these moments",
            place=f"row {first}" if rises.ndim else "",
            value=(
                float(np.broadcast_to(s, rises.shape).flat[first]),
                float(np.broadcast_to(k, rises.shape).flat[first]),
            ),
            limit="skewness and excess kurtosis with a rising expansion",
            remedy="Take the order statistic, or more outcomes.",
        )
    return mean, deviation, cornish_fisher(float(ndtri(q)), s, k)
