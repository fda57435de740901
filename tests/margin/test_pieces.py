"""Pieces: a sum of largest linear functions, and what no optimiser could use is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.pieces import Pieces, WorstOf

SCAN = WorstOf("scan", np.array([[-1.0, 2.0], [3.0, -1.0]]), np.zeros(2), ("up", "down"))
GROSS = WorstOf(
    "gross", np.array([[1.0, 0.0], [-1.0, 0.0]]), np.zeros(2), floor=-np.inf, weight=0.5
)


def plain(pieces: Pieces, quantity: list[float]) -> float:
    """The slow twin."""
    total = 0.0
    for term in pieces.terms:
        worst = term.floor
        for row, offset in zip(term.rows.tolist(), term.offset.tolist(), strict=True):
            worst = max(worst, sum(a * b for a, b in zip(row, quantity, strict=True)) + offset)
        total += term.weight * worst
    return total


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2))
def test_the_sum_of_the_worst_rows(quantity: list[float]) -> None:
    pieces = Pieces((SCAN, GROSS))
    assert float(pieces.at(np.array(quantity))) == pytest.approx(plain(pieces, quantity), abs=1e-9)


@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4), st.floats(0.0, 1.0))
def test_pieces_are_convex(numbers: list[float], t: float) -> None:
    pieces = Pieces((SCAN, GROSS))
    ends = np.array(numbers).reshape(2, 2)
    middle = t * ends[0] + (1.0 - t) * ends[1]
    chord = t * pieces.at(ends)[0] + (1.0 - t) * pieces.at(ends)[1]
    assert float(pieces.at(middle)) <= float(chord) + 1e-9


def test_exact_where_nothing_is_left_out() -> None:
    assert Pieces((SCAN,)).exact
    assert not Pieces((SCAN,), ("open interest",)).exact


@pytest.mark.parametrize(
    ("rows", "offset", "names", "weight", "floor"),
    [
        ([[np.nan, 1.0]], [0.0], (), 1.0, 0.0),
        ([[1.0, 1.0]], [np.inf], (), 1.0, 0.0),
        ([[1.0, 1.0]], [0.0, 0.0], (), 1.0, 0.0),
        ([[1.0, 1.0]], [0.0], ("a", "b"), 1.0, 0.0),
        ([1.0, 1.0], [0.0], (), 1.0, 0.0),
        ([[1.0, 1.0]], [0.0], (), -1.0, 0.0),
        ([[1.0, 1.0]], [0.0], (), 1.0, np.nan),
        ([[1.0, 1.0]], [0.0], (), 1.0, np.inf),
    ],
)
def test_bad_pieces_are_refused(
    rows: list[object], offset: list[float], names: tuple[str, ...], weight: float, floor: float
) -> None:
    with pytest.raises(CrossMarginError):
        WorstOf("bad", np.array(rows, np.float64), np.array(offset), names, floor, weight)
