"""Aevo standard margin: the charges of its page, and collateral at its ratios."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Instrument
from tests.margin.families.worked import EXPIRY_MS, both, cell, worked
from tests.vectors.building import asset, option

PRICE = {"ETH": 2_000.0}


def contract(right: int, strike: float) -> Instrument:
    return option("aevo", "O", right, strike, EXPIRY_MS, underlying="ETH", settle="USDC")


@pytest.mark.parametrize(
    ("right", "strike", "mark", "im", "mm"),
    [
        (1, 2_040.0, 50.0, 0.13 * 2_000.0 + 50.0, 0.10 * 2_000.0 + 50.0),
        (1, 3_000.0, 1.0, 200.0 + 1.0, 200.0 + 1.0),
        (-1, 1_960.0, 50.0, 260.0 + 50.0, 200.0 + 50.0),
        (-1, 9_000.0, 7_000.0, 700.0 + 7_000.0, 700.0 + 7_000.0),
    ],
)
def test_a_short_option(right: int, strike: float, mark: float, im: float, mm: float) -> None:
    found = worked("aevo-sm", [(contract(right, strike), -3.0)], price=PRICE, marks={"O": mark})
    assert both(found) == pytest.approx((3.0 * im, 3.0 * mm), rel=1e-13)


def test_collateral_counts_at_its_ratio() -> None:
    """1,000 USDC, 1,000 USDT at 0.99, 1 ETH of 2,000 at 0.90."""
    held = [(asset("aevo", "USDC"), 1e3), (asset("aevo", "USDT"), 1e3), (asset("aevo", "ETH"), 1.0)]
    found = worked("aevo-sm", held, price=PRICE)
    assert cell(found, "equity") == pytest.approx(4_000.0)
    assert cell(found, "counted_im") == pytest.approx(1_000.0 + 990.0 + 1_800.0)
    assert cell(found, "counted_mm") == cell(found, "counted_im")


def test_a_debt_counts_in_full() -> None:
    held = [(asset("aevo", "USDC"), 5e3), (asset("aevo", "ETH"), -1.0)]
    assert cell(worked("aevo-sm", held, price=PRICE), "counted_mm") == pytest.approx(3_000.0)


def test_reported_equity_of_a_coin_is_weighted_too() -> None:
    held = [(asset("aevo", "ETH"), 1.0)]
    told = Reported(equity={("a", "ETH"): 2.0})
    found = worked("aevo-sm", held, price=PRICE, reported=told)
    assert cell(found, "equity") == pytest.approx(4_000.0)
    assert cell(found, "counted_im") == pytest.approx(3_600.0)


def test_collateral_without_a_ratio_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        worked("aevo-sm", [(asset("aevo", "DOGE"), 1.0)], price={"DOGE": 1.0})
    assert caught.value.code == "parameter_missing"
    assert caught.value.value == repr("collateral.DOGE.ratio")
