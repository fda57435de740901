"""Recognition: each shape by its name, within the bounds that are known of it; parts add up."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families.strategy_columns import columns_of, costs_of
from crossmargin.margin.families.strategy_names import Found, found_in, shape_of
from crossmargin.margin.families.strategy_pairing import paired
from crossmargin.margin.families.strategy_rules import Leg, Legs, Rates
from tests.oracle.black import price as black

SPOT = 100.0
INITIAL = Rates()
MAINTENANCE = Rates(linear_long=0.25, linear_short=0.30, hedged=True, at_strike=True)


def c(size: float, strike: float, days: int = 30) -> Leg:
    return leg(1, size, strike, days)


def p(size: float, strike: float, days: int = 30) -> Leg:
    return leg(-1, size, strike, days)


def leg(right: int, size: float, strike: float, days: int) -> Leg:
    price = black(right, SPOT, strike, 0.6, days / 365.0)
    return Leg(right, size, price, strike, SPOT, float(days), days)


def coin(size: float) -> Leg:
    return Leg(0, size, SPOT, spot=SPOT)


def found(legs: list[Leg], rates: Rates = INITIAL) -> tuple[tuple[Found, ...], float]:
    table = Legs.of(legs)
    columns = columns_of(table, rates.far_days)
    cost = costs_of(columns, table, rates)
    made = paired(columns, table, cost)
    return found_in(made, table, cost), made.total(cost)


def paid(legs: list[Leg]) -> float:
    return sum(leg.size * leg.price for leg in legs if leg.right)


@pytest.mark.parametrize(
    ("legs", "name", "width"),
    [
        ([c(1, 100), c(-1, 110)], "vertical spread", 0.0),
        ([c(-1, 100), c(1, 110)], "vertical spread", 10.0),
        ([p(1, 100), p(-1, 90)], "vertical spread", 0.0),
        ([p(-2, 100), p(2, 95)], "vertical spread", 10.0),
        ([c(1, 100, 60), c(-1, 100, 30)], "calendar spread", 0.0),
        ([c(1, 105, 60), c(-1, 100, 30)], "diagonal spread", 5.0),
        ([c(1, 90), c(-2, 100), c(1, 110)], "butterfly", 0.0),
        ([p(1, 90), p(-2, 100), p(1, 115)], "butterfly", 0.0),
        ([p(1, 80), p(-2, 100), p(1, 110)], "butterfly", 10.0),  # a broken wing
        ([c(-1, 90), c(2, 100), c(-1, 110)], "butterfly", 10.0),
        ([c(1, 90), c(-1, 95), c(-1, 105), c(1, 110)], "condor", 0.0),
        ([p(1, 90), p(-1, 95), c(-1, 105), c(1, 110)], "iron condor", 5.0),
        ([p(1, 90), p(-1, 100), c(-1, 100), c(1, 115)], "iron butterfly", 15.0),
        ([c(1, 95), p(-1, 95), c(-1, 105), p(1, 105)], "long box", 0.0),
        ([c(-1, 95), p(1, 95), c(1, 105), p(-1, 105)], "short box", 10.0),
    ],
)
def test_spreads_need_their_worst_loss(legs: list[Leg], name: str, width: float) -> None:
    """Never more than the width and what was paid for it, net."""
    parts, need = found(legs)
    assert [part.name for part in parts] == [name]
    assert parts[0].kind == "spreads"
    assert need == pytest.approx(width + paid(legs), abs=1e-9)
    assert parts[0].need == pytest.approx(need, abs=1e-9)
    assert dict(parts[0].legs) == {k: x.size for k, x in enumerate(legs)}


def test_a_wide_spread_needs_no_more_than_its_naked_short() -> None:
    legs = [c(-1, 100), c(1, 180)]
    parts, need = found(legs)
    assert Counter(part.name for part in parts) == {"short call": 1, "long call": 1}
    assert need == pytest.approx(20.0 + legs[1].price)


@pytest.mark.parametrize(
    ("legs", "names"),
    [
        ([c(-1, 100), p(-1, 100)], ["short straddle"]),
        ([c(-1, 110), p(-1, 90)], ["short strangle"]),
        ([c(-1, 100, 60), p(-1, 100, 30)], ["short strangle"]),
        ([c(1, 100), p(1, 100)], ["long call", "long put"]),  # a long straddle: both premiums
        ([c(-1, 110), p(1, 90)], ["long put", "short call"]),  # a risk reversal
        ([coin(1), c(-1, 110)], ["covered call"]),
        ([coin(-1), p(-1, 90)], ["covered put"]),
        ([coin(1), p(-1, 90)], ["short put", "long position"]),  # does not cover
        ([coin(2), c(-1, 110)], ["covered call", "long position"]),
        ([coin(1), coin(-1)], ["long against short"]),
        ([coin(-1)], ["short position"]),
        ([c(-2, 100), c(1, 110)], ["short call", "vertical spread"]),  # a ratio spread
    ],
)
def test_others(legs: list[Leg], names: list[str]) -> None:
    parts, _ = found(legs)
    assert sorted(part.name for part in parts) == sorted(names)


@pytest.mark.parametrize(
    ("legs", "name"),
    [
        ([coin(1), p(1, 95)], "protective put"),
        ([coin(-1), c(1, 105)], "protective call"),
        ([coin(1), p(1, 95), c(-1, 110)], "collar"),
        ([coin(1), p(1, 100), c(-1, 100)], "conversion"),
        ([coin(-1), p(-1, 100), c(1, 100)], "reverse conversion"),
    ],
)
def test_protected_at_maintenance(legs: list[Leg], name: str) -> None:
    """Cheaper than the parts, which is what the level before makes of them."""
    parts, need = found(legs, MAINTENANCE)
    assert [part.name for part in parts] == [name]
    apart, initial = found(legs)
    assert name not in {part.name for part in apart}
    assert need < initial


def test_covered_needs_less_than_its_parts() -> None:
    legs = [coin(1), c(-1, 105)]
    assert found(legs)[1] < found(legs[:1])[1] + found(legs[1:])[1]
    assert found(legs)[1] <= found(legs[:1])[1]


@pytest.mark.parametrize(
    ("rights", "strikes", "sides", "name"),
    [
        ((1, 1), (90.0, 100.0), (1, 1), ""),
        ((1, -1), (90.0, 100.0), (1, -1), ""),
        ((1, 1, 1, 1), (90.0, 95.0, 100.0, 105.0), (1, -1, 1, -1), ""),
        ((-1, -1, 1, 1), (90.0, 95.0, 105.0, 110.0), (-1, 1, 1, -1), "iron condor"),
        ((1, 1, -1, -1), (90.0, 95.0, 105.0, 110.0), (1, -1, -1, 1), ""),
    ],
)
def test_shapes(
    rights: tuple[int, ...], strikes: tuple[float, ...], sides: tuple[int, ...], name: str
) -> None:
    assert shape_of(rights, strikes, sides) == name


LEG = st.builds(
    leg,
    st.sampled_from((1, -1)),
    st.sampled_from((-2.0, -1.0, 1.0, 0.5, 3.0)),
    st.sampled_from((80.0, 90.0, 95.0, 100.0, 105.0, 115.0)),
    st.sampled_from((7, 30, 90)),
)


@given(st.lists(LEG, min_size=1, max_size=9), st.sampled_from((-1.5, 0.0, 2.0)))
def test_parts_add_up(legs: list[Leg], held: float) -> None:
    """Every lot is named once, and the needs of the parts are the need of the whole."""
    book = [*legs, coin(held)] if held else legs
    for rates in (INITIAL, MAINTENANCE):
        parts, need = found(book, rates)
        assert sum(part.need for part in parts) == pytest.approx(need, rel=1e-7, abs=1e-6)
        size = np.zeros(len(book))
        for part in parts:
            for k, amount in part.legs:
                size[k] += amount
        assert size == pytest.approx([x.size for x in book], rel=1e-7)


def test_a_large_block_is_named_as_a_whole() -> None:
    legs = [c(1.0 - 2.0 * (k % 2), 80.0 + k) for k in range(40)]
    parts, need = found(legs)
    assert sum(part.need for part in parts) == pytest.approx(need, rel=1e-7)
    assert {part.kind for part in parts} == {"spreads"}
