"""Figures of a profit that is quadratic in normal factors: rows are accounts.

With ``P&L = theta + d'x + x'Gx/2``, x normal with covariance C = LL', s_lin^2 = d'Cd, cumulants
k1..k4 (`statistics.delta_gamma`) and q = 1 - level:

    delta-normal        -theta + c s_lin                c = z for the value at risk,
    delta-gamma-normal  -k1 + c sqrt(k2)                    phi(z) / q for the shortfall
    cornish-fisher      -(k1 + sqrt(k2) h), h the expansion at z_q; its mean over the tail for the
                        shortfall, E[h(Z) | Z < z_q], in closed form
    bound               -theta + phi(z)/q s_lin + ES(chi^2_1)/2 sum over l < 0 of |l|

l are the eigenvalues of L'GL. The bound adds the shortfalls of the linear part and of each square
that loses: shortfall is subadditive, so neither figure of the true distribution exceeds it. The
expansion stands where it rises over four deviations either side, and never above the bound; where
it does not, the bound.

Sources: Cornish and Fisher 1938; Maillard, A user's guide to the Cornish Fisher expansion, 2012;
the bound is this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.statistics.closed_forms import normal
from crossmargin.statistics.covariance import psd_factor
from crossmargin.statistics.delta_gamma import Cumulants, cumulants
from crossmargin.statistics.eigen import eigen
from crossmargin.statistics.ordered import dot, product, total

__all__ = [
    "Level",
    "Quadratic",
    "Shape",
    "additive",
    "bound",
    "figure",
    "gradient",
    "shape_of",
    "valid",
]


REACH = 4.0  # deviations: one day in thirty thousand lies beyond on one side


class Quadratic(NamedTuple):
    """[A] ``theta``, [A, F] ``delta`` and [A, F, F] ``gamma``, in dollars of factor moves."""

    theta: Floats
    delta: Floats
    gamma: Floats


@dataclass(frozen=True, slots=True)
class Level:
    """The constants of one figure at one level.

    ``normal`` is that of a standard normal loss, ``tail`` the shortfall of one, ``square`` the
    shortfall of a chi-square of one degree of freedom; ``first``, ``second``, ``third`` the
    moments of Z that the expansion reads: at the quantile, or their means beyond it.
    """

    normal: float
    tail: float
    square: float
    first: float
    second: float
    third: float

    @classmethod
    def of(cls, level: float, *, shortfall: bool) -> Level:
        """Value at risk, or expected shortfall, at a confidence."""
        from scipy.special import chdtrc, chdtri

        q = 1.0 - level
        value, beyond = (float(x) for x in normal(level))
        square = float(chdtrc(3.0, chdtri(1.0, q))) / q
        if shortfall:  # E[Z | Z < z], E[Z^2 | ...], E[Z^3 | ...] with z = -value
            second, third = 1.0 + value * beyond, -(value * value + 2.0) * beyond
            return cls(beyond, beyond, square, -beyond, second, third)
        return cls(value, beyond, square, -value, value * value, -(value**3))

    def expansion(self, skewness: Floats, kurtosis: Floats) -> Floats:
        """The expansion, or its mean over the tail: it is linear in the powers of Z."""
        return np.asarray(
            self.first
            + (self.second - 1.0) * skewness / 6.0
            + (self.third - 3.0 * self.first) * kurtosis / 24.0
            - (2.0 * self.third - 5.0 * self.first) * skewness * skewness / 36.0
        )


class Shape(NamedTuple):
    """[A] cumulants, deviation, skewness and excess kurtosis; [A] that of the linear part."""

    cumulants: Cumulants
    deviation: Floats
    skewness: Floats
    kurtosis: Floats
    linear: Floats


def shape_of(form: Quadratic, covariance: Floats) -> Shape:
    """Cumulants and ratios; the ratios are 0 where nothing moves."""
    found = cumulants(form.delta, form.gamma, covariance)
    found = found._replace(mean=np.asarray(found.mean + form.theta))
    deviation = np.sqrt(np.maximum(found.variance, 0.0))
    safe = np.where(deviation > 0.0, deviation, 1.0)
    skewness = np.where(deviation > 0.0, found.third / safe / safe / safe, 0.0)
    kurtosis = np.where(deviation > 0.0, found.fourth / safe / safe / safe / safe, 0.0)
    pull = product(covariance, form.delta[..., None])[..., 0]
    linear = np.sqrt(np.maximum(dot(form.delta, pull), 0.0))
    return Shape(found, deviation, skewness, kurtosis, linear)


def valid(shape: Shape) -> Bools:
    """[A] where the expansion rises in z over all of ``-REACH .. REACH``.

    Its slope is ``a z^2 + b z + c`` with a = K/8 - S^2/6, b = S/3, c = 1 - K/8 + 5 S^2/36. Over
    all z it would almost never rise: a small curve alone gives a = 0 to leading order, and turns
    it far beyond any loss that matters.
    """
    s, k = shape.skewness, shape.kurtosis
    a, b, c = k / 8.0 - s * s / 6.0, s / 3.0, 1.0 - k / 8.0 + 5.0 * s * s / 36.0
    ends = a * REACH * REACH - np.abs(b) * REACH + c
    turn = np.where(a > 0.0, -b / np.where(a > 0.0, 2.0 * a, 1.0), np.inf)
    inside = np.abs(turn) < REACH
    at = np.where(inside, turn, 0.0)
    return np.asarray((ends >= 0.0) & (~inside | (a * at * at + b * at + c >= 0.0)))


def bound(form: Quadratic, covariance: Floats, at: Level, linear: Floats, c: Floats) -> Floats:
    """[A] the sum of the shortfalls of the parts; ``c[A]`` is the constant of the linear part."""
    values = _losing_values(form, covariance)
    return np.asarray(-form.theta + c * linear + 0.5 * at.square * total(values))


def _losing_values(form: Quadratic, covariance: Floats) -> Floats:
    """[A, F] minus the negative eigenvalues of L'GL."""
    factor = psd_factor(covariance)
    turned = product(product(factor.T, form.gamma), factor)
    turned = 0.5 * (turned + np.swapaxes(turned, -1, -2))
    return np.maximum(-eigen(turned).values, 0.0)


