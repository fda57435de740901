"""The width of a shift grid: its estimators by hand, its bounds, and histories that are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.statistics.shift_calibration import (
    SEED,
    grid_half_width,
    log_returns,
    median_size,
    realised_sigma,
    relative_changes,
    shift_quantile,
    weighted_sigma,
)

WIDTH = partial(grid_half_width, z=3.0, horizon_days=2, decay=0.97, stress_share=0.25, step=0.01)


def history(seed: int = 1, count: int = 200, sigma: float = 0.03) -> np.ndarray:
    """Prices of a random walk."""
    rng = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(rng.normal(0.0, sigma, count)))


def test_estimators_by_hand() -> None:
    assert log_returns([100.0, 110.0, 99.0]) == pytest.approx([math.log(1.1), math.log(0.9)])
    assert relative_changes([100.0, 110.0, 99.0], 2) == pytest.approx([-0.01])
    assert realised_sigma([0.3, -0.4]) == pytest.approx(math.sqrt(0.125))
    returns = [0.01] * SEED + [0.02, -0.05]
    variance = 0.97 * (0.97 * 1e-4 + 0.03 * 4e-4) + 0.03 * 25e-4
    assert weighted_sigma(returns, 0.97) == pytest.approx(math.sqrt(variance), rel=1e-14)
    assert median_size([3.0, 1.0, 2.0, 10.0]) == 2.5


def test_constant_vol_gives_that_vol_under_any_decay() -> None:
    returns = np.resize([0.02, -0.02], 90)
    for decay in (0.0, 0.5, 0.94, 0.999):
        assert weighted_sigma(returns, decay) == pytest.approx(0.02, rel=1e-13)
    assert realised_sigma(returns) == pytest.approx(0.02, rel=1e-13)


def test_width_by_hand() -> None:
    prices = history()
    found = WIDTH(prices, floor=0.0)
    returns = np.diff(np.log(prices))
    assert found.realised_daily == pytest.approx(math.sqrt(np.mean(returns**2)))
    assert found.sigma_daily == max(found.realised_daily, found.weighted_daily)
    assert found.scaled == pytest.approx(3.0 * found.sigma_daily * math.sqrt(2.0))
    stress = np.abs(prices[2:] / prices[:-2] - 1.0).max()
    assert found.stress == pytest.approx(stress)
    raw = 0.75 * found.scaled + 0.25 * stress
    assert raw <= found.half_width < raw + 0.01
    assert round(100.0 * found.half_width, 9) == round(100.0 * found.half_width)


def test_floor_binds_in_calm_and_a_crash_stays() -> None:
    calm = history(sigma=0.001)
    assert WIDTH(calm, floor=0.1).half_width == 0.1
    crashed = calm.copy()
    crashed[60:] *= 0.5
    assert WIDTH(crashed, floor=0.1).half_width >= 0.25 * 0.49


@given(st.integers(0, 10**6), st.floats(0.001, 0.1), st.floats(0.0, 0.5))
def test_width_is_scale_free_and_rises_with_its_parameters(
    seed: int, sigma: float, floor: float
) -> None:
    prices = history(seed, 80, sigma)
    found = WIDTH(prices, floor=floor).half_width
    assert found >= floor - 1e-10  # the step may round the last digits of a floor away
    assert WIDTH(prices * 64.0, floor=floor).half_width == pytest.approx(found, abs=0.0101)
    more = grid_half_width(
        prices, z=4.0, horizon_days=2, decay=0.97, floor=floor, stress_share=0.25, step=0.01
    )
    assert more.half_width >= found


def test_the_estimate_does_not_look_ahead() -> None:
    returns = log_returns(history())
    cut = returns[:100]
    later = np.concatenate([cut, [5.0]])
    assert weighted_sigma(later[:-1], 0.97) == weighted_sigma(cut, 0.97)


def test_quantiles_have_a_sign_and_round_away_from_zero() -> None:
    levels = 50.0 * history(3, 500) / 100.0
    up, down = (shift_quantile(levels, 2, tail, 0.01) for tail in (0.995, 0.005))
    raw = relative_changes(levels, 2)
    assert np.quantile(raw, 0.995) <= up < np.quantile(raw, 0.995) + 0.01
    assert np.quantile(raw, 0.005) - 0.01 < down <= np.quantile(raw, 0.005)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: log_returns([1.0]), "number_out_of_range"),
        (lambda: log_returns([1.0, math.nan]), "number_not_finite"),
        (lambda: log_returns([1.0, 0.0]), "price_not_positive"),
        (lambda: log_returns([1.0, -2.0]), "price_not_positive"),
        (lambda: relative_changes([1.0, 2.0], 2), "number_out_of_range"),
        (lambda: relative_changes([1.0, 2.0], 0), "number_out_of_range"),
        (lambda: realised_sigma([]), "number_out_of_range"),
        (lambda: realised_sigma([math.inf]), "number_not_finite"),
        (lambda: weighted_sigma([0.1] * (SEED - 1), 0.9), "number_out_of_range"),
        (lambda: weighted_sigma([0.1] * SEED, 1.0), "number_out_of_range"),
        (lambda: weighted_sigma([0.1] * SEED, math.nan), "number_out_of_range"),
        (lambda: WIDTH(history(), floor=-0.1), "number_out_of_range"),
        (lambda: WIDTH(history(), floor=math.nan), "number_out_of_range"),
        (lambda: WIDTH(history(1, 20), floor=0.1), "number_out_of_range"),
        (lambda: shift_quantile(history(), 2, 1.5, 0.01), "number_out_of_range"),
        (lambda: shift_quantile(history(), 2, 0.5, 0.0), "number_out_of_range"),
        (lambda: median_size([]), "number_out_of_range"),
        (lambda: median_size([1.0, -1.0]), "number_out_of_range"),
        (lambda: median_size([math.nan]), "number_not_finite"),
    ],
)
def test_bad_histories_are_refused(call: Callable[[], object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code
