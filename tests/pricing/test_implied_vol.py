"""Round trips through 60-digit prices over the whole domain, and what cannot be inverted."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.implied_vol import (
    IvStatus,
    implied_vol,
    implied_vol_from_time_value,
)
from crossmargin.pricing.revalue import black_value

ULP = 2.0**-52


def exact_time_value(forward: float, strike: float, spread: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """The out-of-the-money price, and the condition number d ln price / d ln spread."""
    with mp.workdps(60):
        f, k = sorted((mp.mpf(forward), mp.mpf(strike)))
        d1 = mp.log(f / k) / spread + spread / 2
        half = mp.sqrt(mp.mpf(1) / 2)
        price = (f * mp.erfc(-d1 * half) - k * mp.erfc((spread - d1) * half)) / 2
        return price, price / (spread * f * mp.npdf(d1))


def worst_excess(cases: list[tuple[float, float, float]]) -> float:
    """The largest error over its bound, for (log-moneyness, total deviation, forward)."""
    kept, prices, forwards, strikes, conditions = [], [], [], [], []
    for x, w, f in cases:
        k = f * float(np.exp(x))
        price, condition = exact_time_value(f, k, mp.mpf(w))
        least = min(f, k)
        if price < 1e-290 * max(least, 1e-8) or least - price < 1e-13 * least:
            continue
        kept.append(w)
        prices.append(float(price))
        forwards.append(f)
        strikes.append(k)
        conditions.append(float(condition))
    assert len(kept) > len(cases) // 4
    found = implied_vol_from_time_value(prices, forwards, strikes, 1.0)
    assert not found.status.any()
    error = np.abs(found.vol / np.array(kept) - 1.0)
    bound = 1e-13 + 4 * ULP * np.array(conditions)
    return float((error / bound).max())


def draw(seed: int, count: int, x: tuple[float, float], w: tuple[float, float]) -> list[tuple]:
    """Log-uniform moneyness (both signs) and spread."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(np.log(x[0]), np.log(x[1]), count)) * rng.choice([-1, 1], count)
    spread = np.exp(rng.uniform(np.log(w[0]), np.log(w[1]), count))
    forward = np.exp(rng.uniform(-10, 12, count))
    return list(zip(size.tolist(), spread.tolist(), forward.tolist(), strict=True))


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((1e-3, 1.5), (0.02, 1.5)),  # listed options
        ((1e-12, 1e-2), (1e-6, 1e-1)),  # hours from expiry, at the money
        ((1e-3, 30.0), (0.01, 5.0)),  # wings down to prices of 1e-290
        ((1e-9, 20.0), (1.0, 16.0)),  # near the upper bound
        ((1e-2, 3.0), (0.08, 0.12)),  # where the series takes over
        ((1e-8, 60.0), (1e-8, 20.0)),  # everything
    ],
)
def test_round_trip_is_within_the_bound(x: tuple[float, float], w: tuple[float, float]) -> None:
    assert worst_excess(draw(1, 1500, x, w)) <= 1.0


def test_at_the_money_exactly() -> None:
    cases = [(0.0, float(w), 100.0) for w in np.exp(np.linspace(np.log(1e-9), np.log(14.0), 300))]
    assert worst_excess(cases) <= 1.0


def test_around_the_seams_of_the_method() -> None:
    rng = np.random.default_rng(2)
    cases = []
    for x in np.exp(rng.uniform(np.log(1e-6), np.log(30.0), 300)):
        turn = float(np.sqrt(2 * x))  # the inflection, where the guess changes
        cases += [(float(x), turn * (1 + d), 50.0) for d in (-1e-3, -1e-9, 1e-9, 1e-3)]
        cases.append((float(x), 0.1 * (1 + 1e-9 * float(rng.normal())), 50.0))
    assert worst_excess(cases) <= 1.0


@pytest.mark.parametrize("right", [1.0, -1.0])
def test_prices_give_back_the_vol(right: float) -> None:
    rng = np.random.default_rng(3)
    f = rng.uniform(50, 150, 500)
    t, v = rng.uniform(0.05, 1.5, 500), rng.uniform(0.2, 1.5, 500)
    k = f * np.exp(rng.normal(0, 1.0, 500) * v * np.sqrt(t))
    price = black_value(f, k, v * np.sqrt(t), right)
    found = implied_vol(price, f, k, t, right)
    assert not found.status.any()
    # in the money the digits of the intrinsic value are lost: an ulp of the price is the unit
    vega = np.array(
        [
            float(mp.npdf(mp.log(a / b) / w + w / 2)) * a * np.sqrt(y)
            for a, b, w, y in zip(f, k, v * np.sqrt(t), t, strict=True)
        ]
    )
    bound = 1e-12 + 8 * ULP * price / (vega * v)
    assert (np.abs(found.vol / v - 1.0) / bound).max() <= 1.0


def test_what_carries_no_volatility_is_said_to() -> None:
    found = implied_vol(
        [10.0, 10.0 + 1e-15, 9.0, 0.0, -1.0, 100.0, 101.0, 5.0, 5.0],
        [110.0, 110.0, 110.0, 90.0, 90.0, 100.0, 100.0, 100.0, 100.0],
        100.0,
        [1, 1, 1, 1, 1, 1, 1, 0, 1],
        1.0,
    )
    assert found.status.tolist() == [1, 1, 1, 1, 1, 2, 2, 3, 0]
    assert found.vol[:8].tolist() == [-1.0] * 8
    assert found.vol[8] > 0
    assert implied_vol(5.0, 0.0, 100.0, 1.0, 1.0).status == IvStatus.NO_LIFE
    assert implied_vol(5.0, 100.0, 0.0, 1.0, -1.0).status == IvStatus.NO_LIFE
    near = np.nextafter(100.0, 0.0)
    assert implied_vol_from_time_value(near, 100.0, 120.0, 1.0).status == IvStatus.ABOVE_BOUND


def test_a_row_has_the_same_bits_in_any_company() -> None:
    rng = np.random.default_rng(4)
    f, k = rng.uniform(50, 150, 300), rng.uniform(50, 150, 300)
    w = np.exp(rng.uniform(np.log(0.02), 0.5, 300))
    price = black_value(f, k, w, np.where(f < k, 1.0, -1.0))
    whole = implied_vol_from_time_value(price, f, k, 1.0)
    for i in range(0, 300, 11):
        alone = implied_vol_from_time_value(price[i], f[i], k[i], 1.0)
        assert (alone.vol, alone.status) == (whole.vol[i], whole.status[i])
    back = implied_vol_from_time_value(price[::-1], f[::-1], k[::-1], 1.0)
    np.testing.assert_array_equal(back.vol[::-1], whole.vol)


def test_bad_cells_are_named() -> None:
    with pytest.raises(CrossMarginError, match=r"time_value\[1\]"):
        implied_vol_from_time_value([1.0, np.nan], 100.0, 100.0, 1.0)
    with pytest.raises(CrossMarginError, match=r"price\[0\]"):
        implied_vol([np.inf], 100.0, 100.0, 1.0, 1.0)
    with pytest.raises(CrossMarginError, match=r"forward\[0\]"):
        implied_vol(1.0, -100.0, 100.0, 1.0, 1.0)
    with pytest.raises(CrossMarginError, match=r"right\[0\]"):
        implied_vol(1.0, 100.0, 100.0, 1.0, 2.0)
    assert implied_vol([], [], [], [], []).vol.size == 0
