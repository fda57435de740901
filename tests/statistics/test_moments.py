"""Population moments, the Cornish-Fisher domain and the modified expected shortfall."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import moments as mo


def given_moments(skewness: float, kurtosis: float) -> mo.Moments:
    return mo.Moments(*(np.array(x) for x in (0.0, 1.0, skewness, kurtosis)))


def test_moments_divide_by_n() -> None:
    rows = np.random.default_rng(1).gamma(2.0, size=(3, 400))
    found = mo.population_moments(rows)
    assert found.deviation == pytest.approx(rows.std(axis=1), rel=1e-13)
    assert found.skewness == pytest.approx(stats.skew(rows, axis=1), rel=1e-11)
    assert found.excess_kurtosis == pytest.approx(stats.kurtosis(rows, axis=1), rel=1e-11)
    alone = mo.population_moments(rows[1])
    assert all(a == b[1] for a, b in zip(alone, found, strict=True))


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 12.0))
def test_domain_is_where_the_expansion_rises(skewness: float, kurtosis: float) -> None:
    z = np.linspace(-60.0, 60.0, 24_001)
    steps = np.diff(mo.cornish_fisher(z, skewness, kurtosis))
    lead = kurtosis / 8.0 - skewness**2 / 6.0
    rest = 1.0 - kurtosis / 8.0 + 5.0 * skewness**2 / 36.0
    if abs(36.0 * lead * rest - skewness**2) < 1e-2 or abs(lead) < 1e-3:
        return  # too near to the border for a grid to tell
    assert bool(mo.cornish_fisher_rises(skewness, kurtosis)) == bool((steps > 0.0).all())


@pytest.mark.parametrize("skewness", [-0.8, 0.3, 1.5])
def test_border_of_the_domain(skewness: float) -> None:
    """At the border the slope touches zero once: at -b / (2 a) of its parabola."""

    def slope(z: float, k: float) -> float:
        lead, rest = k / 8 - skewness**2 / 6, 1 - k / 8 + 5 * skewness**2 / 36
        return lead * z * z + skewness / 3 * z + rest

    def least(k: float) -> float:
        return slope(-skewness / 6 / (k / 8 - skewness**2 / 6), k)

    start = 8 * skewness**2 / 6
    border = optimize.brentq(least, start + 1e-9, start + 2.0)
    assert not mo.cornish_fisher_rises(skewness, border - 1e-6)
    assert mo.cornish_fisher_rises(skewness, border + 1e-6)


def test_normal_is_inside() -> None:
    assert mo.cornish_fisher_rises(0.0, 0.0)
    assert not mo.cornish_fisher_rises(0.5, 0.0)


@pytest.mark.parametrize(("s", "k"), [(0.0, 0.0), (-0.5, 1.0), (-0.8, 5.0), (0.3, 0.5)])
def test_modified_shortfall_by_quadrature(s: float, k: float) -> None:
    found = mo.modified_expected_shortfall(0.99, given_moments(s, k))
    limit = -float(found.value_at_risk)

    def outcome(x: float) -> float:
        h3, h4 = x**3 - 3 * x, x**4 - 6 * x**2 + 3
        h6 = x**6 - 15 * x**4 + 45 * x**2 - 15
        return float(x * stats.norm.pdf(x) * (1 + s / 6 * h3 + k / 24 * h4 + s * s / 72 * h6))

    tail, _ = integrate.quad(outcome, -np.inf, limit, epsabs=1e-13)
    assert float(found.raw) == pytest.approx(-tail / 0.01, rel=1e-9)


def test_floor_at_the_value_at_risk() -> None:
    # Known from the literature's own warning: 1.49 below 3.84.
    found = mo.modified_expected_shortfall(0.99, given_moments(-0.8, 5.0))
    assert float(found.raw) == pytest.approx(1.49, abs=0.005)
    assert float(found.floored) == float(found.value_at_risk) == pytest.approx(3.84, abs=0.005)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("number_out_of_range", lambda: mo.population_moments([3.0, 3.0, 3.0])),
        ("number_out_of_range", lambda: mo.population_moments([[1.0, 2.0], [0.1, 0.1]])),
        ("observations_too_few", lambda: mo.population_moments([3.0])),
        ("number_not_finite", lambda: mo.population_moments([3.0, math.nan])),
        (
            "expansion_invalid",
            lambda: mo.cornish_fisher_value_at_risk(0.99, given_moments(-1.0, 0.0)),
        ),
        (
            "expansion_invalid",
            lambda: mo.modified_expected_shortfall(0.99, given_moments(0.0, 9.0)),
        ),
        ("number_out_of_range", lambda: mo.cornish_fisher_value_at_risk(1.5, given_moments(0, 0))),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()


def test_first_bad_row_is_named() -> None:
    rows = mo.Moments(*(np.array(x) for x in ([0.0] * 3, [1.0] * 3, [0, 0, -1.0], [0, 0, 0.0])))
    with pytest.raises(CrossMarginError, match="row 2"):
        mo.cornish_fisher_value_at_risk(0.99, rows)
    assert mo.cornish_fisher_value_at_risk(0.99, rows, anywhere=True).shape == (3,)
