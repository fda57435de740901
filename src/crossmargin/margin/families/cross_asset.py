"""Netting across coins: joint moves from a correlation matrix, and credits from a table.

A joint move z (in ranges of each coin) lies on the ellipsoid ``z' C^-1 z = 1``. Two lists of points
stand for it: ``C g / sqrt(g' C g)``, where a book with exposures g loses most, for every g of -1, 0
and 1; and ``C^(1/2) y`` for the same directions y of length one. A linear book with other exposures
loses a little more than the list finds; one coin alone moves its whole range, to the bit.

Stress in tenths: ``C' = (1 - a) C + a s s'`` for a = 0.1, 0.2 … up to the stated one, with every s
of signs: all alike is the correlation of one, two sides is a broken hedge. C' is positive
semidefinite wherever C is. The steps are nested, so a requirement never falls with the stress.

Credits: with M the requirement of each coin and J that of two which move in step,

    saving of a pair = credit x min(M_u, M_v, M_u + M_v - J_uv), of what earlier pairs left

and of all pairs at most a share of the sum of M. A credit of 0 is the plain sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.statistics.covariance import psd_checked, stressed_correlation
from crossmargin.statistics.eigen import eigen
from crossmargin.statistics.ordered import product as times

__all__ = [
    "TENTHS",
    "JointMoves",
    "Pair",
    "Stress",
    "credit_saving",
    "joint_moves",
    "joint_points",
    "stresses",
]

TENTHS = 10
_SAME = 12  # decimals at which two points are one


@dataclass(frozen=True, slots=True)
class Stress:
    """One correlation matrix: the base (share 0), or a stressed one, with its least eigenvalue."""

    label: str
    share: float
    signs: tuple[int, ...]
    matrix: Floats
    least_eigenvalue: float


@dataclass(frozen=True, slots=True)
class JointMoves:
    """Z points of n coins in ranges; ``of_stress[Z]`` is the matrix that each comes from."""

    point: Floats  # [Z, n]
    of_stress: Ints
    stress: tuple[Stress, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A credit: codes of two coins and the fraction of the smaller requirement."""

    first: int
    second: int
    fraction: float


def stresses(correlation: Floats, tenths: int, names: Sequence[str]) -> tuple[Stress, ...]:
    """The base and every stressed matrix: step by step, all alike first, then the broken hedges.

    Raises ModelError ``matrix_not_psd`` where the base is not positive semidefinite.
    """
    base = psd_checked(correlation, "correlation")
    n = len(base)
    out = [_stress("base", 0.0, (1,) * n, base)]
    for tenth in range(1, tenths + 1 if n > 1 else 1):
        share = tenth / TENTHS
        for rest in product((1, -1), repeat=n - 1):
            signs = (1, *rest)
            matrix = stressed_correlation(base, share, np.array(signs, np.float64))
            out.append(_stress(f"{_words(signs, names)} {share:g}", share, signs, matrix))
    return tuple(out)


def _words(signs: tuple[int, ...], names: Sequence[str]) -> str:
    if min(signs) > 0:
        return "towards one"
    sides = ("+".join(n for n, s in zip(names, signs, strict=True) if s == one) for one in (1, -1))
    return "broken " + " against ".join(sides)


def _stress(label: str, share: float, signs: tuple[int, ...], matrix: Floats) -> Stress:
    least = float(eigen(matrix).values[0])
    return Stress(label, share, signs, frozen(matrix, np.float64), least)


def joint_points(correlation: Floats) -> Floats:
    """[Z, n] points of one matrix, each once, every coordinate within one range."""
    n = len(correlation)
    values, vectors = eigen(correlation)
    root = times(vectors * np.sqrt(np.maximum(values, 0.0)), vectors.T)
    support, sphere = [], []
    for direction in product((1.0, 0.0, -1.0), repeat=n):
        g = np.array(direction)
        size = _ordered(g * g)
        if size == 0.0:
            continue
        image = np.array([_ordered(row * g) for row in correlation])
        variance = _ordered(g * image)
        if variance > 0.0:
            support.append(image / np.sqrt(variance))
        sphere.append(np.array([_ordered(row * g) for row in root]) / np.sqrt(size))
    points = np.clip(np.array([*support, *sphere]), -1.0, 1.0)
    return _once(points)


def _ordered(values: Floats) -> float:
    """A sum from the left."""
    total = 0.0
    for value in values.tolist():
        total += value
    return total


def _once(points: Floats) -> Floats:
    """Points without repetition, in their order."""
    seen: dict[tuple[float, ...], Floats] = {}
    for point in points:
        key = tuple((np.round(point, _SAME) + 0.0).tolist())
        seen.setdefault(key, point)
    return np.array(list(seen.values())).reshape(-1, points.shape[1])


def joint_moves(correlation: Floats, tenths: int, names: Sequence[str]) -> JointMoves:
    """The points of the base and of every stressed matrix; see the module."""
    found = stresses(correlation, tenths, names)
    parts = [joint_points(each.matrix) for each in found]
    code = np.repeat(np.arange(len(found)), [len(part) for part in parts])
    return JointMoves(frozen(np.concatenate(parts), np.float64), frozen(code, np.int32), found)


def credit_saving(
    alone: Floats, together: Sequence[Floats], pairs: Sequence[Pair], cap_share: float
) -> Floats:
    """[A] dollars that the credit table takes off the plain sum.

    ``alone[A, U]`` requirement of each coin; ``together``: [A] of each pair moving in step.
    """
    left = alone.copy()
    saved = np.zeros(len(alone))
    for pair, joint in zip(pairs, together, strict=True):
        u, v = pair.first, pair.second
        offset = np.maximum(alone[:, u] + alone[:, v] - joint, 0.0)
        base = np.minimum(np.minimum(left[:, u], left[:, v]), offset)
        left[:, u] -= base
        left[:, v] -= base
        saved = saved + pair.fraction * base
    total = np.zeros(len(alone))
    for u in range(alone.shape[1]):
        total = total + alone[:, u]
    return np.minimum(saved, cap_share * total)
