"""Hedges between quote currencies: pairs in turn, slices, and what the bound covers."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.quote_hedges import (
    cumulative_charge,
    hedge_bound,
    hedged_pairs,
)

PAIRS = ((0, 1), (0, 2), (2, 1))


def test_each_pair_hedges_what_the_pairs_before_left() -> None:
    found = hedged_pairs(np.array([[10.0, -4.0, -9.0], [-3.0, 5.0, 5.0], [1.0, 2.0, 3.0]]), PAIRS)
    assert [sizes.tolist() for sizes in found] == [[4.0, 3.0, 0.0], [6.0, 0.0, 0.0], [0.0] * 3]


def test_the_last_pair_is_two_that_are_left_over() -> None:
    found = hedged_pairs(np.array([[0.0, -4.0, 9.0]]), PAIRS)
    assert [float(sizes[0]) for sizes in found] == [0.0, 0.0, 4.0]


def test_the_published_example_slice_by_slice() -> None:
    """1 M at 0.75 %, 4 M at 1.75 %, 5 M at 2.5 %: 202,500 (the venue's, through readers)."""
    edges, rates = np.array([1e6, 5e6, 1e15]), np.array([0.0075, 0.0175, 0.025])
    charge, beyond = cumulative_charge(np.array([10e6, 1e6, 0.0]), edges, rates)
    assert charge.tolist() == pytest.approx([202_500.0, 7_500.0, 0.0], rel=1e-12)
    assert not beyond.any()


def test_beyond_the_last_edge_the_last_rate_is_a_lower_bound() -> None:
    charge, beyond = cumulative_charge(
        np.array([4.0, 5.0, 7.0]), np.array([2.0, 5.0]), np.array([0.1, 0.2])
    )
    assert charge.tolist() == pytest.approx([0.6, 0.8, 1.2])
    assert beyond.tolist() == [False, False, True]


def test_no_fills_hedge_more_than_the_bound() -> None:
    rng = np.random.default_rng(5)
    low = rng.normal(size=(200, 3)) * 10.0
    high = low + rng.uniform(0.0, 20.0, size=(200, 3))
    bound = hedge_bound(high, low, PAIRS)
    for _ in range(50):
        delta = low + rng.random((200, 3)) * (high - low)
        for size, most in zip(hedged_pairs(delta, PAIRS), bound, strict=True):
            assert (size <= most + 1e-12).all()
