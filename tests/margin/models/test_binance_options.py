"""Binance options on the shares of exchangeInfo: index 50,000, a mark of 900."""

from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Instrument
from tests.margin.families.worked import EXPIRY_MS, both, cell, worked
from tests.vectors.building import asset, option

PRICE = {"BTC": 50_000.0}
CASH = asset("binance", "USDT")


def contract(right: int, strike: float) -> Instrument:
    return option(
        "binance", f"O{right}{strike:g}", right, strike, EXPIRY_MS, underlying="BTC", quote="USDT"
    )


@pytest.mark.parametrize(
    ("right", "strike", "im", "mm"),
    [
        (1, 51_000.0, 0.13, 0.055),
        (1, 70_000.0, 0.10, 0.05),
        (-1, 49_000.0, 0.13, 0.055),
        (-1, 60_000.0, 0.15, 0.075),
    ],
)
def test_a_short_option(right: int, strike: float, im: float, mm: float) -> None:
    item = contract(right, strike)
    found = worked(
        "binance-options", [(CASH, 1e5), (item, -2.0)], price=PRICE, marks={item.native_id: 900.0}
    )
    wanted = 2.0 * (im * 50_000.0 + 900.0), 2.0 * (mm * 50_000.0 + 900.0)
    assert both(found) == pytest.approx(wanted, rel=1e-13)
    assert cell(found, "counted_im") == 1e5
    assert cell(found, "equity") == pytest.approx(1e5 - 1_800.0)


def test_a_long_option_needs_nothing() -> None:
    item = contract(1, 51_000.0)
    assert both(worked("binance-options", [(CASH, 0.0), (item, 3.0)], price=PRICE)) == (0.0, 0.0)


def test_a_sell_order_needs_what_its_fill_needs_less_its_premium() -> None:
    """A bid holds its premium, a sale brings it in."""
    item = contract(1, 51_000.0)
    marks = {item.native_id: 900.0}
    sold = worked(
        "binance-options", [(CASH, 1e5)], orders=[(item, -1.0, 1_000.0)], price=PRICE, marks=marks
    )
    assert cell(sold, "im") == pytest.approx(0.13 * 50_000.0 + 900.0 - 1_000.0)
    bought = worked(
        "binance-options", [(CASH, 1e5)], orders=[(item, 1.0, 1_000.0)], price=PRICE, marks=marks
    )
    assert cell(bought, "im") == pytest.approx(1_000.0)
    assert cell(bought, "mm") == 0.0
