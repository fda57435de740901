"""Charges that add up position by position, without netting.

    charge(q) = long x [q]+ + short x [-q]+ + square x q^2 + fixed x (q != 0)

Linear by side, a square for a share that grows with the size, and an amount a position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.equity import Equity
from crossmargin.margin.model import PoolAnswer, PoolBook
from crossmargin.margin.pools import per_row
from crossmargin.margin.sheet import SheetBuilder

__all__ = ["Charge", "additive_answer"]


@dataclass(frozen=True, slots=True)
class Charge:
    """[I] charges of a unit, in the pool's currency; 0 for rows that are not charged."""

    long: Floats
    short: Floats
    square: Floats
    fixed: Floats

    def of(self, held: PoolBook) -> Floats:
        """[A] charge of a block of accounts, positions added in their order."""
        size, column = held.quantity, held.column
        linear = np.where(size > 0.0, self.long[column] * size, -self.short[column] * size)
        fixed = np.where(size != 0.0, self.fixed[column], 0.0)
        return per_row(held.row, linear + self.square[column] * size * size + fixed)


def additive_answer(
    sheet: SheetBuilder,
    held: PoolBook,
    equity: Equity,
    counted: tuple[str, str],
    parts: Mapping[str, Sequence[str]],
) -> PoolAnswer:
    """Ends a sheet: ``counted`` names what counts, ``parts`` the columns that im and mm sum."""
    for level, name in zip(("im", "mm"), counted, strict=True):
        sheet.scale(f"counted_{level}", name, 1.0)
        sheet.sum(level, *parts[level])
    accounts = len(held.row) - 1
    none = np.full(accounts, -1, np.int32)
    built = sheet.build(held.account, 0)
    return PoolAnswer(built, none, none, np.zeros(accounts), equity.source)
