"""Open orders over joint scenarios: an upper bound over every subset of fills.

    need <= min( sum over groups of each one's worst fill, needed now + sum over coins of what the
                 orders of each can lose by themselves )

Both hold: the worst loss of a sum is at most the sum of worst losses, and no netting takes more
than the plain sum. Without credits the first is exact, group by group.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.coin_premiums import moves_with_premiums
from crossmargin.margin.families.cross_scan import CrossScan, Netted
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.pricing.fills import FillNeed, fill_need
from crossmargin.pricing.fold import fold_tables

__all__ = ["cross_need"]


def cross_need(
    priced: Priced, scan: CrossScan, held: PoolBook, fills: Fills, now: Netted
) -> OrderNeed:
    """Requirement in dollars after the worst fills, without factors and without their cost.

    What fills cost against the mark is the caller's to add.
    """
    book = with_equity_rows(priced, held)
    empty = replace(
        book,
        row=frozen(np.zeros(len(book.row)), np.int64),
        column=book.column[:0],
        quantity=book.quantity[:0],
    )
    accounts = len(held.row) - 1
    apart, alone = np.zeros(accounts), np.zeros(accounts)
    # A credit may fall away: there every coin is a group by itself.
    codes = range(len(scan.tables)) if scan.credits else range(max(scan.group) + 1)
    for code in codes:
        apart = apart + _worst(priced, scan, book, fills, _group(scan, code)).need
    for table in scan.tables:
        alone = alone + _worst(priced, scan, empty, fills, table).need
    whole = _worst(priced, scan, book, fills, scan.risk.pnl)
    parting = _break(priced, scan, book, fills)
    need = np.maximum(np.minimum(apart, now.joint + alone), parting)
    return OrderNeed(need, fills, whole.filled, whole.scenario)


def _group(scan: CrossScan, code: int) -> Floats:
    """The risk array of one group: the sum of its movers', of which one is not zero in each row."""
    if scan.credits:
        return scan.tables[code]
    own = [t for t, g in zip(scan.tables, scan.group, strict=True) if g == code]
    total = np.zeros(scan.risk.pnl.shape)
    for table in own:
        total = total + table
    return total


def _worst(
    priced: Priced, scan: CrossScan, book: PoolBook, fills: Fills, table: Floats
) -> FillNeed:
    return _need(book, fills, table, len(scan.scenarios), moves_with_premiums(priced, fills, table))


def _break(priced: Priced, scan: CrossScan, book: PoolBook, fills: Fills) -> Floats:
    """The worst fills where an offset parts."""
    moves = moves_with_premiums(priced, fills, scan.breaks)
    return _need(book, fills, scan.breaks, scan.breaks.shape[1], moves).need


def _need(book: PoolBook, fills: Fills, table: Floats, count: int, moves: Floats) -> FillNeed:
    linear: Ints = np.full(len(table), -1, np.int32)
    nothing = np.zeros(0)
    free = np.zeros(len(fills))
    return fill_need(
        book.row,
        book.column,
        book.quantity,
        np.ascontiguousarray(table),
        count,
        fold_tables(table.shape[1], linear, nothing, nothing),
        fills.row,
        fills.column,
        moves,
        np.zeros(len(fills)),
        free,
        trusted=True,
    )
