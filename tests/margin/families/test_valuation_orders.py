"""The worst fills over valuation points: every set of fills of small books, one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.margin.families.valuation_orders import WorstFills, worst_fills
from crossmargin.margin.families.valuation_points import POINTS
from tests.margin.families.test_valuation_points import Books, books, groups, plain

ACCOUNTS = 8


def orders(seed: int, book: Books) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Up to five orders an account: CSR start, column, size, gain against the mark."""
    rng = np.random.default_rng(1000 + seed)
    row, column = [0], []
    for a in range(ACCOUNTS):
        count = 0 if a % 4 == 3 else int(rng.integers(1, 6))
        column += sorted(rng.integers(0, 8, count).tolist())
        row.append(len(column))
    size = rng.normal(0.0, 3.0, len(column))
    return np.array(row), np.array(column, np.int32), size, rng.normal(-5.0, 60.0, len(column))


def after(book: Books, account: int, column: list[int], size: list[float]) -> dict[int, float]:
    """Worst loss of each portfolio group with some fills."""
    span = slice(book.row[account], book.row[account + 1])
    columns = np.concatenate([book.column[span], np.array(column, np.int32)])
    sizes = np.concatenate([book.quantity[span], np.array(size)])
    alone = Books(np.array([0, len(columns)]), columns, sizes, book.pnl)
    return {p: max(-min(v), 0.0) for p, v in plain(alone, 0, groups()).items()}


def found_of(seed: int) -> tuple[Books, tuple[np.ndarray, ...], WorstFills]:
    book = books(seed, ACCOUNTS)
    row, column, size, gain = orders(seed, book)
    moves = size[:, None] * book.pnl[column]
    held = book.row, book.column, book.quantity
    found = worst_fills(held, book.pnl, POINTS, groups(), row, column, moves, gain)
    return book, (row, column, size, gain), found


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_worst_of_all_sets_of_fills(seed: int) -> None:
    book, (row, column, size, gain), found = found_of(seed)
    chosen = groups()
    of_order = chosen.portfolio[chosen.product[chosen.of_row[column]]]
    for a in range(ACCOUNTS):
        mine = list(range(row[a], row[a + 1]))
        worst = {0: 0.0, 1: 0.0}
        for taken in product((False, True), repeat=len(mine)):
            fills = [m for m, yes in zip(mine, taken, strict=True) if yes]
            loss = after(book, a, column[fills].tolist(), size[fills].tolist())
            for p, before in worst.items():
                cost = -sum(float(gain[m]) for m in fills if of_order[m] == p)
                worst[p] = max(before, loss.get(p, 0.0) + cost)
        assert found.need[a].tolist() == pytest.approx(list(worst.values()), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_named_fills_need_as_much(seed: int) -> None:
    book, (row, column, size, gain), found = found_of(seed)
    chosen = groups()
    of_order = chosen.portfolio[chosen.product[chosen.of_row[column]]]
    for a in range(ACCOUNTS):
        fills = [m for m in range(row[a], row[a + 1]) if found.filled[m]]
        loss = after(book, a, column[fills].tolist(), size[fills].tolist())
        for p in (0, 1):
            cost = -sum(float(gain[m]) for m in fills if of_order[m] == p)
            needs = loss.get(p, 0.0) + cost
            assert needs == pytest.approx(float(found.need[a, p]), rel=1e-9, abs=1e-9)


def test_costs_alone_bind_where_nothing_is_lost() -> None:
    book = Books(np.array([0, 0]), np.zeros(0, np.int32), np.zeros(0), np.zeros((9, 16)))
    held = book.row, book.column, book.quantity
    row, column = np.array([0, 2]), np.array([0, 3], np.int32)
    gain = np.array([-4.0, 3.0])
    found = worst_fills(held, book.pnl, POINTS, groups(), row, column, np.zeros((2, 16)), gain)
    assert found.need.tolist() == [[4.0, 0.0]]
    assert found.cost.tolist() == [[4.0, 0.0]]
    assert found.point.tolist() == [[-1, 0]]
    assert found.filled.tolist() == [True, False]


def test_costs_alone_bind_where_the_book_gains_at_every_point() -> None:
    pnl = np.zeros((9, 16))
    pnl[0, :POINTS] = 1_000.0
    held = np.array([0, 1]), np.zeros(1, np.int32), np.ones(1)
    moves, gain = np.zeros((1, 16)), np.array([-4.0])
    row, column = np.array([0, 1]), np.array([1], np.int32)
    found = worst_fills(held, pnl, POINTS, groups(), row, column, moves, gain)
    assert found.need.tolist() == [[4.0, 0.0]]
    assert found.point.tolist()[0][0] == -1
