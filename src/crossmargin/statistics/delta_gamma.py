"""Profit that is quadratic in normal factors: its cumulants, and its quantile three ways.

``P&L = theta + d'x + x'Gx/2`` with x normal, mean 0 and covariance C. The cumulants are exact; the
quantile comes from the first two of them (delta-gamma-normal), from four (Cornish-Fisher), or from
the distribution itself: the roots of the quadratic for one factor, the inverted moment-generating
function for several.

Sources: Mathai and Provost, Quadratic Forms in Random Variables, 1992 (cumulants); Rice,
Distribution of quadratic forms in normal random variables, 1980 (inversion on a bent contour);
Takahasi and Mori, Double exponential formulas for numerical integration, 1974.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, SolverError
from crossmargin.statistics.checks import matrices, numbers, probability
from crossmargin.statistics.closed_forms import Figures
from crossmargin.statistics.covariance import psd_factor
from crossmargin.statistics.eigen import eigen
from crossmargin.statistics.moments import (
    Moments,
    cornish_fisher_value_at_risk,
)
from crossmargin.statistics.ordered import dot, product, total

__all__ = [
    "Cumulants",
    "cumulants",
    "delta_gamma_cornish_fisher",
    "delta_gamma_exact",
    "delta_gamma_normal",
    "one_factor_value_at_risk",
]

NODES = (160, 320, 640, 1280)
SPAN = 3.6  # exp-sinh abscissae from exp(-28) to exp(28) of the natural unit
AGREE = 1e-9
ANGLES = (0.3 * math.pi, 0.375 * math.pi, 0.45 * math.pi)  # beyond 45 degrees a normal part falls
RISING = 20.0  # of the exponent: the contour bends to the wrong side
GONE = 75.0


class Cumulants(NamedTuple):
    """Mean, variance, third and fourth cumulant of the profit, each ``[...]``."""

    mean: Floats
    variance: Floats
    third: Floats
    fourth: Floats

    def moments(self) -> Moments:
        """Mean, deviation, skewness, excess kurtosis; refused where the variance is 0."""
        variance = numbers(self.variance, "variance", above=0.0)
        deviation = np.sqrt(variance)
        skewness = self.third / (variance * deviation)
        return Moments(self.mean, deviation, skewness, self.fourth / (variance * variance))


def cumulants(
    delta: npt.ArrayLike, gamma: npt.ArrayLike, covariance: npt.ArrayLike, theta: float = 0.0
) -> Cumulants:
    """Cumulants of ``theta + d'x + x'Gx/2``, batch first.

    ``delta [..., n]``, ``gamma [..., n, n]``, ``covariance [n, n]`` in units that fit together::

        mean      theta + tr(GC)/2
        variance  d'Cd + tr((GC)^2)/2
        third     3 d'CGCd + tr((GC)^3)
        fourth    12 d'CGCGCd + 3 tr((GC)^4)

    Each account's figures depend on its own Greeks alone.
    """
    d, g, c = _checked(delta, gamma, covariance)
    gc = product(g, np.broadcast_to(c, g.shape))
    gc2 = product(gc, gc)
    cd = product(np.broadcast_to(c, g.shape), d[..., None])[..., 0]
    gcd = product(g, cd[..., None])[..., 0]  # G C d
    cgcd = product(np.broadcast_to(c, g.shape), gcd[..., None])[..., 0]
    turned = np.swapaxes(gc, -1, -2)
    return Cumulants(
        np.asarray(theta + 0.5 * total(np.diagonal(gc, axis1=-2, axis2=-1))),
        np.asarray(dot(d, cd) + 0.5 * _trace(gc, turned)),
        np.asarray(3.0 * dot(cd, gcd) + _trace(gc2, turned)),
        np.asarray(12.0 * dot(gcd, cgcd) + 3.0 * _trace(gc2, np.swapaxes(gc2, -1, -2))),
    )


def delta_gamma_normal(level: float, of: Cumulants) -> Floats:
    """``-(mean - z_a sd)``: the loss quantile of a normal with the same mean and variance."""
    from scipy.special import ndtri

    z = float(ndtri(probability(level)))
    return np.asarray(-(of.mean - z * np.sqrt(of.variance)))


def delta_gamma_cornish_fisher(level: float, of: Cumulants, *, anywhere: bool = False) -> Floats:
    """The Cornish-Fisher loss quantile of the four cumulants; see `moments` for ``anywhere``."""
    return cornish_fisher_value_at_risk(level, of.moments(), anywhere=anywhere)


def one_factor_value_at_risk(
    level: float, delta: npt.ArrayLike, gamma: npt.ArrayLike, deviation: npt.ArrayLike
) -> Floats:
    """Loss quantile of ``d x + g x^2/2`` with x normal of the given deviation, to rounding.

    The loss exceeds -y outside (g < 0) or inside (g > 0) the two roots of ``d x + g x^2/2 = y``;
    y is found by halving. All arguments broadcast.
    """
    p = 1.0 - probability(level)
    d, g, s = np.broadcast_arrays(
        numbers(delta, "delta"), numbers(gamma, "gamma"), numbers(deviation, "deviation", above=0.0)
    )
    linear, square = np.array(d * s, ndmin=1), np.array(0.5 * g * s * s, ndmin=1)
    largest = np.maximum(np.abs(linear), np.abs(square))
    unit = np.where(largest == 0.0, 1.0, largest)  # tiny Greeks must not vanish when squared
    linear, square = linear / unit, square / unit
    reach = 40.0  # no double lies further out
    corner = np.where(square == 0.0, 0.0, -linear / np.where(square == 0.0, 1.0, 2.0 * square))
    ends = np.stack([-reach * np.ones_like(linear), np.clip(corner, -reach, reach)])
    ends = np.stack([*ends, reach * np.ones_like(linear)])
    worth = linear * ends + square * ends * ends
    low, high = worth.min(axis=0), worth.max(axis=0)
    for _ in range(1100):  # halving a double's range; most rows end after sixty
        middle = 0.5 * (low + high)
        open_ = (middle > low) & (middle < high)
        if not open_.any():
            break
        enough = _one_factor_below(middle, linear, square) >= p
        high = np.where(open_ & enough, middle, high)
        low = np.where(open_ & ~enough, middle, low)
    return np.asarray(-(high * unit).reshape(d.shape)) + 0.0


def delta_gamma_exact(
    level: float,
    delta: npt.ArrayLike,
    gamma: npt.ArrayLike,
    covariance: npt.ArrayLike,
    theta: float = 0.0,
) -> Figures:
    """Value at risk and expected shortfall of ``theta + d'x + x'Gx/2``, one account, n factors.

    The factors are turned so that the profit is a sum of independent ``l y^2 + b y``, whose moment-
    generating function is known. It is inverted along two rays that leave the real axis where the
    integrand falls, by the exp-sinh rule. Refused (``solver_failed``) where doubling the nodes
    still changes more than 1e-9 of the tail.
    """
    p = 1.0 - probability(level)
    d, g, c = _checked(delta, gamma, covariance)
    if d.ndim != 1:
        raise InputError("shape_wrong", "delta must be of one account", value=d.shape, limit="[n]")
    form = _Form.of(d, g, c)
    if form.unit == 0.0:
        loss = np.asarray(-theta + 0.0)
        return Figures(loss, loss)
    quantile = form.quantile(p)
    shortfall = -quantile + form.tail(quantile)[1] / p
    return Figures(
        np.asarray(-theta - quantile * form.unit), np.asarray(-theta + shortfall * form.unit)
    )


class _Form(NamedTuple):
    """``unit sum(square y^2 + linear y)`` over independent standard normal y.

    The largest coefficient is 1, so that tiny Greeks do not vanish when squared; every other figure
    of the form is in that unit.
    """

    unit: float
    linear: Floats
    square: Floats
    mean: float
    deviation: float

    @classmethod
    def of(cls, d: Floats, g: Floats, c: Floats) -> _Form:
        """The form of Greeks: C = L L', and L'GL/2 turned to a diagonal."""
        factor = psd_factor(c)
        turned = product(product(factor.T, g), factor) * 0.5
        square, vectors = eigen(0.5 * (turned + turned.T))
        linear = product(vectors.T, product(factor.T, d[:, None]))[:, 0]
        unit = max(float(np.abs(linear).max()), float(np.abs(square).max()))
        linear, square = linear / (unit or 1.0), square / (unit or 1.0)
        # Below rounding a coefficient changes no digit, and its inverse would overflow.
        linear = np.where(np.abs(linear) <= 1e-15, 0.0, linear)
        square = np.where(np.abs(square) <= 1e-15, 0.0, square)
        deviation = math.sqrt(float(total(linear * linear) + 2.0 * total(square * square)))
        return cls(unit, linear, square, float(total(square)), deviation)

    def log_generating(self, s: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        """log E exp(s X) on ``s [K]``; the principal roots, which are continuous off the axis."""
        out = np.zeros_like(s)
        for b, q in zip(self.linear, self.square, strict=True):
            one = 1.0 - 2.0 * q * s
            out = out + 0.5 * (b * b) * s * s / one - 0.5 * np.log(one)
        return out

    def quantile(self, p: float) -> float:
        """The x with ``P(X <= x) = p``, by halving: as sure as the tail is."""
        low, high = self.bracket(p)
        for _ in range(200):
            middle = 0.5 * (low + high)
            if not low < middle < high or high - low <= 1e-14 * self.deviation:
                break
            if self.tail(middle)[0] >= p:
                high = middle
            else:
                low = middle
        return 0.5 * (low + high)

    def bracket(self, p: float) -> tuple[float, float]:
        """Two values between which the p-quantile lies, by Cantelli's inequality."""
        low = self.mean - self.deviation * math.sqrt((1.0 - p) / p) * 1.0000001
        high = self.mean + self.deviation * math.sqrt(p / (1.0 - p)) * 1.0000001
        linear, square = self.linear, self.square
        if (square >= 0.0).all() and (linear[square == 0.0] == 0.0).all():
            own = square > 0.0
            low = max(low, -float(total(linear[own] ** 2 / (4.0 * square[own]))))
        if (square <= 0.0).all() and (linear[square == 0.0] == 0.0).all():
            own = square < 0.0
            high = min(high, -float(total(linear[own] ** 2 / (4.0 * square[own]))))
        return low, high

    def tail(self, x: float) -> tuple[float, float]:
        """``P(X <= x)`` and ``E[(x - X)+]``."""
        start = self._crossing(x)
        vertex = self._vertex()
        right = [*ANGLES, *(math.pi - angle for angle in ANGLES), 0.5 * math.pi]
        for angle in right if x > vertex else [math.pi - angle for angle in right]:
            rough = self._inverted(x, start, angle, NODES[0])
            for nodes in NODES[1:]:
                fine = self._inverted(x, start, angle, nodes)
                gap = max(abs(a - b) for a, b in zip(rough, fine, strict=True))
                if gap <= AGREE * min(max(abs(fine[0]), 1e-4), 1e-2):
                    share, excess = fine[0], fine[1] * self.deviation
                    if start < 0.0:
                        return share, excess
                    # The contour right of 0 gives the upper tail: P(X > x) and E[(X - x)+].
                    return 1.0 - share, excess + (x - self.mean)
                rough = fine
        raise SolverError(
            "solver_failed", "the distribution of the quadratic form was not inverted", value=x
        )

    def _vertex(self) -> float:
        """Where the squares would all be zero; a contour may bend to the side away from it."""
        own = self.square != 0.0
        return -float(total(self.linear[own] ** 2 / (4.0 * self.square[own])))

    def _crossing(self, x: float) -> float:
        """Where the contour meets the real axis: near the saddle point, away from the pole at 0."""
        unit = 1.0 / self.deviation
        most, least = float(self.square.max()), float(self.square.min())
        right = 0.5 / most if most > 0.0 else math.inf
        left = 0.5 / least if least < 0.0 else -math.inf
        upper = x > self.mean
        low, high = (0.0, min(right, 1e4 * unit)) if upper else (max(left, -1e4 * unit), 0.0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            if self._slope(middle) < x:
                low = middle
            else:
                high = middle
        saddle = 0.5 * (low + high)
        if upper:
            return max(saddle, min(0.3 * unit, 0.5 * right))
        return min(saddle, max(-0.3 * unit, 0.5 * left))

    def _slope(self, s: float) -> float:
        """The derivative of the log generating function at a real s inside its strip."""
        one = 1.0 - 2.0 * self.square * s
        b2 = self.linear * self.linear
        return float(
            total(b2 * s / one + b2 * self.square * s * s / (one * one) + self.square / one)
        )

    def _inverted(self, x: float, start: float, angle: float, nodes: int) -> tuple[float, float]:
        """Tail share and excess over the deviation, from the ray that leaves at ``angle``."""
        step = 2.0 * SPAN / nodes
        v = np.arange(-nodes // 2, nodes // 2 + 1) * step
        t = np.exp(0.5 * math.pi * np.sinh(v)) / self.deviation
        weight = t * (0.5 * math.pi * np.cosh(v)) * step
        turn = complex(math.cos(angle), math.sin(angle))
        s = start + t * turn
        exponent = self.log_generating(s) - s * x
        real = exponent.real
        fallen = real < float(real[0]) - GONE
        end = int(np.argmax(fallen)) if fallen.any() else len(t)
        if end == 0 or float(real[:end].max()) > float(real[0]) + RISING:
            return math.inf, math.inf
        # What has fallen by 33 digits is gone: from there the contour may turn upright, where the
        # integrand is bounded, although further out on the ray it might rise again.
        value = np.zeros(len(t), np.complex128)
        value[:end] = np.exp(exponent[:end])
        first = np.asarray((value * turn / s).imag * weight)
        second = np.asarray((value * turn / (s * s)).imag * weight)
        side = 1.0 if start > 0.0 else -1.0
        share = side * float(total(first)) / math.pi
        return share, float(total(second)) / (math.pi * self.deviation)


def _checked(
    delta: npt.ArrayLike, gamma: npt.ArrayLike, covariance: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    d, g, c = numbers(delta, "delta"), matrices(gamma, "gamma"), matrices(covariance, "covariance")
    if c.ndim != 2 or d.shape[-1:] != c.shape[:1] or g.shape != (*d.shape, c.shape[0]):
        raise InputError(
            "shape_wrong",
            "delta, gamma and covariance do not fit together",
            value=(d.shape, g.shape, c.shape),
            limit="[..., n], [..., n, n] and [n, n]",
        )
    return d, g, c


def _trace(left: Floats, right_turned: Floats) -> Floats:
    """tr(left right), from left and right'."""
    return total((left * right_turned).reshape(*left.shape[:-2], -1))


def _one_factor_below(y: Floats, linear: Floats, square: Floats) -> Floats:
    """P(linear x + square x^2 <= y) for standard normal x."""
    from scipy.special import ndtr

    flat = square == 0.0
    inside = linear * linear + 4.0 * square * y
    root = np.sqrt(np.maximum(inside, 0.0))
    # The larger root in size first, then the other by their product: no digits cancel.
    first = -0.5 * (linear + np.where(linear < 0.0, -root, root))
    whole = np.where(flat, 1.0, square)
    one = first / whole
    other = np.where(first == 0.0, one, -y / np.where(first == 0.0, 1.0, first))
    low, high = np.minimum(one, other), np.maximum(one, other)
    between = np.where(inside > 0.0, ndtr(high) - ndtr(low), 0.0)
    beyond = np.where(inside > 0.0, ndtr(low) + ndtr(-high), 1.0)
    slope = np.where(linear == 0.0, 1.0, linear)
    straight = np.where(linear == 0.0, np.where(y >= 0.0, 1.0, 0.0), ndtr(y / slope))
    straight = np.where(linear < 0.0, 1.0 - straight, straight)
    return np.asarray(np.where(flat, straight, np.where(square > 0.0, between, beyond)))
