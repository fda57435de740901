"""Limits as columns and rows, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.weight_limits import Distance, MarginBudget, weight_limits
from crossmargin.margin.pieces import WorstOf


def test_long_only_unless_said() -> None:
    limits = weight_limits(3)
    columns = limits.columns()
    assert columns.low == [0.0] * 3 and columns.high == [1.0] * 3
    assert columns.matrix().tolist() == [[1.0, 1.0, 1.0]] and columns.names == ["budget"]
    assert columns.least == columns.most == [1.0]


def test_a_distance_is_two_columns_a_weight() -> None:
    held = Distance(np.array([0.7, 0.3]), 0.2, np.array([0.01, 0.02]))
    columns = weight_limits(2, distances=[held]).columns()
    assert columns.price == [0.0, 0.0, 0.01, 0.01, 0.02, 0.02]
    moved = np.array([0.6, 0.4, 0.0, 0.1, 0.1, 0.0])  # first down by 0.1, second up by as much
    at = columns.matrix() @ moved
    assert at == pytest.approx([1.0, 0.7, 0.3, 0.2])
    assert columns.names[-1] == "turnover" and columns.most[-1] == 0.2


def test_a_margin_is_a_column_a_term() -> None:
    term = WorstOf("scan", np.array([[1.0, -1.0], [-2.0, 0.5]]), np.array([0.0, 3.0]), floor=1.0)
    margin = MarginBudget((term,), np.array([10.0, 20.0]), 50.0)
    assert float(margin.at(np.array([0.5, 0.5]))) == 1.0
    assert float(margin.at(np.array([-0.5, 0.5]))) == 18.0
    columns = weight_limits(2, low=-1.0, margins=[margin]).columns()
    assert columns.low[2] == 1.0 / 50.0
    assert columns.matrix()[-1].tolist() == [0.0, 0.0, 1.0] and columns.most[-1] == 1.0


BAD: dict[str, dict[str, Any]] = {
    "no room": {"low": 0.5, "high": 0.2},
    "nan bound": {"low": float("nan")},
    "wrong length": {"low": [0.0, 0.0, 0.0]},
    "rows of others": {"rows": [[1.0, 2.0, 3.0]]},
    "nan row": {"rows": [[1.0, float("nan")]]},
    "names of others": {"rows": [[1.0, 2.0]], "names": ["a", "b"]},
    "infinite budget": {"budget": float("inf")},
    "negative cost": {"distances": [Distance(np.zeros(2), 1.0, np.array([-1.0, 0.0]))]},
    "negative limit": {"distances": [Distance(np.zeros(2), -1.0, np.zeros(2))]},
    "nan holding": {"distances": [Distance(np.array([0.0, np.nan]), 1.0, np.zeros(2))]},
    "holdings of others": {"distances": [Distance(np.zeros(3), 1.0, np.zeros(2))]},
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_bad_limits_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(CrossMarginError):
        weight_limits(2, **given)


def test_there_is_a_weight() -> None:
    with pytest.raises(CrossMarginError, match="no weight"):
        weight_limits(0)
