"""Greeks of a book by underlying, from Black-76 at the view's forwards.

Delta in coins (an inverse future: its dollars over the mark), gamma in coins a dollar, vega in
dollars a volatility point, theta in dollars a day. Derivatives alone: a coin balance is no Greek.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.pools import is_kind
from crossmargin.margin.whatif_trades import Fill
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks

__all__ = ["GreekTable", "Greeks"]


class Greeks(NamedTuple):
    """Of one underlying; ``index_usd`` turns coins into dollars."""

    delta_coins: float
    gamma_coins_per_usd: float
    vega_usd_per_point: float
    theta_usd_per_day: float
    index_usd: float


class GreekTable:
    """Greeks of one unit of every row of a view, and sums over books and trades."""

    def __init__(self, view: View) -> None:
        table = view.instruments
        self._name = [table.names[int(code)] for code in table.underlying]
        usd_of_quote = view.usd[table.quote]
        self._index = (view.index[table.pair] * usd_of_quote).tolist()
        columns = np.zeros((len(table), 4))
        future = is_kind(table, Kind.PERPETUAL, Kind.FUTURE)
        columns[future, 0] = coin_size(table, view)[future]
        rows = np.flatnonzero(is_kind(table, Kind.OPTION) & view.ok)
        if len(rows):
            expiry = table.expiry[rows]
            unit = greeks(
                (view.forward + view.forward_settled)[expiry],
                table.strike[rows],
                (view.life_ms / YEAR_MS)[expiry],
                view.vol[rows],
                table.right[rows].astype(np.float64),
            )
            size, dollars = table.multiplier[rows], usd_of_quote[rows]
            columns[rows, 0] = unit.delta * size
            columns[rows, 1] = unit.gamma * size / dollars
            columns[rows, 2] = unit.vega * size * dollars / 100.0
            columns[rows, 3] = unit.theta * size * dollars / 365.0
        self._columns = [tuple(row) for row in columns.tolist()]
        self._derivative = (table.kind != Kind.ASSET).tolist()

    def delta_of(self, column: int) -> float:
        """Delta of one unit of a row, coins."""
        return self._columns[column][0]

    def of_book(self, book: Book) -> dict[str, Greeks]:
        """By underlying, of the first account of a book over the same table."""
        low, high = int(book.row[0]), int(book.row[1])
        held = zip(book.column[low:high].tolist(), book.quantity[low:high].tolist(), strict=True)
        return self._added({}, held)

    def after(self, before: Mapping[str, Greeks], fills: Iterable[Fill]) -> dict[str, Greeks]:
        """``before`` and the trades."""
        return self._added(before, ((fill.column, fill.size) for fill in fills))

    def _added(
        self, before: Mapping[str, Greeks], amounts: Iterable[tuple[int, float]]
    ) -> dict[str, Greeks]:
        out = dict(before)
        for column, size in amounts:
            if not self._derivative[column]:
                continue
            name, row = self._name[column], self._columns[column]
            old = out.get(name) or Greeks(0.0, 0.0, 0.0, 0.0, self._index[column])
            out[name] = Greeks(
                old.delta_coins + size * row[0],
                old.gamma_coins_per_usd + size * row[1],
                old.vega_usd_per_point + size * row[2],
                old.theta_usd_per_day + size * row[3],
                old.index_usd,
            )
        return out
