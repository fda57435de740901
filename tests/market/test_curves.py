"""Pools: closed forms, pieces that join, round trips, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.market.costs import TradeCost
from crossmargin.market.curves import constant_product, pool_parts, ranges

X, Y, FEE = 50.0, 150_000.0, 0.003
BOTH = TradeCost(pool_parts(constant_product(X, Y, FEE)))


@given(st.floats(1e-6, 0.95 * X))
def test_constant_product_against_its_closed_form(z: float) -> None:
    price = Y / X
    plain = TradeCost(pool_parts(constant_product(X, Y)))
    found = plain.at([z, -z])
    assert found[0] == pytest.approx(price * z * z / (X - z), rel=1e-9, abs=1e-8)
    assert found[1] == pytest.approx(price * z * z / (X + z), rel=1e-9, abs=1e-8)
    charged = BOTH.at([z, -z])
    kept = z * (1.0 - FEE)
    assert charged[0] == pytest.approx(Y * z / (X - z) / (1.0 - FEE) - price * z, rel=1e-9)
    assert charged[1] == pytest.approx(price * z - Y * kept / (X + kept), rel=1e-9)


def test_a_range_cut_in_pieces_costs_the_same() -> None:
    whole = TradeCost(pool_parts(ranges([(1000.0, 4000.0, 900.0)], 2000.0, FEE)))
    cut = [(1000.0, 1400.0, 900.0), (1400.0, 2000.0, 900.0), (2000.0, 2500.0, 900.0)]
    pieces = TradeCost(pool_parts(ranges([*cut, (2500.0, 4000.0, 900.0)], 2000.0, FEE)))
    sizes = np.array([-8.0, -4.2, -1.0, 0.0, 0.5, 2.1, 2.5, 5.8])
    assert np.allclose(whole.at(sizes), pieces.at(sizes), rtol=1e-10, atol=1e-9)
    assert np.allclose(whole.marginal(sizes), pieces.marginal(sizes), rtol=1e-10)


def test_thin_liquidity_costs_more_beyond_its_edge() -> None:
    thick = TradeCost(pool_parts(ranges([(1000.0, 4000.0, 900.0)], 2000.0)))
    thin = [(1000.0, 2100.0, 900.0), (2100.0, 4000.0, 90.0)]
    thinned = TradeCost(pool_parts(ranges(thin, 2000.0)))
    edge = 900.0 * (2000.0**-0.5 - 2100.0**-0.5)
    assert thinned.at(edge) == pytest.approx(thick.at(edge))
    assert thinned.at(edge + 0.1) > thick.at(edge + 0.1)


def test_a_gap_is_crossed_at_its_far_price() -> None:
    pool = TradeCost(pool_parts(ranges([(1900.0, 2100.0, 900.0), (2500.0, 3000.0, 900.0)], 2000.0)))
    edge = 900.0 * (2000.0**-0.5 - 2100.0**-0.5)
    assert pool.marginal(edge) == pytest.approx(500.0)
    assert pool.at(edge + 1e-6) == pytest.approx(float(pool.at(edge)) + 500e-6, abs=1e-6)


def test_convex_rising_and_its_marginal_cost() -> None:
    z = np.linspace(-40.0, 40.0, 801)
    cost = BOTH.at(z)
    assert BOTH.convex
    assert BOTH.rises
    assert (np.diff(cost, 2) >= -1e-7).all()
    for size in (-30.0, -1.0, 0.5, 35.0):
        way = np.sign(size) * 1e-5
        slope = (BOTH.at(size + way) - BOTH.at(size)) / 1e-5
        assert BOTH.marginal(size) == pytest.approx(slope, rel=1e-4)
    assert BOTH.at(0.0) == 0.0


@pytest.mark.parametrize(
    "made",
    [
        lambda: constant_product(0.0, 1.0),
        lambda: constant_product(1.0, np.inf),
        lambda: constant_product(1.0, 1.0, 1.0),
        lambda: ranges([(1.0, 2.0, 5.0)], 3.0),
        lambda: ranges([(1.0, 2.0, 0.0)], 1.5),
        lambda: ranges([(1.0, 3.0, 1.0), (2.0, 4.0, 1.0)], 1.5),
        lambda: ranges([(2.0, 1.0, 1.0)], 1.5),
        lambda: ranges([(1.0, 2.0, 1.0)], float("nan")),
        lambda: BOTH.at(X),
        lambda: TradeCost(pool_parts(ranges([(1.0, 2.0, 5.0)], 1.5))).at(-1e6),
    ],
)
def test_what_cannot_be(made: object) -> None:
    with pytest.raises(InputError) as told:
        made()  # type: ignore[operator] # a table of callables
    assert told.value.code == "number_out_of_range"
