"""The least that the options of one expiry can pay, whatever the settlement price.

    least = min over P in {0} and the strikes held of min(0, sum q m max(+-(P - K), 0))

The payoff is a line between neighbouring strikes, so its least value over prices up to the highest
strike lies at one of them. Above the highest strike it falls without end if net calls are short;
what a rule asks for that is its own, so net calls are given beside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, positions, reals
from crossmargin.pricing.sums import count_kernel

__all__ = ["Payoffs", "least_payoffs", "payoff_kernel"]


class Payoffs(NamedTuple):
    """One entry per row and run that the row holds, in the order of rows, then of columns."""

    row: Ints
    run: Ints
    least: Floats  # never positive
    calls: Floats  # net calls, in units of the underlying


@kernel(
    "i8[:], i4[:], f8[:], i4[:], f8[:], f8[:], f8[:], out i4[:], out i4[:], out f8[:], out f8[:]"
)
def payoff_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    run: Any,
    strike: Any,
    right: Any,
    unit: Any,
    row: Any,
    name: Any,
    least: Any,
    calls: Any,
) -> None:
    """Fill the entries that `sums.count_kernel` counted; unchecked. ``unit``: the multiplier."""
    at = 0
    for r in range(row_ptr.size - 1):
        j, end = row_ptr[r], row_ptr[r + 1]
        while j < end:
            code = run[column[j]]
            stop = j + 1
            while stop < end and run[column[stop]] == code:
                stop += 1
            if code >= 0:
                worst, count = 0.0, 0.0
                for p in range(j - 1, stop):
                    if p >= j and quantity[p] == 0.0:
                        continue  # a strike that is not held is no candidate
                    price = strike[column[p]] if p >= j else 0.0
                    paid = 0.0
                    for i in range(j, stop):
                        c = column[i]
                        paid += quantity[i] * unit[c] * max(right[c] * (price - strike[c]), 0.0)
                    worst = min(worst, paid)
                for i in range(j, stop):
                    c = column[i]
                    count += quantity[i] * unit[c] if right[c] > 0.0 else 0.0
                row[at], name[at], least[at], calls[at] = r, code, worst, count
                at += 1
            j = stop


def least_payoffs(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    run_of_instrument: npt.ArrayLike,
    strike_i: npt.ArrayLike,
    right_i: npt.ArrayLike,
    multiplier_i: npt.ArrayLike,
    *,
    trusted: bool = False,
) -> Payoffs:
    """Least payoff and net calls per row and run; ``right[I]`` is +1 for calls, -1 for puts.

    Codes below 0 are left out; rows hold their columns in rising order. Price units of the strike
    times the multiplier. Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    strike = reals(strike_i, "strike", low=0.0)
    shape = (strike.size,)
    right = reals(right_i, "right", shape=shape)
    unit = reals(multiplier_i, "multiplier", shape=shape)
    run = codes(run_of_instrument, "run", shape=shape, low=-1, below=2**31)
    book = positions(row_ptr, column, quantity, strike.size, trusted=trusted)
    entries = int(count_kernel.run(book.row_ptr, book.column, run))
    row, name = np.empty(entries, np.int32), np.empty(entries, np.int32)
    least, calls = np.empty(entries), np.empty(entries)
    payoff_kernel.run(*book, run, strike, right, unit, row, name, least, calls)
    return Payoffs(row, name, least, calls)
