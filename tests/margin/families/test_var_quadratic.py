"""Quadratic figures against closed forms, the exact law and what bounds it; parts that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from crossmargin.margin.families.var_quadratic import (
    Level,
    Quadratic,
    Shape,
    additive,
    bound,
    figure,
    gradient,
    shape_of,
    valid,
)
from crossmargin.statistics.delta_gamma import Cumulants, delta_gamma_exact

VAR, ES = Level.of(0.99, shortfall=False), Level.of(0.975, shortfall=True)
HOW = ("delta-normal", "delta-gamma-normal", "cornish-fisher")


def covariance(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((4, 6))
    return np.asarray(x @ x.T / 6.0) * 1e-3


def form(seed: int, accounts: int = 1, curve: float = 1.0) -> Quadratic:
    rng = np.random.default_rng(seed)
    delta = 100.0 * rng.standard_normal((accounts, 4))
    gamma = np.zeros((accounts, 4, 4))
    for k in (0, 2):
        own = 1000.0 * curve * rng.standard_normal((accounts, 2, 2))
        gamma[:, k : k + 2, k : k + 2] = own + np.swapaxes(own, 1, 2)
    return Quadratic(rng.standard_normal(accounts), delta, gamma)


def test_constants_of_the_levels() -> None:
    assert VAR.normal == pytest.approx(2.326348, abs=1e-6)
    assert VAR.tail == pytest.approx(2.665214, abs=1e-6)
    assert ES.normal == ES.tail == pytest.approx(2.337803, abs=1e-6)
    for level, at in ((0.99, VAR), (0.975, ES)):
        q = 1.0 - level
        low = stats.chi2(1).ppf(level)
        mean = integrate.quad(lambda x: x * stats.chi2(1).pdf(x), low, np.inf)[0] / q
        assert at.square == pytest.approx(mean, rel=1e-8)
    z = stats.norm.ppf(0.025)
    for k, found in ((1, ES.first), (2, ES.second), (3, ES.third)):
        mean = integrate.quad(lambda x, k=k: x**k * stats.norm.pdf(x), -40.0, z)[0] / 0.025
        assert found == pytest.approx(mean, rel=1e-8)


def test_a_straight_book_is_z_sigma_under_every_approximation() -> None:
    c, straight = covariance(1), form(2, 5, curve=0.0)
    sigma = np.sqrt(np.einsum("ai,ij,aj->a", straight.delta, c, straight.delta))
    for how in HOW:
        expected = -straight.theta + stats.norm.ppf(0.99) * sigma
        assert figure(straight, c, VAR, how) == pytest.approx(expected, rel=1e-9)
        expected = -straight.theta + 2.3378027922014 * sigma
        assert figure(straight, c, ES, how) == pytest.approx(expected, rel=1e-9)


def test_the_expansion_is_near_the_exact_law_where_the_curve_is_small() -> None:
    for seed in range(8):
        own, c = form(seed, curve=0.05), covariance(seed)
        exact_var = float(
            delta_gamma_exact(0.99, own.delta[0], own.gamma[0], c, float(own.theta[0]))[0]
        )
        exact_es = float(
            delta_gamma_exact(0.975, own.delta[0], own.gamma[0], c, float(own.theta[0]))[1]
        )
        assert valid(shape_of(own, c))[0]
        assert figure(own, c, VAR, "cornish-fisher")[0] == pytest.approx(exact_var, rel=0.02)
        assert figure(own, c, ES, "cornish-fisher")[0] == pytest.approx(exact_es, rel=0.02)


@given(st.integers(0, 2**32 - 1))
def test_the_bound_is_never_below_the_exact_law(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, c = form(seed, curve=float(rng.choice([0.1, 1.0, 10.0]))), covariance(seed)
    exact = delta_gamma_exact(0.975, own.delta[0], own.gamma[0], c, float(own.theta[0]))
    at = Level.of(0.975, shortfall=True)
    most = bound(own, c, at, shape_of(own, c).linear, np.array([at.tail]))
    assert most[0] >= float(exact.expected_shortfall) - 1e-9 * abs(most[0])
    for how in (VAR, ES):
        assert (
            additive(own, c, how, "cornish-fisher", np.array([False]))[0]
            >= figure(own, c, how, "cornish-fisher")[0] - 1e-9
        )


@given(st.integers(0, 2**32 - 1), st.sampled_from(HOW), st.booleans())
def test_what_bounds_orders_is_subadditive(seed: int, how: str, shortfall: bool) -> None:
    at, c = ES if shortfall else VAR, covariance(seed)
    one, two = form(seed), form(seed + 1)
    both = Quadratic(one.theta + two.theta, one.delta + two.delta, one.gamma + two.gamma)
    curved = np.array([False])
    parts = additive(one, c, at, how, curved) + additive(two, c, at, how, curved)
    assert figure(both, c, at, how)[0] <= parts[0] + 1e-9 * abs(parts[0])
    straight = np.array([True])
    flat = [Quadratic(f.theta, f.delta, 0.0 * f.gamma) for f in (one, two, both)]
    parts = additive(flat[0], c, at, how, straight) + additive(flat[1], c, at, how, straight)
    assert figure(flat[2], c, at, how)[0] <= parts[0] + 1e-9 * abs(parts[0])


@given(st.integers(0, 2**32 - 1), st.sampled_from(HOW), st.floats(0.01, 20.0))
def test_parts_add_up_and_are_derivatives(seed: int, how: str, curve: float) -> None:
    c, parts = covariance(seed), form(seed, 5, curve)
    whole = Quadratic(
        parts.theta.sum(keepdims=True),
        parts.delta.sum(axis=0, keepdims=True),
        parts.gamma.sum(axis=0, keepdims=True),
    )
    for at in (VAR, ES):
        found = gradient(whole, c, at, how, parts)
        value = float(figure(whole, c, at, how)[0])
        assert float(found.sum()) == pytest.approx(value, rel=1e-9, abs=1e-9 * np.abs(found).sum())
        step = 1e-6
        ends = []
        for sign in (1.0, -1.0):
            moved = Quadratic(*(w + sign * step * p[:1] for w, p in zip(whole, parts, strict=True)))
            ends.append(float(figure(moved, c, at, how)[0]))
        slope = (ends[0] - ends[1]) / (2.0 * step)
        assert slope == pytest.approx(float(found[0]), rel=1e-3, abs=1e-4 * np.abs(found).max())


@given(st.floats(-3.0, 3.0), st.floats(-2.0, 20.0))
def test_the_domain_is_where_the_expansion_rises(s: float, k: float) -> None:
    one = np.array([1.0])
    nothing = Cumulants(one, one, one, one)
    found = bool(valid(Shape(nothing, one, s * one, k * one, one))[0])
    z = np.linspace(-4.0, 4.0, 4001)
    h = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    least = float(np.diff(h).min())
    if abs(least) > 1e-7:
        assert found is (least > 0.0)


def test_outside_the_domain_the_bound_is_charged() -> None:
    c = np.array([[4e-4, 0.0], [0.0, 1e-3]])
    short = Quadratic(np.zeros(1), np.zeros((1, 2)), np.array([[[-1e6, 0.0], [0.0, 0.0]]]))
    shape = shape_of(short, c)
    assert shape.skewness[0] == pytest.approx(-math.sqrt(8.0))
    assert shape.kurtosis[0] == pytest.approx(12.0)
    assert not valid(shape)[0]
    # Exact: 200 chi-square of one degree; the bound is the shortfall of that.
    assert figure(short, c, VAR, "cornish-fisher")[0] == pytest.approx(200.0 * VAR.square)
    assert VAR.square == pytest.approx(8.5, abs=0.5)


def test_nothing_that_moves_needs_the_decay_alone() -> None:
    still = Quadratic(np.array([-3.0]), np.zeros((1, 4)), np.zeros((1, 4, 4)))
    for how in HOW:
        assert figure(still, covariance(1), VAR, how)[0] == 3.0
        assert gradient(still, covariance(1), VAR, how, still)[0] == 3.0
    nobody = Quadratic(np.zeros(0), np.zeros((0, 4)), np.zeros((0, 4, 4)))
    assert figure(nobody, covariance(1), VAR, "cornish-fisher").shape == (0,)
