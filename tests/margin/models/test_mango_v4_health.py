"""Mango's health by hand: perpetuals in the settle token, the reach of reserved funds."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.weighted_sum import Weighted
from crossmargin.margin.models.mango_v4_health import (
    PerpRisk,
    Perps,
    SpotMarkets,
    health,
    perp_value,
)

ONE = np.array([1.0])
RISK = PerpRisk(10.0 * ONE, 12.0 * ONE, 0.8 * ONE, 1.2 * ONE, 0.5 * ONE)
NO_PERP = Perps(*(np.zeros((1, 1)) for _ in range(4)))


def perps(base: float, quote: float, bids: float = 0.0, asks: float = 0.0) -> Perps:
    return Perps(*(np.array([[x]]) for x in (base, quote, bids, asks)))


def test_a_perpetual_by_its_worse_side() -> None:
    assert perp_value(perps(2.0, -5.0), RISK)[0, 0] == pytest.approx(5.5)
    assert perp_value(perps(-2.0, 5.0), RISK)[0, 0] == pytest.approx(-2.0 * 14.4 + 5.0)
    # two bids at 12: 4 x 8 - 24 = 8; five asks at 10: -3 x 14.4 + 50 = 6.8
    assert perp_value(perps(2.0, -20.0, 2.0, 5.0), RISK)[0, 0] == pytest.approx(6.8 - 20.0)


def markets(base: float, quote: float, inverse: float = 0.0, ask: float = 0.0) -> SpotMarkets:
    cells = (np.array([[x]]) for x in (base, quote, inverse, ask))
    return SpotMarkets(np.array([0], np.int32), np.array([1], np.int32), *cells)


TOKENS = Weighted(
    np.array([10.0, 1.0]), np.array([10.0, 1.0]), np.array([0.5, 1.0]), np.array([1.5, 1.0])
)
SETTLE = np.array([1], np.int32)


def value(balance: tuple[float, float], spot: SpotMarkets) -> float:
    found = health(np.array([balance]), TOKENS, NO_PERP, RISK, SETTLE, spot)
    return float(found.value[0])


def test_reserved_funds_count_by_what_they_may_become() -> None:
    """100 of quote reserved for a token at 10: as ten tokens they count 50, as they are 100."""
    assert value((0.0, 0.0), markets(0.0, 100.0)) == 50.0
    assert value((-10.0, 0.0), markets(0.0, 100.0)) == -150.0 + 100.0  # they would repay a borrow


def test_an_accounts_own_price_limits_the_conversion() -> None:
    """A bid at 20 turns 100 into five tokens, not ten."""
    assert value((0.0, 0.0), markets(0.0, 100.0, inverse=1.0 / 20.0)) == 25.0
    # an ask of ten tokens at 6 brings 60, not 100; as tokens they count 50
    assert value((0.0, 0.0), markets(10.0, 0.0, ask=6.0)) == 50.0
    assert value((0.0, 0.0), markets(10.0, 0.0, ask=4.0)) == 40.0


def test_profit_offsets_a_borrow_at_the_borrows_weight() -> None:
    tokens = Weighted(ONE, ONE, 0.8 * ONE, 1.2 * ONE)
    none = np.zeros((1, 0))
    spot = SpotMarkets(*(np.zeros(0, np.int32) for _ in range(2)), none, none, none, none)
    found = health(
        np.array([[-100.0]]), tokens, perps(0.0, 100.0), RISK, np.array([0], np.int32), spot
    )
    assert found.value[0] == pytest.approx((-100.0 + 50.0) * 1.2)
    assert found.perps[0, 0] == 50.0
