"""Bybit cross margin of options: the worked example, the mirrored call, what it does not hold."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import model_named
from crossmargin.margin.model import Fidelity
from tests.margin.families.worked import EXPIRY_MS, both, cell, worked
from tests.vectors.building import asset, option

INDEX = 20_250.0
PRICE = {"BTC": INDEX}


def contract(right: int, strike: float, name: str = "O") -> Instrument:
    return option("bybit", name, right, strike, EXPIRY_MS, underlying="BTC", settle="USDC")


def test_the_worked_example() -> None:
    """Help center: index 20,250, strike 18,500, order price 280, mark 290: MM 938, IM 2,315."""
    found = worked("bybit-sm", [(contract(-1, 18_500.0), -1.0)], price=PRICE, marks={"O": 290.0})
    assert both(found) == pytest.approx((2_315.0, 938.0), rel=1e-14)


@pytest.mark.parametrize(
    ("right", "strike", "mark", "im", "mm"),
    [
        (-1, 20_000.0, 900.0, 0.15 * INDEX - 250.0 + 900.0, 0.032 * INDEX + 900.0),
        (-1, 45_000.0, 24_000.0, 0.15 * INDEX + 24_000.0, 24_720.0 + 0.002 * INDEX),
        (1, 20_500.0, 800.0, 0.15 * INDEX - 250.0 + 800.0, 0.032 * INDEX + 800.0),
        (1, 40_000.0, 5.0, 0.10 * INDEX + 5.0, 0.032 * INDEX + 5.0),
    ],
)
def test_a_short_option(right: int, strike: float, mark: float, im: float, mm: float) -> None:
    found = worked("bybit-sm", [(contract(right, strike), -3.0)], price=PRICE, marks={"O": mark})
    assert both(found) == pytest.approx((3.0 * im, 3.0 * mm), rel=1e-13)


def test_a_put_whose_mark_is_beyond_reason_needs_its_maintenance() -> None:
    """max(m I, m mark) outgrows 0.15 I where the mark is above 4.93 times the index."""
    mark = 6.0 * INDEX
    held = [(contract(-1, 8.0 * INDEX), -1.0)]
    im, mm = both(worked("bybit-sm", held, price=PRICE, marks={"O": mark}))
    assert im == mm == pytest.approx(1.03 * mark + 0.002 * INDEX, rel=1e-14)


def test_puts_and_calls_are_known_apart() -> None:
    held = [(contract(-1, 18_500.0, "P"), -1.0), (contract(1, 22_000.0, "C"), -2.0)]
    found = worked("bybit-sm", held, price=PRICE, marks={"P": 290.0, "C": 200.0})
    assert cell(found, "put_im") == pytest.approx(2_315.0)
    assert cell(found, "call_im") == pytest.approx(2.0 * (0.10 * INDEX + 200.0))
    spec = model_named("bybit-sm").spec
    assert isinstance(spec.rule("short_put").fidelity, dict)
    assert set(spec.rule("short_put").fidelity.values()) == {Fidelity.EXACT}
    assert spec.rule("short_call").fidelity is Fidelity.INFERRED


def test_a_long_option_needs_nothing_and_backs_nothing() -> None:
    held = [(asset("bybit", "USDC"), 500.0), (contract(-1, 18_500.0), 4.0)]
    found = worked("bybit-sm", held, price=PRICE, marks={"O": 290.0})
    assert both(found) == (0.0, 0.0)
    assert cell(found, "counted_mm") == 500.0
    assert cell(found, "equity") == pytest.approx(500.0 + 4.0 * 290.0)


def test_a_resting_sale_needs_what_it_would_less_its_premium() -> None:
    held = [(asset("bybit", "USDC"), 5_000.0)]
    orders = [(contract(-1, 18_500.0), -1.0, 280.0)]
    found = worked("bybit-sm", held, price=PRICE, marks={"O": 290.0}, orders=orders)
    assert cell(found, "order_margin") == pytest.approx(2_315.0 - 280.0)


def test_another_coin_is_refused() -> None:
    other = option("bybit", "E", -1, 1_500.0, EXPIRY_MS, underlying="ETH", settle="USDC")
    with pytest.raises(ModelError) as caught:
        worked("bybit-sm", [(other, -1.0)], price={"ETH": 1_600.0})
    assert caught.value.code == "parameter_missing"
