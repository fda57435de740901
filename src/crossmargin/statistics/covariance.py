"""Covariances of observations, shrunk ones, and what a matrix must be before it is used.

Observations are ``[T, n]``: time first, oldest at the top. Every sum runs in a fixed order.

Sources: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices,
2004; Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation, 2010 (OAS,
equation 23); Higham, Computing the nearest correlation matrix, 2002.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError, SolverError
from crossmargin.statistics.checks import enough, matrix, number, numbers
from crossmargin.statistics.eigen import eigen
from crossmargin.statistics.ordered import product, total

__all__ = [
    "Shrunk",
    "correlation_of",
    "ewma_covariance",
    "ledoit_wolf",
    "nearest_correlation",
    "nearest_covariance",
    "oracle_approximating",
    "psd_checked",
    "psd_factor",
    "sample_covariance",
    "smallest_eigenvalue",
    "stressed_correlation",
]

NEGATIVE = 1e-12  # an eigenvalue down to minus this share of the largest (times n) is rounding
STEPS = 1000
SETTLED = 1e-13


class Shrunk(NamedTuple):
    """A covariance ``(1 - share) S + share m I``, S the sample's and m its mean variance."""

    covariance: Floats
    share: float


def sample_covariance(
    observations: npt.ArrayLike, *, freedom: int = 1, centred: bool = True
) -> Floats:
    """``sum_t (x_t - m)(x_t - m)' / (T - freedom)`` with the mean m.

    ``observations [T, n]``; the result in their unit squared. ``centred=False`` takes the mean as
    0. Errors: ``observations_too_few``, ``number_not_finite``.
    """
    x = _observations(observations, max(2, freedom + 1))
    return _outer(_centred(x) if centred else x) / (len(x) - freedom)


def ewma_covariance(observations: npt.ArrayLike, decay: float) -> Floats:
    """``sum_t w_t x_t x_t'`` with the mean taken as 0; the newest weighs most.

    ``w_t = decay^(T-1-t) (1 - decay) / (1 - decay^T)``: of sum 1, so no start value is needed.
    """
    number(decay, "decay", above=0.0, below=1.0)
    x = _observations(observations, 2)
    age = np.arange(len(x) - 1, -1, -1, dtype=np.float64)
    weight = np.power(decay, age) * ((1.0 - decay) / (1.0 - decay ** len(x)))
    return _outer(x * np.sqrt(weight)[:, None])


def ledoit_wolf(observations: npt.ArrayLike) -> Shrunk:
    """Shrinkage to a multiple of the identity with the least expected squared error, estimated.

    S divides by T. With ``d^2 = |S - m I|^2``, ``b^2 = sum_t |x_t x_t' - S|^2 / T^2``: the share is
    ``min(b^2, d^2) / d^2``.
    """
    x = _centred(_observations(observations, 2))
    count = len(x)
    sample = _outer(x) / count
    middle, spread = _identity_distance(sample)
    if spread == 0.0:
        return Shrunk(sample, 0.0)
    length = total(x * x)  # |x_t|^2; |x_t x_t'|^2 is its square
    noise = float(total(length * length)) - count * float(total((sample * sample).ravel()))
    share = min(max(noise, 0.0) / count**2, spread) / spread
    return Shrunk(_blend(sample, middle, share), share)


def oracle_approximating(observations: npt.ArrayLike) -> Shrunk:
    """Shrinkage to a multiple of the identity that is best for normal observations (OAS).

    Share ``((1 - 2/n) tr S^2 + tr^2 S) / ((T + 1 - 2/n)(tr S^2 - tr^2 S / n))``, at most 1, with S
    divided by T and the terms 2/n of the paper, which some libraries leave out.
    """
    x = _centred(_observations(observations, 2))
    count, n = x.shape
    sample = _outer(x) / count
    middle, spread = _identity_distance(sample)
    square = float(total((sample * sample).ravel()))
    trace = middle * n
    below = (count + 1.0 - 2.0 / n) * spread
    above = (1.0 - 2.0 / n) * square + trace * trace
    share = 1.0 if above >= below else above / below
    return Shrunk(_blend(sample, middle, share), share)


def correlation_of(covariance: npt.ArrayLike) -> Floats:
    """``C_ij / sqrt(C_ii C_jj)`` with ones on the diagonal; every variance must be above 0."""
    c = matrix(covariance, "covariance")
    deviation = np.sqrt(numbers(np.diagonal(c), "variance", above=0.0))
    out = c / deviation[:, None] / deviation[None, :]
    np.fill_diagonal(out, 1.0)
    return np.asarray(out)


def stressed_correlation(correlation: npt.ArrayLike, share: float, signs: npt.ArrayLike) -> Floats:
    """``(1 - share) C + share s s'`` with signs of +1 and -1: stays PSD for share in [0, 1]."""
    c = matrix(correlation, "correlation")
    a = number(share, "share", above=-1e-300, below=np.nextafter(1.0, 2.0))
    s = numbers(signs, "signs")
    if s.shape != (len(c),) or not (np.abs(s) == 1.0).all():
        raise InputError(
            "number_out_of_range", "signs are refused", value=s.shape, limit=f"{len(c)} of +1 or -1"
        )
    return np.asarray((1.0 - a) * c + a * (s[:, None] * s[None, :]))