def figure(form: Quadratic, covariance: Floats, at: Level, approximation: str) -> Floats:
    """[A] the figure under an approximation, in dollars; negative where the tail gains."""
    if not len(form.theta):
        return np.zeros(0)
    shape = shape_of(form, covariance)
    if approximation == "delta-normal":
        return np.asarray(-form.theta + at.normal * shape.linear)
    mean, deviation = shape.cumulants.mean, shape.deviation
    if approximation == "delta-gamma-normal":
        return np.asarray(-mean + at.normal * deviation)
    most = bound(form, covariance, at, shape.linear, _constant(form, at))
    found = -(mean + deviation * at.expansion(shape.skewness, shape.kurtosis))
    return np.where(valid(shape), np.minimum(found, most), most)


def _constant(form: Quadratic, at: Level) -> Floats:
    """[A] of the linear part of the bound: a straight book has its own quantile."""
    straight = (form.gamma == 0.0).all(axis=(-1, -2))
    return np.where(straight, at.normal, at.tail)


def additive(
    form: Quadratic, covariance: Floats, at: Level, approximation: str, straight: Bools
) -> Floats:
    """[A] a figure R at least as large as :func:`figure`, with R(a + b) <= R(a) + R(b).

    ``straight[A]``: nothing of the account or its fills is curved; a value at risk of normals is
    then subadditive itself. Else the linear part counts with its shortfall.
    """
    if approximation != "cornish-fisher":
        return figure(form, covariance, at, approximation)
    shape = shape_of(form, covariance)
    return bound(form, covariance, at, shape.linear, np.where(straight, at.normal, at.tail))


