"""Jacobi's eigenvalues against LAPACK's, and the same bits among neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics.eigen import eigen, rotate_kernel


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 12), st.integers(-150, 150))
def test_as_lapack(seed: int, size: int, rank: int, power: int) -> None:
    draw = np.random.default_rng(seed)
    half = draw.normal(size=(size, max(rank, 1)))
    signs = draw.choice([-1.0, 1.0], size=half.shape[1])
    matrix = (half * signs) @ half.T * 10.0**power
    matrix = 0.5 * (matrix + matrix.T)
    found = eigen(matrix)
    bound = 1e-13 * np.abs(matrix).max() * size
    assert np.abs(found.values - np.linalg.eigvalsh(matrix)).max() <= bound
    rebuilt = found.vectors * found.values @ found.vectors.T
    assert np.abs(rebuilt - matrix).max() <= bound
    assert np.abs(found.vectors.T @ found.vectors - np.eye(size)).max() <= 1e-13
    top = np.argmax(np.abs(found.vectors), axis=0)
    assert (found.vectors[top, np.arange(size)] > 0.0).all()


def test_neighbours_change_no_bit() -> None:
    draw = np.random.default_rng(5)
    many = draw.normal(size=(6, 5, 5))
    many = many + np.swapaxes(many, 1, 2)
    many[2] = np.eye(5)
    many[3] = 0.0
    together = eigen(many)
    for k in range(6):
        alone = eigen(many[k])
        assert (alone.values == together.values[k]).all()
        assert (alone.vectors == together.vectors[k]).all()
    assert (together.values[3] == 0.0).all()


def test_small_eigenvalues_keep_their_digits() -> None:
    # diag(1, 1e-12) turned by a known angle: LAPACK-like methods lose the second's digits.
    matrix = np.diag([1.0, 1e-12]) + 1e-8 * np.array([[0.0, 1.0], [1.0, 0.0]])
    exact = 1e-12 - 1e-16 / (1.0 - 1e-12)
    assert eigen(matrix).values[0] == pytest.approx(exact, rel=1e-9)


def test_refusals() -> None:
    with pytest.raises(CrossMarginError, match="number_not_finite"):
        eigen([[np.nan]])
    with pytest.raises(CrossMarginError, match="number_out_of_range"):
        eigen([[1.0, 0.5], [0.4, 1.0]])
    # A matrix that is not finished in the sweeps given is named by its place.
    work = np.array([np.eye(2), [[1.0, 0.5], [0.5, 1.0]]])
    assert rotate_kernel.run(work, np.array([np.eye(2)] * 2), 1) == 1
