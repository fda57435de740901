"""Loops over one account row that several netting kernels share."""

from __future__ import annotations

from typing import Any

from crossmargin.core.jit import helper

__all__ = ["TIE", "add_rows", "find_worst"]

TIE = 1e-12  # losses within this of the worst are equal, and the first in order is named


@helper
def add_rows(begin: Any, end: Any, column: Any, quantity: Any, table: Any, total: Any) -> Any:
    """``total += quantity[j] * table[column[j]]`` for j in begin .. end, four rows a pass.

    The grouping counts from ``begin``, so the bits depend on the positions alone.
    """
    width = total.size
    j = begin
    while j + 4 <= end:
        a, b, c, d = quantity[j], quantity[j + 1], quantity[j + 2], quantity[j + 3]
        ra, rb = table[column[j]], table[column[j + 1]]
        rc, rd = table[column[j + 2]], table[column[j + 3]]
        for s in range(width):
            total[s] += (a * ra[s] + b * rb[s]) + (c * rc[s] + d * rd[s])
        j += 4
    while j < end:
        a, ra = quantity[j], table[column[j]]
        for s in range(width):
            total[s] += a * ra[s]
        j += 1


@helper
def find_worst(total: Any, count: Any) -> Any:
    """The least of the first ``count`` cells and the first cell within `TIE` of it; -1 if none."""
    if count <= 0:
        return 0.0, -1
    least = total[0]
    for s in range(count):
        least = total[s] if total[s] < least else least
    edge = least + TIE * abs(least)
    for s in range(count):
        if total[s] <= edge:
            return least, s
    return least, 0
