"""Joint moves drawn from a Student-t copula with Student-t margins, from a seed.

With R = L L' and independent n ~ N(0, 1), w ~ chi-square of the copula's v degrees of freedom:

    x = L n sqrt(v / w)        y_i = T_i^-1(T_v(x_i)) sqrt((v_i - 2) / v_i) sigma_i sqrt(days)

T_v is the distribution of a t with v degrees of freedom, T_i that of factor i with its own. Each
y_i has the daily deviation sigma_i; tails are heavy and joint. Factors are price and volatility of
each coin that the parameter set names, always all of them in its order: what is held changes no
draw. Each factor has a stream of the seed to itself, and a longer run begins with the shorter one
(`statistics.bootstrap`).

Source: Demarta and McNeil, The t copula and related copulas, 2005.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import ModelError
from crossmargin.margin.families.var_moves import JointMoves, known_coins
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View
from crossmargin.statistics.bootstrap import normals, uniforms
from crossmargin.statistics.covariance import psd_factor

__all__ = ["correlation_matrix", "drawn_moves", "factor_names"]

_HALF_CELL = 2.0**-54  # uniforms of the generator start at 0, whose quantile is no number


def factor_names(parameters: Parameters) -> tuple[str, ...]:
    """``BTC_price, BTC_vol, ETH_price, …``: price and volatility of each coin, in file order."""
    coins = known_coins(parameters)
    return tuple(f"{coin}_{kind}" for coin in coins for kind in ("price", "vol"))


def drawn_moves(parameters: Parameters, view: View) -> JointMoves:
    """``draws.count`` moves over the horizon; the same for every account and model.

    Errors: ``parameter_missing`` for a pair without a correlation, ``matrix_not_psd``.
    """
    del view  # the draws rest on the calibration alone
    names = known_coins(parameters)
    rows = _drawn(
        int(parameters.number("draws.seed")),
        int(parameters.number("draws.count")),
        parameters.number("draws.copula_freedom"),
        tuple(map(tuple, correlation_matrix(parameters).tolist())),
        tuple(
            (parameters.number(f"coin.{c}.{k}_daily"), parameters.number(f"coin.{c}.{k}_freedom"))
            for c in names
            for k in ("price", "vol")
        ),
    )
    moves = rows * math.sqrt(parameters.number("horizon.days"))
    every = (True,) * len(names)
    price, vol = frozen(moves[0::2], np.float64), frozen(moves[1::2], np.float64)
    return JointMoves(names, price, vol, every, every)


def correlation_matrix(parameters: Parameters) -> Floats:
    """[F, F] of the factors, each pair stated once under the earlier name."""
    names = factor_names(parameters)
    out = np.eye(len(names))
    for j, later in enumerate(names):
        for i in range(j):
            stated = f"correlation.{names[i]}.{later}"
            out[i, j] = out[j, i] = parameters.number(stated)
    return out


@lru_cache(maxsize=4)
def _drawn(
    seed: int,
    count: int,
    freedom: float,
    correlation: tuple[tuple[float, ...], ...],
    margins: tuple[tuple[float, float], ...],
) -> Floats:
    """[F, S] daily moves; read-only, because every caller shares them."""
    from scipy.special import chdtri

    factor = _factor_of(np.array(correlation))
    normal = np.stack([normals(seed, count, stream=1 + k) for k in range(len(margins))])
    # chdtri inverts the upper tail, which a uniform does not mind
    shrink = np.sqrt(freedom / chdtri(freedom, uniforms(seed, count) + _HALF_CELL))
    out = np.empty_like(normal)
    for k, (daily, own) in enumerate(margins):
        joint = np.zeros(count)
        for j in range(k + 1):
            joint += factor[k, j] * normal[j]
        out[k] = _margin(joint * shrink, freedom, own) * (daily * math.sqrt((own - 2.0) / own))
    return frozen(out, np.float64)


def _factor_of(correlation: Floats) -> Floats:
    try:
        return psd_factor(correlation)
    except ModelError as error:
        raise ModelError(
            error.code,
            "the correlations of the draws are not those of any joint distribution",
            place="correlation",
            value=error.value,
            limit="a smallest eigenvalue of 0 or more",
            remedy="Change a pair back, or estimate all pairs from one set of days.",
        ) from None


def _margin(x: Floats, freedom: float, own: float) -> Floats:
    """T_own^-1(T_freedom(x)), by the lower tail on both sides so that neither loses digits."""
    from scipy.special import stdtr, stdtrit

    if own == freedom:
        return x
    return np.asarray(np.copysign(stdtrit(own, stdtr(freedom, -np.abs(x))), x))
