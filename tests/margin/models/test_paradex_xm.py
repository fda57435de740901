"""Paradex cross margin: the example of its page, options of both sides, orders."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Requirement
from crossmargin.margin.parameter_files import overlay
from tests.margin.families.worked import EXPIRY_MS, Held, both, cell, newest, worked
from tests.vectors.building import asset, option

PRICE = {"BTC": 90_000.0}
PERP = Instrument("paradex", "BTC-USD-PERP", Kind.PERPETUAL, "BTC", "USD", "USDC")
CASH = asset("paradex", "USDC")
NO_FEES = {"general.perp_taker_fee": 0.0, "general.option_taker_fee": 0.0}


def contract(right: int, strike: float) -> Instrument:
    return option("paradex", "O", right, strike, EXPIRY_MS, underlying="BTC", settle="USDC")


def margined(held: Held, changes: dict[str, Any] | None = None, **how: Any) -> Requirement:
    parameters = overlay(newest("paradex-xm"), {**NO_FEES, **(changes or {})}, "test")
    return worked("paradex-xm", held, price=PRICE, parameters=parameters, **how)


def test_the_example_of_the_page() -> None:
    """Short 1, buys of 3, sells of 2, IMF 2 %, mark 90,000: 5,400; MMR half of the position's."""
    orders = [(PERP, 3.0, 90_000.0), (PERP, -2.0, 90_000.0)]
    found = margined([(CASH, 1e5), (PERP, -1.0)], orders=orders)
    assert both(found) == pytest.approx((5_400.0, 900.0), rel=1e-13)


def test_open_loss_is_added() -> None:
    found = margined([(CASH, 1e5)], orders=[(PERP, 1.0, 91_000.0)])
    assert cell(found, "im") == pytest.approx(1_800.0 + 1_000.0)


@pytest.mark.parametrize(
    ("right", "strike", "mark", "quantity", "im", "mm"),
    [
        (1, 90_000.0, 4_000.0, 2.0, 4_000.0, 2_000.0),  # a long pays its premium, half of it at MM
        (1, 40_000.0, 50_000.0, 1.0, 18_000.0, 9_000.0),  # at most 20 %, 10 % of spot
        (1, 93_000.0, 3_000.0, -2.0, 0.15 * 9e4 - 3_000.0, 0.1 * 45_000.0),
        (-1, 87_000.0, 3_000.0, -1.0, 10_500.0, 4_500.0),
        (-1, 60_000.0, 100.0, -1.0, 9_000.0, 4_500.0),
    ],
)
def test_an_option(
    right: int, strike: float, mark: float, quantity: float, im: float, mm: float
) -> None:
    found = margined([(contract(right, strike), quantity)], marks={"O": mark})
    assert both(found) == pytest.approx((abs(quantity) * im, abs(quantity) * mm), rel=1e-13)


def test_the_other_reading_takes_the_whole_premium_at_maintenance() -> None:
    held = [(contract(1, 90_000.0), 1.0)]
    found = margined(held, {"reading.long_premium": "plain"}, marks={"O": 4_000.0})
    assert both(found) == pytest.approx((4_000.0, 4_000.0))


def test_a_short_put_is_capped_where_the_cap_is_smaller() -> None:
    held = [(contract(-1, 95_000.0), -1.0)]
    found = margined(held, {"option.BTC.im_short_put_cap": 0.12}, marks={"O": 6_000.0})
    assert cell(found, "im") == pytest.approx(0.12 * 90_000.0)


def test_leverage_of_the_holder_and_fees() -> None:
    found = margined([(PERP, 1.0)], choices={"leverage": 10.0})
    assert both(found) == pytest.approx((9_000.0, 900.0))
    fees = worked("paradex-xm", [(PERP, 1.0)], price=PRICE)
    assert cell(fees, "fee_provision") == pytest.approx(90_000.0 * 0.00045)


def test_option_value_counts_in_the_account_value() -> None:
    held = [(CASH, 10_000.0), (contract(1, 90_000.0), 1.0, 3_000.0)]
    found = margined(held, marks={"O": 4_000.0})
    assert cell(found, "counted_im") == pytest.approx(11_000.0)


def test_what_it_does_not_know_is_refused() -> None:
    strange = Instrument("paradex", "HYPE-USD-PERP", Kind.PERPETUAL, "HYPE", "USD", "USDC")
    with pytest.raises(ModelError) as caught:
        worked("paradex-xm", [(strange, 1.0)], price={"HYPE": 40.0})
    assert caught.value.value == repr("perpetual.HYPE.imf")
    with pytest.raises(ModelError) as caught:
        worked("paradex-xm", [(asset("paradex", "BTC"), 1.0)], price=PRICE)
    assert caught.value.code == "kind_not_accepted"
