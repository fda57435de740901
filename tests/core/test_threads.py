"""Blocks cover the rows once, and results come back in order."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.core.threads import blocks, map_blocks, processors


@pytest.mark.parametrize(("rows", "block"), [(0, 4), (1, 4), (4, 4), (9, 4), (10, 100)])
def test_blocks_cover_every_row_once(rows: int, block: int) -> None:
    parts = blocks(rows, block)
    assert [r for low, high in parts for r in range(low, high)] == list(range(rows))
    assert all(0 < high - low <= block for low, high in parts)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order(threads: int) -> None:
    found = map_blocks(lambda low, high: (low, high), 23, block=5, threads=threads)
    assert found == blocks(23, 5)


def test_an_error_in_a_block_is_raised() -> None:
    def task(low: int, high: int) -> int:
        return 1 // (low - 10)

    for threads in (1, 2):
        with pytest.raises(ZeroDivisionError):
            map_blocks(task, 23, block=5, threads=threads)


def test_counts_must_be_positive() -> None:
    with pytest.raises(CrossMarginError, match="block"):
        blocks(3, 0)
    with pytest.raises(CrossMarginError, match="threads"):
        map_blocks(lambda low, high: low, 3, threads=0)
    assert processors() >= 1
