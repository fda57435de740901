"""The sum of components: it adds up, rises, is convex where it says so, and has its pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.instruments.symbology import parse
from crossmargin.market.cost_parts import (
    Fixed,
    borrow,
    funding,
    impact_square_root,
    margin_cost,
    proportional,
    steps,
)
from crossmargin.market.costs import TradeCost
from crossmargin.market.curves import constant_product, pool_parts
from crossmargin.market.depth import Depth, walk_parts
from crossmargin.market.fees import FeeTerms

PERP = parse("deribit", "BTC-PERPETUAL")
BOOK = Depth.of(
    [(59_990.0, 4e4), (59_950.0, 9e4), (59_800.0, 4e5)],
    [(60_010.0, 5e4), (60_060.0, 8e4), (60_300.0, 3e5)],
    "x",
)
DEEP = (4.3e5, 5.3e5)
WALK = walk_parts(PERP, BOOK, FeeTerms(5e-4, 1.0, 0.0), mark=6e4, index=6e4, usd=6e4)
IMPACT = impact_square_root(0.03, 4e8, 1.0, DEEP)
TRADING = TradeCost((*WALK, IMPACT, borrow(1.0, 0.02, 0.04, 0.01)))
ALL = TradeCost(
    (
        *TRADING.parts,
        funding(1.0, 1e-4, 16.0),
        *pool_parts(constant_product(3e6, 3e6, 0.003)),
        margin_cost([4e4, 1e4], [-0.1, 0.12], 0.1, 0.25),
        Fixed("gas", 3.0),
    )
)
SIZES = st.floats(-2e6, 2e6, allow_nan=False)


@given(st.lists(SIZES, min_size=1, max_size=8))
def test_components_add_up_to_the_bit(sizes: list[float]) -> None:
    parts = ALL.split(sizes)
    assert [name for name, _ in parts] == [part.name for part in ALL.parts]
    total = np.zeros(len(sizes))
    for _, values in parts:
        total = total + values
    assert (ALL.at(sizes) == total).all()


@given(SIZES, st.floats(1.0, 3.0))
def test_it_rises_with_size(size: float, more: float) -> None:
    assert TRADING.rises
    small, large = TRADING.at([size, size * more])
    assert 0.0 <= small <= large * (1.0 + 1e-12)


@given(SIZES, SIZES, st.floats(0.0, 1.0))
def test_it_is_convex_through_zero(a: float, b: float, share: float) -> None:
    assert TRADING.convex
    between = share * a + (1.0 - share) * b
    low, high, middle = TRADING.at([a, b, between])
    chord = share * low + (1.0 - share) * high
    assert middle <= chord + 1e-9 * max(abs(chord), 1.0)


def test_doubling_beyond_the_depth_more_than_doubles_the_cost() -> None:
    """I02: a position beyond the depth costs more per unit the larger it is."""
    for size in (DEEP[0], DEEP[0] * 3.0, -DEEP[1] * 1.5):
        one, two = TRADING.at([size, 2.0 * size])
        assert two > 2.0 * one * 1.001


def test_beyond_the_book_the_join_keeps_value_and_slope() -> None:
    edge = DEEP[0]
    below, at, above = TRADING.at([edge * (1 - 1e-9), edge, edge * (1 + 1e-9)])
    assert below <= at <= above
    assert above - below < 1.0
    assert TRADING.marginal(edge * 1.001) >= TRADING.marginal(edge * 0.999)


def test_one_size_has_the_bits_of_many() -> None:
    sizes = np.linspace(-9e5, 9e5, 37)
    many = ALL.at(sizes)
    assert [float(ALL.at(each)) for each in sizes] == many.tolist()
    assert ALL.at(sizes.reshape(37, 1)).shape == (37, 1)


def test_zero_costs_nothing() -> None:
    assert ALL.at(0.0) == 0.0
    assert ALL.at([-0.0, 0.0]).tolist() == [0.0, 0.0]


def test_what_is_not_convex_is_said() -> None:
    assert not ALL.convex  # gas
    fee, walk = TradeCost((WALK[2],)), TradeCost(WALK)
    assert not fee.convex or not WALK[2].convex or PERP.inverse
    assert walk.convex
    assert not TradeCost((steps("x", ([1.0, 1.0], [2.0, 1.0]), ([1.0], [1.0])),)).convex
    assert not TradeCost((proportional("x", 1.0, -2.0),)).convex


def test_the_fee_of_a_sale_falls_with_its_price_and_the_sum_is_convex() -> None:
    linear = parse("deribit", "BTC_USDC-PERPETUAL")
    parts = walk_parts(linear, BOOK, FeeTerms(5e-4, 1.0, 0.0), mark=6e4, index=6e4, usd=1.0)
    assert not parts[2].convex
    assert TradeCost(parts).convex


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_pieces_are_chords_of_the_cost(sign: float) -> None:
    largest = 1.7e6
    width, slope = TRADING.pieces(sign, largest)
    assert width.sum() == pytest.approx(largest)
    assert (np.diff(slope) >= -1e-12).all()
    nodes = np.cumsum(width)
    assert np.cumsum(width * slope) == pytest.approx(TRADING.at(sign * nodes), rel=1e-9)
    z = np.linspace(1.0, largest, 999)
    chord = np.interp(z, np.append(0.0, nodes), np.append(0.0, np.cumsum(width * slope)))
    true = TRADING.at(sign * z)
    assert (chord >= true * (1.0 - 1e-12)).all()
    assert (chord <= true * 1.004).all()
    gas = TradeCost((Fixed("gas", 5.0),))
    assert (gas.pieces(sign, 10.0)[1] == 0.0).all()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lambda: TradeCost(()), "option_unknown"),
        (lambda: TradeCost((IMPACT, IMPACT)), "option_unknown"),
        (lambda: ALL.at([1.0, float("nan")]), "number_not_finite"),
        (lambda: ALL.marginal(float("inf")), "number_not_finite"),
        (lambda: ALL.at(4e6), "number_out_of_range"),
        (lambda: ALL.pieces(1.0, 0.0), "number_out_of_range"),
        (lambda: ALL.pieces(1.0, 1.0, 1.0), "number_out_of_range"),
    ],
)
def test_bad_input(asked: object, code: str) -> None:
    with pytest.raises(InputError) as told:
        asked()  # type: ignore[operator] # a table of callables
    assert told.value.code == code
