"""Quadratic profit: cumulants, the one-factor roots and the inverted distribution."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import delta_gamma as dg
from crossmargin.statistics.closed_forms import normal

# Squares of these are still numbers, for the definition's sake; the code itself needs no such care.
SIZES = st.floats(-5, 5).filter(lambda x: x == 0.0 or abs(x) > 1e-100)


def account(seed: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    half = draw.normal(size=(size, size))
    gamma = draw.normal(size=(size, size)) * draw.choice([0.01, 1.0, 30.0])
    return draw.normal(size=size), gamma + gamma.T, half @ half.T * 0.01


def test_cumulants_as_traces_and_alone() -> None:
    parts = [account(seed, 3) for seed in range(4)]
    covariance = parts[0][2]
    delta, gamma = np.array([p[0] for p in parts]), np.array([p[1] for p in parts])
    found = dg.cumulants(delta, gamma, covariance, 0.25)
    for k in range(4):
        d, gc = delta[k], gamma[k] @ covariance
        trace = np.trace
        wanted = (
            0.25 + trace(gc) / 2,
            d @ covariance @ d + trace(gc @ gc) / 2,
            3 * d @ covariance @ gamma[k] @ covariance @ d + trace(gc @ gc @ gc),
            12 * d @ covariance @ gamma[k] @ covariance @ gamma[k] @ covariance @ d
            + 3 * trace(gc @ gc @ gc @ gc),
        )
        assert [float(x[k]) for x in found] == pytest.approx(wanted, rel=1e-11)
        alone = dg.cumulants(delta[k], gamma[k], covariance, 0.25)
        assert [float(x) for x in alone] == [float(x[k]) for x in found]


@given(
    SIZES,
    SIZES.map(lambda x: 40.0 * x),
    st.floats(1e-3, 0.3),
    st.sampled_from([0.05, 0.5, 0.9, 0.99, 0.999]),
)
def test_one_factor_against_the_definition(d: float, g: float, s: float, level: float) -> None:
    loss = float(dg.one_factor_value_at_risk(level, d, g, s))

    def within(y: float) -> float:
        """P(d x + g x^2/2 <= y), by the roots as they are taught."""
        a, b = 0.5 * g * s * s, d * s
        if a == 0.0:
            return float(y >= 0.0) if b == 0.0 else float(stats.norm.cdf(y / abs(b)))
        inside = b * b + 4 * a * y
        if inside <= 0.0:
            return 0.0 if a > 0 else 1.0
        low, high = sorted((-b + sign * math.sqrt(inside)) / (2 * a) for sign in (-1, 1))
        mass = float(stats.norm.cdf(high) - stats.norm.cdf(low))
        return mass if a > 0 else 1.0 - mass

    scale = abs(d * s) + abs(g * s * s)
    if scale == 0.0:
        assert loss == 0.0
        return
    if abs(g * s) < 1e-6 * abs(d):  # the taught roots cancel here; a straight line is as near
        straight = abs(d * s) * float(stats.norm.ppf(level))
        assert loss == pytest.approx(straight, rel=1e-4, abs=1e-4 * scale)
        return
    step = 1e-6 * scale
    assert within(-loss - step) <= 1.0 - level + 1e-6
    assert within(-loss + step) >= 1.0 - level - 1e-6


@settings(max_examples=15, deadline=None)
@given(SIZES, SIZES.map(lambda x: 30.0 * x), st.sampled_from([0.3, 0.9, 0.99, 0.999]))
def test_inversion_meets_the_roots(d: float, g: float, level: float) -> None:
    found = dg.delta_gamma_exact(level, [d], [[g]], [[4e-4]])
    wanted = float(dg.one_factor_value_at_risk(level, d, g, 0.02))
    scale = 0.02 * abs(d) + 2e-4 * abs(g)
    assert float(found.value_at_risk) == pytest.approx(wanted, rel=1e-7, abs=1e-8 * scale)


@pytest.mark.parametrize("seed", range(6))
def test_two_factors_by_quadrature(seed: int) -> None:
    """Condition on the first turned factor: the second is then one quadratic."""
    delta, gamma, covariance = account(seed, 2)
    found = dg.delta_gamma_exact(0.975, delta, gamma, covariance, 0.5)
    root = np.linalg.cholesky(covariance)
    square, turn = np.linalg.eigh(0.5 * root.T @ gamma @ root)
    linear = turn.T @ root.T @ delta

    def within(y: np.ndarray) -> np.ndarray:
        a, b = square[1], linear[1]
        inside = b * b + 4 * a * y
        root_of = np.sqrt(np.maximum(inside, 0.0))
        ends = np.sort([(-b - root_of) / (2 * a), (-b + root_of) / (2 * a)], axis=0)
        mass = np.where(inside > 0, stats.norm.cdf(ends[1]) - stats.norm.cdf(ends[0]), 0.0)
        return mass if a > 0 else 1.0 - mass

    limit = -float(found.value_at_risk) - 0.5

    def given_first(x: float) -> float:
        rest = limit - square[0] * x * x - linear[0] * x
        return float(within(np.array(rest))) * float(stats.norm.pdf(x))

    kinks = np.roots(
        [
            4 * square[1] * -square[0],
            -4 * square[1] * linear[0],
            linear[1] ** 2 + 4 * square[1] * limit,
        ]
    )
    points = sorted({float(x.real) for x in kinks if abs(x.imag) < 1e-12 and abs(x) < 9})
    pieces = [-9.0, *points, 9.0]
    mass = sum(
        integrate.quad(given_first, a, b, epsabs=1e-11, limit=400)[0] for a, b in pairwise(pieces)
    )
    assert mass == pytest.approx(0.025, abs=2e-9)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.9995])
def test_nearly_normal_books(level: float) -> None:
    """Coefficients of very unequal size; so near to a normal the expansion is as good as exact."""
    delta = [1.0, -0.0015, 0.05]
    gamma = np.diag([-3.6e-4, 3e-10, -5.4e-6])
    found = dg.delta_gamma_exact(level, delta, gamma, np.eye(3))
    near = dg.delta_gamma_cornish_fisher(
        level, dg.cumulants(delta, gamma, np.eye(3)), anywhere=True
    )
    assert float(found.value_at_risk) == pytest.approx(float(near), abs=1e-8)


def test_shortfall_is_the_mean_of_the_quantiles() -> None:
    delta, gamma, covariance = account(9, 3)
    found = dg.delta_gamma_exact(0.95, delta, gamma, covariance)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    # ES = mean of VaR over the tail; p = 0.05 u^4 packs nodes where the quantile is steep.
    u = 0.5 * (nodes + 1.0)
    tail = [
        float(dg.delta_gamma_exact(1.0 - 0.05 * x**4, delta, gamma, covariance).value_at_risk)
        for x in u
    ]
    mean = float(np.sum(0.5 * weights * 4.0 * u**3 * np.array(tail)))
    assert float(found.expected_shortfall) == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("level", [0.05, 0.4, 0.5, 0.6, 0.95])
def test_both_tails_of_a_normal_book(level: float) -> None:
    found = dg.delta_gamma_exact(level, [3.0], [[0.0]], [[0.04]], 1.0)
    wanted = normal(level, -1.0, 0.6)
    assert float(found.value_at_risk) == pytest.approx(float(wanted[0]), rel=1e-9, abs=1e-10)
    assert float(found.expected_shortfall) == pytest.approx(float(wanted[1]), rel=1e-9, abs=1e-10)


def test_gaussian_and_certain_books() -> None:
    covariance = [[4e-4, 4e-4], [4e-4, 4e-4]]  # singular: one factor twice
    hedged = dg.delta_gamma_exact(0.99, [1.0, -1.0], np.zeros((2, 2)), covariance, 3.0)
    assert float(hedged.value_at_risk) == float(hedged.expected_shortfall) == -3.0
    linear = dg.delta_gamma_exact(0.99, [1.0, 1.0], np.zeros((2, 2)), covariance)
    assert float(linear.value_at_risk) == pytest.approx(0.04 * 2.3263478740408408, rel=1e-9)
    assert float(linear.expected_shortfall) == pytest.approx(0.04 * 2.665214220345806, rel=1e-9)


def test_tiny_greeks_keep_their_digits() -> None:
    one = dg.delta_gamma_exact(0.99, [1.0], [[-20.0]], [[4e-4]])
    tiny = dg.delta_gamma_exact(0.99, [1e-200], [[-20e-200]], [[4e-4]])
    assert np.allclose(tiny, np.array(one) * 1e-200, rtol=1e-12, atol=0.0)
    root = float(dg.one_factor_value_at_risk(0.99, 1e-200, -20e-200, 0.02))
    assert root == pytest.approx(float(tiny.value_at_risk), rel=1e-11, abs=0.0)


def test_refusals() -> None:
    calls: list[tuple[str, Any]] = [
        ("shape_wrong", lambda: dg.cumulants([1.0], np.zeros((2, 2)), np.eye(2))),
        ("shape_wrong", lambda: dg.delta_gamma_exact(0.9, [[1.0]], [[[1.0]]], [[1.0]])),
        ("matrix_not_psd", lambda: dg.delta_gamma_exact(0.9, [1, 1], np.eye(2), [[1, 2], [2, 1]])),
        ("number_not_finite", lambda: dg.cumulants([np.nan], [[1.0]], [[1.0]])),
        ("number_out_of_range", lambda: dg.one_factor_value_at_risk(0.9, 1.0, 1.0, 0.0)),
        (
            "number_out_of_range",
            lambda: dg.delta_gamma_cornish_fisher(0.9, dg.cumulants([0.0], [[0.0]], [[1.0]])),
        ),
        (
            "expansion_invalid",
            lambda: dg.delta_gamma_cornish_fisher(0.9, dg.cumulants([0.0], [[1.0]], [[1.0]])),
        ),
    ]
    for code, call in calls:
        with pytest.raises(CrossMarginError, match=f"^{code}:"):
            call()
