"""Hyperliquid's tiers on the numbers of its documents."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from tests.margin.families.worked import both, cell, worked
from tests.vectors.building import asset

CASH = asset("hyperliquid", "USDC")


def perp(coin: str) -> Instrument:
    return Instrument("hyperliquid", f"{coin}-PERP", Kind.PERPETUAL, coin, "USD", "USDC")


@pytest.mark.parametrize(
    ("coin", "notional", "im", "mm"),
    [
        ("BTC", 1e6, 1e6 / 40.0, 12_500.0),
        ("BTC", 200e6, 200e6 / 20.0, 200e6 / 40.0 - 150e6 * (1 / 40.0 - 1 / 80.0)),
        ("ETH", 24_094.9691, 963.798764, 24_094.9691 / 50.0),
        ("HYPE", 30e6, 6e6, 30e6 / 10.0 - 20e6 * (0.1 - 0.05)),
        ("DOT", 1e6, 1e5, 5e4),
    ],
)
def test_tiers(coin: str, notional: float, im: float, mm: float) -> None:
    found = worked("hyperliquid", [(perp(coin), -notional)], price={coin: 1.0})
    assert both(found) == pytest.approx((im, mm), rel=1e-13)


def test_the_holder_may_choose_less_leverage() -> None:
    found = worked(
        "hyperliquid", [(perp("BTC"), 1.0)], price={"BTC": 1e5}, choices={"leverage": 4.0}
    )
    assert both(found) == pytest.approx((25_000.0, 1_250.0))


def test_account_value_is_cash_and_profit() -> None:
    found = worked(
        "hyperliquid", [(CASH, 1_000.0), (perp("BTC"), 2.0, 99_000.0)], price={"BTC": 1e5}
    )
    assert cell(found, "counted_mm") == pytest.approx(3_000.0)


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        worked("hyperliquid", [(perp("XYZ"), 1.0)], price={"XYZ": 1.0})
    assert caught.value.value == repr("asset.XYZ.tiers")
    with pytest.raises(ModelError) as caught:
        worked("hyperliquid", [(asset("hyperliquid", "HYPE"), 1.0)], price={"HYPE": 40.0})
    assert caught.value.code == "kind_not_accepted"
