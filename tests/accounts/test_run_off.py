"""Hedging to run off: its figures by hand, and the formula against a simulation of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.accounts.run_off import Hedge, rehedging_usd, run_off
from crossmargin.core.clock import DAY_MS, YEAR_MS, utc_ms
from crossmargin.instruments.symbology import parse
from crossmargin.market.cost_parts import impact_square_root, proportional
from crossmargin.market.costs import TradeCost
from crossmargin.pricing.greeks import greeks

NOW = utc_ms(2026, 7, 3, 6)
TERMS = ExitTerms.at(NOW)
F, VOL, DAYS = 100.0, 0.6, 30
K = 5e-4


def hedge(funding: float | None = None) -> Hedge:
    cost = TradeCost((proportional("fee", 10 * K), impact_square_root(1.0, 1e6, 0.0)))
    return Hedge(parse("deribit", "BTC-PERPETUAL"), cost, 10.0, funding, 1e6)


def simulated(steps: int, paths: int = 20_000) -> float:
    """Mean cost of hedging again at every step between the first and the last."""
    years = DAYS / 365
    chance = np.random.default_rng(7)
    step = years / steps
    price = np.full(paths, F)
    delta = np.asarray(greeks(price, F, years, VOL, 1.0).delta)
    cost = np.zeros(paths)
    for n in range(1, steps):
        shock = chance.standard_normal(paths)
        price = price * np.exp(VOL * math.sqrt(step) * shock - 0.5 * VOL * VOL * step)
        new = np.asarray(greeks(price, F, years - n * step, VOL, 1.0).delta)
        cost += K * price * np.abs(new - delta)
        delta = new
    return float(cost.mean())


def test_the_expected_cost_of_hedging_again_against_a_simulation() -> None:
    gamma = float(greeks(F, F, DAYS / 365, VOL, 1.0).gamma)
    found = [rehedging_usd(F * F * gamma, VOL, K, DAYS / 365, n) for n in (30, 120, 480)]
    # Figures of 20,000 paths that were computed elsewhere for this option.
    assert found == pytest.approx([0.0839, 0.1724, 0.3456], rel=0.01)
    assert simulated(30) == pytest.approx(found[0], rel=0.03)
    assert simulated(120) == pytest.approx(found[1], rel=0.03)


def test_it_grows_as_the_root_of_how_often() -> None:
    few, many = (rehedging_usd(1e6, VOL, K, 1.0, n) for n in (1_000, 4_000))
    assert many / few == pytest.approx(2.0, rel=1e-3)
    assert rehedging_usd(0.0, VOL, K, 1.0, 100) == 0.0
    assert rehedging_usd(1e6, VOL, 0.0, 1.0, 100) == 0.0
    assert rehedging_usd(1e6, VOL, K, 1.0, 1) == 0.0


def test_every_item_by_hand() -> None:
    life = 10 * DAY_MS
    years = life / YEAR_MS
    found = run_off(-2.0, -5_000.0, -80_000.0, VOL, life, hedge(0.0002), TERMS)
    assert found.trades == 31
    assert found.hedge_usd == pytest.approx(5_000.0 * K)
    assert found.unwind_usd == pytest.approx(5_000.0 * K)
    assert found.rehedging_usd == pytest.approx(
        math.sqrt(2 / math.pi) * K * VOL * 80_000.0 * math.sqrt(years / 30) * 29
    )
    # The hedge of a negative delta is long and pays a positive rate.
    assert found.funding_usd == pytest.approx(5_000.0 * 0.0002 * 30)
    assert found.vol_risk_usd == pytest.approx(0.5 * 80_000.0 * VOL**2 * years * (1.1**2 - 1))
    assert found.total_usd == pytest.approx(
        found.hedge_usd
        + found.unwind_usd
        + found.rehedging_usd
        + found.funding_usd
        + found.vol_risk_usd
    )


def test_what_is_received_is_no_cost_and_a_bought_option_fears_calm() -> None:
    life = 10 * DAY_MS
    found = run_off(2.0, 5_000.0, 80_000.0, VOL, life, hedge(0.0002), TERMS)
    assert found.funding_usd == 0.0
    assert run_off(2.0, 5_000.0, 80_000.0, VOL, life, hedge(-0.0002), TERMS).funding_usd > 0.0
    assert run_off(2.0, 5_000.0, 80_000.0, VOL, life, hedge(), TERMS).funding_usd == 0.0
    share = found.vol_risk_usd / (0.5 * 80_000.0 * VOL**2 * life / YEAR_MS)
    assert share == pytest.approx(1 - 0.9**2)


def test_gas_is_paid_at_every_hedge() -> None:
    terms = ExitTerms.at(NOW, {"run_off.gas_usd": 2.0, "run_off.interval_hours": 24.0})
    found = run_off(1.0, 1.0, 1.0, VOL, 3 * DAY_MS, hedge(), terms)
    assert found.trades == 4
    assert found.gas_usd == 8.0
