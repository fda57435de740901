"""The hand-written loops against NumPy, for every width, and their order of addition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.core.jit import kernel
from crossmargin.pricing.vectors import (
    MOST,
    aligned,
    copy_tile,
    first_at_most,
    least,
    net_tile,
    sum_tile,
)


@kernel("i8, out f8[:], i8, f8[:], i8, i8, i4[:], f8[:], i8, i8")
def run_net(
    vectors: Any,
    out: Any,
    at: Any,
    table: Any,
    stride: Any,
    offset: Any,
    column: Any,
    quantity: Any,
    begin: Any,
    end: Any,
) -> None:
    """The net tile as it is."""
    net_tile(vectors, out, at, table, stride, offset, column, quantity, begin, end)


@kernel("out f8[:], out f8[:], out f8[:], i8, f8[:], i8, i8, i4[:], f8[:], i8, i8")
def run_sum(
    net: Any,
    long: Any,
    short: Any,
    at: Any,
    table: Any,
    stride: Any,
    offset: Any,
    column: Any,
    quantity: Any,
    begin: Any,
    end: Any,
) -> None:
    """The sum tile as it is."""
    sum_tile(net, long, short, at, table, stride, offset, column, quantity, begin, end)


@kernel("f8[:], i8, i8, f8, out f8[:], out f8[:]")
def run_search(cells: Any, at: Any, vectors: Any, edge: Any, found: Any, copied: Any) -> None:
    """Least, first at most the edge, and a copy."""
    found[0] = least(cells, at, vectors)
    found[1] = first_at_most(cells, at, edge)
    copy_tile(vectors, copied, 1, cells, at)


@pytest.mark.parametrize("vectors", range(1, MOST + 1))
def test_net_tile_adds_in_the_order_of_positions(vectors: int) -> None:
    rng = np.random.default_rng(vectors)
    table = rng.normal(size=(20, 80))
    column = rng.integers(0, 20, 15).astype(np.int32)
    quantity = rng.normal(size=15)
    out = np.full(80, 7.0)
    run_net(vectors, out, 5, table.ravel(), 80, 11, column, quantity, 2, 13)
    span = slice(5, 5 + 8 * vectors)
    expected = quantity[2:13] @ table[column[2:13], 11 : 11 + 8 * vectors]
    np.testing.assert_allclose(out[span], expected, rtol=1e-13, atol=1e-13)
    assert (np.delete(out, np.arange(80)[span]) == 7.0).all()
    # a cell has the same bits in a tile of any width
    for k in range(vectors):
        alone = np.empty(8)
        run_net(1, alone, 0, table.ravel(), 80, 11 + 8 * k, column, quantity, 2, 13)
        np.testing.assert_array_equal(alone, out[span][8 * k : 8 * k + 8])
    run_net(vectors, out, 5, table.ravel(), 80, 11, column, quantity, 4, 4)
    assert (out[span] == 0.0).all()


def test_sum_tile_parts_longs_from_shorts() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(6, 12))
    column = np.array([5, 0, 3, 3], np.int32)
    quantity = rng.normal(size=4)
    net, long, short = np.zeros(16), np.zeros(16), np.zeros(16)
    run_sum(net, long, short, 9, table.ravel(), 12, 8, column, quantity, 1, 4)
    x = quantity[1:4, None] * table[column[1:4], 8:12]
    np.testing.assert_allclose(net[9:13], x.sum(axis=0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(long[9:13], x.clip(0).sum(axis=0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(short[9:13], x.clip(None, 0).sum(axis=0), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("place", [0, 3, 7, 8, 21, 31])
def test_least_and_first(place: int) -> None:
    cells = np.random.default_rng(place).uniform(1.0, 2.0, 40)
    cells[3 + place] = 0.5
    cells[36:] = -9.0  # beyond
    found, copied = np.empty(2), np.zeros(34)
    run_search(cells, 3, 4, 0.5, found, copied)
    assert found.tolist() == [0.5, place]
    np.testing.assert_array_equal(copied[1:33], cells[3:35])
    assert copied[[0, 33]].tolist() == [0.0, 0.0]


def test_aligned_arrays_start_at_a_cache_line() -> None:
    for shape in (0, 1, 1000, (3, 16), (0, 8), (50, 96)):
        array = aligned(shape)
        assert array.ctypes.data % 64 == 0 or array.size == 0
        assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
        assert array.flags.c_contiguous
