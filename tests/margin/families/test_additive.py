from __future__ import annotations

import numpy as np

from crossmargin.margin.equity import Equity
from crossmargin.margin.families.additive import Charge, additive_answer
from crossmargin.margin.sheet import SheetBuilder
from tests.margin.families.books import pool_book

HELD = pool_book([[1.0, -2.0], [0.0, 3.0], []])


def test_a_charge_by_side_square_and_position() -> None:
    def four(value: float) -> np.ndarray:
        return np.full(4, value)

    charge = Charge(four(10.0), four(20.0), four(1.0), four(100.0))
    # 10 + 1 + 100 and 40 + 4 + 100; nothing for what is not held; 30 + 9 + 100
    assert charge.of(HELD).tolist() == [255.0, 139.0, 0.0]


def test_the_ends_of_a_sheet() -> None:
    sheet = SheetBuilder(3)
    for name, value in (("equity", 5.0), ("a", 1.0), ("b", 2.0)):
        sheet.leaf(name, value, "rule")
    zero = np.zeros(3)
    equity = Equity(zero, zero, zero, np.zeros(3, np.int8))
    parts = {"im": ("a", "b"), "mm": ("a",)}
    found = additive_answer(sheet, HELD, equity, ("equity", "equity"), parts).sheet
    names = [column.name for column in found.columns][-4:]
    assert names == ["counted_im", "im", "counted_mm", "mm"]
    assert [float(found[name][0]) for name in names] == [5.0, 3.0, 5.0, 1.0]
