"""Loops over account rows that the netting kernels share."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.jit import helper
from crossmargin.pricing.vectors import first_at_most, least, net_tiles

__all__ = ["TIE", "net_span", "tile_width", "two_worst"]

TIE = 1e-12  # losses within this of the worst are equal, and the first in order is named

net_1, net_2, net_3, net_4, net_5, net_6, net_7, net_8 = net_tiles


@helper
def tile_width(vectors: Any, most: Any) -> Any:
    """Vectors per tile: as even a split as there is into tiles of at most ``most``."""
    tiles = (vectors + most - 1) // most
    return (vectors + tiles - 1) // tiles


@helper
def net_span(
    vectors: Any,
    total: Any,
    at: Any,
    table: Any,
    stride: Any,
    offset: Any,
    column: Any,
    quantity: Any,
    begin: Any,
    end: Any,
) -> Any:
    """One tile of the P&L of positions ``begin .. end`` into ``total[at ..]``; arrays are flat.

    The order of the additions is that of the positions, whatever the tile: bits of a row depend
    on its positions alone.
    """
    if vectors == 4:
        net_4(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 3:
        net_3(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 2:
        net_2(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 1:
        net_1(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 8:
        net_8(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 7:
        net_7(total, at, table, stride, offset, column, quantity, begin, end)
    elif vectors == 6:
        net_6(total, at, table, stride, offset, column, quantity, begin, end)
    else:
        net_5(total, at, table, stride, offset, column, quantity, begin, end)


@helper
def find_worst(cells: Any, at: Any, width: Any) -> Any:
    """The least of ``cells[at .. at + width]`` and where the first within `TIE` of it is."""
    low = least(cells, at, width // 8)
    return low, first_at_most(cells, at, low + TIE * abs(low))


@helper
def two_worst(cells: Any, at: Any, count: Any, width: Any) -> Any:
    """Loss and scenario of the worst of ``count`` cells and of the next worst; changes ``cells``.

    Cells beyond ``count`` are padding up to ``width``, a multiple of eight.
    """
    for s in range(count, width):
        cells[at + s] = np.inf  # only compared
    first, scenario = find_worst(cells, at, width)
    second, other = 0.0, -1
    if count > 1:
        cells[at + scenario] = np.inf
        second, other = find_worst(cells, at, width)
    return first, scenario, second, other
