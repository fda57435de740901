"""The mean of a requirement's derivatives from nothing to the book, between the kinks on the way.

    mean_i = integral over t in (0, 1] of dM/dq_i (t q) dt
    sum of q_i mean_i = M(1) - M(0) - jumps

Where size is charged M(t) is piecewise smooth: tiers, maxima and nets change hands at some t, and a
square-root law of size has no second derivative at 0. A quadrature across such a point is off (by
1e-3 of the requirement over a tier, by 4e-8 over a square root), and the remainder looks like a
charge of nobody. So the kinks are found first, on M(t) alone, which costs one account a point:

    a cell is smooth if a polynomial of degree 4 through eight points of it leaves nothing; the
    others are cut in four until they are narrower than 1e-10; such a cell is a kink, and a jump if
    M differs on its two sides

Between two kinks derivatives are smooth: panels are halved until the polynomial fits (towards 0
where a root is), and Gauss's rule of four points is exact to degree 7 in each.
Jumps (fixed charges, steps of tiers) are what no position moves: ``fixed``.

Source: Aumann and Shapley, Values of non-atomic games, 1974.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats

__all__ = ["NOISE", "NOISE_OF_INTEGERS", "Ray", "along_ray", "made_whole"]

Value = Callable[[Floats], Floats]  # t[T] -> M(t)[T]
Gradient = Callable[[Floats, Floats], Floats]  # t[D], steps[D] as shares of t -> dM/dq [D, n]

_CELLS = 32
_CUTS = 4
_NARROW = 1e-10
_WIDEST = 1e-6  # of a cell that stands as a kink
_ROUGH = 96  # cells at once: more is noise (draws, integers), not kinks
_PANELS = 64
_DEGREE = 4
_GAUSS = np.polynomial.legendre.leggauss(4)
# Eight Chebyshev points with both ends, on [0, 1], and what a fit of degree 4 leaves there.
_POINTS = 0.5 - 0.5 * np.cos(np.pi * np.arange(8) / 7.0)
_SMALL = 1e-14  # of the largest |M|: rounding of sums
_FITS = 1e-11  # Gauss is exact to a far higher degree than the fit
_JUMP = 1e-9
_STEEP = 20.0  # a change over a cell beyond this slope is a jump
# A derivative's step stays this much inside its panel, so that it never reaches over a kink.
_INSIDE = 0.02
# Noise of differences, as a share of the sum of absolute shares: of floating point, and of rules
# that count in integers, where every figure is rounded to a quantum.
NOISE = 1e-7
NOISE_OF_INTEGERS = 1e-6


@dataclass(frozen=True, slots=True)
class Ray:
    """[n] mean derivatives; ``fixed`` is the sum of jumps of M, at 0 and on the way."""

    mean: Floats
    fixed: float
    kinks: tuple[float, ...]
    moved: float  # M(1) - M(0) - fixed: what the shares add up to


def _leaves() -> Floats:
    """[8, 8] residual of the least-squares polynomial of degree 4 at the eight points."""
    basis, _ = np.linalg.qr(np.vander(2.0 * _POINTS - 1.0, _DEGREE + 1))
    return np.asarray(np.eye(len(_POINTS)) - (basis[:, None, :] * basis[None]).sum(axis=2))


_RESIDUAL = _leaves()


def along_ray(value: Value, gradient: Gradient) -> Ray:
    """The mean derivatives of ``M`` along the ray; M and its derivatives are asked in bulk.

    ``gradient(t, steps)``: derivatives at ``t`` times the book, by moves of at most ``steps`` of
    the size there.
    """
    ends = value(np.array([0.0, 1.0]))
    low, high, size = _kinks(value)
    around = value(np.concatenate([low, high]))
    gap = around[len(low) :] - around[: len(low)]
    jumps = np.abs(gap) > size * np.maximum(_JUMP, _STEEP * (high - low))
    edges = _panels(value, np.concatenate([[0.0], high]), np.concatenate([low, [1.0]]), size)
    node, weight = _GAUSS
    width = edges[:, 1] - edges[:, 0]
    t = (edges[:, :1] + 0.5 * width[:, None] * (node + 1.0)).reshape(-1)
    share = (0.5 * width[:, None] * weight).reshape(-1)
    steps = np.repeat(_INSIDE * width, len(node)) / t
    found = gradient(t, steps)
    fixed = float(gap[jumps].sum())
    mean = np.zeros(found.shape[1])
    for k in range(len(t)):  # one after another: a stated order of the sum
        mean += share[k] * found[k]
    middle = 0.5 * (low + high)
    return Ray(mean, fixed, tuple(middle.tolist()), float(ends[1] - ends[0]) - fixed)


def made_whole(shares: Floats, total: float, noise: float = NOISE) -> Floats:
    """Shares that add up to ``total``: what rounding of the differences leaves goes by size.

    Euler's theorem has no remainder where the rule doubles with the book, nor has the ray beside
    its jumps. A remainder of more than ``noise``, a share of the sum of absolute shares, is not
    rounding, and stays.
    """
    size, rest = float(np.abs(shares).sum()), total - float(shares.sum())
    if not 0.0 < abs(rest) <= noise * size:
        return shares
    return np.asarray(shares + rest * np.abs(shares) / size)


def _kinks(value: Value) -> tuple[Floats, Floats, float]:
    """Edges of the narrow cells in which M is not smooth, and the largest |M|."""
    # Towards 0 ever smaller cells: a least charge holds for the smallest of books alone.
    near = 2.0 ** np.arange(-34, -4)
    edges = np.concatenate([[0.0], near[:-1], np.arange(1, _CELLS + 1) / _CELLS])
    low, high = edges[:-1], edges[1:]
    left, size = _left(value, low, high)
    # Rounding is what the smoothest quarter of the ray shows.
    small = max(_SMALL * size, 16.0 * float(np.sort(left[-_CELLS:])[_CELLS // 4]))
    low, high = low[left > small], high[left > small]
    found: list[tuple[float, float]] = []
    cut = np.arange(_CUTS + 1) / _CUTS
    while 0 < len(low) <= _ROUGH:
        width = high - low
        edges = low[:, None] + width[:, None] * cut
        edges[:, -1] = high
        starts, ends = edges[:, :-1].reshape(-1), edges[:, 1:].reshape(-1)
        rough = _left(value, starts, ends)[0] > small
        # A kink at the edge of its part shows in no part once it is narrow: the cell stays it.
        kept = (width <= _NARROW) | (~rough.reshape(-1, _CUTS).any(axis=1) & (width <= _WIDEST))
        found += list(zip(low[kept].tolist(), high[kept].tolist(), strict=True))
        rough &= ~np.repeat(kept, _CUTS)
        low, high = starts[rough], ends[rough]
    if len(low) > _ROUGH:
        found = []
    cells = np.array(sorted(found)).reshape(-1, 2)
    return *_joined(cells[:, 0], cells[:, 1]), size


def _left(value: Value, low: Floats, high: Floats) -> tuple[Floats, float]:
    """[K] what a polynomial leaves of M in each cell, and the largest |M| seen."""
    t = low[:, None] + (high - low)[:, None] * _POINTS
    found = value(t.reshape(-1)).reshape(t.shape)
    left = np.abs((found[:, None, :] * _RESIDUAL).sum(axis=2)).max(axis=1, initial=0.0)
    return np.asarray(left), float(np.abs(found).max(initial=0.0))


def _joined(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Cells that touch as one."""
    if not len(low):
        return low, high
    first: Bools = np.concatenate([[True], low[1:] > high[:-1]])
    last: Bools = np.concatenate([first[1:], [True]])
    return low[first], high[last]


def _panels(value: Value, low: Floats, high: Floats, size: float) -> Floats:
    """[P, 2] panels between the kinks, cut in two until a polynomial fits or they are many."""
    wide = high > low
    low, high = low[wide], high[wide]
    done: list[tuple[float, float]] = []
    while len(low):
        left, _ = _left(value, low, high)
        fits = (left <= _FITS * size) | (high - low < 1e-6)
        if len(done) + 2 * len(low) > _PANELS:
            fits[:] = True
        done += list(zip(low[fits].tolist(), high[fits].tolist(), strict=True))
        low, high = low[~fits], high[~fits]
        middle = 0.5 * (low + high)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    return np.array(sorted(done))
