"""Quantiles and expected shortfall against slow plain twins and NumPy's own."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics.quantiles import (
    Convention,
    Tail,
    age_weights,
    effective_observations,
    expected_shortfall,
    expected_shortfall_error,
    mean_of_worst,
    observations_needed,
    value_at_risk,
    value_at_risk_error,
    value_at_risk_range,
)

# Levels whose tail is the stated fraction, so that whole tails are met exactly.
TAILS = st.sampled_from([Fraction(1, n) for n in (2, 3, 4, 5, 8, 10, 20, 40, 100)])
SAMPLES = st.lists(
    st.floats(-1e6, 1e6, width=32) | st.sampled_from([-1.0, 0.0, -0.0, 2.0]),
    min_size=1,
    max_size=60,
)


def level_of(tail: Fraction) -> float:
    return 1.0 - float(tail)


def refused(code: str) -> Any:
    return pytest.raises(CrossMarginError, match=f"^{code}:")


@given(SAMPLES, TAILS, st.sampled_from(Convention))
def test_quantile_as_numpy(sample: list[float], tail: Fraction, convention: Convention) -> None:
    mass = len(sample) * tail
    spread = mass.denominator == 1 or (2 * mass).denominator == 1
    if spread and convention not in {Convention.INVERTED_CDF, Convention.WEIBULL}:
        return  # NumPy's own product n p may round to the other side of a step
    found = float(value_at_risk(sample, level_of(tail), convention, least=1))
    wanted = -np.quantile(np.array(sample, np.float64), float(tail), method=convention.value)
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9 * max(map(abs, sample)) + 1e-300)


@given(SAMPLES, TAILS)
def test_order_statistic_in_exact_arithmetic(sample: list[float], tail: Fraction) -> None:
    rank = math.ceil(len(sample) * tail)
    wanted = -sorted(sample)[rank - 1]
    assert float(value_at_risk(sample, level_of(tail), least=1)) == wanted


@given(SAMPLES, TAILS, st.sampled_from(Convention))
def test_shortfall_is_the_mean_beyond_the_value_at_risk(
    sample: list[float], tail: Fraction, convention: Convention
) -> None:
    value = float(value_at_risk(sample, level_of(tail), convention, least=1))
    beyond = [x for x in sample if x <= -value]
    found = float(expected_shortfall(sample, level_of(tail), convention, least=1))
    bound = max(map(abs, sample))
    assert found == pytest.approx(-math.fsum(beyond) / len(beyond), rel=1e-12, abs=1e-12 * bound)
    assert found >= value - 1e-12 * bound


@given(SAMPLES, TAILS)
def test_fractional_shortfall_in_exact_arithmetic(sample: list[float], tail: Fraction) -> None:
    mass, left, wanted = len(sample) * tail, len(sample) * tail, Fraction(0)
    for outcome in sorted(sample):
        share = min(Fraction(1), left)
        wanted -= share * Fraction(outcome)
        left -= share
    found = float(expected_shortfall(sample, level_of(tail), tail=Tail.FRACTIONAL, least=1))
    bound = max(map(abs, sample))
    assert found == pytest.approx(float(wanted / mass), rel=1e-11, abs=1e-11 * bound)


def test_whole_tails_are_whole() -> None:
    # 1 - 0.99 is above 0.01 in binary: 800 outcomes would otherwise have a tail of nine.
    pnl = -np.arange(800.0)
    assert value_at_risk(pnl, 0.99) == 792.0
    assert expected_shortfall(pnl, 0.99) == np.arange(792.0, 800.0).mean()
    assert expected_shortfall(pnl, 0.99, tail=Tail.FRACTIONAL) == 795.5
    assert observations_needed(0.99) == 100
    assert observations_needed(0.995, tail=4) == 800


@given(st.integers(0, 2**32), st.sampled_from(Convention), st.sampled_from(Tail))
def test_rows_are_alone(seed: int, convention: Convention, tail: Tail) -> None:
    rows = np.round(np.random.default_rng(seed).normal(size=(7, 53)), 1)
    together = expected_shortfall(rows, 0.9, convention, tail=tail)
    values = value_at_risk(rows, 0.9, convention)
    for k, row in enumerate(rows):
        assert together[k] == expected_shortfall(row[::-1], 0.9, convention, tail=tail)
        assert values[k] == value_at_risk(row[None], 0.9, convention)[0]
    assert value_at_risk(rows.reshape(7, 1, 53), 0.9, convention).shape == (7, 1)


def test_blocks_do_not_show() -> None:
    rows = np.random.default_rng(3).normal(size=(4099, 20))
    found = value_at_risk(rows, 0.9)
    assert found[4098] == value_at_risk(rows[4098], 0.9)
    assert found[0] == value_at_risk(rows[0], 0.9)


@given(SAMPLES, TAILS)
def test_equal_weights_change_nothing(sample: list[float], tail: Fraction) -> None:
    weights = np.full(len(sample), 1.0 / len(sample))
    level = level_of(tail)
    plain = value_at_risk(sample, level, least=1)
    assert value_at_risk(sample, level, weights=weights, least=1) == plain
    for which in Tail:
        found = expected_shortfall(sample, level, weights=weights, tail=which, least=1)
        wanted = expected_shortfall(sample, level, tail=which, least=1)
        assert float(found) == pytest.approx(
            float(wanted), rel=1e-9, abs=1e-9 * max(map(abs, sample)) + 1e-300
        )


def test_weights_by_hand() -> None:
    pnl, weights = [-5.0, 3.0, -1.0, -2.0], [0.1, 0.2, 0.3, 0.4]
    # Sorted: -5 (0.1), -2 (0.4), -1 (0.3), 3 (0.2).
    assert value_at_risk(pnl, 0.9, weights=weights, least=1) == 5.0
    assert value_at_risk(pnl, 0.75, weights=weights, least=1) == 2.0
    mean = expected_shortfall(pnl, 0.75, weights=weights, least=1)
    assert float(mean) == pytest.approx((0.1 * 5 + 0.4 * 2) / 0.5, rel=1e-15)
    part = expected_shortfall(pnl, 0.75, weights=weights, tail=Tail.FRACTIONAL, least=1)
    assert float(part) == pytest.approx((0.1 * 5 + 0.15 * 2) / 0.25, rel=1e-14)
    assert effective_observations([0.25] * 4) == 4.0


def test_age_weights() -> None:
    weights = age_weights(300, 0.98)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert weights[-1] / weights[0] == pytest.approx(0.98**-299, rel=1e-12)
    assert effective_observations(weights) == pytest.approx(99.0, rel=0.01)  # (1 + l) / (1 - l)


def test_mean_of_worst() -> None:
    assert mean_of_worst([[1.0, -4.0, -2.0], [5.0, 6.0, 7.0]], 2).tolist() == [3.0, -5.5]


def test_errors_of_drawn_figures() -> None:
    """Over many samples the spread of the estimate is what the formula says."""
    draws = np.random.default_rng(11).normal(size=(3000, 1000))
    density = math.exp(-0.5 * 1.6448536269514722**2) / math.sqrt(2 * math.pi)
    stated = float(value_at_risk_error(0.95, 1000, density))
    assert value_at_risk(draws, 0.95, Convention.HAZEN).std() == pytest.approx(stated, rel=0.05)
    tails = expected_shortfall(draws, 0.95, tail=Tail.FRACTIONAL)
    assert tails.std() == pytest.approx(expected_shortfall_error(draws, 0.95).mean(), rel=0.06)
    low, high = value_at_risk_range(draws, 0.95, confidence=0.9)
    held = np.mean((low <= 1.6448536269514722) & (high >= 1.6448536269514722))
    assert 0.9 <= held <= 0.93  # whole ranks hold a little more than asked


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("number_not_finite", lambda: value_at_risk([1.0, math.nan], 0.5)),
        ("number_not_finite", lambda: expected_shortfall([1.0, math.inf], 0.5)),
        ("number_out_of_range", lambda: value_at_risk([1.0, 2.0], 1.0)),
        ("number_out_of_range", lambda: value_at_risk([1.0, 2.0], 0.0)),
        ("number_not_finite", lambda: value_at_risk([1.0, 2.0], math.nan)),
        ("observations_too_few", lambda: value_at_risk(np.zeros(99), 0.99)),
        ("observations_too_few", lambda: expected_shortfall(np.zeros((3, 0)), 0.5)),
        ("observations_too_few", lambda: mean_of_worst([1.0], 2)),
        ("observations_too_few", lambda: value_at_risk_range(np.zeros(100), 0.99)),
        ("observations_too_few", lambda: expected_shortfall_error(np.zeros(150), 0.99)),
        ("shape_wrong", lambda: value_at_risk(3.0, 0.5)),
        ("shape_wrong", lambda: value_at_risk([1.0, 2.0], 0.5, weights=[1.0])),
        ("number_out_of_range", lambda: value_at_risk([1.0, 2.0], 0.5, weights=[0.5, 0.4])),
        ("number_out_of_range", lambda: value_at_risk([1.0, 2.0], 0.5, weights=[1.5, -0.5])),
        (
            "option_unknown",
            lambda: value_at_risk([1.0, 2.0], 0.5, Convention.LINEAR, weights=[0.5, 0.5]),
        ),
        ("number_out_of_range", lambda: age_weights(10, 1.0)),
        ("observations_too_few", lambda: age_weights(0, 0.9)),
        ("number_out_of_range", lambda: mean_of_worst([1.0], 0)),
        ("number_out_of_range", lambda: observations_needed(0.9, tail=0)),
        ("number_out_of_range", lambda: value_at_risk_error(0.99, 100, 0.0)),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with refused(code):
        call()


def test_too_few_says_how_many() -> None:
    with refused("observations_too_few") as caught:
        value_at_risk(np.zeros(99), 0.99)
    assert caught.value.value == "99"
    assert caught.value.limit == "100 or more"
