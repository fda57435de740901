"""What the facades of this room check before a kernel runs, because a kernel cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.errors import InputError

__all__ = [
    "Positions",
    "codes",
    "offsets",
    "positions",
    "reals",
    "rights",
    "scenario_weights",
    "shaped",
    "shocked",
    "tables",
    "together",
]


def shaped(array: npt.NDArray[np.generic], shape: tuple[int, ...], what: str) -> None:
    """``array`` has exactly ``shape``, or a named error."""
    if array.shape != shape:
        raise InputError(
            "shape_wrong", f"{what} has the wrong shape", value=array.shape, limit=f"{shape}"
        )


def reals(
    values: npt.ArrayLike,
    what: str,
    *,
    shape: tuple[int, ...] | None = None,
    low: float = -np.inf,
) -> Floats:
    """Contiguous float64, finite and at least ``low``; the first offending cell is named."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if shape is not None:
        shaped(array, shape, what)
    if array.size == 0:
        return array
    least, most = array.min(), array.max()
    if np.isfinite(least) and np.isfinite(most) and least >= low:
        return array
    good = np.isfinite(array)
    code = "number_not_finite"
    if good.all():
        good = array >= low
        code = "number_out_of_range"
    raise _refused(code, array, good, what, f"finite, at least {low}")


def tables(values: npt.ArrayLike, what: str, *, low: float = -np.inf) -> Floats:
    """As :func:`reals`, with two axes, the second not empty."""
    array = reals(values, what, low=low)
    if array.ndim != 2 or array.shape[1] == 0:
        raise InputError(
            "shape_wrong", f"{what} has the wrong shape", value=array.shape, limit="two axes"
        )
    return array


def rights(values: npt.ArrayLike, count: int) -> Floats:
    """+1 for a call, -1 for a put, as float64."""
    array = reals(values, "right", shape=(count,))
    good = np.abs(array) == 1.0
    if not good.all():
        raise _refused("number_out_of_range", array, good, "right", "+1 call, -1 put")
    return array


def codes(
    values: npt.ArrayLike, what: str, *, shape: tuple[int, ...], low: int, below: int
) -> Ints:
    """Contiguous int32 in ``low <= code < below``; the first offending cell is named."""
    given = np.asarray(values)
    shaped(given, shape, what)
    whole = given.dtype.kind in "iu"
    if given.size and not (whole and given.min() >= low and given.max() < below):
        good = (given >= low) & (given < below) & (np.floor(given) == given)
        if not good.all():
            raise _refused("number_out_of_range", given, good, what, f"{low} to {below - 1}")
    return np.ascontiguousarray(given, dtype=np.int32)


def offsets(values: npt.ArrayLike, size: int) -> Longs:
    """CSR row offsets: int64, from 0 to ``size``, never falling."""
    array = np.ascontiguousarray(values, dtype=np.int64)
    good = (
        array.ndim == 1
        and array.size >= 1
        and array[0] == 0
        and array[-1] == size
        and bool((array[1:] >= array[:-1]).all())
    )
    if not good:
        raise InputError(
            "number_out_of_range",
            "row offsets must start at 0, end at the number of positions and never fall",
            value=array[:8].tolist(),
            limit=f"0 … {size}",
        )
    return array


class Positions(NamedTuple):
    """Checked rows of positions, as the kernels take them."""

    row_ptr: Longs
    column: Ints
    quantity: Floats


def positions(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    instruments: int,
    *,
    trusted: bool,
) -> Positions:
    """Rows of positions over ``instruments`` columns; ``trusted`` skips all but shapes."""
    amounts = np.ascontiguousarray(quantity, np.float64)
    names = np.ascontiguousarray(column, np.int32)
    if trusted:
        if names.shape != amounts.shape:
            shaped(names, amounts.shape, "column")
        starts = np.ascontiguousarray(row_ptr, np.int64)
        if starts.ndim != 1 or starts.size == 0 or starts[-1] != amounts.size:
            starts = offsets(starts, amounts.size)
        return Positions(starts, names, amounts)
    amounts = reals(amounts, "quantity", shape=(amounts.size,))
    names = codes(column, "column", shape=amounts.shape, low=0, below=instruments)
    return Positions(offsets(row_ptr, amounts.size), names, amounts)


def shocked(pnl: npt.ArrayLike, scenarios: int, *, trusted: bool) -> Floats:
    """A risk array ``[I, S8]`` whose second axis is a multiple of eight and holds ``scenarios``."""
    table = np.ascontiguousarray(pnl, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] % 8 or not 1 <= scenarios <= table.shape[1]:
        raise InputError(
            "shape_wrong",
            "the risk array has the wrong shape",
            value=table.shape,
            limit=f"two axes, the second a multiple of 8 and at least {scenarios}",
        )
    return table if trusted else tables(table, "pnl")


def scenario_weights(weight: npt.ArrayLike | None, scenarios: int, width: int) -> Floats:
    """Weights of the scenarios, filled up with ones; all ones where none are given."""
    filled = np.ones(width)
    if weight is not None:
        filled[:scenarios] = reals(weight, "weight", shape=(scenarios,), low=0.0)
    return filled


def _refused(
    code: str,
    array: npt.NDArray[np.generic],
    good: npt.NDArray[np.bool_],
    what: str,
    limit: str,
) -> InputError:
    first = tuple(int(i) for i in np.unravel_index(int(np.argmin(good)), array.shape))
    place = f"{what}[{', '.join(map(str, first))}]"
    return InputError(code, f"{what} is refused", place=place, value=array[first], limit=limit)


def together(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    """The values as float64 of one common shape, read-only views where they had to grow."""
    arrays = [np.asarray(value, dtype=np.float64) for value in values]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return tuple(np.broadcast_to(array, shape) for array in arrays)
