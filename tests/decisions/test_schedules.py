"""Schedules against plain minimisers of what they promise to minimise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.decisions.schedules import almgren_chriss, garleanu_pedersen

TERMS = {"sigma": 0.95, "eps": 0.0625, "gamma": 2.5e-7, "eta": 2.5e-6}


def least(units: float, time: float, slices: int, aversion: float) -> np.ndarray:
    """Plain twin: E + lambda V is a quadratic in the holdings between; its linear equations."""
    tau = time / slices
    steep = TERMS["eta"] - 0.5 * TERMS["gamma"] * tau
    n = slices - 1
    matrix, right = np.zeros((n, n)), np.zeros(n)
    for j in range(n):
        matrix[j, j] = 4.0 * steep / tau + 2.0 * aversion * TERMS["sigma"] ** 2 * tau
        if j:
            matrix[j, j - 1] = matrix[j - 1, j] = -2.0 * steep / tau
    right[0] = 2.0 * steep / tau * units
    return np.linalg.solve(matrix, right)


@given(st.floats(-8.0, -3.0), st.integers(2, 30), st.floats(0.5, 20.0))
def test_almgren_chriss_is_the_least(power: float, slices: int, time: float) -> None:
    aversion = 10.0**power
    found = almgren_chriss(1e6, time, slices, aversion=aversion, **TERMS)
    assert found.held[1:-1] == pytest.approx(least(1e6, time, slices, aversion), rel=1e-7, abs=1e-3)
    assert found.traded.sum() == pytest.approx(1e6)


def test_no_aversion_is_straight_and_much_is_at_once() -> None:
    straight = almgren_chriss(1e6, 5.0, 5, aversion=0.0, **TERMS)
    assert straight.traded == pytest.approx(2e5)
    assert straight.half_life is None
    at_once = almgren_chriss(1e6, 5.0, 5, aversion=1e6, **TERMS)
    assert at_once.traded[0] == pytest.approx(1e6, rel=1e-6)
    sold = almgren_chriss(-1e6, 5.0, 5, aversion=1e-6, **TERMS)
    assert sold.held == pytest.approx(-almgren_chriss(1e6, 5.0, 5, aversion=1e-6, **TERMS).held)


def test_a_cost_that_is_not_convex_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        almgren_chriss(1.0, 100.0, 1, aversion=0.0, **TERMS)
    assert refused.value.place == "eta"


def test_garleanu_pedersen_is_the_first_step_of_a_long_plan() -> None:
    """Plain twin: 400 steps of the scalar problem as one linear system, first step read off."""
    risk, cost, rho, phi, steps = 3.0, 7.0, 0.03, 0.2, 400
    sigma2, forecast = 0.04, 0.05
    kept = 1.0 - rho
    matrix, right = np.zeros((steps, steps)), np.zeros(steps)
    before = 0.4
    for t in range(steps):
        gain, paid = kept ** (t + 1), kept**t
        matrix[t, t] = gain * risk * sigma2 + paid * cost * sigma2
        right[t] = gain * forecast * (1.0 - phi) ** t
        if t + 1 < steps:
            matrix[t, t] += kept ** (t + 1) * cost * sigma2
            matrix[t, t + 1] = matrix[t + 1, t] = -(kept ** (t + 1)) * cost * sigma2
    right[0] += cost * sigma2 * before
    first = np.linalg.solve(matrix, right)[0]
    pace = garleanu_pedersen(risk, cost, rho, phi)
    aim = pace.aim * forecast / (risk * sigma2)
    assert (1.0 - pace.rate) * before + pace.rate * aim == pytest.approx(first, rel=1e-9)


def test_without_cost_the_whole_way() -> None:
    assert garleanu_pedersen(2.0, 0.0).rate == 1.0
    assert garleanu_pedersen(2.0, 1e-9).rate == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(InputError):
        garleanu_pedersen(0.0, 1.0)
