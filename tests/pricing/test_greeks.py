"""Greeks against derivatives of the formula in 40 digits, and their limits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.greeks import Greeks, greeks
from crossmargin.pricing.revalue import black_value


def exact_greeks(f: float, k: float, t: float, v: float, c: float, d: float) -> list[mp.mpf]:
    """The eight numbers by differentiating the price numerically in 60 digits."""

    def price(forward: mp.mpf, years: mp.mpf, vol: mp.mpf) -> mp.mpf:
        w = vol * mp.sqrt(years)
        d1 = mp.log(forward / k) / w + w / 2
        return d * c * (forward * mp.ncdf(c * d1) - k * mp.ncdf(c * (d1 - w)))

    with mp.workdps(60):
        point = tuple(map(mp.mpf, (f, t, v)))
        w = point[2] * mp.sqrt(point[1])
        d2 = mp.log(point[0] / k) / w - w / 2
        return [
            price(*point),
            mp.diff(price, point, (1, 0, 0)),
            mp.diff(price, point, (2, 0, 0)),
            mp.diff(price, point, (0, 0, 1)),
            -mp.diff(price, point, (0, 1, 0)),
            d * c * k * point[1] * mp.ncdf(c * d2),
            mp.diff(price, point, (1, 0, 1)),
            mp.diff(price, point, (0, 0, 2)),
        ]


@pytest.mark.parametrize("right", [1.0, -1.0])
def test_greeks_are_the_derivatives_of_the_price(right: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(25):
        f = float(np.exp(rng.uniform(0, 11)))
        t, v = float(rng.uniform(0.002, 2)), float(rng.uniform(0.1, 2))
        k = f * float(np.exp(rng.normal() * 1.5 * v * np.sqrt(t)))
        found = greeks(f, k, t, v, right, 0.95)
        exact = exact_greeks(f, k, t, v, right, 0.95)
        # a quantity that crosses zero is judged against its natural size
        vega = float(exact[3])
        size = [f, 1.0, float(exact[2]), vega, float(exact[4]), k * t, vega / f / v, vega / v]
        for name, a, b, scale in zip(Greeks._fields, found, exact, size, strict=True):
            assert abs(float(a) - b) <= 2e-14 * max(abs(b), abs(scale)), name


def test_far_wings_keep_their_digits() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        w, z = float(rng.uniform(0.05, 1.0)), float(rng.uniform(4.0, 30.0))
        right = float(rng.choice([1.0, -1.0]))
        k = 100.0 * float(np.exp(right * z * w))
        found = greeks(100.0, k, 0.25, 2.0 * w, right)
        with mp.workdps(60):
            d1 = mp.log(mp.mpf(100) / k) / w + mp.mpf(w) / 2
            delta = right * mp.ncdf(right * d1)
            vega = 50 * mp.npdf(d1)
        slope = 1.0 + z * z  # an ulp of d1 is magnified so much
        assert abs(float(found.delta) - delta) <= 1e-15 * slope * abs(delta)
        assert abs(float(found.vega) - vega) <= 1e-15 * slope * vega
        worth = float(black_value(100.0, k, w, right))
        assert float(found.value) == pytest.approx(worth, rel=1e-13 * slope)


def test_value_agrees_with_the_pricing_kernel_and_parity() -> None:
    rng = np.random.default_rng(3)
    f, k = rng.uniform(50, 150, 100), rng.uniform(50, 150, 100)
    t, v = rng.uniform(0.01, 1, 100), rng.uniform(0.2, 1, 100)
    call, put = greeks(f, k, t, v, 1.0), greeks(f, k, t, v, -1.0)
    np.testing.assert_allclose(call.value, black_value(f, k, v * np.sqrt(t), 1.0), rtol=1e-13)
    np.testing.assert_allclose(call.value - put.value, f - k, rtol=0, atol=2e-13)
    np.testing.assert_allclose(call.delta - put.delta, 1.0, rtol=1e-15)
    np.testing.assert_allclose(call.rho - put.rho, k * t, rtol=1e-14)
    for name in ("gamma", "vega", "theta", "vanna", "volga"):
        np.testing.assert_array_equal(getattr(call, name), getattr(put, name))


def test_without_spread_the_limits_are_given() -> None:
    for years, vol in [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)]:
        found = greeks([110.0, 90.0, 110.0, 90.0], 100.0, years, vol, [1.0, 1.0, -1.0, -1.0])
        assert found.value.tolist() == [10.0, 0.0, 0.0, 10.0]
        assert found.delta.tolist() == [1.0, 0.0, 0.0, -1.0]
        for name in ("gamma", "vega", "theta", "vanna", "volga"):
            assert not getattr(found, name).any(), name


def test_shapes_broadcast_and_nothing_is_nothing() -> None:
    found = greeks(100.0, [[90.0], [100.0]], 0.5, [0.3, 0.4, 0.5], 1.0)
    assert all(part.shape == (2, 3) for part in found)
    assert greeks([], [], [], [], []).value.size == 0


@pytest.mark.parametrize("place", range(5))
def test_bad_cells_are_named(place: int) -> None:
    good = [100.0, 100.0, 0.5, 0.5, 1.0]
    good[place] = [1.0, -1.0]  # type: ignore[call-overload]  # one input as a pair
    f, k, t, v, d = good
    with pytest.raises(CrossMarginError, match=r"\[1\]"):
        greeks(f, k, t, v, 1.0, d)
    with pytest.raises(CrossMarginError, match="right"):
        greeks(100.0, 100.0, 0.5, 0.5, 0.0)
