"""Means of derivatives along the ray: kinks, jumps and roots against integrals by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.ray import Ray, along_ray

BOOK = np.array([30.0, -12.0, 7.0])
TIERS = ((0.0, 0.01), (4.0, 0.02), (11.0, 0.05), (26.0, 0.1))  # size of the first position: rate


def _along(margin, derivative) -> Ray:  # type: ignore[no-untyped-def] # functions of q
    def value(t: np.ndarray) -> np.ndarray:
        return np.array([margin(each * BOOK) for each in t])

    def gradient(t: np.ndarray, steps: np.ndarray) -> np.ndarray:
        assert (steps > 0.0).all()
        return np.array([derivative(each * BOOK) for each in t])

    return along_ray(value, gradient)


def test_tiers_are_integrated_from_kink_to_kink() -> None:
    """Marginal rates by tier: the mean rate is the charge over the size, kinks lie at the tiers."""

    def charge(q: np.ndarray) -> float:
        edges = [low for low, _ in TIERS] + [1e9]
        pairs = zip(TIERS, edges[1:], strict=True)
        return float(sum(rate * np.clip(q[0] - low, 0.0, high - low)
                         for (low, rate), high in pairs))  # fmt: skip

    def rate(q: np.ndarray) -> np.ndarray:
        return np.array([next(r for low, r in TIERS[::-1] if q[0] > low), 0.0, 0.0])

    found = _along(charge, rate)
    assert found.kinks == pytest.approx([4.0 / 30.0, 11.0 / 30.0, 26.0 / 30.0], abs=1e-9)
    assert found.fixed == 0.0
    assert found.mean[0] == pytest.approx(charge(BOOK) / 30.0, rel=1e-9)
    assert found.moved == pytest.approx(charge(BOOK), rel=1e-14)


def test_a_maximum_of_a_square_and_a_line() -> None:
    """max(a.q, b (c.q)^2): the line to t* = a.q / (b (c.q)^2), the square beyond, by hand."""
    a, b, c = np.array([2.0, 1.0, 0.5]), 0.8, np.array([1.0, 1.0, -1.0])
    line, square = float((a * BOOK).sum()), b * float((c * BOOK).sum()) ** 2

    def margin(q: np.ndarray) -> float:
        return max(float((a * q).sum()), b * float((c * q).sum()) ** 2)

    def slope(q: np.ndarray) -> np.ndarray:
        net = float((c * q).sum())
        return a if float((a * q).sum()) >= b * net**2 else 2.0 * b * net * c

    found = _along(margin, slope)
    at = line / square
    assert 0.0 < at < 1.0
    assert found.kinks == pytest.approx([at], abs=1e-9)
    by_hand = at * a + (1.0 - at**2) * b * float((c * BOOK).sum()) * c
    assert found.mean == pytest.approx(by_hand, rel=1e-9)
    assert float((found.mean * BOOK).sum()) == pytest.approx(margin(BOOK), rel=1e-9)


@pytest.mark.parametrize("power", [1.5, 1.25, 2.0, 3.0])
def test_a_power_of_the_size_needs_no_kink(power: float) -> None:
    """q^p has the mean slope q^(p-1), also where its second derivative is infinite at 0."""
    found = _along(
        lambda q: float(1e4 * q[0] + q[0] ** power),
        lambda q: np.array([1e4 + power * q[0] ** (power - 1.0), 0.0, 0.0]),
    )
    assert found.mean[0] == pytest.approx(1e4 + 30.0 ** (power - 1.0), rel=1e-10)
    assert found.fixed == 0.0


def test_charges_that_no_position_moves_are_jumps() -> None:
    """500 of any book at all, and a step of 40 beyond a size of 8.7."""

    def margin(q: np.ndarray) -> float:
        size = float(np.abs(q).sum())
        return 500.0 * (size > 0.0) + 40.0 * (size > 8.7) + 3.0 * size

    found = _along(margin, lambda q: 3.0 * np.sign(q))
    assert found.fixed == pytest.approx(540.0, rel=1e-9)
    assert found.mean == pytest.approx(3.0 * np.sign(BOOK), rel=1e-8)
    assert found.moved == pytest.approx(3.0 * 49.0, abs=1e-7)
    assert found.kinks[-1] == pytest.approx(8.7 / 49.0, abs=1e-9)


def test_a_least_charge_of_the_smallest_books() -> None:
    """max(1, 300 t) of any book: 1 is nobody's, and the smallest books pay nothing by size."""
    found = _along(
        lambda q: max(1.0, 10.0 * float(q[0])) if q.any() else 0.0,
        lambda q: np.array([10.0 * (10.0 * q[0] > 1.0), 0.0, 0.0]),
    )
    assert found.fixed == pytest.approx(1.0, rel=1e-9)
    assert found.mean[0] == pytest.approx(10.0 * (1.0 - 1.0 / 300.0), rel=1e-9)


def test_noise_is_no_kink() -> None:
    """Rounding to a coarse unit everywhere: the plain quadrature, and no jump is made of it."""
    found = _along(lambda q: round(float(q[0]), 3), lambda q: np.array([1.0, 0.0, 0.0]))
    assert found.fixed == 0.0
    assert found.mean[0] == pytest.approx(1.0, rel=1e-12)


def test_nothing_and_a_line_are_themselves() -> None:
    nothing = _along(lambda q: 0.0, np.zeros_like)
    assert (nothing.fixed, nothing.moved, nothing.kinks) == (0.0, 0.0, ())
    line = _along(lambda q: float(q.sum()), np.ones_like)
    assert line.mean == pytest.approx(np.ones(3), rel=1e-14)
    again = _along(lambda q: float(q.sum()), np.ones_like)
    assert again.mean.tobytes() == line.mean.tobytes()