def smallest_eigenvalue(covariance: npt.ArrayLike) -> float:
    """The smallest eigenvalue of a symmetric matrix; negative where it is not PSD."""
    return float(eigen(matrix(covariance, "covariance")).values[0])


def psd_checked(covariance: npt.ArrayLike, what: str = "covariance") -> Floats:
    """The matrix, symmetric and PSD to rounding; singular ones pass.

    Else ``matrix_not_psd`` with the smallest eigenvalue.
    """
    c = matrix(covariance, what)
    values = eigen(c).values
    if values[0] < -NEGATIVE * len(c) * max(float(values[-1]), float(-values[0])):
        raise ModelError(
            "matrix_not_psd",
            f"{what} has a negative eigenvalue",
            place=what,
            value=float(values[0]),
            limit="0 or more",
            remedy="Repair it with nearest_covariance, or estimate it from one set of days.",
        )
    return c


def psd_factor(covariance: npt.ArrayLike) -> Floats:
    """Lower triangular L ``[n, n]`` with ``L L' = C`` for a PSD, possibly singular C.

    Cholesky column by column in the given order; a column whose pivot is lost in rounding is zero.
    Refused by name where C is not PSD (:func:`psd_checked`).
    """
    c = psd_checked(covariance)
    n = len(c)
    lost = NEGATIVE * n * float(np.diagonal(c).max(initial=0.0))
    factor, rest = np.zeros((n, n)), np.array(c)
    for k in range(n):
        if rest[k, k] <= lost:
            continue
        column = rest[k:, k] / np.sqrt(rest[k, k])
        factor[k:, k] = column
        rest[k:, k:] -= column[:, None] * column[None, :]
    return factor


def nearest_correlation(correlation: npt.ArrayLike) -> Floats:
    """The correlation matrix (PSD, ones on the diagonal) that is nearest in the Frobenius norm.

    Alternating projections with Dykstra's correction. A last step lifts what rounding left below
    zero and scales the diagonal back to one. Errors: ``solver_failed`` where it does not settle.
    """
    target = matrix(correlation, "correlation")
    if len(target) == 1:
        return np.ones((1, 1))
    y, correction = np.array(target), np.zeros_like(target)
    np.fill_diagonal(y, 1.0)
    for _ in range(STEPS):
        before = y
        shifted = y - correction
        lifted = _positive_part(shifted)
        correction = lifted - shifted
        y = np.array(lifted)
        np.fill_diagonal(y, 1.0)
        if np.abs(y - before).max() <= SETTLED and np.abs(y - lifted).max() <= 1e3 * SETTLED:
            return correlation_of(_positive_part(y))
    raise SolverError(
        "solver_failed", "the nearest correlation was not reached", value=STEPS, limit="steps"
    )


def nearest_covariance(covariance: npt.ArrayLike) -> Floats:
    """A PSD matrix with the same variances: the nearest correlation, scaled back.

    A matrix that is PSD already is returned unchanged.
    """
    c = matrix(covariance, "covariance")
    values = eigen(c).values
    if values[0] >= 0.0:
        return c
    deviation = np.sqrt(numbers(np.diagonal(c), "variance", above=0.0))
    near = nearest_correlation(correlation_of(c))
    out = near * deviation[:, None] * deviation[None, :]
    np.fill_diagonal(out, np.diagonal(c))
    return np.asarray(out)


def _observations(values: npt.ArrayLike, least: int) -> Floats:
    x = numbers(values, "observations")
    if x.ndim != 2 or x.shape[1] == 0:
        raise InputError(
            "shape_wrong", "observations have the wrong shape", value=x.shape, limit="[T, n]"
        )
    enough(len(x), least, "observations")
    return x


def _centred(x: Floats) -> Floats:
    return np.asarray(x - total(x.T) / len(x))


def _outer(x: Floats) -> Floats:
    """``sum_t x_t x_t'``, one row of the result at a time."""
    columns = np.ascontiguousarray(x.T)
    out = np.empty((len(columns), len(columns)))
    for i, own in enumerate(columns):
        out[i, : i + 1] = total(columns[: i + 1] * own)
        out[: i + 1, i] = out[i, : i + 1]
    return out


def _identity_distance(sample: Floats) -> tuple[float, float]:
    """Mean variance m and ``|S - m I|^2``."""
    middle = float(total(np.diagonal(sample))) / len(sample)
    gap = sample - middle * np.eye(len(sample))
    return middle, float(total((gap * gap).ravel()))


def _blend(sample: Floats, middle: float, share: float) -> Floats:
    return np.asarray((1.0 - share) * sample + share * middle * np.eye(len(sample)))


def _positive_part(symmetric: Floats) -> Floats:
    values, vectors = eigen(symmetric)
    out = product(vectors * np.maximum(values, 0.0), vectors.T)
    return np.asarray(0.5 * (out + out.T))
