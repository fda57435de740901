"""Joint points, stressed matrices and the credit table, against plain formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.cross_asset import (
    Pair,
    credit_saving,
    joint_moves,
    joint_points,
    stresses,
)

RHO = st.floats(-1.0, 1.0)
SIZE = st.integers(-1000, 1000).map(float)


def matrix(rho: float) -> np.ndarray:
    return np.array([[1.0, rho], [rho, 1.0]])


def least(points: np.ndarray, exposure: np.ndarray) -> float:
    """Largest loss of a linear book over points."""
    return float(-(points @ exposure).min())


@pytest.mark.parametrize("tenths", range(11))
@pytest.mark.parametrize("rho", [-1.0, -0.4, 0.0, 0.8, 1.0])
def test_stressed_matrices_stay_positive_semidefinite(rho: float, tenths: int) -> None:
    for each in stresses(matrix(rho), tenths, ("BTC", "ETH")):
        own = np.linalg.eigvalsh(each.matrix)
        assert own.min() >= -1e-12
        assert each.least_eigenvalue == pytest.approx(own.min(), abs=1e-12)
        s = np.array(each.signs, float)
        plain = (1.0 - each.share) * matrix(rho) + each.share * np.outer(s, s)
        np.testing.assert_allclose(each.matrix, plain, atol=1e-15)


def test_three_coins_break_every_way() -> None:
    base = np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.5], [0.6, 0.5, 1.0]])
    found = stresses(base, 10, ("A", "B", "C"))
    assert len(found) == 1 + 10 * 4
    assert min(each.least_eigenvalue for each in found) >= -1e-12
    assert found[-4].label == "towards one 1"
    assert {each.signs for each in found[-4:]} == {(1, 1, 1), (1, 1, -1), (1, -1, 1), (1, -1, -1)}
    assert "broken A+B against C" in found[-3].label


def test_a_matrix_that_is_none_is_refused() -> None:
    bad = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(ModelError, match="matrix_not_psd"):
        stresses(bad, 1, ("A", "B", "C"))


@given(RHO, SIZE, SIZE)
def test_points_lie_in_the_ellipsoid_and_find_most_of_it(rho: float, a: float, b: float) -> None:
    """No linear book loses more over the list than over the ellipsoid, nor less than 92 % of it."""
    points = joint_points(matrix(rho))
    exposure = np.array([a, b])
    exact = float(np.sqrt(max(exposure @ matrix(rho) @ exposure, 0.0)))
    found = least(points, exposure)
    slack = 1e-6 * (abs(a) + abs(b))
    assert found <= exact + slack
    assert found >= 0.92 * exact - slack


def test_a_coin_alone_moves_its_range_to_the_bit() -> None:
    for rho in (-0.3, 0.0, 0.8, 1.0):
        points = joint_points(matrix(rho))
        assert points.max(axis=0).tolist() == [1.0, 1.0]
        assert points.min(axis=0).tolist() == [-1.0, -1.0]


def test_full_correlation_is_one_line() -> None:
    points = joint_points(matrix(1.0))
    np.testing.assert_allclose(points[:, 0], points[:, 1], atol=1e-15)


@given(RHO, SIZE, SIZE)
def test_the_list_grows_with_the_stress(rho: float, a: float, b: float) -> None:
    exposure = np.array([a, b])
    losses = [
        least(joint_moves(matrix(rho), tenths, ("A", "B")).point, exposure)
        for tenths in range(0, 11, 2)
    ]
    assert all(x <= y for x, y in pairwise(losses))
    # A hedge that breaks in full: both sides lose their whole range.
    assert losses[-1] == pytest.approx(abs(a) + abs(b), rel=1e-9, abs=1e-9)


def test_credits() -> None:
    alone = np.array([[100.0, 80.0, 10.0]])
    together = [np.array([20.0])]
    none = credit_saving(alone, together, [Pair(0, 1, 0.0)], 1.0)
    assert none.tolist() == [0.0]
    # Smaller requirement 80, true offset 160: 70 % of 80.
    assert credit_saving(alone, together, [Pair(0, 1, 0.7)], 1.0)[0] == pytest.approx(56.0)
    assert credit_saving(alone, together, [Pair(0, 1, 0.7)], 0.1)[0] == pytest.approx(19.0)
    # Same side: they lose together, there is nothing to offset.
    assert credit_saving(alone, [np.array([180.0])], [Pair(0, 1, 1.0)], 1.0)[0] == 0.0
    # What one pair used is not there for the next.
    pairs = [Pair(0, 1, 1.0), Pair(0, 2, 1.0)]
    both = credit_saving(alone, [np.array([20.0]), np.array([90.0])], pairs, 1.0)
    assert both[0] == pytest.approx(80.0 + 10.0)
    chain = [Pair(0, 1, 1.0), Pair(1, 2, 1.0)]  # the second coin is used up by the first
    both = credit_saving(alone, [np.array([20.0]), np.array([70.0])], chain, 1.0)
    assert both[0] == pytest.approx(80.0)
