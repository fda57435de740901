"""Canonical rows: sorted, merged, and blind to the order of the input."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.positions import order_positions, sum_lots


def rows(seed: int, count: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accounts, columns and quantities with many lots of a kind."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 20, count).astype(np.int32),
        rng.integers(0, 30, count).astype(np.int32),
        rng.normal(size=count) * 10.0 ** rng.integers(-3, 6, count),
    )


def test_rows_are_sorted_and_lots_are_summed() -> None:
    account, column, quantity = rows(1)
    found = order_positions(account, column, quantity, 21, 30)
    expected: dict[tuple[int, int], list[float]] = defaultdict(list)
    for a, c, q in zip(account.tolist(), column.tolist(), quantity.tolist(), strict=True):
        expected[a, c].append(q)
    keys = sorted(expected)
    owner = np.repeat(np.arange(21), np.diff(found.row_ptr))
    assert list(zip(owner.tolist(), found.column.tolist(), strict=True)) == keys
    assert found.lots.tolist() == [len(expected[k]) for k in keys]
    for k, key in enumerate(keys):
        assert found.quantity[k] == pytest.approx(sum(expected[key]), rel=1e-12, abs=1e-9)
    for n in range(500):
        k = found.position[n]
        assert (owner[k], found.column[k]) == (account[n], column[n])
    assert found.row_ptr[20] == found.row_ptr[21]  # an account without rows


def test_the_order_of_the_input_changes_no_bit() -> None:
    account, column, quantity = rows(2, 4000)
    entry_price = np.random.default_rng(3).uniform(1, 1e5, 4000)
    first = order_positions(account, column, quantity, 20, 30)
    cost = sum_lots(first, quantity * entry_price)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(4000)
        again = order_positions(account[order], column[order], quantity[order], 20, 30)
        for a, b in zip(first[:4], again[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(again.position, first.position[order])
        np.testing.assert_array_equal(sum_lots(again, (quantity * entry_price)[order]), cost)


def test_many_lots_of_one_instrument() -> None:
    quantity = np.random.default_rng(4).normal(size=5000)
    found = order_positions(np.zeros(5000), np.zeros(5000), quantity, 1, 1)
    assert found.lots.tolist() == [5000]
    running = 0.0
    for q in np.sort(quantity):
        running += q
    assert found.quantity[0] == running


def test_zeros_stay_and_nothing_is_nothing() -> None:
    found = order_positions([0, 0, 0], [1, 1, 0], [2.0, -2.0, 0.0], 1, 2)
    assert found.column.tolist() == [0, 1]
    assert found.quantity.tolist() == [0.0, 0.0]
    empty = order_positions([], [], [], 3, 2)
    assert empty.row_ptr.tolist() == [0, 0, 0, 0]
    assert sum_lots(empty, []).size == 0


def test_sum_lots_without_lots() -> None:
    found = order_positions([1, 0], [0, 1], [3.0, 4.0], 2, 2)
    assert sum_lots(found, [10.0, 20.0]).tolist() == [20.0, 10.0]


def test_rows_that_do_not_fit_are_named() -> None:
    with pytest.raises(CrossMarginError, match=r"account\[1\]"):
        order_positions([0, 2], [0, 0], [1.0, 1.0], 2, 1)
    with pytest.raises(CrossMarginError, match=r"column\[0\]"):
        order_positions([0, 1], [-1, 0], [1.0, 1.0], 2, 1)
    with pytest.raises(CrossMarginError, match=r"quantity\[1\]"):
        order_positions([0, 1], [0, 0], [1.0, np.inf], 2, 1)
    with pytest.raises(CrossMarginError, match="shape_wrong"):
        order_positions([0, 1], [0], [1.0, 1.0], 2, 1)
