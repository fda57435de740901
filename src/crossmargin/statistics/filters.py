"""Variance over time: EWMA, GARCH(1,1) and HAR, and the filtered history that is made of them.

A variance at time t is known before the return of t: it uses returns up to t - 1 only. A path is
that of the last K returns, and one more: the forecast for the next return, ``[..., K + 1]``. So it
is aligned with the returns by its end. Oldest first.

Sources: RiskMetrics Technical Document, 1996 (EWMA); Bollerslev, 1986 and 1987 (GARCH, student t);
Corsi, A simple approximate long-memory model of realized volatility, 2009 (HAR); Hull and White,
Incorporating volatility updating into the historical simulation method, 1998; Barone-Adesi,
Giannopoulos and Vosper, VaR without correlations, 1999 (filtered historical simulation).
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, SolverError
from crossmargin.core.jit import kernel
from crossmargin.statistics.checks import number, numbers, series
from crossmargin.statistics.ordered import least_squares, total

__all__ = [
    "Garch",
    "Har",
    "Scaling",
    "ewma_variance",
    "filtered_residuals",
    "filtered_scenarios",
    "garch_fit",
    "garch_log_likelihood",
    "garch_variance",
    "har_fit",
    "path_kernel",
]

HAR_LAGS = (1, 5, 22)
STABLE = 0.9999  # alpha + beta at most


class Scaling(StrEnum):
    """How a past return is brought to today's volatility."""

    FULL = "full"  # r_t sigma_next / sigma_t
    MID = "mid"  # r_t (sigma_next + sigma_t) / (2 sigma_t): halfway, in volatility


class Garch(NamedTuple):
    """``v_{t+1} = omega + alpha r_t^2 + beta v_t``, with the fit's log-likelihood.

    ``freedom`` is that of the student-t innovations of unit variance, infinite for normal ones.
    """

    omega: float
    alpha: float
    beta: float
    freedom: float
    log_likelihood: float

    @property
    def long_run(self) -> float:
        """The variance that forecasts approach: ``omega / (1 - alpha - beta)``."""
        return self.omega / (1.0 - self.alpha - self.beta)

    def forecast(self, next_variance: float, horizon: int) -> Floats:
        """Expected variances of the next ``horizon`` returns, given that of the first."""
        decay = np.power(self.alpha + self.beta, np.arange(horizon, dtype=np.float64))
        return np.asarray(self.long_run + decay * (next_variance - self.long_run))


class Har(NamedTuple):
    """Regression of the next realised variance on its means over each of ``lags`` observations."""

    coefficients: Floats
    lags: tuple[int, ...]

    def forecast(self, realised: npt.ArrayLike) -> float:
        """The next variance after ``realised [T]``; never below its smallest observation."""
        past = series(realised, "realised variance", least=max(self.lags))
        value = self.coefficients[0]
        for share, lag in zip(self.coefficients[1:], self.lags, strict=True):
            value = value + share * float(total(past[-lag:])) / lag
        return max(float(value), float(past.min()))


@kernel("f8[:,:], f8[:], f8, f8, f8, out f8[:,:]")
def path_kernel(square: Any, first: Any, omega: Any, alpha: Any, beta: Any, out: Any) -> None:
    """``out[., t+1] = omega + alpha square[., t] + beta out[., t]`` from ``out[., 0] = first``."""
    for row in range(square.shape[0]):
        value = first[row]
        out[row, 0] = value
        for t in range(square.shape[1]):
            value = omega + alpha * square[row, t] + beta * value
            out[row, t + 1] = value


def ewma_variance(returns: npt.ArrayLike, decay: float, *, start: int = 60) -> Floats:
    """``v_{t+1} = decay v_t + (1 - decay) r_t^2``, in the returns' unit squared.

    ``[..., T - start + 1]``: the variances of the returns from ``start`` on and of the next one.
    The first, ``v_start``, is the mean square of the ``start`` returns before it, so that none
    knows a return of its own time or later. Errors: ``observations_too_few`` below ``start``
    returns, ``number_out_of_range`` where the first returns are all zero.
    """
    number(decay, "decay", above=0.0, below=1.0)
    r = series(returns, "returns", least=max(1, start))
    if start < 1:
        raise InputError("number_out_of_range", "start is refused", value=start, limit="1 or more")
    square = r * r
    first = _moving(total(square[..., :start]) / start)
    return _path(square[..., start:], first, 0.0, 1.0 - decay, decay)


