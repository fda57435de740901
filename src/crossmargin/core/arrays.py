"""Array guards that every room's border uses: read-only float64 and finite, or a named error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from crossmargin.core.errors import CrossMarginError, InputError

__all__ = [
    "Bools",
    "Bytes",
    "Floats",
    "Ints",
    "Longs",
    "digest",
    "finite",
    "frozen",
    "owned",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]


_Scalar = TypeVar("_Scalar", bound=np.generic)


def frozen(values: npt.ArrayLike, kind: type[_Scalar]) -> npt.NDArray[_Scalar]:
    """A C-contiguous read-only array of ``kind``; copies only where it must."""
    array = np.ascontiguousarray(values, dtype=kind)
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def owned(values: npt.ArrayLike, kind: type[_Scalar]) -> npt.NDArray[_Scalar]:
    """As :func:`frozen`, but of its own memory wherever a caller could still write to it.

    For doors that take a caller's array: a view of it would change with it. An array is taken as
    it is only where every array down to the memory is read-only.
    """
    array = frozen(values, kind)
    if isinstance(values, list | tuple):
        return array
    if isinstance(values, np.ndarray) and not np.may_share_memory(array, values):
        return array  # converted: nobody else has it
    below: object = array
    while isinstance(below, np.ndarray) and not below.flags.writeable:
        below = below.base
    if below is None:
        return array
    array = array.copy()
    array.flags.writeable = False
    return array


def finite(
    values: Floats,
    what: str,
    label: Callable[[int], str] = str,
    error: type[CrossMarginError] = InputError,
) -> Floats:
    """``values`` unchanged if every cell is finite, else a named error with the first bad cell.

    ``label`` turns a flat index into a place a person can find.
    """
    good = np.isfinite(values)
    if not good.all():
        first = int(np.argmin(good))
        raise error(
            "number_not_finite",
            f"{what} must be finite",
            place=label(first),
            value=float(values.flat[first]),
            limit="finite numbers",
            remedy="Correct or remove the line.",
        )
    return values


def digest(parts: Iterable[Any]) -> str:
    """sha256 over a sequence of arrays, texts and numbers: type, shape and bytes of each.

    The same content gives the same hash on every machine of the same byte order.
    """
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            array = np.ascontiguousarray(part)
            sha.update(f"a:{array.dtype.str}:{array.shape}:".encode())
            sha.update(array.tobytes())
        else:
            text = repr(part).encode()
            sha.update(f"t:{len(text)}:".encode())
            sha.update(text)
    return sha.hexdigest()
