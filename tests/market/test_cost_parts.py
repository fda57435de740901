"""Each component against plain arithmetic, its promises, its marginal cost by differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.market.cost_parts import (
    Fixed,
    Part,
    Steps,
    borrow,
    funding,
    funding_paid,
    impact_linear,
    impact_square_root,
    margin_cost,
    proportional,
    steps,
)

LADDER = steps("walk", ([2.0, 3.0, np.inf], [0.0, 1.0, 4.0]), ([1.0, 5.0], [0.5, 2.5]))
PARTS: list[Part] = [
    LADDER,
    proportional("fee", 0.3, 0.2),
    funding(100.0, 0.0001, 24.0),
    funding_paid(100.0, -0.0001, 24.0),
    borrow(100.0, 0.05, 0.1, 0.5),
    impact_square_root(3.0, 40.0, 0.8, (1.0, 0.5)),
    impact_linear(0.02),
    margin_cost([10.0, -3.0, 4.0], [-2.0, 1.0, 2.5], 0.05, 0.25),
    Fixed("gas", 2.0),
]
SIZES = np.array([-5.9, -4.0, -1.0, -0.3, 0.0, 0.2, 1.5, 2.0, 4.9, 5.0, 7.3])


def plain_walk(size: float, levels: list[tuple[float, float]]) -> float:
    """A loop over the levels."""
    left, cost = abs(size), 0.0
    for width, slope in levels:
        took = min(left, width)
        cost += took * slope
        left -= took
    return cost


@given(st.floats(-6.0, 1e6, allow_nan=False))
def test_steps_are_a_walk_over_levels(size: float) -> None:
    levels = [(2.0, 0.0), (3.0, 1.0), (math.inf, 4.0)] if size >= 0.0 else [(1.0, 0.5), (5.0, 2.5)]
    found = float(LADDER.at(np.array([size]))[0])
    assert found == pytest.approx(plain_walk(size, levels), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_zero_size_costs_nothing(part: Part) -> None:
    assert part.at(np.zeros(1))[0] == 0.0


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_marginal_cost_is_the_difference(part: Part) -> None:
    step = 1e-6
    for size in SIZES[(SIZES != -6.0) & (SIZES != 0.0)]:
        way = math.copysign(step, size)
        ahead = part.at(np.array([size, size + way]))
        assert part.marginal(np.array([size]))[0] == pytest.approx(
            (ahead[1] - ahead[0]) / step, abs=2e-4
        ), (part.name, size)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_convex_and_rising_where_they_say_so(part: Part) -> None:
    z = np.linspace(-5.9, 9.0, 400)
    cost = part.at(z)
    if part.convex:
        assert (np.diff(cost, 2) >= -1e-9).all()
    if part.rises:
        assert (cost >= 0.0).all()
        assert (np.diff(cost[z >= 0.0]) >= -1e-12).all()
        assert (np.diff(cost[z <= 0.0]) <= 1e-12).all()


def test_the_flags_can_say_no() -> None:
    falling = steps("fee", ([1.0, 1.0], [2.0, 1.0]), ([np.inf], [1.0]))
    assert not falling.convex
    assert not proportional("paid both ways", -1.0).convex  # a peak at zero
    assert not funding(1.0, 1e-4, 8.0).rises
    assert funding(1.0, 1e-4, 8.0).convex
    assert funding_paid(1.0, 1e-4, 8.0).rises
    assert funding_paid(1.0, -1e-4, 8.0).convex
    assert not Fixed("gas", 1.0).convex
    assert Fixed("none", 0.0).convex


def test_figures_by_hand() -> None:
    one = np.array([1_000_000.0])
    # 1 m of 1 bn at 3 % a day: 948.68, decisions-and-attribution of cost models (5 bp beside it).
    assert impact_square_root(0.03, 1e9).at(one)[0] == pytest.approx(948.683298, rel=1e-8)
    assert impact_linear(0.5).at(np.array([-4.0]))[0] == 4.0
    assert funding(100.0, 0.0001, 24.0).at(np.array([2.0, -2.0])).tolist() == [0.06, -0.06]
    # A purchase pays a positive rate, a sale a negative one; what is received is nothing.
    assert funding_paid(100.0, 0.0001, 24.0).at(np.array([2.0, -2.0])).tolist() == [0.06, 0.0]
    assert funding_paid(100.0, -0.0001, 24.0).at(np.array([2.0, -2.0])).tolist() == [0.0, 0.06]
    assert borrow(100.0, 0.05, 0.1, 0.5).at(np.array([2.0, -2.0])).tolist() == [5.0, 10.0]
    held = margin_cost([10.0, -3.0], [-2.0, 1.0], 0.10, 0.5)
    assert held.at(np.array([1.0, -1.0])).tolist() == pytest.approx([-0.1, 0.1])


def test_impact_begins_where_the_book_ends() -> None:
    part = impact_square_root(2.0, 100.0, 1.0, (3.0, 5.0))
    assert part.at(np.array([3.0, -5.0])).tolist() == [0.0, 0.0]
    assert part.at(np.array([7.0]))[0] == pytest.approx(2.0 / 10.0 * 4.0**1.5)
    assert part.at(np.array([-9.0]))[0] == pytest.approx(2.0 / 10.0 * 4.0**1.5)


def test_beyond_the_depth_there_is_no_price() -> None:
    with pytest.raises(InputError) as told:
        LADDER.at(np.array([-6.1]))
    assert told.value.code == "number_out_of_range"
    one_sided = steps("walk", ([1.0], [1.0]), ([], []))
    assert one_sided.at(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
    for size in (-1e-9, 1.1):
        with pytest.raises(InputError):
            one_sided.at(np.array([size]))


BAD = [
    (lambda: steps("x", ([1.0, 2.0], [1.0]), ([1.0], [1.0])), "shape_wrong"),
    (lambda: steps("x", ([0.0], [1.0]), ([1.0], [1.0])), "number_out_of_range"),
    (lambda: steps("x", ([np.nan], [1.0]), ([1.0], [1.0])), "number_out_of_range"),
    (lambda: steps("x", ([np.inf, 1.0], [1.0, 1.0]), ([1.0], [1.0])), "number_not_finite"),
    (lambda: steps("x", ([1.0], [np.nan]), ([1.0], [1.0])), "number_not_finite"),
    (lambda: funding(np.nan, 0.0, 8.0), "number_out_of_range"),
    (lambda: funding(1.0, 0.0, -8.0), "number_out_of_range"),
    (lambda: borrow(1.0, -0.1, 0.0, 1.0), "number_out_of_range"),
    (lambda: impact_square_root(1.0, 0.0), "number_out_of_range"),
    (lambda: impact_square_root(-1.0, 1.0), "number_out_of_range"),
    (lambda: impact_linear(-1.0), "number_out_of_range"),
    (lambda: margin_cost([1.0], [1.0, 2.0], 0.1, 1.0), "shape_wrong"),
    (lambda: margin_cost([np.inf], [1.0], 0.1, 1.0), "number_not_finite"),
    (lambda: margin_cost([1.0], [1.0], -0.1, 1.0), "number_out_of_range"),
]


@pytest.mark.parametrize(("made", "code"), BAD)
def test_bad_input(made: object, code: str) -> None:
    with pytest.raises(InputError) as told:
        made()  # type: ignore[operator] # a table of callables
    assert told.value.code == code


def test_a_table_of_levels_is_not_changed_under_its_reader() -> None:
    assert isinstance(LADDER, Steps)
    with pytest.raises(ValueError):
        LADDER.buy_slope[0] = 9.0
