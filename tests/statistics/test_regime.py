"""Live correlation stays PSD; a planted break is found; the rate of false alarms is stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics.covariance import smallest_eigenvalue
from crossmargin.statistics.regime import (
    START,
    AlarmRule,
    alarms,
    false_alarms,
    live_correlation,
    scores,
    standardised,
)

BREAK, DAYS = 500, 600


def _pair(before: float, after: float, seed: int, days: int = DAYS) -> np.ndarray:
    """Student-t returns of two coins whose correlation changes on day 500."""
    rng = np.random.default_rng(seed)
    first, other = rng.standard_normal((2, days))
    rho = np.where(np.arange(days) < BREAK, before, after)
    tail = np.sqrt(rng.chisquare(4.0, days) / 4.0)
    return np.stack([first, rho * first + np.sqrt(1.0 - rho**2) * other]) / tail * 0.03


def test_a_planted_break_is_found_within_a_month() -> None:
    """From 0.8 to -0.3: within 30 days in 90 of 100, by the shipped rule."""
    late = 0
    for seed in range(100):
        found = [each.place - BREAK for each in alarms(_pair(0.8, -0.3, seed))]
        late += not any(0 <= days <= 30 for days in found)
    assert late <= 10


def test_the_rate_of_false_alarms_is_stated() -> None:
    """Less than one in two years while nothing changes, whatever the correlation."""
    for rho in (0.0, 0.5, 0.8, 0.95):
        found = false_alarms([[1.0, rho], [rho, 1.0]], days=20_000)
        assert 0.1 < found.a_year < 0.5
        assert found.a_year == pytest.approx(365.0 * found.raised / found.days)
    assert false_alarms(np.eye(2), days=5000) == false_alarms(np.eye(2), days=5000)
    loose = false_alarms(np.eye(2), AlarmRule(threshold=2.0), days=5000)
    assert loose.raised > false_alarms(np.eye(2), days=5000).raised


def test_the_score_is_that_of_a_slow_twin() -> None:
    returns, rule = _pair(0.8, 0.2, 1), AlarmRule()
    score, before, after = scores(returns, rule)
    z = standardised(returns, rule.decay)
    for back in (0, 3, 50):
        end = z.shape[1] - back
        recent, old = z[:, end - 30 : end], z[:, end - 280 : end - 30]

        def r(x: np.ndarray) -> float:
            return float((x[0] * x[1]).sum() / np.sqrt((x[0] ** 2).sum() * (x[1] ** 2).sum()))

        assert after[0, -1 - back] == pytest.approx(r(recent), rel=1e-12)
        assert before[0, -1 - back] == pytest.approx(r(old), rel=1e-12)
        wanted = (np.arctanh(r(recent)) - np.arctanh(r(old))) / np.sqrt(1 / 30 + 1 / 250)
        assert score[0, -1 - back] == pytest.approx(wanted, rel=1e-12)


def test_the_past_is_not_moved_by_the_future() -> None:
    returns = _pair(0.8, -0.3, 4)
    whole = alarms(returns)
    assert whole
    for days in (400, 520, 580):
        part = alarms(returns[:, :days])
        assert part == tuple(each for each in whole if each.place < days)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_the_live_correlation_is_one(seed: int, coins: int) -> None:
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((coins, coins))
    found = live_correlation(mix @ rng.standard_t(4.0, (coins, 200)))
    assert np.diagonal(found).tolist() == [1.0] * coins
    assert (np.abs(found) <= 1.0 + 1e-12).all()
    assert smallest_eigenvalue(found) >= -1e-12


def test_a_change_of_volatility_alone_is_no_change_of_regime() -> None:
    counts = [0, 0]
    for seed in range(40):
        returns = _pair(0.8, 0.8, seed)
        counts[0] += len(alarms(returns))
        returns[:, BREAK:] *= 4.0
        counts[1] += len(alarms(returns))
    assert counts[1] <= counts[0] + 4


def test_refused() -> None:
    returns = _pair(0.5, 0.5, 1)
    for call, code in (
        (lambda: alarms(returns[:, : START + 279]), "observations_too_few"),
        (lambda: alarms(returns[0]), "shape_wrong"),
        (lambda: alarms(returns, AlarmRule(recent_days=2)), "number_out_of_range"),
        (lambda: alarms(returns, AlarmRule(reference_days=10)), "number_out_of_range"),
        (lambda: alarms(returns, AlarmRule(threshold=0.0)), "number_out_of_range"),
        (lambda: alarms(np.where(returns == returns[0, 9], np.nan, returns)), "number_not_finite"),
    ):
        with pytest.raises(CrossMarginError) as error:
            call()
        assert error.value.code == code