def garch_variance(
    returns: npt.ArrayLike, model: Garch, first: npt.ArrayLike | None = None
) -> Floats:
    """The variance path of a GARCH model, ``[..., T + 1]``, from its long-run variance.

    ``first`` replaces that start.
    """
    r = series(returns, "returns")
    begin = np.full(r.shape[:-1], model.long_run) if first is None else numbers(first, "first")
    if begin.shape != r.shape[:-1]:
        raise InputError("shape_wrong", "first has the wrong shape", value=begin.shape)
    return _path(r * r, _moving(begin), model.omega, model.alpha, model.beta)


def garch_log_likelihood(returns: Floats, variance: Floats, freedom: float = math.inf) -> float:
    """Log-likelihood of returns ``[T]`` under variances ``[T]``, normal or student t.

    The student t has unit variance: density
    ``G((v+1)/2) / (G(v/2) sqrt(pi (v-2) h)) (1 + r^2 / ((v-2) h))^(-(v+1)/2)``.
    """
    square = returns * returns / variance
    if math.isinf(freedom):
        terms = math.log(2.0 * math.pi) + np.log(variance) + square
        return -0.5 * float(total(terms))
    shift = freedom - 2.0
    constant = (
        math.lgamma(0.5 * (freedom + 1.0))
        - math.lgamma(0.5 * freedom)
        - 0.5 * math.log(math.pi * shift)
    )
    terms = 0.5 * np.log(variance) + 0.5 * (freedom + 1.0) * np.log1p(square / shift)
    return constant * len(returns) - float(total(terms))


def garch_fit(returns: npt.ArrayLike, *, student: bool = False, least: int = 250) -> Garch:
    """The GARCH(1,1) of greatest likelihood for ``returns [T]`` with mean 0.

    The path starts at the sample's mean square. ``alpha, beta >= 0``, ``alpha + beta < 0.9999``,
    freedom above 2.05. Nelder-Mead from three fixed starts, then again from the best: no chance, no
    derivative, the same answer each time. Errors: ``observations_too_few`` below ``least``,
    ``number_out_of_range`` where the returns do not vary, ``solver_failed``.
    """
    from scipy.optimize import minimize

    r = series(returns, "returns", least=least)
    if r.ndim != 1:
        raise InputError("shape_wrong", "returns must be one series", value=r.shape, limit="[T]")
    scale = float(_moving(np.asarray(total(r * r) / len(r))))
    unit = r / math.sqrt(scale)  # variance one: the search is the same in every unit
    square = (unit * unit)[None, :]
    begin, path = np.ones(1), np.empty((1, len(r) + 1))

    def model(x: Floats) -> tuple[float, float, float, float]:
        stable = STABLE / (1.0 + math.exp(-min(max(x[0], -500.0), 500.0)))
        alpha = stable / (1.0 + math.exp(-min(max(x[1], -500.0), 500.0)))
        long_run = math.exp(min(max(x[2], -50.0), 50.0))
        freedom = 2.05 + math.exp(min(max(x[3], -50.0), 6.0)) if student else math.inf
        return long_run * (1.0 - stable), alpha, stable - alpha, freedom

    def cost(x: Floats) -> float:
        omega, alpha, beta, freedom = model(x)
        path_kernel.run(square, begin, omega, alpha, beta, path)
        return -garch_log_likelihood(unit, path[0, :-1], freedom) / len(r)

    starts = [(0.95, 0.05), (0.98, 0.1), (0.7, 0.3)]
    best = None
    options = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 5000, "maxfev": 5000}
    for stable, share in starts:
        x0 = [_logit(stable / STABLE), _logit(share), 0.0] + [math.log(6.0)] * student
        found = minimize(cost, x0, method="Nelder-Mead", options=options)
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    best = minimize(cost, best.x, method="Nelder-Mead", options=options)
    if not best.success or not math.isfinite(best.fun):
        raise SolverError(
            "solver_failed", "the GARCH likelihood has no maximum that was found", place="garch_fit"
        )
    omega, alpha, beta, freedom = model(best.x)
    likelihood = -float(best.fun) * len(r) - 0.5 * len(r) * math.log(scale)
    return Garch(omega * scale, alpha, beta, freedom, likelihood)


