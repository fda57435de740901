"""What a position shows: numbers where there are any, None where there are none, never infinite."""

from __future__ import annotations

from math import isfinite

import pytest

from crossmargin.margin.families.lending_details import health_table, price_table
from tests.margin.families.lending_worlds import margined, position

DECIMALS = {"ETH": 18, "USDC": 6, "BTC": 8}


def test_a_healthy_position() -> None:
    account = position(margined("aave-v3", {"ETH": 10.0, "debt USDC": 12_000.0}))
    state, health, share, move, factor = health_table(account).rows[0]
    assert state == "healthy"
    assert health == pytest.approx(16_600 / 12_000, rel=1e-15)
    assert share == 0.6
    assert move == pytest.approx(12_000 / 16_600 - 1.0, rel=1e-9)
    assert isinstance(factor, str)
    eth, usdc = price_table(account, DECIMALS, "USD").rows
    assert eth[:4] == ("ETH", "held", 2_000.0, 1_445.78313254)
    assert eth[5] == 0.0
    assert eth[6] == pytest.approx(10.0 - 12_000 / 0.83 / 2_000, rel=1e-9)
    assert usdc[:2] == ("USDC", "owed")
    assert usdc[3] == pytest.approx(16_600 / 12_000, rel=1e-8)
    assert usdc[6] is None


def test_a_position_to_be_liquidated() -> None:
    account = position(margined("aave-v3", {"ETH": 10.0, "debt USDC": 17_000.0}))
    assert health_table(account).rows[0][0] == "can be liquidated"
    eth, usdc = price_table(account, DECIMALS, "USD").rows
    assert eth[3] is None
    assert eth[5] == pytest.approx(400 / 0.83 / 2_000, rel=1e-6)
    assert usdc[5] == 400.0
    assert eth[6] == 0.0


def test_no_debt_is_no_infinity() -> None:
    account = position(margined("aave-v3", {"ETH": 10.0}))
    row = health_table(account).rows[0]
    assert row == ("no debt", None, 0.0, None, None)
    (eth,) = price_table(account, DECIMALS, "USD").rows
    assert eth[3] is None
    assert eth[6] == 10.0
    assert all(isfinite(x) for x in eth if isinstance(x, float))
