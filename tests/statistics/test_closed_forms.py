"""Closed forms against quadrature in many digits, their anchors, and their refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import closed_forms as cf


def _t_density(v: float) -> Callable[[Any], Any]:
    c = mpmath.gamma((v + 1) / 2) / mpmath.gamma(v / 2) / mpmath.sqrt(v * mpmath.pi)
    return lambda x: c * (1 + x * x / v) ** (-(v + 1) / 2)


CASES = [
    (lambda a: cf.normal(a, 0.3, 2.0), lambda x: mpmath.npdf(x, 0.3, 2.0), mpmath.inf),
    (lambda a: cf.student_t(a, 3.5), _t_density(3.5), mpmath.inf),
    (
        lambda a: cf.lognormal_long(a, 0.01, 0.2),
        lambda x: mpmath.npdf(mpmath.log(1 - x), 0.01, 0.2) / (1 - x),
        1,
    ),
    (
        lambda a: cf.lognormal_short(a, 0.01, 0.2),
        lambda x: mpmath.npdf(mpmath.log(1 + x), 0.01, 0.2) / (1 + x),
        mpmath.inf,
    ),
    (
        lambda a: cf.laplace(a, 0.5, 2.0),
        lambda x: mpmath.exp(-abs(x - 0.5) / 2.0) / 4.0,
        mpmath.inf,
    ),
    (
        lambda a: cf.logistic(a, 0.5, 2.0),
        lambda x: mpmath.sech((x - 0.5) / 4.0) ** 2 / 8.0,
        mpmath.inf,
    ),
    (lambda a: cf.exponential(a, 0.7), lambda x: 0.7 * mpmath.exp(-0.7 * x), mpmath.inf),
    (
        lambda a: cf.generalised_pareto(a, 0.25, 1.5),
        lambda x: (1 + 0.25 * x / 1.5) ** (-5) / 1.5,
        mpmath.inf,
    ),
    (
        lambda a: cf.generalised_pareto(a, -0.25, 1.5),
        lambda x: (1 - 0.25 * x / 1.5) ** 3 / 1.5,
        6,
    ),
]


@pytest.mark.parametrize("level", [0.3, 0.95, 0.999])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_against_quadrature(case: int, level: float) -> None:
    figures, density, end = CASES[case]
    value, shortfall = (float(x) for x in figures(level))
    places = sorted({value, max(value, 0.5), *(value + 3.0 * k for k in (1, 4, 16))})
    if end != mpmath.inf:
        places = [value]
    points = [*places, end]
    mass = mpmath.quad(density, points)
    mean = mpmath.quad(lambda x: x * density(x), points)
    assert float(mass) == pytest.approx(1.0 - level, rel=1e-9)
    assert float(mean / mass) == pytest.approx(shortfall, rel=1e-8)


def test_anchors() -> None:
    assert cf.normal(0.99).value_at_risk == pytest.approx(2.326348, abs=5e-7)
    assert cf.normal(0.975).expected_shortfall == pytest.approx(2.337803, abs=5e-7)
    assert cf.normal(0.99).expected_shortfall == pytest.approx(2.665214, abs=5e-7)
    raw, unit = cf.student_t(0.99, 4), cf.student_t_of_deviation(0.99, 4)
    assert [float(x) for x in raw] == pytest.approx([3.746947, 5.220584], abs=5e-7)
    assert [float(x) for x in unit] == pytest.approx([2.649492, 3.691510], abs=5e-7)


def test_limits_meet() -> None:
    flat = cf.generalised_pareto(0.99, 0.0, 2.0)
    for shape in (1e-9, -1e-9):
        near = cf.generalised_pareto(0.99, shape, 2.0)
        assert np.allclose(near, flat, rtol=1e-7)
    assert np.allclose(flat, cf.exponential(0.99, 0.5), rtol=1e-14)
    assert np.allclose(cf.student_t(0.99, 1e7), cf.normal(0.99), rtol=1e-5)
    whole = cf.peaks_over_threshold(0.99, 2.0, 0.01, 0.3, 1.0)
    assert float(whole.value_at_risk) == pytest.approx(2.0, abs=1e-12)


def test_parameters_broadcast() -> None:
    found = cf.normal(0.99, np.zeros((3, 1)), np.array([1.0, 2.0]))
    assert found.value_at_risk.shape == (3, 2)
    assert found.value_at_risk[2, 1] == cf.normal(0.99, 0.0, 2.0).value_at_risk


def test_portfolio() -> None:
    found = cf.normal_portfolio(0.99, [1e6, -1e6], [[4e-4, 4e-4], [4e-4, 4e-4]])
    assert found.value_at_risk == 0.0
    assert found.component.tolist() == [0.0, 0.0]
    one = cf.normal_portfolio(0.99, [-1e6], [[4e-4]])
    assert one.value_at_risk == pytest.approx(2e4 * 2.3263478740408408, rel=1e-14)
    assert one.expected_shortfall == pytest.approx(2e4 * 2.665214220345806, rel=1e-14)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("number_out_of_range", lambda: cf.normal(1.0)),
        ("number_out_of_range", lambda: cf.normal(0.99, 0.0, 0.0)),
        ("number_not_finite", lambda: cf.normal(0.99, math.nan)),
        ("number_out_of_range", lambda: cf.student_t(0.99, 1.0)),
        ("number_out_of_range", lambda: cf.student_t_of_deviation(0.99, 2.0)),
        ("number_out_of_range", lambda: cf.generalised_pareto(0.99, 1.0)),
        ("number_out_of_range", lambda: cf.exponential(0.99, -1.0)),
        ("number_out_of_range", lambda: cf.peaks_over_threshold(0.9, 2.0, 0.05, 0.3, 1.0)),
        ("number_out_of_range", lambda: cf.peaks_over_threshold(0.9, 2.0, 1.5, 0.3, 1.0)),
        ("matrix_not_psd", lambda: cf.normal_portfolio(0.99, [1.0, -1.0], [[1, 2], [2, 1]])),
        ("shape_wrong", lambda: cf.normal_portfolio(0.99, [1.0], [[1, 0], [0, 1]])),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()
