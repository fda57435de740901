"""The gap between expansion and revaluation, and when it is too large."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.greeks_error import gaps, judged, limit_of
from tests.margin.greek_books import parameters

GIVEN = parameters("greeks", {"check.unsafe_share": 0.1, "netting.common_share": 0.5})


def test_gaps_count_where_a_loss_is_at_stake() -> None:
    expansion = np.array([[5.0, -1.0, 2.0, -3.0]])
    full = np.array([[9.0, 1.0, -2.0, -3.5]])
    assert gaps(expansion, full).tolist() == [[0.0, 2.0, 4.0, 0.5]]


def test_flag_at_the_limit_and_beyond() -> None:
    full = np.array([[-100.0, 0.0]] * 3)
    expansion = np.array([[-110.0, 0.0], [-110.01, 0.0], [-89.9, 0.0]])
    found = judged(expansion, full, np.array([100.0, 100.0, 140.0]), GIVEN)
    assert found.unsafe.tolist() == [False, True, True]
    assert found.gap.tolist() == pytest.approx([10.0, 10.01, 10.1])
    assert found.full_loss.tolist() == [100.0, 100.0, 120.0]


def test_noise_is_not_flagged() -> None:
    full, expansion = np.array([[-0.5, 0.0]]), np.array([[-1.4, 0.0]])
    assert not judged(expansion, full, np.array([0.5]), GIVEN).unsafe[0]
    assert limit_of(np.array([0.0, 5.0, 100.0]), GIVEN).tolist() == [1.0, 1.0, 10.0]


def test_a_book_that_cannot_lose_is_flagged_where_the_expansion_says_it_does() -> None:
    full, expansion = np.array([[10.0, 20.0]]), np.array([[-5.0, 20.0]])
    found = judged(expansion, full, np.array([0.0]), GIVEN)
    assert found.full_loss[0] == 0.0
    assert found.unsafe[0]
