"""Perpetuals as base and quote: what a position left as its quote balance, at oracle prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bytes, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import SOURCES, equity_of, profit_since_entry
from crossmargin.margin.model import EquitySource, PoolBook, Priced
from crossmargin.margin.pools import is_kind, per_row, row_of_position
from crossmargin.market.view import View

__all__ = ["PerpAccounts", "oracle_usd", "perp_accounts"]

_OPEN = [k for k, s in enumerate(SOURCES) if s in (EquitySource.BALANCES, EquitySource.REBUILT)]


@dataclass(frozen=True, slots=True)
class PerpAccounts:
    """[A] cash of the settlement token and its source, [A] open profit, [N] profit a position."""

    cash: Floats
    source: Bytes
    unrealised: Floats
    profit: Floats


def oracle_usd(view: View, part: Instruments) -> Floats:
    """[I] the oracle's price of a row: dollars of a token, the venue's mark of a perpetual.

    These protocols mark at their oracle; a snapshot without a mark has the index instead.
    """
    perpetual = is_kind(part, Kind.PERPETUAL)
    return np.where(perpetual, view.mark, view.usd[part.underlying])


def perp_accounts(priced: Priced, held: PoolBook) -> PerpAccounts:
    """Cash, and profit that is still open: beside a balance, or where every entry is known.

    The venue's own equity holds all profit already; without an entry price it is settled.
    """
    ones = np.ones(len(priced.pool.instruments))
    equity = equity_of(priced, held, ones, settled=False)
    counts = np.isin(equity.source, _OPEN)[row_of_position(held.row)]
    part, view = priced.pool.instruments, priced.view
    profit = np.where(counts, profit_since_entry(part, view, held, False), 0.0)
    return PerpAccounts(equity.cash, equity.source, per_row(held.row, profit), profit)
