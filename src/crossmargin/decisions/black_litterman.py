"""Black-Litterman: expected returns from an equilibrium and from views.

    pi = delta S w_eq                                     what the market's weights imply
    mu = pi + tau S P' (P tau S P' + Omega)^-1 (q - P pi)
    S_mu = S + tau S - tau S P' (P tau S P' + Omega)^-1 P tau S

and without limits the weights ``(delta S_mu)^-1 mu``. ``Omega`` is diagonal, by default that of
``P tau S P'``. Returns are excess returns per period. The form with the inverse of ``P tau S P' +
Omega`` needs no inverse of S, and a certain view (Omega 0) is held exactly.

Source: He and Litterman (1999), The intuition behind Black-Litterman model portfolios.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.statistics.covariance import psd_checked

__all__ = ["Posterior", "black_litterman", "implied_returns"]


class Posterior(NamedTuple):
    """``equilibrium[n]``, ``mean[n]``, ``covariance[n, n]`` of the returns about to come, and the
    ``weights[n]`` that are best without limits (they need not add up to 1)."""

    equilibrium: Floats
    mean: Floats
    covariance: Floats
    weights: Floats


def implied_returns(
    weights: npt.ArrayLike, covariance: npt.ArrayLike, aversion: float = 2.5
) -> Floats:
    """``delta S w``: the excess returns at which ``weights [n]`` are the best ones."""
    w, s = _finite(weights, "weights"), psd_checked(covariance)
    if w.shape != (len(s),):
        raise InputError("shape_wrong", "weights", value=w.shape, limit=f"[{len(s)}]")
    return np.asarray(_positive(aversion, "risk aversion") * (s @ w))


def black_litterman(
    weights: npt.ArrayLike,
    covariance: npt.ArrayLike,
    views: npt.ArrayLike,
    view_returns: npt.ArrayLike,
    *,
    uncertainty: npt.ArrayLike | None = None,
    aversion: float = 2.5,
    tau: float = 0.05,
) -> Posterior:
    """The posterior of ``views [v, n]`` (rows of P) with returns ``[v]``.

    ``uncertainty[v]``: the variances of the views (Omega's diagonal). Errors: InputError
    ``shape_wrong``, ``number_out_of_range``; ModelError ``matrix_singular`` where certain views
    repeat each other, or the covariance has no inverse for the free weights.
    """
    pi = implied_returns(weights, covariance, aversion)
    s = psd_checked(covariance)
    p, q = np.atleast_2d(_finite(views, "views")), np.atleast_1d(_finite(view_returns, "returns"))
    if p.shape != (len(q), len(s)):
        raise InputError("shape_wrong", "views", value=p.shape, limit=f"[{len(q)}, {len(s)}]")
    scaled = _positive(tau, "tau") * s
    spread = p @ scaled @ p.T
    omega = np.diagonal(spread) if uncertainty is None else _finite(uncertainty, "uncertainty")
    if omega.shape != q.shape or (omega < 0.0).any():
        raise InputError(
            "number_out_of_range",
            "the variances of the views",
            value=omega.shape,
            limit=f"[{len(q)}], 0 or more",
        )
    try:
        gain = np.linalg.solve(spread + np.diag(omega), p @ scaled).T
        mean = pi + gain @ (q - p @ pi)
        after = s + scaled - gain @ (p @ scaled)
        after = 0.5 * (after + after.T)
        best = np.linalg.solve(aversion * after, mean)
    except np.linalg.LinAlgError as problem:
        raise ModelError(
            "matrix_singular",
            "views that repeat each other, or a covariance without an inverse",
            place="views",
            remedy="Give each view a variance, and shrink the covariance.",
        ) from problem
    return Posterior(pi, mean, np.asarray(after), np.asarray(best, np.float64))


def _finite(values: npt.ArrayLike, what: str) -> Floats:
    array = np.array(values, np.float64)
    if not np.isfinite(array).all():
        raise InputError("number_not_finite", f"{what} are not finite", place=what)
    return array


def _positive(value: float, what: str) -> float:
    if not (np.isfinite(value) and value > 0.0):
        raise InputError(
            "number_out_of_range", f"{what} is refused", value=value, limit="finite, above 0"
        )
    return value
