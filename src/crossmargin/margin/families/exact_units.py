"""Whole numbers of a protocol: quantities in smallest units, prices in ticks, quotients rounded.

Python integers have no size, so no product overflows. A quantity that is no whole number of units
cannot be held on chain; what a float adds beyond them is cut off toward zero.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import floor
from typing import Any

from crossmargin.core.errors import ModelError
from crossmargin.margin.model import PoolBook
from crossmargin.margin.parameter_files import Parameters

__all__ = [
    "as_float",
    "entry_quote",
    "held_units",
    "quotient_down",
    "quotient_to_zero",
    "quotient_up",
    "ticks",
    "units",
    "whole",
]


def quotient_to_zero(number: int, divisor: int) -> int:
    """``number / divisor`` cut off toward zero."""
    quotient = abs(number) // abs(divisor)
    return quotient if (number < 0) == (divisor < 0) else -quotient


def quotient_up(number: int, divisor: int) -> int:
    """``number / divisor`` rounded toward plus infinity."""
    return -(-number // divisor)


def quotient_down(number: int, divisor: int) -> int:
    """``number / divisor`` rounded toward minus infinity."""
    return number // divisor


def units(value: float, decimals: int) -> int:
    """Smallest units of 10**-decimals in a quantity, cut off toward zero.

    The decimal is the shortest that reads back as the float: 0.1 is a tenth, to the last unit.
    """
    return int(Decimal(repr(float(value))).scaleb(decimals))


def held_units(held: PoolBook, position: int, decimals: int) -> int:
    """Units of a position: as the book counts them, else those of its float."""
    if held.exact is not None:
        return held.exact[position]
    return units(float(held.quantity[position]), decimals)


def ticks(price: float, exponent: int) -> int:
    """Whole ticks of 10**exponent nearest to a price, halves to even."""
    scaled = Decimal(repr(float(price))).scaleb(-exponent)
    return int(scaled.to_integral_value(ROUND_HALF_EVEN))


def entry_quote(base_units: int, entry_price: float, shift: int) -> int:
    """Quote units that a position cost, as the balance it left: ``floor(-base entry 10**shift)``.

    ``shift`` turns base units times a price into quote units. What is no whole unit is a cost.
    """
    paid = Fraction(repr(float(entry_price))) * base_units
    scale = Fraction(10) ** shift
    return floor(-paid * scale)


def as_float(number: int, decimals: int) -> float:
    """Units as a float, rounded once."""
    unit: int = 10**decimals
    return number / unit


def whole(parameters: Parameters, name: str) -> int:
    """A parameter that counts in whole units; ModelError ``parameter_out_of_bounds`` if not."""
    value: Any = parameters.get(name)
    if int(value) != value:
        raise ModelError(
            "parameter_out_of_bounds",
            "the protocol counts this number in whole units",
            place=name,
            value=value,
            limit="a whole number",
            remedy="Correct the parameter file.",
        )
    return int(value)
