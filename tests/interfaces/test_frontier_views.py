"""Views of the command against the posterior itself; names with hyphens."""

from __future__ import annotations

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.decisions.black_litterman import black_litterman
from crossmargin.decisions.estimators import estimate
from crossmargin.interfaces.frontier_views import view_rows, with_views

R = np.random.default_rng(3).normal(size=(100, 2)) * 0.02
KNOWN = estimate(R)


def test_the_posterior_is_the_room_s() -> None:
    found = with_views(KNOWN, {"A": 0.3, "A-B": 0.1}, ["A", "B"], None, 365.0, 0.0001)
    rows, stated = np.array([[1.0, 0.0], [1.0, -1.0]]), np.array([0.3, 0.1]) / 365.0
    other = black_litterman([0.5, 0.5], KNOWN.covariance, rows, stated)
    assert found.mean == pytest.approx(other.mean + 0.0001)
    assert (found.covariance == other.covariance).all()
    assert with_views(KNOWN, None, ["A", "B"], None, 365.0, 0.0) is KNOWN


def test_hyphens_in_names() -> None:
    rows, _ = view_rows({"X-P": 0.1, "X-P-Y-P": 0.2}, ["X-P", "Y-P"])
    assert rows.tolist() == [[1.0, 0.0], [1.0, -1.0]]
    for text in ("Z", "X-P-Z", "X-P-X-P"):
        with pytest.raises(InputError, match="a view is of one asset"):
            view_rows({text: 0.1}, ["X-P", "Y-P"])


def test_a_view_moves_the_weights() -> None:
    plain = xm.frontier(history="sample:market", views={"ETH": 0.2})
    bullish = xm.frontier(history="sample:market", views={"ETH": 0.8})
    assert bullish.weights["ETH"] > plain.weights["ETH"]
    assert "views, in place of the means: ETH +80 %" in repr(bullish)
