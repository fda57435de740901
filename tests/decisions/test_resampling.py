"""Bands: the same bits from a seed, around the whole, narrower with more history."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.estimators import estimate
from crossmargin.decisions.mean_variance import frontier
from crossmargin.decisions.resampling import resampled_frontier
from crossmargin.decisions.weight_limits import weight_limits

RNG = np.random.default_rng(11)
MIX = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.2, 0.1, 1.2]])
X = RNG.normal(size=(1600, 3)) @ MIX.T * 0.01 + [0.0002, 0.0006, 0.001]


def test_shapes_quantiles_and_bits() -> None:
    found = resampled_frontier(X[:400], points=7, samples=40, seed=3)
    again = resampled_frontier(X[:400], points=7, samples=40, seed=3)
    assert (found.low == again.low).all() and (found.average == again.average).all()
    assert found.weights.shape == found.average.shape == found.low.shape == (7, 3)
    assert (found.low <= found.average + 1e-12).all() and (
        found.average <= found.high + 1e-12
    ).all()
    assert found.average.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-12)
    assert (np.diff(found.mean) >= 0.0).all() and (np.diff(found.volatility) >= 0.0).all()
    assert (found.mean_low <= found.mean_high).all()
    other = resampled_frontier(X[:400], points=7, samples=40, seed=4)
    assert (other.low != found.low).any()


def test_no_sample_beats_the_whole_frontier_on_its_own_terms() -> None:
    """Judged by the whole history, resampled portfolios lie below its frontier."""
    found = resampled_frontier(X[:400], points=9, samples=40)
    whole = estimate(X[:400])
    line = frontier(whole.mean, whole.covariance)
    least, _ = line.at_returns(np.maximum(found.average_mean, line.mean[-1]))
    assert (found.average_volatility**2 >= least * (1.0 - 1e-12)).all()


def test_more_history_is_narrower() -> None:
    short = resampled_frontier(X[:200], points=3, samples=60)
    long = resampled_frontier(X, points=3, samples=60)
    assert (long.high - long.low)[0].sum() < (short.high - short.low)[0].sum()


def test_what_is_refused() -> None:
    for given in ({"points": 1}, {"samples": 5}, {"confidence": 1.0}, {"block": 0.5}):
        with pytest.raises(CrossMarginError):
            resampled_frontier(X[:100], **given)  # type: ignore[arg-type] # on purpose
    with pytest.raises(CrossMarginError):
        resampled_frontier(X[:100], weight_limits(2))
    with pytest.raises(CrossMarginError):
        resampled_frontier(X[0])
