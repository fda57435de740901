"""Formulas on worked numbers, strategy by strategy; what cannot be a position is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.strategy_rules import (
    FAR_DAYS,
    Leg,
    Legs,
    Rates,
    box_cost,
    collar_cost,
    combination_cost,
    covered_cost,
    linear_cost,
    long_cost,
    naked_cost,
    offset_cost,
    protected_cost,
    reverse_cost,
    short_charge,
)

INITIAL = Rates()
HELD = Rates(proceeds_held=True)
MAINTENANCE = Rates(linear_long=0.25, linear_short=0.30, hedged=True, at_strike=True)
CASH = Rates(cash=True)
FIRST, SECOND, THIRD = (np.array([k], np.int32) for k in range(3))


def call(size: float, strike: float, price: float, spot: float = 100.0, days: float = 30.0) -> Leg:
    return Leg(1, size, price, strike, spot, days, int(days))


def put(size: float, strike: float, price: float, spot: float = 100.0, days: float = 30.0) -> Leg:
    return Leg(-1, size, price, strike, spot, days, int(days))


def stock(size: float, price: float = 100.0) -> Leg:
    return Leg(0, size, price, spot=price)


@pytest.mark.parametrize(
    ("leg", "rates", "charge"),
    [
        (call(-1.0, 120.0, 8.4, 128.5), INITIAL, 25.7),  # in the money: 20 % in full
        (put(-1.0, 80.0, 2.0, 95.0), INITIAL, 8.0),  # far out: 10 % of the strike
        (call(-1.0, 110.0, 3.0), INITIAL, 10.0),  # 20 - 10, and 10 % of the underlying
        (call(-1.0, 105.0, 3.0), INITIAL, 15.0),
        (put(-1.0, 430.0, 7.8, 433.35), replace(INITIAL, short_share=0.15), 61.6525),
        (put(-1.0, 390.0, 4.0, 460.0), replace(INITIAL, short_share=0.15, leverage=1.5), 58.5),
        (put(-1.0, 80.0, 2.0, 95.0), CASH, 78.0),
        (call(-1.0, 90.0, 7.0, 85.0), CASH, 78.0),  # the underlying secures it
        (call(-1.0, 430.0, 8.7, 433.35), replace(CASH, index=True), 421.3),  # its strike does
    ],
)
def test_short_option(leg: Leg, rates: Rates, charge: float) -> None:
    legs = Legs.of([leg])
    assert short_charge(legs, FIRST, rates)[0] == pytest.approx(charge, rel=1e-13)
    assert naked_cost(legs, FIRST, rates)[0] == pytest.approx(charge, rel=1e-13)
    if not rates.cash:
        held = replace(rates, proceeds_held=True)
        assert naked_cost(legs, FIRST, held)[0] == pytest.approx(charge + leg.price, rel=1e-13)


@pytest.mark.parametrize(
    ("days", "rates", "need"),
    [(30.0, INITIAL, 12.0), (FAR_DAYS, INITIAL, 12.0), (FAR_DAYS + 1.0, INITIAL, 9.0),
     (540.0, CASH, 12.0)],
)  # fmt: skip
def test_long_option(days: float, rates: Rates, need: float) -> None:
    legs = Legs.of([call(1.0, 80.0, 12.0, 78.0, days)])
    assert long_cost(legs, FIRST, rates).tolist() == [need]


def test_combination() -> None:
    """Broad index at 433.35: the put in the money needs 72.20 with its premium, the call 68.85."""
    legs = Legs.of([call(-1.0, 435.0, 5.5, 433.35), put(-1.0, 435.0, 7.2, 433.35)])
    rates = replace(INITIAL, short_share=0.15)
    assert combination_cost(legs, FIRST, SECOND, rates)[0] == pytest.approx(65.0025)
    held = replace(rates, proceeds_held=True)
    assert combination_cost(legs, FIRST, SECOND, held)[0] == pytest.approx(77.7025)
    cash = replace(CASH, index=True)
    assert combination_cost(legs, FIRST, SECOND, cash)[0] == pytest.approx(857.3)


@pytest.mark.parametrize(
    ("legs", "rates", "need"),
    [
        ([stock(1.0), call(-1.0, 105.0, 3.0)], INITIAL, 47.0),
        ([stock(1.0), call(-1.0, 105.0, 3.0)], HELD, 50.0),
        ([stock(1.0), call(-1.0, 105.0, 3.0)], MAINTENANCE, 22.0),
        ([stock(1.0), call(-1.0, 80.0, 22.0)], MAINTENANCE, 0.25 * 80.0 + 20.0 - 22.0),
        ([stock(-1.0), put(-1.0, 95.0, 3.0)], MAINTENANCE, 27.0),
        ([stock(-1.0), put(-1.0, 120.0, 22.0)], MAINTENANCE, 0.30 * 120.0 + 20.0 - 22.0),
        ([stock(1.0), call(-1.0, 100.0, 60.0)], INITIAL, 0.0),  # never negative
        ([stock(1.0), call(-1.0, 105.0, 3.0)], CASH, 100.0),
    ],
)
def test_covered(legs: list[Leg], rates: Rates, need: float) -> None:
    table = Legs.of(legs)
    assert covered_cost(table, FIRST, SECOND, rates)[0] == pytest.approx(need, abs=1e-12)


@pytest.mark.parametrize(
    ("legs", "need"),
    [
        ([stock(1.0), put(1.0, 95.0, 2.0)], 9.5 + 5.0 + 2.0),
        ([stock(1.0), put(1.0, 70.0, 0.1)], 25.0 + 0.1),  # never above the stock's
        ([stock(-1.0), call(1.0, 105.0, 2.0)], 10.5 + 5.0 + 2.0),
        ([stock(-1.0), call(1.0, 140.0, 0.2)], 30.0 + 0.2),
    ],
)
def test_protected(legs: list[Leg], need: float) -> None:
    table = Legs.of(legs)
    assert protected_cost(table, FIRST, SECOND, MAINTENANCE)[0] == pytest.approx(need)
    assert protected_cost(table, FIRST, SECOND, INITIAL)[0] == np.inf


@pytest.mark.parametrize(
    ("low", "high", "price", "need"),
    [
        (95.0, 110.0, 100.0, 9.5 + 5.0 + 2.0 - 3.0),
        (80.0, 110.0, 100.0, 0.25 * 110.0 + 2.0 - 3.0),  # 8 + 20 is above 27.5
        (95.0, 110.0, 115.0, 9.5 + 5.0 + 5.0 + 2.0 - 3.0),  # valued at the call's strike
        (100.0, 100.0, 100.0, 10.0 + 2.0 - 3.0),  # a conversion
        (100.0, 100.0, 104.0, 10.0 + 4.0 + 2.0 - 3.0),
    ],
)
def test_collar_and_conversion(low: float, high: float, price: float, need: float) -> None:
    table = Legs.of([stock(1.0, price), put(1.0, low, 2.0), call(-1.0, high, 3.0)])
    assert collar_cost(table, FIRST, SECOND, THIRD, MAINTENANCE)[0] == pytest.approx(need)
    assert collar_cost(table, FIRST, SECOND, THIRD, INITIAL)[0] == np.inf


@pytest.mark.parametrize(("price", "need"), [(100.0, 10.0 + 3.0 - 2.0), (96.0, 14.0 + 3.0 - 2.0)])
def test_reverse_conversion(price: float, need: float) -> None:
    table = Legs.of([stock(-1.0, price), put(-1.0, 100.0, 2.0), call(1.0, 100.0, 3.0)])
    assert reverse_cost(table, FIRST, SECOND, THIRD, MAINTENANCE)[0] == pytest.approx(need)
    assert reverse_cost(table, FIRST, SECOND, THIRD, INITIAL)[0] == np.inf


def test_linear_and_offset() -> None:
    table = Legs.of([stock(1.0), stock(-1.0, 104.0)])
    both = np.array([0, 1], np.int32)
    assert linear_cost(table, both, INITIAL).tolist() == [50.0, 52.0]
    assert linear_cost(table, both, MAINTENANCE).tolist() == pytest.approx([25.0, 31.2])
    assert offset_cost(table, FIRST, SECOND, INITIAL)[0] == pytest.approx(10.4)


@pytest.mark.parametrize(
    ("days", "discount", "need"),
    [(30.0, 1.0, 9.0), (400.0, 1.0, 5.0), (400.0, 0.9, 4.5), (400.0, 1.0, 5.0)],
)
def test_long_box(days: float, discount: float, need: float) -> None:
    """Ten wide at a debit of nine: half of the difference where it lives long."""
    legs = [call(1.0, 95.0, 10.0, days=days), call(-1.0, 105.0, 4.0, days=days)]
    legs += [put(-1.0, 95.0, 3.0, days=days), put(1.0, 105.0, 6.0, days=days)]
    table = Legs.of([replace(leg, discount=discount) for leg in legs])
    box = np.array([[0, 1, 2, 3]], np.int32)
    assert box_cost(table, box, INITIAL)[0] == pytest.approx(need)
    assert box_cost(table, box, CASH)[0] == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"price": float("nan")}, "number_not_finite", "price"),  # an option without a mark
        ({"price": -1.0}, "number_out_of_range", "price"),
        ({"right": 2}, "option_unknown", "call, a put or linear"),
        ({"size": float("nan")}, "number_not_finite", "size"),
        ({"size": float("inf")}, "number_not_finite", "size"),
        ({"size": -1e16}, "number_out_of_range", "size"),
        ({"strike": 0.0}, "number_out_of_range", "strike"),
        ({"strike": -5.0}, "number_out_of_range", "strike"),
        ({"spot": 0.0}, "number_out_of_range", "underlying"),
        ({"spot": float("nan")}, "number_not_finite", "spot"),
        ({"days": float("inf")}, "number_not_finite", "days"),
        ({"discount": float("nan")}, "number_not_finite", "discount"),
    ],
)
def test_what_is_no_position_is_refused(change: dict[str, float], code: str, word: str) -> None:
    bad = replace(call(1.0, 100.0, 3.0), **change)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(InputError) as caught:
        Legs.of([call(-1.0, 90.0, 1.0), bad])
    assert caught.value.code == code
    assert word in str(caught.value)
    assert "position 1" in caught.value.place
    assert caught.value.remedy