def har_fit(realised: npt.ArrayLike, lags: tuple[int, ...] = HAR_LAGS) -> Har:
    """``v_{t+1} = b_0 + sum_k b_k mean(v over the last lags[k])`` by least squares.

    ``realised [T]`` are realised variances, oldest first, none negative. Errors:
    ``observations_too_few``, ``matrix_singular`` where they do not vary.
    """
    past = series(realised, "realised variance", least=max(lags) + 3 * len(lags) + 3)
    if past.ndim != 1 or (past < 0.0).any():
        raise InputError(
            "number_out_of_range",
            "realised variances are refused",
            value=float(past.min()),
            limit="one series, none negative",
        )
    begin = max(lags)
    columns = [np.ones(len(past) - begin)]
    for lag in lags:
        windows = np.lib.stride_tricks.sliding_window_view(past, lag)
        columns.append(total(windows)[begin - lag : len(past) - lag] / lag)
    return Har(least_squares(np.stack(columns, axis=1), past[begin:]), tuple(lags))


def filtered_residuals(returns: npt.ArrayLike, variance: npt.ArrayLike) -> Floats:
    """``z_t = r_t / sigma_t`` of the last K returns, ``[..., K]``.

    ``variance [..., K + 1]`` as :func:`ewma_variance` or :func:`garch_variance` gives it: at t what
    was known before the return of t, the forecast last.
    """
    r, own, _ = _aligned(returns, variance)
    return np.asarray(r / own)


def filtered_scenarios(
    returns: npt.ArrayLike, variance: npt.ArrayLike, scaling: Scaling = Scaling.FULL
) -> Floats:
    """The last K returns at the volatility of the forecast, ``[..., K]``, in their unit.

    ``full``: ``r_t sigma_next / sigma_t``. ``mid``: ``r_t (sigma_next + sigma_t) / (2 sigma_t)``,
    which damps. ``variance`` as in :func:`filtered_residuals`.
    """
    r, own, ahead = _aligned(returns, variance)
    if Scaling(scaling) is Scaling.FULL:
        return np.asarray(r / own * ahead)
    return np.asarray(r * ((ahead + own) / (2.0 * own)))


def _aligned(returns: npt.ArrayLike, variance: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """The last K returns, their deviations, and the forecast deviation ``[..., 1]``."""
    r = series(returns, "returns")
    deviation = np.sqrt(numbers(variance, "variance", above=0.0))
    count = deviation.shape[-1] - 1 if deviation.ndim else 0
    if deviation.shape[:-1] != r.shape[:-1] or not 1 <= count <= r.shape[-1]:
        raise InputError(
            "shape_wrong",
            "variance has the wrong shape",
            value=deviation.shape,
            limit=f"{r.shape}, one more along the last axis, or fewer",
        )
    return r[..., -count:], deviation[..., :-1], deviation[..., -1:]


def _path(square: Floats, first: Floats, omega: float, alpha: float, beta: float) -> Floats:
    count = math.prod(square.shape[:-1])  # not -1: after exactly the start nothing is left to walk
    rows = np.ascontiguousarray(square.reshape(count, square.shape[-1]))
    out = np.empty((rows.shape[0], rows.shape[1] + 1))
    path_kernel.run(rows, np.ascontiguousarray(first).reshape(-1), omega, alpha, beta, out)
    return out.reshape(*square.shape[:-1], -1)


def _moving(variance: npt.ArrayLike) -> Floats:
    """A variance above zero, or the refusal that says what stands still."""
    array = numbers(variance, "variance")
    if (array <= 0.0).any():
        raise InputError(
            "number_out_of_range",
            "the returns do not vary: there is no volatility to filter by",
            place="returns",
            value=float(array.min()),
            limit="a mean square above 0",
        )
    return array


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))
