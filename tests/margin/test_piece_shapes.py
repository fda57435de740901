"""Shapes of pieces against their one-line formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crossmargin.margin.piece_shapes import gross, larger, linear, nets, scaled, shortages
from crossmargin.margin.pieces import LargestOf, Pieces

RNG = np.random.default_rng(7)
SIZE, RUN = RNG.uniform(0.5, 2.0, 6), np.array([0, 0, 1, 2, 2, -1], np.int32)
RATE = np.array([0.3, 0.0, 2.0])
BOOKS = RNG.normal(size=(50, 6))


def of_groups(shape: Callable[[float], float]) -> list[float]:
    return [
        sum(RATE[g] * shape(sum(SIZE[i] * q[i] for i in range(6) if RUN[i] == g)) for g in range(3))
        for q in BOOKS
    ]


def test_nets_and_shortages_of_groups() -> None:
    found = Pieces(nets("basis", SIZE, RUN, RATE)).at(BOOKS)
    np.testing.assert_allclose(found, of_groups(abs), atol=1e-12)
    found = Pieces(shortages("naked", SIZE, RUN, RATE)).at(BOOKS)
    np.testing.assert_allclose(found, of_groups(lambda n: max(-n, 0.0)), atol=1e-12)
    assert len(nets("basis", SIZE, RUN, RATE)) == 2, "a group without a rate has no term"


def test_gross_linear_and_what_is_larger() -> None:
    sizes = gross("fee", SIZE)
    np.testing.assert_allclose(Pieces(sizes).at(BOOKS), np.abs(BOOKS) @ SIZE, atol=1e-12)
    assert gross("fee", np.zeros(6)) == ()
    line = linear("held back", SIZE, 3.0)
    both = larger("most", ("fee", sizes), ("line", (line,)))
    wanted = np.maximum(np.abs(BOOKS) @ SIZE, BOOKS @ SIZE + 3.0)
    np.testing.assert_allclose(Pieces(scaled(1.3, both)).at(BOOKS), 1.3 * wanted, atol=1e-12)
    assert isinstance(both[0], LargestOf)
    assert larger("most", ("fee", sizes), ("nothing", ())) == sizes
    for q in BOOKS[:5]:
        slope = Pieces(both).slope(q)
        below = Pieces(both).at(q) + (BOOKS - q) @ slope
        assert (below <= Pieces(both).at(BOOKS) + 1e-12).all()
