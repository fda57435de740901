"""Estimators by name: against the statistics' own, and the robust one by its definition."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.estimators import ESTIMATORS, MEANS, estimate, tyler
from crossmargin.statistics import covariance

RNG = np.random.default_rng(9)
TRUE = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, 0.1], [0.2, 0.1, 0.5]])
X = RNG.multivariate_normal(np.zeros(3), TRUE, size=4000)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("mean", MEANS)
def test_every_name_gives_a_covariance(estimator: str, mean: str) -> None:
    found = estimate(X[:200], estimator, mean=mean)
    assert covariance.smallest_eigenvalue(found.covariance) >= 0.0
    assert (found.covariance == found.covariance.T).all()
    assert 0.0 <= found.shrinkage <= 1.0 and 0.0 <= found.mean_shrinkage <= 1.0
    assert found.observations == 200


def test_names_mean_what_the_statistics_say() -> None:
    assert (estimate(X, "sample").covariance == covariance.sample_covariance(X)).all()
    assert (estimate(X, "ewma", decay=0.9).covariance == covariance.ewma_covariance(X, 0.9)).all()
    assert estimate(X[:20], "oas").shrinkage == covariance.oracle_approximating(X[:20]).share


def test_tyler_is_its_fixed_point_and_near_the_truth() -> None:
    v = tyler(X)
    assert v == pytest.approx(TRUE, abs=0.12)
    y = X - np.median(X, axis=0)
    length = np.einsum("ti,ti->t", y, np.linalg.solve(v, y.T).T)
    again = (y / length[:, None]).T @ y * 3.0 / len(y)
    assert again / np.trace(again) == pytest.approx(v / np.trace(v), abs=1e-9)


def test_tyler_holds_where_the_sample_breaks() -> None:
    """Two periods in a hundred a thousand times as large: directions count, sizes do not."""
    broken = X.copy()
    broken[::50] *= 1000.0
    assert tyler(broken) == pytest.approx(TRUE, abs=0.15)
    assert np.abs(covariance.sample_covariance(broken)).max() > 1000.0


def test_bayes_stein_lies_between() -> None:
    found, sample = estimate(X[:100], mean="bayes-stein"), X[:100].mean(axis=0)
    assert 0.0 < found.mean_shrinkage < 1.0
    assert np.ptp(found.mean) == pytest.approx(np.ptp(sample) * (1.0 - found.mean_shrinkage))


@pytest.mark.parametrize(
    "call",
    [
        lambda: estimate(X, "best"),
        lambda: estimate(X, mean="best"),
        lambda: estimate(X[:1]),
        lambda: tyler(X[:3]),
        lambda: tyler(X * [1.0, 1.0, 0.0]),
        lambda: tyler(np.column_stack([X, X[:, 0]])),
        lambda: estimate(np.where(X > 3.0, np.nan, X)),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised
