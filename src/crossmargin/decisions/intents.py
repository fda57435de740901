"""Intents: trades and transfers that somebody else may carry out.

A decision is only data. A trade is a signed size of a contract, a transfer a positive amount of a
currency from one place to another; both carry what they are expected to cost and why they are
there. The rows of the trades have the form of a what-if candidate, so that an answer is judged by
sending the changed book in at the left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from crossmargin.core.errors import InputError

__all__ = ["Intents", "Trade", "Transfer", "intent_columns"]

_COLUMNS = ("candidate", "instrument", "side", "size", "price", "reduce_only")


@dataclass(frozen=True, slots=True)
class Trade:
    """``size`` in units of the book's quantity, bought positive; never zero.

    ``price``: the limit in the contract's quote currency, None for the executable side.
    ``cost_usd``: dollars against the mark, positive where the trade costs.
    """

    instrument: str
    size: float
    price: float | None = None
    reduce_only: bool = False
    account: str = ""
    venue: str = ""
    cost_usd: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        _finite("trade", self.instrument, "size", self.size, nonzero=True)
        _finite("trade", self.instrument, "cost_usd", self.cost_usd)
        if self.price is not None:
            _finite("trade", self.instrument, "price", self.price)

    @property
    def side(self) -> str:
        """``buy`` or ``sell``."""
        return "buy" if self.size > 0.0 else "sell"

    def leg(self) -> str:
        """The form of a what-if leg: ``NAME:SIZE[@PRICE]``, with the venue where one is given."""
        name = f"{self.venue}|{self.instrument}" if self.venue else self.instrument
        price = "" if self.price is None else f"@{self.price:.15g}"
        return f"{name}:{self.size:.15g}{price}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` of ``currency``, positive, from one place (``venue/account``) to another.

    ``cost_usd``: fees and gas in dollars; ``seconds``: how long it takes.
    """

    source: str
    target: str
    currency: str
    amount: float
    cost_usd: float = 0.0
    seconds: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        place = f"{self.source} to {self.target}"
        _finite("transfer", place, "amount", self.amount, nonzero=True)
        _finite("transfer", place, "cost_usd", self.cost_usd)
        _finite("transfer", place, "seconds", self.seconds)
        if self.amount < 0.0 or self.seconds < 0.0:
            raise InputError(
                "number_out_of_range",
                "a transfer moves a positive amount in no less than no time",
                place=place,
                value=(self.amount, self.seconds),
                limit="> 0, >= 0",
                remedy="Swap source and target for the other direction.",
            )


@dataclass(frozen=True, slots=True)
class Intents:
    """Trades in the order in which they are meant to fill, and transfers."""

    trades: tuple[Trade, ...] = ()
    transfers: tuple[Transfer, ...] = ()

    @property
    def cost_usd(self) -> float:
        """Dollars of all trades and transfers, in their order."""
        costs = [trade.cost_usd for trade in self.trades]
        total = 0.0
        for cost_usd in (*costs, *(each.cost_usd for each in self.transfers)):
            total += cost_usd
        return total

    def __len__(self) -> int:
        return len(self.trades) + len(self.transfers)

    def legs(self) -> tuple[str, ...]:
        """The trades as legs of one what-if."""
        return tuple(trade.leg() for trade in self.trades)

    def rows(self, candidate: str = "intent") -> tuple[dict[str, str], ...]:
        """The trades as rows of a file of what-if candidates, numbers to 15 digits."""
        return tuple(_row(trade, candidate) for trade in self.trades)

    def to_dict(self) -> dict[str, Sequence[dict[str, object]]]:
        """Plain values for JSON."""
        return {
            "trades": [
                {
                    "account": trade.account,
                    "venue": trade.venue,
                    "instrument": trade.instrument,
                    "size": trade.size,
                    "price": trade.price,
                    "reduce_only": trade.reduce_only,
                    "cost_usd": trade.cost_usd,
                    "reason": trade.reason,
                }
                for trade in self.trades
            ],
            "transfers": [
                {
                    "source": each.source,
                    "target": each.target,
                    "currency": each.currency,
                    "amount": each.amount,
                    "cost_usd": each.cost_usd,
                    "seconds": each.seconds,
                    "reason": each.reason,
                }
                for each in self.transfers
            ],
        }


def intent_columns() -> tuple[str, ...]:
    """The columns of :meth:`Intents.rows`, which are those of a file of what-if candidates."""
    return _COLUMNS


def _row(trade: Trade, candidate: str) -> dict[str, str]:
    name = f"{trade.venue}|{trade.instrument}" if trade.venue else trade.instrument
    return {
        "candidate": candidate,
        "instrument": name,
        "side": trade.side,
        "size": f"{abs(trade.size):.15g}",
        "price": "" if trade.price is None else f"{trade.price:.15g}",
        "reduce_only": "true" if trade.reduce_only else "false",
    }


def _finite(kind: str, place: str, field: str, value: float, *, nonzero: bool = False) -> None:
    """InputError ``number_not_finite``, or ``number_out_of_range`` for a zero that says nothing."""
    if not isfinite(value):
        raise InputError(
            "number_not_finite",
            f"a number of a {kind} is not finite",
            place=f"{place} {field}",
            value=value,
            limit="finite numbers",
            remedy="Correct the number.",
        )
    if nonzero and value == 0.0:
        raise InputError(
            "number_out_of_range",
            f"a {kind} of nothing is no intent",
            place=f"{place} {field}",
            value=value,
            limit="not 0",
            remedy="Leave it out.",
        )
