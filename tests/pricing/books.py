"""Random rows of positions for the netting tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """Rows of positions over a risk array of `scenarios` meaningful columns."""

    row_ptr: np.ndarray
    column: np.ndarray
    quantity: np.ndarray
    pnl: np.ndarray
    scenarios: int

    def rows(self, low: int, high: int) -> Case:
        """The same rows, alone."""
        begin, end = self.row_ptr[low], self.row_ptr[high]
        return self._replace(
            row_ptr=self.row_ptr[low : high + 1] - begin,
            column=self.column[begin:end],
            quantity=self.quantity[begin:end],
        )


def make_case(seed: int, rows: int = 23, instruments: int = 40, scenarios: int = 13) -> Case:
    """Rows of 0 to 30 positions, columns rising and distinct; padding copies scenario 0."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, min(31, instruments), rows)
    sizes[: min(rows, 6)] = [0, 1, 2, 3, 4, 5][: min(rows, 6)]
    row_ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    picks = [np.sort(rng.choice(instruments, size, replace=False)) for size in sizes]
    column = np.concatenate(picks).astype(np.int32)
    quantity = rng.normal(0.0, 5.0, column.size)
    width = -(-scenarios // 8) * 8
    pnl = np.empty((instruments, width))
    pnl[:, :scenarios] = rng.normal(0.0, 100.0, (instruments, scenarios))
    pnl[:, scenarios:] = pnl[:, :1]
    for array in (row_ptr, column, quantity, pnl):
        array.flags.writeable = False
    return Case(row_ptr, column, quantity, pnl, scenarios)


def plain_pnl(case: Case, row: int) -> np.ndarray:
    """One row's P&L vector by a plain loop."""
    total = np.zeros(case.scenarios)
    for j in range(case.row_ptr[row], case.row_ptr[row + 1]):
        total += case.quantity[j] * case.pnl[case.column[j], : case.scenarios]
    return total


def plain_worst(candidates: list[float]) -> tuple[float, int, float, int]:
    """Loss, first tied index, and the same over the others."""
    if not candidates:
        return 0.0, -1, 0.0, -1

    def first(values: dict[int, float]) -> tuple[float, int]:
        if not values:
            return 0.0, -1
        least = min(values.values())
        return max(-least, 0.0), next(
            i for i, v in values.items() if v <= least + 1e-12 * abs(least)
        )

    known = dict(enumerate(candidates))
    loss, at = first(known)
    del known[at]
    return loss, at, *first(known)
