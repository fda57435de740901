"""What it costs to leave an account at a moved market, as a hook of ``nodes.Account``.

    cost(node) = sum over lines of the cost at depth (``exit_market``) at the node: walk of the
                 touch, impact beyond it, fee

The order book of a market that has not happened is not known; what is assumed of it:

    future, perpetual   bid and ask keep their share of the mark
    option              bid and ask keep their distance to the mark in the price unit; a bid that
                        would be nothing is gone
    no quote            the bound of ``exit_market`` at the node: intrinsic value for what is held
                        long, volatility plus stated points for what is sold
    size at the touch, volume, open interest, hedge    as they are now

Mark, delta, vega, notional, fee and bound are those of the node. The cost of a line that would
gain (a quote better than the mark) counts with its sign. What has expired on the way costs nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.arrays import Floats, frozen
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.pools import is_kind
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["ExitAtNodes", "quotes_kept"]


class ExitAtNodes:
    """Dollars to add to equity at a node, below zero where leaving costs: ``value_of``."""

    def __init__(
        self,
        view: View,
        snapshot: Snapshot,
        schedule: Schedule | None = None,
        terms: ExitTerms | None = None,
    ) -> None:
        """``view``: the unmoved market of the account's own table, with its quotes."""
        self.view = view
        self.desk = Desk(
            view,
            snapshot,
            Schedule.at(view.as_of_ms) if schedule is None else schedule,
            ExitTerms.at(view.as_of_ms) if terms is None else terms,
        )
        derivative = is_kind(view.instruments, Kind.OPTION, Kind.FUTURE, Kind.PERPETUAL)
        self._leaves = derivative & view.ok

    def __call__(self, book: Book, moved: View) -> float:
        """Minus the cost of leaving every line of the only account of a book at a node."""
        return -sum(self.costs(book, moved))

    def costs(self, book: Book, moved: View) -> list[float]:
        """The cost of each line that is left, dollars, in the book's order."""
        seen = quotes_kept(self.view, moved)
        found = []
        for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
            if quantity != 0.0 and self._leaves[k]:
                quote = self.desk.quote(k, -1.0 if quantity > 0.0 else 1.0, seen)
                found.append(float(quote.cost.at(-quantity)))
        return found


def quotes_kept(view: View, moved: View) -> View:
    """The moved market with the quotes of now at their old distance to the marks; see the module.

    The view itself where nothing has moved.
    """
    if moved is view:
        return view
    option = is_kind(view.instruments, Kind.OPTION)
    sides: list[Floats] = []
    for price in (view.bid, view.ask):
        kept = moved.mark + (price - view.mark)
        share = np.where(view.mark > 0.0, price / np.where(view.mark > 0.0, view.mark, 1.0), 1.0)
        sides.append(np.maximum(np.where(option, kept, moved.mark * share), 0.0))
    return replace(
        moved,
        bid=frozen(sides[0], np.float64),
        ask=frozen(sides[1], np.float64),
        has_bid=frozen(view.has_bid & (sides[0] > 0.0), np.bool_),
        has_ask=frozen(view.has_ask & (sides[1] > 0.0), np.bool_),
    )
