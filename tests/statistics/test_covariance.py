"""Covariances against NumPy and the papers' own formulas, PSD checks, repair and factors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import covariance as co

DRAW = np.random.default_rng(1)
X = DRAW.normal(size=(60, 4)) @ DRAW.normal(size=(4, 4)) + 3.0


def test_sample_as_numpy() -> None:
    assert np.allclose(co.sample_covariance(X), np.cov(X.T), rtol=1e-12)
    assert np.allclose(co.sample_covariance(X, freedom=0), np.cov(X.T, ddof=0), rtol=1e-12)
    raw = co.sample_covariance(X, freedom=0, centred=False)
    assert np.allclose(raw, X.T @ X / 60, rtol=1e-12)
    assert (raw == raw.T).all()
    assert np.allclose(co.correlation_of(co.sample_covariance(X)), np.corrcoef(X.T), rtol=1e-12)


def test_a_pair_does_not_see_the_others() -> None:
    whole = co.sample_covariance(X)
    assert (co.sample_covariance(X[:, :2]) == whole[:2, :2]).all()
    assert (co.ewma_covariance(X[:, 1:3], 0.9) == co.ewma_covariance(X, 0.9)[1:3, 1:3]).all()


def test_ewma_as_the_slow_way() -> None:
    top, below = np.zeros((4, 4)), 0.0
    for age, row in enumerate(X[::-1]):
        top += 0.93**age * np.outer(row, row)
        below += 0.93**age
    assert np.allclose(co.ewma_covariance(X, 0.93), top / below, rtol=1e-12)


def _shares_of_the_papers(x: np.ndarray) -> tuple[float, float]:
    x = x - x.mean(axis=0)
    count, n = x.shape
    s = x.T @ x / count
    m = np.trace(s) / n
    d2 = ((s - m * np.eye(n)) ** 2).sum() / n
    b2 = sum(((np.outer(row, row) - s) ** 2).sum() / n for row in x) / count**2
    t2, t1 = np.trace(s @ s), np.trace(s)
    rho = ((1 - 2 / n) * t2 + t1**2) / ((count + 1 - 2 / n) * (t2 - t1**2 / n))
    return min(b2, d2) / d2, min(1.0, rho)


@pytest.mark.parametrize("count", [3, 12, 60])
def test_shrinkage_as_the_papers(count: int) -> None:
    wanted = _shares_of_the_papers(X[:count])
    for estimate, share in zip((co.ledoit_wolf, co.oracle_approximating), wanted, strict=True):
        found = estimate(X[:count])
        assert found.share == pytest.approx(share, rel=1e-10)
        assert np.trace(found.covariance) == pytest.approx(
            np.trace(np.cov(X[:count].T, ddof=0)), rel=1e-12
        )
        assert co.smallest_eigenvalue(found.covariance) > 0.0


def test_shrinkage_of_one_series_is_its_variance() -> None:
    for estimate in (co.ledoit_wolf, co.oracle_approximating):
        found = estimate(X[:, :1]).covariance
        assert found[0, 0] == pytest.approx(X[:, 0].var(), rel=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 8), st.integers(-20, 20))
def test_factor_of_any_psd_matrix(seed: int, size: int, rank: int, power: int) -> None:
    half = np.random.default_rng(seed).normal(size=(size, rank)) * 10.0 ** (power / 2)
    matrix = half @ half.T
    factor = co.psd_factor(matrix)
    assert (np.triu(factor, 1) == 0.0).all()
    assert (np.diagonal(factor) >= 0.0).all()
    assert np.abs(factor @ factor.T - matrix).max() <= 1e-9 * np.abs(matrix).max()


def test_factor_by_hand() -> None:
    assert co.psd_factor(np.zeros((2, 2))).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert co.psd_factor([[4.0, 2.0], [2.0, 1.0]]).tolist() == [[2.0, 0.0], [1.0, 0.0]]
    zero_first = co.psd_factor([[0.0, 0.0], [0.0, 9.0]])
    assert zero_first.tolist() == [[0.0, 0.0], [0.0, 3.0]]


def test_nearest_correlation_by_higham() -> None:
    # The example of Higham 2002, section 4: printed to four decimals.
    found = co.nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    wanted = [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    assert np.abs(found - wanted).max() <= 5e-5
    assert co.smallest_eigenvalue(found) >= -1e-12


@given(st.integers(0, 2**32), st.integers(2, 5))
def test_repair(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    off = draw.uniform(-1.0, 1.0, size=(size, size))
    wild = np.triu(off, 1) + np.triu(off, 1).T + np.eye(size)
    deviation = 10.0 ** draw.uniform(-3, 3, size=size)
    covariance = wild * deviation[:, None] * deviation
    found = co.nearest_covariance(covariance)
    assert (np.diagonal(found) == np.diagonal(covariance)).all()
    co.psd_factor(found)
    near = co.nearest_correlation(wild)
    distance = np.linalg.norm(near - wild)
    # No PSD matrix with ones on the diagonal is nearer: try those of random directions.
    for _ in range(20):
        half = draw.normal(size=(size, size))
        other = co.correlation_of(half @ half.T)
        mixed = 0.9 * near + 0.1 * other
        assert np.linalg.norm(mixed - wild) >= distance - 1e-7


def test_psd_matrices_are_not_touched() -> None:
    matrix = np.cov(X.T)
    matrix = 0.5 * (matrix + matrix.T)
    assert (co.nearest_covariance(matrix) == matrix).all()
    assert (co.psd_checked(matrix) == matrix).all()


@given(st.floats(0.0, 1.0), st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4))
def test_stress_stays_psd(share: float, signs: list[float]) -> None:
    found = co.stressed_correlation(np.corrcoef(X.T), share, signs)
    assert co.smallest_eigenvalue(found) >= -1e-12
    assert np.allclose(np.diagonal(found), 1.0, rtol=1e-14)
    if share == 1.0:
        assert (found == np.outer(signs, signs)).all()


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("observations_too_few", lambda: co.sample_covariance([[1.0, 2.0]])),
        ("number_not_finite", lambda: co.sample_covariance([[1.0], [math.nan]])),
        ("shape_wrong", lambda: co.sample_covariance([1.0, 2.0])),
        ("number_out_of_range", lambda: co.ewma_covariance(X, 0.0)),
        ("number_out_of_range", lambda: co.correlation_of([[0.0, 0.0], [0.0, 1.0]])),
        ("matrix_not_psd", lambda: co.psd_checked([[1.0, 2.0], [2.0, 1.0]])),
        ("matrix_not_psd", lambda: co.psd_factor([[1.0, 1.0 + 1e-9], [1.0 + 1e-9, 1.0]])),
        ("matrix_not_psd", lambda: co.psd_factor([[-1.0]])),
        ("number_not_finite", lambda: co.psd_factor([[math.inf]])),
        ("number_out_of_range", lambda: co.nearest_covariance([[0.0, 1.0], [1.0, 1.0]])),
        ("number_out_of_range", lambda: co.stressed_correlation(np.eye(2), 1.1, [1, 1])),
        ("number_out_of_range", lambda: co.stressed_correlation(np.eye(2), 0.5, [1, 0.5])),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()


def test_refusal_names_the_eigenvalue() -> None:
    with pytest.raises(CrossMarginError) as caught:
        co.psd_checked([[1.0, 2.0], [2.0, 1.0]], "the stress matrix")
    assert caught.value.place == "the stress matrix"
    assert float(str(caught.value.value)) == pytest.approx(-1.0, rel=1e-12)
