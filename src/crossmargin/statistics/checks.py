"""What the doors of this room check: finite series, levels inside (0, 1), enough observations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError

__all__ = ["enough", "matrices", "matrix", "numbers", "number", "probability", "series"]


def numbers(
    values: npt.ArrayLike, what: str, *, above: float = -np.inf, below: float = np.inf
) -> Floats:
    """Float64 of any shape, finite and strictly inside the bounds; the first bad cell is named."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return array
    least, most = array.min(), array.max()  # a NaN is both
    if np.isfinite(least) and np.isfinite(most) and least > above and most < below:
        return array
    good = np.isfinite(array)
    code = "number_not_finite"
    if good.all():
        good, code = (array > above) & (array < below), "number_out_of_range"
    first = tuple(int(i) for i in np.unravel_index(int(np.argmin(good)), array.shape))
    raise InputError(
        code,
        f"{what} is refused",
        place=f"{what}[{', '.join(map(str, first))}]" if first else what,
        value=float(array[first]),
        limit=f"finite, above {above}, below {below}",
    )


def number(value: float, what: str, *, above: float = -np.inf, below: float = np.inf) -> float:
    """One number under the rules of :func:`numbers`."""
    array = numbers(value, what, above=above, below=below)
    if array.ndim:
        raise InputError("shape_wrong", f"{what} must be one number", value=array.shape)
    return float(array)


def series(values: npt.ArrayLike, what: str, *, least: int = 1) -> Floats:
    """Contiguous float64 ``[..., T]``, finite, with ``least`` observations along the last axis."""
    array = np.ascontiguousarray(numbers(values, what))
    if np.ndim(values) == 0:
        raise InputError(
            "shape_wrong", f"{what} must have an axis of observations", limit="[..., T]"
        )
    enough(array.shape[-1], least, what)
    return array


def enough(have: int, need: int, what: str) -> None:
    """``have`` observations reach ``need``, or a refusal that says how many are needed."""
    if have < need:
        raise ModelError(
            "observations_too_few",
            f"{what} has too few observations",
            place=what,
            value=have,
            limit=f"{need} or more",
            remedy=f"Give {need - have} more, or ask for a lower level.",
        )


def probability(value: float, what: str = "level") -> float:
    """A number strictly between 0 and 1."""
    return number(value, what, above=0.0, below=1.0)


def matrices(values: npt.ArrayLike, what: str) -> Floats:
    """Finite square matrices ``[..., n, n]``, symmetric to rounding; the mean of both halves."""
    array = numbers(values, what)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise InputError(
            "shape_wrong", f"{what} must be square", value=array.shape, limit="[..., n, n]"
        )
    turned = np.swapaxes(array, -1, -2)
    scale = np.abs(array).max(axis=(-1, -2), keepdims=True, initial=0.0)
    if (np.abs(array - turned) > 1e-10 * scale).any():
        raise InputError(
            "number_out_of_range",
            f"{what} must be symmetric",
            place=what,
            value=float(np.abs(array - turned).max()),
            limit="a difference of 1e-10 of the largest entry",
        )
    return np.ascontiguousarray(0.5 * (array + turned))


def matrix(values: npt.ArrayLike, what: str) -> Floats:
    """One symmetric matrix ``[n, n]``; see :func:`matrices`."""
    array = matrices(values, what)
    if array.ndim != 2:
        raise InputError("shape_wrong", f"{what} must be one matrix", value=array.shape)
    return array
