"""The market inside a payload: rows collected one by one, then a snapshot.

A payload is one instant of its venue: every row has that time and says where it was read. Rows of
a snapshot given beside it fill what the payload does not hold, and never replace what it does.
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.market.fields import (
    Row,
    contract_subject,
    dated_subject,
    pair_subject,
)
from crossmargin.market.snapshot import Snapshot

__all__ = ["PayloadMarket"]


class PayloadMarket:
    """Collects what one payload says of prices; ``source`` names it in every row."""

    def __init__(self, as_of_ms: int, source: str) -> None:
        self.as_of_ms = as_of_ms
        self.source = source
        self._rows: dict[tuple[str, str], Row] = {}

    def put(self, field: str, subject: str, value: float, unit: str) -> None:
        """One observation; the first that speaks of a thing stands."""
        row = Row(field, subject, value, unit, self.source, self.as_of_ms, self.as_of_ms)
        self._rows.setdefault((field, subject), row)

    def index(self, base: str, quote: str, price: float) -> None:
        """Index of a pair; against USD it is the coin's dollar price too."""
        if base == quote:
            return
        self.put("index", pair_subject(base, quote), price, quote)
        if quote == "USD":
            self.usd(base, price)

    def usd(self, name: str, price: float) -> None:
        """Dollars per unit of a currency."""
        self.put("usd", name, price, "USD")

    def mark(self, item: Instrument, price: float) -> None:
        """The venue's mark in the contract's own price unit."""
        coin = item.inverse and item.kind is Kind.OPTION
        self.put("mark", contract_subject(*item.key), price, item.settle if coin else item.quote)

    def vol(self, item: Instrument, fraction: float) -> None:
        """Mark volatility as a fraction a year."""
        self.put("mark_iv", contract_subject(*item.key), fraction, "fraction")

    def forward(self, item: Instrument, price: float) -> None:
        """Forward of a contract's expiry."""
        subject = dated_subject(item.underlying, item.quote, item.expiry_ms)
        self.put("forward", subject, price, item.quote)

    def rate(self, item: Instrument, per_year: float) -> None:
        """Discount rate of a contract's expiry, continuously compounded."""
        subject = dated_subject(item.underlying, item.quote, item.expiry_ms)
        self.put("rate", subject, per_year, "per year")

    def funding_8h(self, item: Instrument, fraction: float) -> None:
        """Funding of eight hours of a perpetual."""
        self.put("funding_8h", contract_subject(*item.key), fraction, "fraction")

    def holds(self, field: str, subject: str) -> bool:
        """Whether something is known of a subject."""
        return (field, subject) in self._rows

    def snapshot(self, beside: Snapshot | None = None) -> Snapshot:
        """The snapshot of the rows, filled from ``beside`` where the payload says nothing."""
        if beside is None:
            return Snapshot.of(self._rows.values(), self.as_of_ms)
        kept = [row for row in beside.rows() if (row.field, row.subject) not in self._rows]
        # A snapshot read after the payload would be later than the instant that it fills.
        kept = [row._replace(event_ms=min(row.event_ms, self.as_of_ms)) for row in kept]
        return Snapshot.of([*kept, *self._rows.values()], self.as_of_ms)
