"""The closed form against the definition and against its own equation solved by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.linear import (
    Leg,
    Tier,
    inverse_price,
    linear_crossings,
    linear_price,
)
from crossmargin.core.errors import InputError


def left(equity: float, legs: list[Leg], now: float, price: float) -> float:
    """Equity less requirement, from the definition."""
    total = equity
    for leg in legs:
        size = abs(leg.coins) * price
        tier = [t for t in leg.tiers if t.floor_usd <= size][-1]
        total += leg.coins * (price - now) - (tier.rate * size - tier.deduction_usd)
    return total


def test_one_position_by_hand() -> None:
    # 2,000 + (P - 10,000) = 0.05 P  ->  0.95 P = 8,000
    assert linear_price(2_000.0, 1.0, 10_000.0, 0.05) == pytest.approx(8_000.0 / 0.95)
    # short: 2,000 - (P - 10,000) = 0.05 P  ->  1.05 P = 12,000
    assert linear_price(2_000.0, -1.0, 10_000.0, 0.05) == pytest.approx(12_000.0 / 1.05)
    assert linear_price(20_000.0, 1.0, 10_000.0, 0.05) is None
    # 0.2 coin + 10,000 (1/10,000 - 1/P) = 0.05 x 10,000 / P  ->  1.2 = 10,500 / P
    assert inverse_price(0.2, 10_000.0, 10_000.0, 0.05) == pytest.approx(10_500.0 / 1.2)
    assert inverse_price(2.0, -10_000.0, 10_000.0, 0.05) is None


@given(
    equity=st.floats(100.0, 1e6),
    coins=st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=3),
    edge=st.floats(1e4, 1e6),
    rates=st.tuples(st.floats(0.001, 0.1), st.floats(0.001, 0.3)),
)
def test_every_crossing_changes_the_sign_and_none_is_missed(
    equity: float, coins: list[float], edge: float, rates: tuple[float, float]
) -> None:
    now = 10_000.0
    tiers = (Tier(0.0, rates[0]), Tier(edge, max(rates)))
    legs = [Leg(c, tiers) for c in coins if abs(c) > 0.01]
    found = linear_crossings(equity, legs, now)
    size = equity + sum(abs(leg.coins) for leg in legs) * now
    for each in found:
        if each.kind == "root":
            assert abs(left(equity, legs, now, each.price)) <= 1e-9 * (
                size + sum(abs(leg.coins) for leg in legs) * each.price
            )
        else:
            assert (each.over_low_usd < 0.0) != (each.over_high_usd < 0.0)
    points = [now * 1.01**k for k in range(-300, 301)]
    values = [left(equity, legs, now, p) for p in points]
    noise = [1e-9 * (size + sum(abs(leg.coins) for leg in legs) * p) for p in points]
    for k in range(len(points) - 1):
        sure = abs(values[k]) > noise[k] and abs(values[k + 1]) > noise[k + 1]
        if sure and (values[k] < 0.0) != (values[k + 1] < 0.0):
            assert any(points[k] <= each.price <= points[k + 1] for each in found)


def test_a_tier_is_a_jump() -> None:
    legs = [Leg(1.0, (Tier(0.0, 0.01), Tier(12_000.0, 0.5)))]
    found = linear_crossings(1_000.0, legs, 10_000.0)
    assert [(each.kind, each.broken) for each in found] == [
        ("root", "below"), ("jump", "above"), ("root", "below"),
    ]  # fmt: skip
    assert found[1].price == 12_000.0
    assert found[1].over_low_usd == pytest.approx(3_000.0 - 120.0)
    assert found[1].over_high_usd == pytest.approx(3_000.0 - 6_000.0)


@pytest.mark.parametrize(
    ("legs", "price"),
    [
        ([Leg(1.0, ())], 10.0),
        ([Leg(1.0, (Tier(5.0, 0.1),))], 10.0),
        ([Leg(1.0, (Tier(0.0, 0.1), Tier(0.0, 0.2)))], 10.0),
        ([Leg(1.0, (Tier(0.0, -0.1),))], 10.0),
        ([Leg(1.0, (Tier(0.0, 0.1),))], 0.0),
    ],
)
def test_wrong_numbers_are_refused(legs: list[Leg], price: float) -> None:
    with pytest.raises(InputError, match="number_out_of_range"):
        linear_crossings(1.0, legs, price)
