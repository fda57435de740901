"""Hierarchical risk parity by hand and by its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.hierarchical import LINKAGES, hierarchical_risk_parity


def test_two_assets_are_inverse_variance() -> None:
    found = hierarchical_risk_parity([[0.04, 0.01], [0.01, 0.01]])
    assert found.weights == pytest.approx([0.2, 0.8], abs=1e-15)
    assert hierarchical_risk_parity([[2.0]]).weights.tolist() == [1.0]


def test_four_assets_in_two_pairs_by_hand() -> None:
    """Two pairs without correlation across: within by variance, across by the pairs' variances."""
    s = np.zeros((4, 4))
    s[np.ix_([0, 2], [0, 2])] = [[1.0, 0.9], [0.9, 1.0]]
    s[np.ix_([1, 3], [1, 3])] = [[4.0, 3.6], [3.6, 4.0]]
    found = hierarchical_risk_parity(s)
    assert {frozenset(found.order[:2]), frozenset(found.order[2:])} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }
    assert found.weights == pytest.approx([0.4, 0.1, 0.4, 0.1], abs=1e-15)


@given(st.integers(0, 5_000), st.integers(2, 9), st.sampled_from(LINKAGES))
def test_weights_are_positive_and_whole(seed: int, n: int, linkage: str) -> None:
    x = np.random.default_rng(seed).normal(size=(4 * n, n))
    found = hierarchical_risk_parity(np.cov(x.T), linkage)
    assert found.weights.min() > 0.0 and found.weights.sum() == pytest.approx(1.0, abs=1e-13)
    assert sorted(found.order) == list(range(n))
    scaled = hierarchical_risk_parity(np.cov(x.T) * 7.0, linkage)
    assert scaled.weights == pytest.approx(found.weights, rel=1e-12)


def test_what_is_refused() -> None:
    for call in (
        lambda: hierarchical_risk_parity(np.eye(2), "nearest"),
        lambda: hierarchical_risk_parity(np.diag([1.0, 0.0])),
        lambda: hierarchical_risk_parity([[1.0, 2.0], [2.0, 1.0]]),
        lambda: hierarchical_risk_parity(np.eye(2), correlation=np.eye(3)),
    ):
        with pytest.raises(CrossMarginError):
            call()
