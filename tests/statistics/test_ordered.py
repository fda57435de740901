"""Sums from first to last, and least squares, against exact arithmetic and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import ModelError
from crossmargin.statistics.ordered import dot, least_squares, product, projection, total


@given(st.lists(st.floats(-1e9, 1e9), max_size=40))
def test_total_runs_from_first_to_last(values: list[float]) -> None:
    slow = 0.0
    for value in values:
        slow += value
    assert float(total(np.array(values, np.float64))) == slow
    rows = np.tile(np.array(values, np.float64), (3, 2, 1))
    assert (total(rows) == slow).all()


def test_total_does_not_see_its_neighbours() -> None:
    rows = np.random.default_rng(1).normal(size=(5000, 33))
    assert (total(rows)[4990:] == total(rows[4990:])).all()
    assert (total(rows[::2]) == total(rows)[::2]).all()
    assert total(rows[7]) == total(rows)[7]


def test_products() -> None:
    draw = np.random.default_rng(2)
    a, b = draw.normal(size=(4, 3, 5)), draw.normal(size=(4, 5, 2))
    assert np.allclose(product(a, b), a @ b, rtol=1e-14, atol=1e-14)
    assert (product(a, b)[2] == product(a[2], b[2])).all()
    assert float(dot([1.0, 2.0], [3.0, 4.0])) == 11.0


def test_least_squares() -> None:
    draw = np.random.default_rng(3)
    x = np.column_stack([np.ones(50), draw.normal(size=(50, 3)) * [1e-2, 1.0, 1e2]])
    y = draw.normal(size=50)
    wanted, *_ = np.linalg.lstsq(x, y, rcond=None)
    assert least_squares(x, y) == pytest.approx(wanted, rel=1e-9)
    fitted, kept = projection(x, y)
    assert fitted == pytest.approx(x @ wanted, rel=1e-8, abs=1e-10)
    assert kept == [0, 1, 2, 3]


def test_dependent_columns() -> None:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(30, 2))
    y = draw.normal(size=30)
    twice = np.column_stack([x, x[:, 0] - 2.0 * x[:, 1], np.zeros(30)])
    assert projection(twice, y)[1] == [0, 1]
    assert projection(twice, y)[0] == pytest.approx(projection(x, y)[0], rel=1e-12)
    with pytest.raises(ModelError, match="matrix_singular"):
        least_squares(twice, y)
