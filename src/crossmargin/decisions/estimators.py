"""Expected returns and covariance of assets from their own history, under a name.

| name | covariance |
|---|---|
| `sample` | deviations from the mean, divided by T - 1 |
| `ewma` | weights falling by `decay` a period, mean taken as 0: the live one |
| `ledoit-wolf` | the sample's, shrunk to equal variances without correlation |
| `oas` | the same target, the share that is best for normal returns |
| `tyler` | robust: each period counts by its direction, not its size |

The means: `sample`; `zero`; `bayes-stein`, shrunk to the mean of the minimum variance portfolio by
``(n + 2) / (n + 2 + T (m - m0)'S^-1 (m - m0))`` (Jorion 1986, Bayes-Stein estimation for portfolio
analysis). Everything is per period of the returns given, and nothing looks ahead of them.

Source of `tyler`: Tyler (1987), A distribution-free M-estimator of multivariate scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError, SolverError
from crossmargin.statistics import covariance as shapes

__all__ = ["ESTIMATORS", "MEANS", "Estimate", "estimate", "tyler"]

ESTIMATORS = ("sample", "ewma", "ledoit-wolf", "oas", "tyler")
MEANS = ("sample", "zero", "bayes-stein")
_STEPS = 2000
_SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """``mean[n]`` and ``covariance[n, n]`` per period; ``shrinkage`` towards the targets, or 0."""

    mean: Floats
    covariance: Floats
    estimator: str
    shrinkage: float
    mean_shrinkage: float
    observations: int


def estimate(
    returns: npt.ArrayLike,
    estimator: str = "ledoit-wolf",
    *,
    mean: str = "sample",
    decay: float = 0.97,
) -> Estimate:
    """From ``returns [T, n]``, oldest first. The covariance is checked to be PSD.

    Errors: InputError ``option_unknown``, ``number_not_finite``; ModelError
    ``observations_too_few``, ``matrix_singular`` for a mean that needs an inverse.
    """
    if estimator not in ESTIMATORS or mean not in MEANS:
        raise InputError(
            "option_unknown",
            "an estimator is unknown",
            value=(estimator, mean),
            limit=f"{', '.join(ESTIMATORS)}; means {', '.join(MEANS)}",
        )
    r, share = np.array(returns, np.float64), 0.0
    if estimator == "sample":
        s = shapes.sample_covariance(r)
    elif estimator == "ewma":
        s = shapes.ewma_covariance(r, decay)
    elif estimator == "tyler":
        s = tyler(r)
    else:
        found = shapes.ledoit_wolf(r) if estimator == "ledoit-wolf" else None
        found = shapes.oracle_approximating(r) if found is None else found
        s, share = found
    s = shapes.psd_checked(s)
    middle, pulled = _mean(r, s, mean)
    return Estimate(middle, s, estimator, share, pulled, len(r))


def tyler(observations: npt.ArrayLike) -> Floats:
    """Tyler's scatter of ``observations [T, n]``, T above n, around the medians.

    The fixed point of ``V = n/T sum_t x_t x_t' / (x_t' V^-1 x_t)``, scaled so that half of the
    periods lie inside the ellipse that holds half of a normal law. Errors: ModelError
    ``observations_too_few``, ``matrix_singular``; SolverError ``solver_failed``.
    """
    r = np.array(observations, np.float64)
    if r.ndim != 2 or r.shape[1] == 0 or not np.isfinite(r).all():
        raise InputError("shape_wrong", "observations", value=r.shape, limit="finite [T, n]")
    count, n = r.shape
    if count <= n:
        raise ModelError(
            "observations_too_few",
            "the robust covariance has too few observations",
            value=count,
            limit=f"{n + 1} or more",
            remedy="Take a shrunk one: ledoit-wolf or oas.",
        )
    x = r - np.median(r, axis=0)
    x = x[(x != 0.0).any(axis=1)]
    unit = np.abs(x).mean(axis=0)
    if not (unit > 0.0).all():
        raise ModelError("matrix_singular", "an asset never moved", place=str(int(unit.argmin())))
    x = x / unit
    v = np.eye(n)
    for _ in range(_STEPS):
        try:
            length = np.einsum("ti,ti->t", x, np.linalg.solve(v, x.T).T)
        except np.linalg.LinAlgError as problem:
            raise ModelError(
                "matrix_singular", "the robust covariance has no inverse", place="covariance"
            ) from problem
        new = (x / length[:, None]).T @ x * (n / len(x))
        new *= n / np.trace(new)
        if float(np.abs(new - v).max()) <= _SETTLED:
            from scipy.special import gammaincinv  # only for its scale

            half = 2.0 * float(gammaincinv(0.5 * n, 0.5))
            scale = float(np.median(length)) / half
            return np.asarray(0.5 * (new + new.T) * scale * unit[:, None] * unit)
        v = new
    raise SolverError(
        "solver_failed",
        "the robust covariance did not settle",
        value=_STEPS,
        limit="steps",
        remedy="Two assets are nearly one: leave one out.",
    )


def _mean(r: Floats, s: Floats, name: str) -> tuple[Floats, float]:
    count, n = r.shape
    sample = r.mean(axis=0)
    if name == "zero":
        return np.zeros(n), 1.0
    if name == "sample" or n == 1:
        return sample, 0.0
    try:
        inverse = np.linalg.inv(s)
    except np.linalg.LinAlgError as problem:
        raise ModelError(
            "matrix_singular",
            "bayes-stein needs a covariance with an inverse",
            remedy="Take ledoit-wolf or oas.",
        ) from problem
    ones = np.ones(n)
    middle = float(ones @ inverse @ sample) / float(ones @ inverse @ ones)
    gap = sample - middle
    share = (n + 2.0) / (n + 2.0 + count * float(gap @ inverse @ gap))
    return np.asarray(sample - share * gap), share
