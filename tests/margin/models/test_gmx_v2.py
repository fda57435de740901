"""GMX v2: each position alone with its collateral, on made-up factors of a market."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Bound, Requirement
from crossmargin.margin.parameter_files import overlay
from tests.margin.families.worked import Held, both, cell, payload, worked

PRICE = {"ETH": 2_000.0, "BTC": 50_000.0}
ETH = Instrument("gmx", "ETH/USD", Kind.PERPETUAL, "ETH", "USD", "USDC")
BTC = Instrument("gmx", "BTC/USD", Kind.PERPETUAL, "BTC", "USD", "USDC")


def token(name: str, position: Instrument | None = None) -> Instrument:
    own = f"{position.native_id}|{name}" if position else name
    return Instrument("gmx", own, Kind.ASSET, name, "USD", name)


def margined(held: Held, impact: str = "cap", **how: object) -> Requirement:
    given = overlay(payload("gmx-v2"), {"reading.price_impact": impact}, "test")
    return worked("gmx-v2", held, price=PRICE, parameters=given, **how)  # type: ignore[arg-type] # keywords


def test_share_of_size_impact_and_fee() -> None:
    """100 ETH are 200,000: 1 % or 0.5 %, the impact's cap 0.2 %, the fee 0.06 %."""
    im, mm = both(margined([(ETH, 100.0)]), "ETH/USD")
    assert (im, mm) == pytest.approx((2e5 * 0.0126, 2e5 * 0.0076), rel=1e-13)
    im, mm = both(margined([(ETH, -100.0)], "none"), "ETH/USD")
    assert (im, mm) == pytest.approx((2e5 * 0.0106, 2e5 * 0.0056), rel=1e-13)


def test_a_small_position_needs_the_least_collateral() -> None:
    """0.01 ETH are 20: a dollar is over 1 %."""
    assert both(margined([(ETH, 0.01)], "none"), "ETH/USD") == pytest.approx((1.012, 1.012))


def test_size_is_at_entry() -> None:
    found = margined([(ETH, 100.0, 1_500.0)], "none")
    assert cell(found, "mm", "ETH/USD") == pytest.approx(150_000.0 * 0.0056)


def test_each_position_has_its_own_collateral() -> None:
    held = [
        (ETH, 100.0, 1_900.0),
        (token("USDC", ETH), 5_000.0),
        (BTC, -1.0, 50_000.0),
        (token("ETH", BTC), 2.0),
        (token("USDC"), 700.0),
    ]
    found = margined(held)
    assert cell(found, "equity", "ETH/USD") == pytest.approx(5_000.0 + 10_000.0)
    assert cell(found, "equity", "BTC/USD") == pytest.approx(4_000.0)
    assert cell(found, "equity", "wallet") == 700.0
    assert cell(found, "mm", "wallet") == 0.0
    assert len(found.sheet) == 3


def test_a_reported_equity_is_the_wallets() -> None:
    """It is not counted once a position; without a wallet it stands with the first position."""
    told = Reported(equity={("a", "USDC"): 900.0})
    found = margined([(ETH, 1.0), (BTC, 1.0), (token("USDC"), 700.0)], reported=told)
    assert [cell(found, "equity", name) for name in ("BTC/USD", "ETH/USD", "wallet")] == [0, 0, 900]
    found = margined([(ETH, 1.0), (BTC, 1.0)], reported=told)
    assert found.sheet["equity"].sum() == 900.0


def test_fees_that_are_pending_are_left_out() -> None:
    assert margined([(ETH, 1.0)]).bound is Bound.AT_LEAST
    assert margined([(token("USDC"), 1.0)]).bound is Bound.VALUE


def test_an_order_opens_as_much_as_its_larger_side() -> None:
    found = margined([(ETH, 10.0)], orders=[(ETH, 20.0, 2_000.0)])
    assert cell(found, "im", "ETH/USD") == pytest.approx(30.0 * 2_000.0 * 0.0126)


def test_it_is_refused_without_the_markets_factors() -> None:
    with pytest.raises(ModelError) as caught:
        worked("gmx-v2", [(ETH, 1.0)], price=PRICE)
    assert caught.value.code == "parameter_missing"
    assert caught.value.value == repr("market.ETH.min_collateral_factor")
