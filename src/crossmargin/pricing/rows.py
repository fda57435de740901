"""Loops over account rows that the netting kernels share."""

from __future__ import annotations

from typing import Any

from crossmargin.core.jit import helper
from crossmargin.pricing.vectors import first_at_most, least

__all__ = ["TIE", "find_worst", "tile_width"]

TIE = 1e-12  # losses within this of the worst are equal, and the first in order is named


@helper
def tile_width(vectors: Any, most: Any) -> Any:
    """Vectors per tile: as even a split as there is into tiles of at most ``most``."""
    tiles = (vectors + most - 1) // most
    return (vectors + tiles - 1) // tiles


@helper
def find_worst(cells: Any, at: Any, width: Any) -> Any:
    """The least of ``cells[at .. at + width]`` and where the first within `TIE` of it is."""
    low = least(cells, at, width // 8)
    return low, first_at_most(cells, at, low + TIE * abs(low))
