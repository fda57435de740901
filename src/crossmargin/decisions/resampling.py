"""How far a frontier may be trusted: the same frontier on resampled histories.

Each sample draws the periods anew (in blocks, from a seed), estimates returns and covariance again
and takes its own frontier at equal steps of return from its least variance to its most return. The
bands are quantiles over the samples at the same step: of the weights, and of what those weights
would earn and risk under the estimates of the whole history.

Source: Michaud (1998), Efficient asset management; Politis and Romano (1994), The stationary
bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.estimators import Estimate, estimate
from crossmargin.decisions.mean_variance import frontier
from crossmargin.decisions.weight_limits import WeightLimits, weight_limits
from crossmargin.statistics.bootstrap import stationary

__all__ = ["Bands", "resampled_frontier"]


@dataclass(frozen=True, slots=True)
class Bands:
    """Steps from the least variance (first) to the most return (last).

    ``mean[K]``, ``volatility[K]``, ``weights[K, n]``: of the whole history. ``average[K, n]``: the
    mean weights of the samples (the resampled frontier), with ``average_mean[K]`` and
    ``average_volatility[K]``. ``low`` and ``high`` ``[K, n]``: quantiles of the weights;
    ``mean_low`` and the like ``[K]``: of the samples' portfolios under the whole history.
    """

    mean: Floats
    volatility: Floats
    weights: Floats
    average: Floats
    average_mean: Floats
    average_volatility: Floats
    low: Floats
    high: Floats
    mean_low: Floats
    mean_high: Floats
    volatility_low: Floats
    volatility_high: Floats
    samples: int
    confidence: float
    seed: int


def resampled_frontier(
    returns: npt.ArrayLike,
    limits: WeightLimits | None = None,
    *,
    estimator: str = "ledoit-wolf",
    mean: str = "sample",
    decay: float = 0.97,
    points: int = 21,
    samples: int = 200,
    block: float = 10.0,
    confidence: float = 0.9,
    seed: int = 1,
) -> Bands:
    """See the module's head; ``returns [T, n]``, ``block`` the mean length of a block in periods.

    The same seed gives the same bits. Errors: InputError ``number_out_of_range``; those of the
    estimator and of the frontier.
    """
    if points < 2 or samples < 20 or not 0.0 < confidence < 1.0:
        raise InputError(
            "number_out_of_range",
            "points, samples or confidence",
            value=(points, samples, confidence),
            limit="2 or more, 20 or more, between 0 and 1",
        )
    r = np.array(returns, np.float64)
    if r.ndim != 2:
        raise InputError("shape_wrong", "returns", value=r.shape, limit="[T, n]")
    allowed = weight_limits(r.shape[1]) if limits is None else limits
    whole = estimate(r, estimator, mean=mean, decay=decay)
    weights = _steps(whole, allowed, points)
    rows = stationary(len(r), block, samples, seed)
    drawn = np.array(
        [
            _steps(estimate(r[rows[k]], estimator, mean=mean, decay=decay), allowed, points)
            for k in range(samples)
        ]
    )
    rest = 0.5 * (1.0 - confidence)
    ends = [rest, 1.0 - rest]
    low, high = np.quantile(drawn, ends, axis=0)
    earned, risked = _judged(drawn, whole)
    mean_low, mean_high = np.quantile(earned, ends, axis=0)
    risk_low, risk_high = np.quantile(risked, ends, axis=0)
    average = drawn.mean(axis=0)
    return Bands(
        *_judged(weights, whole),
        weights,
        average,
        *_judged(average, whole),
        low,
        high,
        mean_low,
        mean_high,
        risk_low,
        risk_high,
        samples,
        confidence,
        seed,
    )


def _steps(of: Estimate, limits: WeightLimits, points: int) -> Floats:
    """Weights ``[K, n]`` at equal steps of return, from the least variance."""
    _, _, weights = frontier(of.mean, of.covariance, limits).sample(points)
    return weights[::-1]


def _judged(weights: Floats, whole: Estimate) -> tuple[Floats, Floats]:
    """Mean and volatility of weights ``[..., n]`` under one estimate."""
    variance = np.einsum("...i,ij,...j->...", weights, whole.covariance, weights)
    return weights @ whole.mean, np.sqrt(np.maximum(variance, 0.0))
