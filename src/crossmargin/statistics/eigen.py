"""Eigenvalues of small symmetric matrices by Jacobi rotations, in a fixed order.

LAPACK's bits depend on the machine's kernels and on threads; a margin that rests on a factor of a
covariance must not. Rotations are exact in order, accurate for small eigenvalues, and fast enough
for the tens of factors that a book has.

Source: Golub and Van Loan, Matrix Computations, 2013, section 8.5 (cyclic Jacobi).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import SolverError
from crossmargin.core.jit import kernel
from crossmargin.statistics.checks import matrices

__all__ = ["Eigen", "eigen", "rotate_kernel"]

SWEEPS = 60  # a dozen suffice; beyond it something is wrong


class Eigen(NamedTuple):
    """``values [..., n]`` ascending; column k of ``vectors [..., n, n]`` belongs to value k.

    Each vector's largest entry (the first, among equals) is positive.
    """

    values: Floats
    vectors: Floats


@kernel("out f8[:,:,:], out f8[:,:,:], i8")
def rotate_kernel(a: Any, v: Any, sweeps: Any) -> Any:
    """Turn each ``a`` into a diagonal and collect the rotations in ``v``; -1 or the failed one.

    A matrix is finished when every off-diagonal entry is below the rounding of its two diagonal
    neighbours; the work on one matrix does not depend on the others.
    """
    n = a.shape[1]
    for m in range(a.shape[0]):
        done = False
        for _ in range(sweeps):
            turned = 0
            for p in range(n - 1):
                for q in range(p + 1, n):
                    off = a[m, p, q]
                    if off == 0.0:
                        continue
                    scale = abs(a[m, p, p]) + abs(a[m, q, q])
                    if abs(off) <= 1e-17 * scale or abs(off) < 1e-290:
                        a[m, p, q] = 0.0
                        a[m, q, p] = 0.0
                        continue
                    turned += 1
                    theta = (a[m, q, q] - a[m, p, p]) / (2.0 * off)
                    t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
                    if theta < 0.0:
                        t = -t
                    c = 1.0 / math.sqrt(t * t + 1.0)
                    s = t * c
                    for k in range(n):
                        x, y = a[m, k, p], a[m, k, q]
                        a[m, k, p] = c * x - s * y
                        a[m, k, q] = s * x + c * y
                    for k in range(n):
                        x, y = a[m, p, k], a[m, q, k]
                        a[m, p, k] = c * x - s * y
                        a[m, q, k] = s * x + c * y
                    a[m, p, q] = 0.0
                    a[m, q, p] = 0.0
                    for k in range(n):
                        x, y = v[m, k, p], v[m, k, q]
                        v[m, k, p] = c * x - s * y
                        v[m, k, q] = s * x + c * y
            if turned == 0:
                done = True
                break
        if not done:
            return m
    return -1


def eigen(matrix: npt.ArrayLike) -> Eigen:
    """Eigenvalues and vectors of symmetric ``matrix [..., n, n]``.

    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range`` (not symmetric),
    ``solver_failed``.
    """
    given = matrices(matrix, "matrix")
    n = given.shape[-1]
    # A power of two brings the largest entry near 1 without a rounding: no product overflows.
    largest = np.abs(given).max(axis=(-1, -2), keepdims=True)
    scale = np.ldexp(1.0, np.frexp(largest)[1])
    work = np.ascontiguousarray((given / scale).reshape(-1, n, n))
    turns = np.array(np.broadcast_to(np.eye(n), work.shape), order="C")
    failed = int(rotate_kernel.run(work, turns, SWEEPS))
    if failed >= 0:
        raise SolverError("solver_failed", "no eigenvalues were found", place=f"matrix {failed}")
    values = np.ascontiguousarray(np.diagonal(work, axis1=1, axis2=2))
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, 1)
    vectors = np.take_along_axis(turns, order[:, None, :], 2)
    top = np.argmax(np.abs(vectors), axis=1)
    sign = np.where(np.take_along_axis(vectors, top[:, None, :], 1) < 0.0, -1.0, 1.0)
    shape = given.shape
    return Eigen(
        np.asarray(values.reshape(shape[:-1]) * scale[..., 0]),
        np.asarray((vectors * sign).reshape(shape)),
    )