def gradient(
    form: Quadratic, covariance: Floats, at: Level, approximation: str, parts: Quadratic
) -> Floats:
    """[N] what each of the ``parts`` of one account adds to its figure; they add up to it.

    The derivative along a part, by Euler: every figure doubles with the book. ``form`` has one row.
    """
    shape = shape_of(form, covariance)
    d, g = form.delta[0], form.gamma[0]
    pull = product(covariance, d[:, None])[:, 0]
    if approximation == "delta-normal":
        return -parts.theta + at.normal * _over(dot(parts.delta, pull), float(shape.linear[0]))
    slope = _Slopes.of(d, g, covariance, parts, pull)
    deviation = float(shape.deviation[0])
    own = _over(0.5 * slope.second, deviation)
    if approximation == "delta-gamma-normal":
        return np.asarray(-slope.first + at.normal * own)
    expansion = -(shape.cumulants.mean + shape.deviation * at.expansion(*shape[2:4]))
    most = bound(form, covariance, at, shape.linear, _constant(form, at))
    if not (valid(shape)[0] and expansion[0] <= most[0]):
        line = _over(dot(parts.delta, pull), float(shape.linear[0])) * _constant(form, at)[0]
        return np.asarray(
            -parts.theta + line + 0.5 * at.square * _losing_parts(g, covariance, parts)
        )
    if deviation == 0.0:
        return np.asarray(-slope.first)
    s, k = float(shape.skewness[0]), float(shape.kurtosis[0])
    skew = slope.third / deviation**3 - 3.0 * s * own / deviation
    kurt = slope.fourth / deviation**4 - 4.0 * k * own / deviation
    by_skew = (at.second - 1.0) / 6.0 - (2.0 * at.third - 5.0 * at.first) * s / 18.0
    by_kurt = (at.third - 3.0 * at.first) / 24.0
    h = float(at.expansion(shape.skewness, shape.kurtosis)[0])
    return np.asarray(-(slope.first + own * h + deviation * (by_skew * skew + by_kurt * kurt)))


class _Slopes(NamedTuple):
    """[N] derivatives of the four cumulants along each part."""

    first: Floats
    second: Floats
    third: Floats
    fourth: Floats

    @classmethod
    def of(cls, d: Floats, g: Floats, c: Floats, parts: Quadratic, pull: Floats) -> _Slopes:
        del d
        gc = product(g, c)
        gc2, own = product(gc, gc), product(parts.gamma, c)
        once = product(c, product(g, pull[:, None]))[:, 0]  # C G C d
        twice = product(c, product(g, once[:, None]))[:, 0]
        bent = product(parts.gamma, pull[:, None])[..., 0]
        return cls(
            np.asarray(parts.theta + 0.5 * total(np.diagonal(own, axis1=-2, axis2=-1))),
            np.asarray(2.0 * dot(parts.delta, pull) + _trace(gc, own)),
            np.asarray(
                6.0 * dot(parts.delta, once) + 3.0 * dot(bent, pull) + 3.0 * _trace(gc2, own)
            ),
            np.asarray(
                24.0 * dot(parts.delta, twice)
                + 24.0 * dot(bent, once)
                + 12.0 * _trace(product(gc2, gc), own)
            ),
        )


def _trace(left: Floats, right: Floats) -> Floats:
    """[N] tr(left right) of one matrix with each of many."""
    return total((left * np.swapaxes(right, -1, -2)).reshape(len(right), -1))


def _over(values: Floats, by: float) -> Floats:
    return np.asarray(values / by) if by > 0.0 else np.zeros_like(values)


def _losing_parts(g: Floats, covariance: Floats, parts: Quadratic) -> Floats:
    """[N] minus v'L'G_i L v over the eigenvectors v that lose: each part of the negative sum."""
    factor = psd_factor(covariance)
    turned = product(product(factor.T, g), factor)
    values, vectors = eigen(0.5 * (turned + turned.T))
    ahead = product(factor, vectors)  # columns L v
    bent = product(parts.gamma, ahead)
    each = total(np.swapaxes(ahead * bent, -1, -2))  # [N, F]
    return -total(np.where(values < 0.0, each, 0.0))
