"""Variance paths against slow twins, fits that find what made the data, and no look-ahead."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import filters as fi


def garch_returns(seed: int, count: int, freedom: float = math.inf) -> np.ndarray:
    draw = np.random.default_rng(seed)
    out, variance = [], 1.0
    for _ in range(count):
        noise = (
            draw.normal()
            if math.isinf(freedom)
            else draw.standard_t(freedom) * math.sqrt((freedom - 2.0) / freedom)
        )
        out.append(noise * math.sqrt(variance))
        variance = 0.04 + 0.10 * out[-1] ** 2 + 0.86 * variance
    return 0.02 * np.array(out)


RETURNS = garch_returns(1, 3000)


def test_ewma_as_the_slow_way() -> None:
    found = fi.ewma_variance(RETURNS[:200], 0.94, start=30)
    slow = [float(np.mean(RETURNS[:30] ** 2))]
    for r in RETURNS[30:200]:
        slow.append(0.94 * slow[-1] + 0.06 * float(r) ** 2)
    assert found == pytest.approx(slow, rel=1e-13)
    assert len(found) == 171


@pytest.mark.parametrize(
    "path",
    [
        lambda r: fi.ewma_variance(r, 0.97, start=60),
        lambda r: fi.garch_variance(r, fi.Garch(1e-5, 0.1, 0.85, math.inf, 0.0)),
    ],
)
def test_nothing_looks_ahead(path: Any) -> None:
    """A return moves no variance of its own time or before, and no residual before it."""
    whole, changed = path(RETURNS[:300]), RETURNS[:300].copy()
    changed[200] *= 50.0
    moved = np.flatnonzero(path(changed) != whole)
    offset = 300 - (len(whole) - 1)
    assert moved[0] + offset == 201
    early = path(RETURNS[:200])
    assert (early == whole[: len(early)]).all()
    one = fi.filtered_residuals(RETURNS[:300], whole)
    two = fi.filtered_residuals(changed, path(changed))
    assert np.flatnonzero(one != two)[0] + offset == 200


def test_scenarios() -> None:
    r = RETURNS[:100]
    v = fi.ewma_variance(r, 0.9, start=20)
    z = fi.filtered_residuals(r, v)
    full = fi.filtered_scenarios(r, v)
    mid = fi.filtered_scenarios(r, v, fi.Scaling.MID)
    assert full == pytest.approx(z * math.sqrt(v[-1]), rel=1e-14)
    assert mid == pytest.approx(0.5 * (full + r[20:]), rel=1e-13)
    flat = fi.filtered_scenarios(r, np.ones(101))
    assert flat == pytest.approx(r, rel=1e-15)


def test_rows_are_alone() -> None:
    rows = np.stack([RETURNS[:100], RETURNS[100:200], RETURNS[200:300]])
    v = fi.ewma_variance(rows, 0.95, start=20)
    for k in range(3):
        assert (v[k] == fi.ewma_variance(rows[k], 0.95, start=20)).all()
    assert fi.filtered_scenarios(rows, v).shape == (3, 80)


@pytest.mark.parametrize("freedom", [math.inf, 5.0])
def test_likelihood_as_the_sum_of_log_densities(freedom: float) -> None:
    r, v = RETURNS[:50], np.linspace(1e-4, 9e-4, 50)
    if math.isinf(freedom):
        wanted = stats.norm.logpdf(r, scale=np.sqrt(v)).sum()
    else:
        scale = np.sqrt(v * (freedom - 2.0) / freedom)
        wanted = stats.t.logpdf(r, freedom, scale=scale).sum()
    assert fi.garch_log_likelihood(r, v, freedom) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("freedom", [math.inf, 6.0])
def test_fit_finds_what_made_the_data(freedom: float) -> None:
    r = garch_returns(7, 6000, freedom)
    student = not math.isinf(freedom)
    found = fi.garch_fit(r, student=student)
    assert found.alpha == pytest.approx(0.10, abs=0.035)
    assert found.beta == pytest.approx(0.86, abs=0.05)
    assert found.long_run == pytest.approx(4e-4, rel=0.25)
    if student:
        assert found.freedom == pytest.approx(6.0, abs=1.2)
    assert found == fi.garch_fit(r, student=student)
    # No neighbour is better: it is a maximum.
    first = float(np.mean(r * r))
    top = _likelihood(r, first, found)
    assert top == pytest.approx(found.log_likelihood, abs=1e-6)
    for name in ("omega", "alpha", "beta"):
        for factor in (0.999, 1.001):
            near = found._replace(**{name: getattr(found, name) * factor})
            assert _likelihood(r, first, near) < top


def _likelihood(r: np.ndarray, first: float, model: fi.Garch) -> float:
    v = fi.garch_variance(r, model, np.array(first))
    return fi.garch_log_likelihood(r, v[:-1], model.freedom)


def test_fit_has_no_unit() -> None:
    one, two = fi.garch_fit(RETURNS), fi.garch_fit(RETURNS * 1e4)
    assert two.omega == pytest.approx(one.omega * 1e8, rel=1e-4)
    assert (two.alpha, two.beta) == pytest.approx((one.alpha, one.beta), rel=1e-4)
    assert one.forecast(2e-4, 3)[0] == pytest.approx(2e-4, rel=1e-12)
    assert one.forecast(2e-4, 3)[1] == pytest.approx(
        one.omega + (one.alpha + one.beta) * 2e-4, rel=1e-10
    )


def test_har() -> None:
    draw = np.random.default_rng(3)
    v = list(np.exp(draw.normal(size=22)) * 1e-4)
    for _ in range(600):
        past = np.array(v)
        v.append(2e-5 + 0.4 * past[-1] + 0.3 * past[-5:].mean() + 0.1 * past[-22:].mean())
    model = fi.har_fit(v[:100])
    assert model.coefficients == pytest.approx([2e-5, 0.4, 0.3, 0.1], rel=1e-5)
    assert model.forecast(v[:100]) == pytest.approx(v[100], rel=1e-8)
    low = fi.Har(np.array([-1.0, 0.0, 0.0, 0.0]), fi.HAR_LAGS)
    assert low.forecast(v[:100]) == min(v[:100])


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("observations_too_few", lambda: fi.ewma_variance(RETURNS[:59], 0.94)),
        ("number_out_of_range", lambda: fi.ewma_variance(np.zeros(80), 0.94)),
        ("number_out_of_range", lambda: fi.ewma_variance(RETURNS[:80], 1.0)),
        ("number_out_of_range", lambda: fi.ewma_variance(RETURNS[:80], 0.9, start=0)),
        ("number_not_finite", lambda: fi.ewma_variance([*RETURNS[:80], math.nan], 0.9)),
        ("observations_too_few", lambda: fi.garch_fit(RETURNS[:249])),
        ("number_out_of_range", lambda: fi.garch_fit(np.zeros(300))),
        ("shape_wrong", lambda: fi.garch_fit(RETURNS.reshape(3, 1000))),
        ("observations_too_few", lambda: fi.har_fit(np.ones(30))),
        ("matrix_singular", lambda: fi.har_fit(np.ones(80))),
        ("number_out_of_range", lambda: fi.har_fit(-np.arange(80.0))),
        ("number_out_of_range", lambda: fi.filtered_residuals([1.0, 2.0], [1.0, 0.0, 1.0])),
        ("shape_wrong", lambda: fi.filtered_residuals([1.0, 2.0], [1.0, 1.0, 1.0, 1.0])),
        ("shape_wrong", lambda: fi.filtered_residuals([1.0, 2.0], [1.0])),
        ("shape_wrong", lambda: fi.filtered_scenarios([[1.0, 2.0]], [1.0, 1.0])),
        (
            "shape_wrong",
            lambda: fi.garch_variance(RETURNS, fi.Garch(1, 0, 0, math.inf, 0), np.ones(2)),
        ),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()


@pytest.mark.parametrize("shape", [(60,), (3, 60)])
def test_as_many_returns_as_the_start_give_the_first_variance_alone(shape: tuple[int, ...]) -> None:
    returns = np.random.default_rng(1).standard_normal(shape)
    found = fi.ewma_variance(returns, 0.94, start=60)
    assert found.shape == (*shape[:-1], 1)
    assert found[..., 0] == pytest.approx((returns**2).mean(axis=-1), rel=1e-13)
