"""Costs of a dollar: components add up, signs, convexity, and their straight pieces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.decisions.notional_costs import CostTerms, weight_sides

FULL = CostTerms(
    fee=5e-4,
    half_spread=1e-4,
    impact=1.0,
    vol_day=0.03,
    volume_day_usd=1e9,
    gas_usd=3.0,
    funding_8h=1e-4,
    borrow_annual=0.1,
)


@given(st.floats(-1e7, 1e7))
def test_components_add_up_and_rise(usd: float) -> None:
    cost = FULL.trade()
    split = cost.split(usd)
    assert float(cost.at(usd)) == sum(float(value) for _, value in split)
    assert all(float(value) >= 0.0 for _, value in split)
    assert float(cost.at(2.0 * usd)) >= float(cost.at(usd))


def test_a_trade_by_hand() -> None:
    found = {name: float(value) for name, value in FULL.trade().split(-1e6)}
    assert found == pytest.approx(
        {"fee": 500.0, "spread": 100.0, "impact": 0.03 * 1e6 * math.sqrt(1e-3), "gas": 3.0}
    )


def test_carry_has_the_sign_of_the_position() -> None:
    long = {name: float(v) for name, v in FULL.carry(1.0).split(1e6)}
    short = {name: float(v) for name, v in FULL.carry(1.0).split(-1e6)}
    assert long == pytest.approx({"funding": 300.0, "borrow": 0.0})
    assert short == pytest.approx({"funding": -300.0, "borrow": 1e5 / 365.0})


def test_pieces_lie_on_or_above_the_cost() -> None:
    sides = weight_sides(CostTerms(fee=5e-4, impact=1.0, vol_day=0.03, volume_day_usd=1e9), 1e7)
    edges = np.cumsum(sides.buy_width[:-1])
    paid = np.cumsum(sides.buy_width[:-1] * sides.buy_slope[:-1])
    exact = 5e-4 * edges + 0.03 * edges * np.sqrt(edges * 1e7 / 1e9)
    assert paid == pytest.approx(exact, rel=1e-9)
    assert (np.diff(sides.buy_slope) >= 0.0).all()
    flat = weight_sides(CostTerms(fee=5e-4, half_spread=1e-4), 1e7)
    assert flat.buy_slope.tolist() == [pytest.approx(6e-4)]


@pytest.mark.parametrize(
    ("terms", "place"),
    [
        ({"fee": math.nan}, "fee"),
        ({"fee": -2e-4, "half_spread": 1e-4}, "half_spread"),
        ({"half_spread": -1e-4}, "half_spread"),
        ({"impact": 1.0}, "volume_day_usd"),
        ({"gas_usd": -1.0}, "gas_usd"),
        ({"funding_8h": 1.0}, "funding_8h"),
    ],
)
def test_bad_terms_are_refused(terms: dict[str, float], place: str) -> None:
    with pytest.raises(InputError) as refused:
        CostTerms(**terms)
    assert refused.value.place == place
