"""Accounts that a protocol counts in quote units: their cash, and their rows as a sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossmargin.core.arrays import Bytes
from crossmargin.margin.equity import SOURCES, equity_of
from crossmargin.margin.families.exact_units import as_float, held_units, units
from crossmargin.margin.model import EquitySource, PoolBook, Priced
from crossmargin.margin.sheet import SheetBuilder

__all__ = ["AddLeaf", "QuoteEquity", "exact_leaves", "quote_equity"]


class AddLeaf(Protocol):
    """Adds a column: the sum of some places of each row, less the sum of others."""

    def __call__(
        self, name: str, rule: str, plus: tuple[int, ...], minus: tuple[int, ...] = ()
    ) -> str:
        """Name of the column; each cell is rounded to a float once."""
        ...


def exact_leaves(sheet: SheetBuilder, rows: Sequence[Sequence[int]], decimals: int) -> AddLeaf:
    """What adds leaves to ``sheet`` from rows of integers in units of 10**-decimals."""

    def add(name: str, rule: str, plus: tuple[int, ...], minus: tuple[int, ...] = ()) -> str:
        values = [
            as_float(sum(row[k] for k in plus) - sum(row[k] for k in minus), decimals)
            for row in rows
        ]
        return sheet.leaf(name, np.array(values, np.float64), rule)

    return add


@dataclass(frozen=True, slots=True)
class QuoteEquity:
    """[A] cash in quote units and the code of its source; whether open profit stands beside it."""

    cash: list[int]
    open_profit: list[bool]
    source: Bytes


def quote_equity(
    priced: Priced, held: PoolBook, decimals: int, is_quote: Callable[[int], bool]
) -> QuoteEquity:
    """Cash of each account, exact where the book is.

    The rules are those of ``equity.equity_of`` with profit that is not settled into the balance:
    beside a balance, and where every position has an entry price, open profit counts; the venue's
    own equity holds it already.
    """
    ones = np.ones(len(priced.pool.instruments))
    floats = equity_of(priced, held, ones, settled=False)
    cash: list[int] = []
    open_profit: list[bool] = []
    for a, code in enumerate(floats.source.tolist()):
        source = SOURCES[code]
        total = 0
        if source is EquitySource.VENUE:
            total = units(float(floats.cash[a]), decimals)
        elif source is EquitySource.BALANCES:
            for j in range(int(held.row[a]), int(held.row[a + 1])):
                if is_quote(int(held.column[j])):
                    total += held_units(held, j, decimals)
        cash.append(total)
        open_profit.append(source in (EquitySource.BALANCES, EquitySource.REBUILT))
    return QuoteEquity(cash, open_profit, floats.source)
