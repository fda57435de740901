"""The borders of the decisions: one number or one array checked by name, refused with its limit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import InputError

__all__ = ["number", "refused", "vector"]


def number(
    what: str,
    value: float,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: bool = False,
) -> float:
    """``value`` as a float within [least, most], or (least, most] where ``above``.

    Raises InputError ``number_not_finite`` or ``number_out_of_range``.
    """
    found = float(value)
    if not math.isfinite(found):
        raise InputError(
            "number_not_finite",
            "a number is not finite",
            place=what,
            value=value,
            limit="finite numbers",
            remedy="Correct the number.",
        )
    if not least <= found <= most or (above and found == least):
        low = f"{'>' if above else '>='} {least:g}" if least > -math.inf else ""
        high = f"<= {most:g}" if most < math.inf else ""
        raise refused(what, value, " and ".join(each for each in (low, high) if each))
    return found


def vector(what: str, values: npt.ArrayLike, length: int | None = None) -> Floats:
    """A finite one-dimensional array; InputError ``shape_wrong`` or ``number_not_finite``."""
    array = finite(np.asarray(values, np.float64), what)
    if array.ndim != 1 or (length is not None and len(array) != length):
        raise InputError(
            "shape_wrong",
            "a list does not have the stated length",
            place=what,
            value=array.shape,
            limit="one dimension" if length is None else f"{length} numbers",
            remedy="Give one number for each.",
        )
    return array


def refused(what: str, value: object, limit: str, remedy: str = "") -> InputError:
    """``number_out_of_range`` at a name."""
    return InputError(
        "number_out_of_range",
        "a number lies outside its bounds",
        place=what,
        value=value,
        limit=limit,
        remedy=remedy or "Correct the number.",
    )
