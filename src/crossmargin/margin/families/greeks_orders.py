"""Open orders under a margin by Greeks: an upper bound over every subset of fills.

    need = max( f [ c W + (1 - c) A + B ], the same of the full revaluation where that is charged )

W the worst fill of the scenarios with every coin together, A the sum over coins of each one's worst
fill, B the buffer at the gamma that is worst for it, f the IM factor, what fills cost against the
mark inside W and A. W and A are exact one by one, but for premiums in coin (see ``coin_premiums``).
The cap of a long book is left out: it only lowers.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.coin_premiums import moves_with_premiums
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.families.greeks_buffer import hedging_cost
from crossmargin.margin.fills import reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.pricing.fills import FillNeed, fill_need
from crossmargin.pricing.fold import fold_tables

__all__ = ["greeks_need"]


def greeks_need(priced: Priced, held: PoolBook, fills: Fills, parameters: Parameters) -> OrderNeed:
    """Initial requirement in dollars after the worst fills."""
    factor = parameters.number("level.im_factor")
    common = parameters.number("netting.common_share")
    assert priced.risk is not None  # set by price()
    tables = [priced.facts["taylor"]]
    if parameters.get("reading.error") == "charged":
        tables.append(priced.risk.pnl)
    book = with_equity_rows(priced, held)
    greeks: DollarGreeks = priced.facts["greeks"]
    best: OrderNeed | None = None
    buffer = _buffer(priced, held, fills, greeks)
    for pnl in tables:
        whole = _worst(priced, book, fills, pnl, factor, np.ones(len(pnl), np.bool_))
        apart = np.zeros(len(held.row) - 1)
        for u in range(len(greeks.coins)):
            mine = greeks.group == u
            apart = apart + _worst(priced, book, fills, pnl, factor, mine).need
        need = factor * (common * whole.need + (1.0 - common) * apart + buffer)
        found = OrderNeed(need, fills, whole.filled, whole.scenario)
        best = found if best is None else _larger(best, found)
    assert best is not None
    return best


def _larger(first: OrderNeed, second: OrderNeed) -> OrderNeed:
    """Account by account the larger need, with the fills that make it."""
    take = second.need > first.need
    order = np.repeat(take, np.diff(first.fills.row))
    return OrderNeed(
        np.where(take, second.need, first.need),
        first.fills,
        np.where(order, second.filled, first.filled),
        np.where(take, second.scenario, first.scenario).astype(np.int32),
    )


def _worst(
    priced: Priced, book: PoolBook, fills: Fills, pnl: Floats, factor: float, mine: Bools
) -> FillNeed:
    """The worst fill over the scenarios with the rows that are ``mine`` alone."""
    assert priced.scenarios is not None  # set by price()
    table = np.where(mine[:, None], pnl, 0.0)
    linear: Ints = np.full(len(pnl), -1, np.int32)
    nothing = np.zeros(0)
    fold = fold_tables(pnl.shape[1], linear, nothing, nothing)
    return fill_need(
        book.row,
        book.column,
        book.quantity,
        table,
        len(priced.scenarios),
        fold,
        fills.row,
        fills.column,
        moves_with_premiums(priced, fills, table),
        np.zeros(len(fills)),
        np.where(mine[fills.column], fills.gain / factor, 0.0),
        trusted=True,
    )


def _buffer(priced: Priced, held: PoolBook, fills: Fills, greeks: DollarGreeks) -> Floats:
    """[A] the buffer at the largest |gamma| of each coin that fills can make."""
    gamma = priced.facts["gamma"].sum(axis=1)
    _, high, low = reach(held, fills, greeks.group, gamma)
    most = np.maximum(np.abs(high), np.abs(low))
    return hedging_cost(most, priced.facts["buffer"])
