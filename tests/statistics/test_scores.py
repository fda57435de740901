"""Scores are least at the truth, tests keep their size, and bad input is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import bootstrap
from crossmargin.statistics import scores as sc
from crossmargin.statistics.closed_forms import normal

P = 0.025
TRUE = normal(1.0 - P)
VALUE, SHORTFALL = float(TRUE.value_at_risk), float(TRUE.expected_shortfall)
DRAW = np.random.default_rng(5)
PNL = DRAW.normal(size=200_000)


def flat(value: float, count: int = len(PNL)) -> np.ndarray:
    return np.full(count, value)


def test_scores_are_least_at_the_truth() -> None:
    best = sc.fz0_loss(PNL, flat(VALUE), flat(SHORTFALL), P).mean()
    pinball = sc.quantile_loss(PNL, flat(VALUE), P)
    assert (pinball >= 0.0).all()
    for factor in (0.85, 1.15):
        worse = sc.fz0_loss(PNL, flat(VALUE * factor), flat(SHORTFALL * factor), P).mean()
        assert worse > best
        assert sc.quantile_loss(PNL, flat(VALUE * factor), P).mean() > pinball.mean()


def test_acerbi_szekely() -> None:
    assert sc.acerbi_szekely(PNL, flat(VALUE), flat(SHORTFALL), P) == pytest.approx(0.0, abs=0.05)
    assert sc.acerbi_szekely(PNL, flat(0.8 * VALUE), flat(0.8 * SHORTFALL), P) < -0.7
    # One breach of 3 against a shortfall of 2, in 10 days: 1 - 3 / (10 * 0.025 * 2).
    pnl = np.array([0.0] * 9 + [-3.0])
    assert sc.acerbi_szekely(pnl, flat(1.0, 10), flat(2.0, 10), P) == pytest.approx(-5.0, rel=1e-14)


def test_critical_values_of_z2() -> None:
    """The published -0.70 at 5 %, for 250 normal days."""
    days = PNL.reshape(800, 250)
    z2 = [sc.acerbi_szekely(row, flat(VALUE, 250), flat(SHORTFALL, 250), P) for row in days]
    assert np.quantile(z2, 0.05) == pytest.approx(-0.70, abs=0.08)


def test_calibration_keeps_its_size_and_sees_too_little() -> None:
    days = PNL.reshape(100, 2000)
    right = [
        sc.conditional_calibration(row, flat(VALUE, 2000), flat(SHORTFALL, 2000), P) for row in days
    ]
    for name in sc.Calibration._fields:
        assert np.mean([getattr(found, name) < 0.05 for found in right]) <= 0.15
    low = sc.conditional_calibration(PNL, flat(0.9 * VALUE), flat(0.9 * SHORTFALL), P, flat(1.0))
    high = sc.conditional_calibration(PNL, flat(1.1 * VALUE), flat(1.1 * SHORTFALL), P)
    assert max(low.two_sided_simple, low.one_sided_simple, low.one_sided_general) < 1e-6
    assert high.two_sided_simple < 1e-6
    # The one-sided direction: too few breaches, or a shortfall that is too small.
    assert high.one_sided_simple < 1e-6
    right_value = sc.conditional_calibration(PNL, flat(VALUE), flat(1.1 * SHORTFALL), P)
    assert right_value.one_sided_simple > 0.05
    assert right_value.two_sided_simple < 1e-6


def test_exceedance_residuals() -> None:
    hits = int((PNL <= -VALUE).sum())
    draws = bootstrap.uniforms(1, 400, hits)
    right = sc.exceedance_residuals(PNL, flat(VALUE), flat(SHORTFALL), draws)
    low = sc.exceedance_residuals(PNL, flat(VALUE), flat(0.97 * SHORTFALL), draws, flat(2.0))
    assert 0.005 < right < 0.995
    assert low < 0.001
    assert sc.exceedance_residuals(PNL, flat(VALUE), flat(1.03 * SHORTFALL), draws) > 0.999


def test_diebold_mariano() -> None:
    one = DRAW.normal(size=500) ** 2
    two = one + 0.3 + DRAW.normal(size=500)
    found = sc.diebold_mariano(one, two)
    back = sc.diebold_mariano(two, one)
    assert found.value == -back.value < -3.0
    assert found.p_value == back.p_value
    less = sc.diebold_mariano(one, two, alternative=sc.Alternative.LESS)
    assert less.p_value == pytest.approx(found.p_value / 2.0, rel=1e-12)
    gap = one - two
    by_hand = gap.mean() / np.sqrt(gap.var() / 500) * np.sqrt(499 / 500)
    assert found.value == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("long_run", sc.LongRun)
def test_long_run_variance_by_hand(long_run: sc.LongRun) -> None:
    gap = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0, 7.0])
    c = gap - gap.mean()
    cover = [float((c[k:] * c[: 8 - k]).sum() / 8) for k in range(3)]
    share = [2 / 3, 1 / 3] if long_run is sc.LongRun.BARTLETT else [1.0, 1.0]
    variance = cover[0] + 2 * (share[0] * cover[1] + share[1] * cover[2])
    small = np.sqrt((8 + 1 - 6 + 3 * 2 / 8) / 8)
    found = sc.diebold_mariano(gap, np.zeros(8), horizon=3, long_run=long_run)
    assert found.value == pytest.approx(gap.mean() / np.sqrt(variance / 8) * small, rel=1e-12)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("shape_wrong", lambda: sc.quantile_loss([1.0], [1.0, 2.0], P)),
        ("number_out_of_range", lambda: sc.quantile_loss([1.0], [1.0], 1.0)),
        ("number_out_of_range", lambda: sc.fz0_loss([1.0], [1.0], [0.0], P)),
        ("number_out_of_range", lambda: sc.acerbi_szekely([1.0], [-1.0], [1.0], P)),
        ("number_not_finite", lambda: sc.acerbi_szekely([math.nan], [1.0], [1.0], P)),
        ("number_out_of_range", lambda: sc.diebold_mariano([1.0] * 9, [2.0] * 9)),
        ("observations_too_few", lambda: sc.diebold_mariano([1.0, 2.0], [2.0, 5.0])),
        ("number_out_of_range", lambda: sc.diebold_mariano([1.0], [2.0], horizon=0)),
        (
            "observations_too_few",
            lambda: sc.exceedance_residuals([1.0, -3.0], [1, 1], [2, 2], np.zeros((3, 1))),
        ),
        (
            "shape_wrong",
            lambda: sc.exceedance_residuals([-4.0, -3.0], [1, 1], [2, 2], np.zeros((3, 1))),
        ),
        (
            "number_out_of_range",
            lambda: sc.conditional_calibration([1.0] * 3, [1.0] * 3, [1.0] * 3, P, [0.0] * 3),
        ),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()
