"""Run sums against a plain dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.pricing.sums import row_sums, row_sums_of, sum_table, sums, sums_of
from tests.pricing.books import make_case


@pytest.mark.parametrize("width", [1, 3, 4, 9])
def test_sums_agree_with_a_plain_loop(width: int) -> None:
    case = make_case(width)
    rng = np.random.default_rng(width)
    run = np.repeat([3, -1, 0, 1], 10)
    table = rng.normal(size=(40, width))
    found = sums(*case[:3], run, table)
    expected: dict[tuple[int, int], list[np.ndarray]] = {}
    for r in range(case.row_ptr.size - 1):
        for j in range(case.row_ptr[r], case.row_ptr[r + 1]):
            code = int(run[case.column[j]])
            if code >= 0:
                x = case.quantity[j] * table[case.column[j]]
                cell = expected.setdefault((r, code), [np.zeros(width) for _ in range(3)])
                for total, part in zip(cell, (x, np.maximum(x, 0), np.minimum(x, 0)), strict=True):
                    total += part
    assert list(zip(found.row.tolist(), found.run.tolist(), strict=True)) == list(expected)
    for k, cell in enumerate(expected.values()):
        for have, want in zip((found.net[k], found.long[k], found.short[k]), cell, strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-13, atol=1e-13)


def test_row_sums_keep_empty_rows() -> None:
    case = make_case(5)
    table = np.random.default_rng(5).normal(size=(40, 2))
    found = row_sums(*case[:3], table)
    assert found.net.shape == (23, 2)
    for r in range(23):
        mine = slice(case.row_ptr[r], case.row_ptr[r + 1])
        x = case.quantity[mine, None] * table[case.column[mine]]
        np.testing.assert_allclose(found.net[r], x.sum(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.long[r], x.clip(0).sum(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.short[r], x.clip(None, 0).sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("width", [1, 3, 4, 9])
def test_a_table_that_is_laid_out_has_the_same_bits(width: int) -> None:
    case = make_case(width)
    run = np.repeat(np.array([3, -1, 0, 1], np.int32), 10)
    columns = np.random.default_rng(width).normal(size=(40, width))
    pairs = (
        (sums(*case[:3], run, columns), sums_of(*case[:3], sum_table(columns, run))),
        (row_sums(*case[:3], columns), row_sums_of(*case[:3], sum_table(columns))),
    )
    for plain, laid_out in pairs:
        for have, want in zip(laid_out, plain, strict=True):
            np.testing.assert_array_equal(have, want)


def test_a_table_is_checked_when_it_is_laid_out() -> None:
    with pytest.raises(CrossMarginError, match="number_not_finite"):
        sum_table([[np.inf]])
    with pytest.raises(CrossMarginError, match="shape_wrong"):
        sum_table([[1.0], [2.0]], [0])


def test_a_row_has_the_same_bits_alone() -> None:
    case = make_case(6)
    run = np.repeat(np.arange(8), 5)
    table = np.random.default_rng(6).normal(size=(40, 5))
    whole = sums(*case[:3], run, table)
    for r in range(23):
        alone = sums(*case.rows(r, r + 1)[:3], run, table)
        mine = whole.row == r
        np.testing.assert_array_equal(alone.run, whole.run[mine])
        for a, w in zip(alone[2:], whole[2:], strict=True):
            np.testing.assert_array_equal(a, w[mine])


def test_no_positions_and_bad_input() -> None:
    assert sums([0, 0], [], [], [0], [[1.0]]).net.shape == (0, 1)
    assert row_sums([0, 0], [], [], [[1.0]]).net.tolist() == [[0.0]]
    with pytest.raises(CrossMarginError, match="number_not_finite"):
        sums([0, 1], [0], [1.0], [0], [[np.nan]])
    with pytest.raises(CrossMarginError, match="shape_wrong"):
        sums([0, 1], [0], [1.0], [0, 1], [[1.0]])
    with pytest.raises(CrossMarginError, match="number_out_of_range"):
        sums([0, 1], [1], [1.0], [0], [[1.0]])
