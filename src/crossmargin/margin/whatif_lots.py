"""The lots of an account, and what a trade does to them and to cash.

What is booked follows from what the model counts. Where it reads the entry price of a new lot (open
profit is not in the venue's balance), the lot carries its own gain and only the fee is booked; a
position that closes books the profit that leaves with it. Elsewhere the premium, or the gain of a
future that is settled to the mark, is cash at once. Either way equity changes by gain less fee.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal

from crossmargin.instruments.book import Book, Line, merge_lots
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.whatif_rows import Row
from crossmargin.margin.whatif_trades import Fill
from crossmargin.market.view import View

__all__ = ["Lots"]

# Wide enough to add any two floats as decimals without rounding.
_WIDE = Context(prec=1200)


class Lots:
    """Lots by column of the table; ``held[column]`` as the book has them.

    ``carries(column)`` says whether the model reads the entry price of a new lot of a contract.
    """

    def __init__(self, book: Book, row: Row, view: View, carries: Callable[[int], bool]) -> None:
        self.held = _lots(book)
        self.account = book.account[0]
        self._items = book.instruments.items
        self._row, self._mark, self._carries = row, view.mark, carries
        self._exact: dict[int, Decimal | None] = {}
        self.keeps_entries = any(
            line.entry_price is not None
            for column, lines in self.held.items()
            for line in lines
            if self._items[column].kind != Kind.ASSET
        )

    def total(
        self, column: int, amounts: Sequence[float], known: dict[float, Decimal] | None = None
    ) -> float:
        """The quantity of a row after more lots, summed as decimals.

        ``known``: decimals of amounts that many variants share, kept by the caller.
        """
        if column not in self._exact:
            total = None
            for lot in self.held.get(column, ()):
                more = Decimal(repr(float(lot.quantity)))
                total = more if total is None else _WIDE.add(total, more)
            self._exact[column] = total
        held = self._exact[column]
        if held is None and len(amounts) == 1:
            return amounts[0] + 0.0
        total = Decimal(0) if held is None else held
        decimals = {} if known is None else known
        for amount in amounts:
            exact = decimals.get(amount)
            if exact is None:
                exact = decimals[amount] = Decimal(repr(amount))
            total = _WIDE.add(total, exact)
        return float(total)

    def merged(self, column: int, lots: Sequence[Line]) -> tuple[float, float, bool]:
        """Quantity, entry price and whether it is known, as a book merges lots."""
        item = self._items[column]
        return merge_lots(lots, item.inverse and item.kind != Kind.OPTION)

    def after(self, column: int, fills: Sequence[Fill]) -> list[Line]:
        """The lots of a contract after fills; a position that closes leaves one of size zero."""
        lots = list(self.held.get(column, ()))
        for fill in fills:
            entry = fill.price if self.keeps_entries else None
            lots.append(Line(self.account, column, fill.size, entry, (), None, "what-if"))
        known = self.keeps_entries and all(lot.entry_price is not None for lot in lots)
        if known and self.total(column, [fill.size for fill in fills]) == 0.0:
            return [Line(self.account, column, 0.0, fills[-1].price, (), None, "what-if")]
        return lots

    def flows(self, fills: Sequence[Fill]) -> list[tuple[int, float]]:
        """(column, cash) of each contract traded: what is booked, or would be; see the module."""
        if not self.keeps_entries:
            return [(fill.column, fill.cash) for fill in fills]
        if len(fills) == 1 and not self._carries(fills[0].column):
            return [(fills[0].column, fills[0].cash)]
        out = []
        by_column: dict[int, list[Fill]] = {}
        for fill in fills:
            by_column.setdefault(fill.column, []).append(fill)
        for column, own in by_column.items():
            cash = sum([fill.cash for fill in own])
            if self._carries(column):
                fee = sum([fill.fee for fill in own])
                cash = self._realised(column, own) - fee
            out.append((column, cash))
        return out

    def _realised(self, column: int, fills: Sequence[Fill]) -> float:
        """Cash beside the fee where lots carry their own gain: profit that leaves a closed lot."""
        j = self._row.at.get(column)
        held = 0.0 if j is None else float(self._row.quantity[j])
        after, entry, known = self.merged(column, self.after(column, fills))
        if known and after != 0.0 and (held != 0.0 or j is None):
            return 0.0
        flow = sum([fill.premium + fill.settled for fill in fills])
        before = 0.0 if j is None else self._carried(column, held, float(self._row.entry[j]))
        return flow - (self._carried(column, after, entry) if known else 0.0) + before

    def _carried(self, column: int, quantity: float, entry: float) -> float:
        """What the entry price of a position puts into equity beside an option's value."""
        if quantity == 0.0:
            return 0.0
        item = self._items[column]
        size, mark = quantity * item.multiplier, float(self._mark[column])
        if item.kind == Kind.OPTION:
            return -size * entry
        return size * ((1.0 / entry - 1.0 / mark) if item.inverse else mark - entry)


def _lots(book: Book) -> dict[int, list[Line]]:
    """The lots of the account by column; its merged lines where it was built from arrays."""
    lines: Sequence[Line] = book.lines
    if not lines:
        entry = zip(book.entry_price.tolist(), book.entry_known.tolist(), strict=True)
        lines = [
            Line(book.account[0], column, quantity, price if known else None)
            for column, quantity, (price, known) in zip(
                book.column.tolist(), book.quantity.tolist(), entry, strict=True
            )
        ]
    out: dict[int, list[Line]] = {}
    for line in lines:
        out.setdefault(line.column, []).append(line)
    return out
