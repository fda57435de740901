"""Sums and small matrix products in a fixed order: the same bits alone and among neighbours.

No BLAS and no blocked summation: a row's sum is taken from its first number to its last.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.core.threads import blocks

__all__ = ["dot", "least_squares", "product", "projection", "total"]

DEPENDENT = 1e-10  # a column is dependent when less than this share of its length is its own


def total(values: npt.ArrayLike) -> Floats:
    """Sum over the last axis, first to last; ``[..., T]`` to ``[...]``."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape[-1] == 0:
        return np.zeros(array.shape[:-1])
    rows = array.reshape(-1, array.shape[-1])
    out = np.empty(len(rows))
    for low, high in blocks(len(rows)):  # bounds the memory of the running sums
        out[low:high] = np.add.accumulate(rows[low:high], axis=1)[:, -1]
    return out.reshape(array.shape[:-1])


def dot(left: npt.ArrayLike, right: npt.ArrayLike) -> Floats:
    """Sum of products over the last axis, first to last."""
    return total(np.multiply(left, right))


def product(left: Floats, right: Floats) -> Floats:
    """Matrix product ``[..., m, k] x [..., k, n]``, summed over k from the first to the last."""
    out = left[..., :, 0, None] * right[..., None, 0, :]
    for k in range(1, left.shape[-1]):
        out = out + left[..., :, k, None] * right[..., None, k, :]
    return np.asarray(out)


def projection(columns: Floats, target: Floats) -> tuple[Floats, list[int]]:
    """The part of ``target [T]`` that the ``columns [T, K]`` span, and the independent columns.

    Gram-Schmidt in the order of the columns, twice for accuracy; a column that the earlier ones
    span already adds nothing (the pseudo-inverse gives the same projection).
    """
    basis: list[Floats] = []
    kept: list[int] = []
    fitted = np.zeros_like(target)
    for k in range(columns.shape[1]):
        own = np.array(columns[:, k])
        length = float(np.sqrt(dot(own, own)))
        for _ in range(2):
            for vector in basis:
                own = own - vector * dot(vector, own)
        left = float(np.sqrt(dot(own, own)))
        if left <= DEPENDENT * length or length == 0.0:
            continue
        basis.append(own / left)
        kept.append(k)
        fitted = fitted + basis[-1] * dot(basis[-1], target)
    return fitted, kept


def least_squares(columns: Floats, target: Floats) -> Floats:
    """Coefficients ``[K]`` of least squared error of ``columns [T, K]`` against ``target [T]``.

    Gram-Schmidt with the triangular factor solved backwards. Errors: ``matrix_singular`` where a
    column depends on the earlier ones.
    """
    count = columns.shape[1]
    basis: list[Floats] = []
    upper = np.zeros((count, count))
    for k in range(count):
        own = np.array(columns[:, k])
        length = float(np.sqrt(dot(own, own)))
        for _ in range(2):
            for j, vector in enumerate(basis):
                share = float(dot(vector, own))
                upper[j, k] += share
                own = own - vector * share
        upper[k, k] = float(np.sqrt(dot(own, own)))
        if upper[k, k] <= DEPENDENT * length or length == 0.0:
            raise ModelError(
                "matrix_singular",
                "a regressor depends on the earlier ones",
                place=f"column {k}",
                value=float(upper[k, k]),
                limit=f"more than {DEPENDENT} of its length",
            )
        basis.append(own / upper[k, k])
    out = np.zeros(count)
    for k in range(count - 1, -1, -1):
        rest = float(dot(basis[k], target))
        for j in range(k + 1, count):
            rest -= upper[k, j] * out[j]
        out[k] = rest / upper[k, k]
    return out
