"""Hyperliquid portfolio margin: borrowable value of the documents, caps, ratio, price."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from tests.margin.families.worked import both, cell, worked
from tests.vectors.building import asset

MODEL = "hyperliquid-pm"
CASH, HYPE = asset("hyperliquid", "USDC"), asset("hyperliquid", "HYPE")
DEBT = Instrument("hyperliquid", "debt USDC", Kind.DEBT, "USDC", "USD", "USDC")
PERP = Instrument("hyperliquid", "HYPE-PERP", Kind.PERPETUAL, "HYPE", "USD", "USDC")
PRICE = {"HYPE": 40.0}


def test_what_can_be_borrowed_is_the_documents_example() -> None:
    """10,000 HYPE at 40 and an LTV of 0.5: 200,000; at the threshold of 0.75: 300,000."""
    found = worked(MODEL, [(HYPE, 10_000.0)], price=PRICE)
    assert cell(found, "borrowable") == pytest.approx(200_000.0)
    assert cell(found, "liquidation_collateral") == pytest.approx(300_000.0)
    assert both(found) == (0.0, 0.0)


def test_balances_above_the_caps_do_not_count() -> None:
    """60,000 HYPE count as 50,000: 2,000,000 of value, 1,000,000 at LTV, 1,500,000 capped."""
    found = worked(MODEL, [(HYPE, 60_000.0)], price=PRICE)
    assert cell(found, "borrowable") == 1_000_000.0
    assert cell(found, "liquidation_collateral") == 1_000_000.0
    assert cell(found, "equity") == pytest.approx(2_400_000.0)


def test_liquidation_starts_where_the_ratio_passes_its_limit() -> None:
    """Requirement 20 + 284,980 = 285,000 over 300,000 is 0.95: no surplus is left."""
    found = worked(MODEL, [(HYPE, 10_000.0), (DEBT, -284_980.0)], price=PRICE)
    assert cell(found, "requirement") == pytest.approx(285_000.0)
    assert cell(found, "counted_mm") == pytest.approx(cell(found, "mm"))


def test_perpetuals_and_what_is_borrowed_are_required_together() -> None:
    """1,000 HYPE-PERP at 40 are 40,000: 10 times at most, 5 % at maintenance."""
    found = worked(MODEL, [(CASH, -10_000.0), (HYPE, 10_000.0), (PERP, 1_000.0)], price=PRICE)
    assert cell(found, "im") == pytest.approx(14_000.0)
    assert cell(found, "mm") == pytest.approx((20.0 + 2_000.0 + 10_000.0) / 0.95)
    assert cell(found, "portfolio_balance") == 0.0


def test_the_price_is_the_median_of_spot_mark_and_oracle() -> None:
    held = [(HYPE, 100.0), (PERP, 1.0)]
    found = worked(
        MODEL, held, price=PRICE, marks={"HYPE-PERP": 46.0}, reads={"spot_usdc": {"HYPE": 44.0}}
    )
    assert cell(found, "collateral_value") == pytest.approx(4_400.0)


def test_orders_take_the_larger_of_both_levels() -> None:
    order = [(PERP, 1_000.0, 40.0)]
    found = worked(MODEL, [(CASH, 1e6)], orders=order, price=PRICE)
    assert cell(found, "im") == pytest.approx(4_000.0)
    small = worked(MODEL, [(CASH, 1e6)], orders=[(PERP, 1.0, 40.0)], price=PRICE)
    assert cell(small, "im") == pytest.approx((20.0 + 2.0) / 0.95)


def test_another_borrowed_token_is_refused() -> None:
    other = Instrument("hyperliquid", "debt USDH", Kind.DEBT, "USDH", "USD", "USDH")
    with pytest.raises(ModelError) as caught:
        worked(MODEL, [(other, -1.0)], price={"USDH": 1.0})
    assert caught.value.code == "kind_not_accepted"
