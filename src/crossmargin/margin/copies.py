"""One account may stand in a table several times, each copy with codes of its own.

``accounts.tiles`` makes such tables to price many moved markets in one call. What a rule reads once
a market (the spot of its coin, dollars of a currency) is then one number a copy, and account k of
the block stands in copy k. A table of one copy gives plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments

__all__ = ["by_copy", "copies_of", "known_names", "named_numbers", "per_instrument"]


def copies_of(part: Instruments) -> int:
    """How often the table holds its rows."""
    return part.names.count(part.names[0]) if part.names else 1


def by_copy(part: Instruments, values: Floats, place: int) -> float | Floats:
    """The number at a place of the first copy; [copies] where there are several."""
    copies = copies_of(part)
    if copies == 1:
        return float(values[place])
    return np.ascontiguousarray(values[place :: len(values) // copies])


def per_instrument(part: Instruments, value: float | Floats) -> float | Floats:
    """[I] a number of each copy at each of its rows; one number as it is."""
    if isinstance(value, float):
        return value
    return np.repeat(value, len(part) // len(value))


def known_names(part: Instruments, says: Callable[[str], bool]) -> Bools:
    """[I] what a rule says of the name of each row's underlying; each name is asked once."""
    found = {name: says(name) for name in dict.fromkeys(part.names)}
    return np.array([found[name] for name in part.names], np.bool_)[part.underlying]


def named_numbers(part: Instruments, number: Callable[[str], float]) -> Floats:
    """[I] a number of the name of each row's underlying; each name is asked once."""
    found = {name: number(name) for name in dict.fromkeys(part.names)}
    return np.array([found[name] for name in part.names], np.float64)[part.underlying]
