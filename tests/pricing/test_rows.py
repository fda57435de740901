"""How a risk array is cut into tiles, and the tie rule on one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.core.jit import kernel
from crossmargin.pricing.rows import TIE, find_worst, tile_width


@kernel("i8, i8")
def run_width(vectors: Any, most: Any) -> Any:
    """The helper as it is."""
    return tile_width(vectors, most)


@kernel("f8[:], i8")
def run_worst(cells: Any, width: Any) -> Any:
    """The helper as it is."""
    return find_worst(cells, 0, width)


@pytest.mark.parametrize("most", [1, 4, 8])
def test_tiles_are_even_and_fit(most: int) -> None:
    for vectors in range(1, 60):
        width = run_width(vectors, most)
        assert 1 <= width <= most
        tiles = -(-vectors // width)
        assert tiles == -(-vectors // most)  # no tile more than needed
        assert run_width(vectors, vectors) == vectors


def test_the_first_within_the_tolerance() -> None:
    cells = np.zeros(16)
    cells[[4, 9]] = [-1.0 + 0.5 * TIE, -1.0]
    assert run_worst(cells, 16) == (-1.0, 4)
    cells[4] = -1.0 + 2 * TIE
    assert run_worst(cells, 16) == (-1.0, 9)
    assert run_worst(np.ones(8), 8) == (1.0, 0)
