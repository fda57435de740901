"""The gamma buffer against the expected cost of hedging, published and simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families.greeks_buffer import buffer_rates, hedging_cost, hedging_rate
from tests.margin.greek_books import parameters

# S^2 Gamma of a call at the money, F = K = 100, 30 days, vol 0.6; it is a martingale.
GAMMA_USD = 0.023107 * 100.0 * 100.0
SIGMA_DAILY = 0.6 / math.sqrt(365.0)


@pytest.mark.parametrize(("hedges", "known"), [(30, 0.0839), (120, 0.1724), (480, 0.3456)])
def test_the_known_cost_of_hedging_a_month(hedges: int, known: float) -> None:
    """The project's own figures: the last hedge of n is the expiry, which is not traded."""
    rate = hedging_rate(0.0005, SIGMA_DAILY, 30.0, 720.0 / hedges)
    assert rate * GAMMA_USD * (hedges - 1) / hedges == pytest.approx(known, rel=0.004)


def test_against_simulated_steps() -> None:
    """Constant gamma: sum of k S |G| |dS| over the steps of 40,000 paths."""
    rng = np.random.default_rng(4)
    steps, k, sigma = 12, 0.0005, 0.03
    moves = rng.normal(0.0, sigma * math.sqrt(2.0 / steps), (40_000, steps))
    paid = float((k * GAMMA_USD * np.abs(moves)).sum(axis=1).mean())
    found = hedging_rate(k, sigma, 2.0, 48.0 / steps) * GAMMA_USD
    assert paid == pytest.approx(found, rel=0.01)


def test_four_times_the_hedges_cost_twice() -> None:
    assert hedging_rate(0.001, 0.03, 2.0, 1.0) == pytest.approx(
        2.0 * hedging_rate(0.001, 0.03, 2.0, 4.0)
    )


@given(st.floats(0.0, 0.1), st.floats(0.0, 1.0), st.floats(0.0, 30.0), st.floats(0.01, 720.0))
def test_it_is_never_negative_and_zero_without_its_parts(
    cost: float, sigma: float, days: float, hours: float
) -> None:
    rate = hedging_rate(cost, sigma, days, hours)
    assert math.isfinite(rate)
    assert rate >= 0.0
    assert (rate == 0.0) or min(cost, sigma, days) > 0.0


def test_long_pays_as_short_and_coins_add_up() -> None:
    rates = np.array([0.01, 0.02])
    gamma = np.array([[100.0, -50.0], [-100.0, 50.0], [0.0, 0.0]])
    assert hedging_cost(gamma, rates).tolist() == pytest.approx([2.0, 2.0, 0.0])
    assert hedging_cost(np.zeros((2, 1)), np.zeros(0)).tolist() == [0.0, 0.0]


def test_rates_of_a_set() -> None:
    given_ = parameters("greeks")
    found = buffer_rates(("BTC", "ETH"), given_)
    for coin, rate in zip(("BTC", "ETH"), found.tolist(), strict=True):
        sigma = given_.number(f"asset.{coin}.sigma_daily")
        assert rate == hedging_rate(0.0005, sigma, 2.0, 4.0)
