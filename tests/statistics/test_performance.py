"""Performance by hand and by its definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics.performance import (
    drawdown,
    maximum_drawdown,
    omega_ratio,
    performance,
    tail_ratio,
)

R = np.array([0.1, -0.2, 0.05, -0.1, 0.3])


def test_by_hand() -> None:
    wealth = np.array([1.1, 0.88, 0.924, 0.8316, 1.08108])
    assert drawdown(R) == pytest.approx(wealth / 1.1 - 1.0)
    assert maximum_drawdown(R) == pytest.approx(0.8316 / 1.1 - 1.0)
    of = performance(R, 5.0, 0.01)
    assert of.total == pytest.approx(0.08108) and of.annual_return == pytest.approx(0.08108)
    assert of.annual_volatility == pytest.approx(R.std(ddof=1) * math.sqrt(5.0))
    assert of.sharpe == pytest.approx((R.mean() - 0.01) / R.std(ddof=1) * math.sqrt(5.0))
    below = math.sqrt((np.minimum(R - 0.01, 0.0) ** 2).mean())
    assert of.downside == pytest.approx(below * math.sqrt(5.0))
    assert of.sortino == pytest.approx((R.mean() - 0.01) / below * math.sqrt(5.0))
    assert of.under_water == 4 and of.drawdown_mean == pytest.approx(drawdown(R).mean())
    assert of.ulcer == pytest.approx(math.sqrt((drawdown(R) ** 2).mean()))
    assert of.calmar == pytest.approx(of.annual_return / -of.drawdown_max)


def test_the_start_is_a_peak() -> None:
    assert maximum_drawdown([-0.1, 0.05]) == pytest.approx(-0.1)
    assert maximum_drawdown([0.1, 0.05]) == 0.0


def test_ratios_without_a_divisor_are_none() -> None:
    flat = performance([0.01, 0.01], 365.0)
    assert flat.sharpe is None and flat.sortino is None and flat.calmar is None
    assert omega_ratio([0.1, 0.2]) is None and tail_ratio([0.0, 0.0]) is None
    assert omega_ratio(R) == pytest.approx(0.45 / 0.3)


def test_everything_lost_is_everything() -> None:
    assert performance([0.1, -1.0], 365.0).annual_return == -1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: performance([0.1]),
        lambda: performance([0.1, np.nan]),
        lambda: performance([0.1, -1.5]),
        lambda: performance([[0.1, 0.2]]),
        lambda: performance(R, 0.0),
        lambda: drawdown(0.1),
        lambda: omega_ratio(R, float("inf")),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised
