from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families.weighted_sum import (
    Sides,
    Weighted,
    dense_quantity,
    scaled_asset_weight,
    scaled_liability_weight,
)
from tests.margin.families.books import pool_book


def test_each_sign_has_its_price_and_weight() -> None:
    one = np.array([1.0])
    made = Weighted(10.0 * one, 12.0 * one, 0.8 * one, 1.2 * one)
    found = made.contributions(np.array([[2.0], [-2.0], [0.0]]))
    assert found[:, 0].tolist() == [16.0, -2.0 * 12.0 * 1.2, 0.0]


def test_the_sides_add_up_without_netting() -> None:
    sides = Sides.of(np.array([[3.0, -1.0, 2.0], [0.0, 0.0, 0.0]]))
    assert sides.counted.tolist() == [5.0, 0.0]
    assert sides.needed.tolist() == [1.0, 0.0]


def test_columns_of_zeros_change_no_bit() -> None:
    rng = np.random.default_rng(4)
    table = rng.normal(size=(20, 5))
    wide = np.zeros((20, 9))
    wide[:, [1, 2, 4, 7, 8]] = table
    assert Sides.of(wide).counted.tobytes() == Sides.of(table).counted.tobytes()


def test_a_block_is_dense() -> None:
    assert dense_quantity(pool_book([[1.0, 2.0], [], [-3.0]]), 3).tolist() == [
        [1.0, 2.0, 0.0],
        [0.0, 0.0, 0.0],
        [-3.0, 0.0, 0.0],
    ]


@given(st.floats(0.0, 1e12), st.floats(0.0, 1e12))
def test_scaling_starts_at_the_start(total: float, start: float) -> None:
    weight, sums, from_ = np.array([0.8]), np.array([total]), np.array([start])
    asset = float(scaled_asset_weight(weight, sums, from_)[0])
    liability = float(scaled_liability_weight(weight, sums, from_)[0])
    if start == 0.0 or total <= start:
        assert asset == liability == 0.8
    else:
        assert asset <= 0.8 <= liability
        assert abs(asset * total - 0.8 * start) <= 1e-9 * start
