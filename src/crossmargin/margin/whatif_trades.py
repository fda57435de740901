"""Legs of a trade and what filling them does: premium, fee, and the gain against the mark.

    option         cash  -q m p - fee            gain  q m (mark - p)
    linear future  cash  q m (mark - p) - fee    gain  the same: it is settled to the mark
    inverse        cash  q m (1/p - 1/mark) - fee

Everything is in the currency in which the contract settles; a bought quantity is positive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import CrossMarginError, Failure, InputError, MarketDataError
from crossmargin.instruments.book import QUANTITY_MAX
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.fees import FeeTerms, fee_of_trade
from crossmargin.market.view import View

__all__ = ["Desk", "Fill", "Leg", "error_of"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A contract to trade: ``column`` of the prepared table, signed size in the venue's own unit.

    ``price`` None is the executable side: the ask for a buy, the bid for a sale.
    """

    column: int
    size: float
    price: float | None = None
    reduce_only: bool = False


class Fill(NamedTuple):
    """A leg as it would fill, in the table that is margined (another venue's where mapped).

    ``premium`` is option cash received (paid: negative), ``settled`` the part of the gain that is
    cash at once (futures), ``fee`` a cost, ``cash`` the sum: premium + settled - fee. ``gain`` is
    against the mark, before the fee. Settlement currency.
    """

    column: int
    size: float
    price: float
    quoted: str  # given, ask or bid
    premium: float
    settled: float
    fee: float
    gain: float
    cash: float


class _Terms(NamedTuple):
    option: bool
    inverse: bool
    multiplier: float
    mark: float
    bid: float | None
    ask: float | None
    fees: FeeTerms
    index_price: float


class Desk:
    """Fills legs against one view; contract terms are laid out once, fees looked up when traded."""

    def __init__(
        self,
        view: View,
        schedule: Schedule,
        margined: Sequence[int] | None = None,
        size_factor: Floats | None = None,
        price_unit: Floats | None = None,
    ) -> None:
        """``margined[k]`` is the margined row of the prepared row k, with its factor and unit."""
        count = len(view.instruments) if margined is None else len(margined)
        self.view = view
        self.schedule = schedule
        self._row = list(range(count)) if margined is None else list(margined)
        self._factor = None if size_factor is None else size_factor.tolist()
        self._unit = None if price_unit is None else price_unit.tolist()
        self._terms: dict[int, _Terms] = {}

    def fill(self, leg: Leg, position: float = 0.0) -> Fill:
        """The leg at its price; ``position`` is what is held of it, for reduce-only legs.

        Raises InputError ``order_invalid`` (size, price, reduce-only), ``quote_missing`` where no
        price is given and the side has no quote, and the failure of a contract without a price.
        """
        row = self._row[leg.column]
        terms = self._terms.get(row) or self._load(row)
        size, price = leg.size, leg.price
        if self._factor is not None:
            size *= self._factor[leg.column]
        if not 0.0 < abs(size) <= QUANTITY_MAX:
            raise self._bad(row, "the size of a leg", leg.size, f"not 0, within {QUANTITY_MAX:g}")
        if leg.reduce_only and not (size * position < 0.0 and abs(size) <= abs(position)):
            raise self._bad(
                row, "a reduce-only leg would open or increase", size, f"against {position:g} held"
            )
        quoted = "given"
        if price is None:
            quoted = "ask" if size > 0.0 else "bid"
            price = terms.ask if size > 0.0 else terms.bid
            if price is None:
                raise self._unquoted(row, quoted)
        elif self._unit is not None:
            price *= self._unit[leg.column]
        if not 0.0 < price <= QUANTITY_MAX:
            raise self._bad(row, "the price of a leg", leg.price, "> 0")
        return _filled(row, size, price, quoted, terms)

    def row_of(self, column: int) -> int:
        """The margined row of a prepared row; -1 for a balance of a mapped book."""
        return self._row[column]

    def factor_of(self, column: int) -> float:
        """Margined units of one unit of a prepared row."""
        return 1.0 if self._factor is None else float(self._factor[column])

    def _load(self, row: int) -> _Terms:
        view = self.view
        if row < 0:
            raise InputError(
                "order_invalid",
                "only options, futures and perpetuals are traded",
                limit="contracts",
                remedy="Name a contract.",
            )
        table = view.instruments
        item = table.items[row]
        label = table.label(row)
        if item.kind not in (Kind.OPTION, Kind.FUTURE, Kind.PERPETUAL):
            raise self._bad(row, "only options, futures and perpetuals are traded", label, "")
        if not view.ok[row]:
            raise error_of(next(f for f in view.failures if f.subject == label), view)
        costs = self.schedule.of(item)
        bid = float(view.bid[row]) if view.has_bid[row] and view.bid[row] > 0.0 else None
        ask = float(view.ask[row]) if view.has_ask[row] and view.ask[row] > 0.0 else None
        terms = self._terms[row] = _Terms(
            item.kind == Kind.OPTION,
            item.inverse,
            item.multiplier,
            float(view.mark[row]),
            bid,
            ask,
            costs,
            float(view.index[table.pair[row]]),
        )
        return terms

    def _bad(self, row: int, why: str, value: object, limit: str) -> InputError:
        return InputError(
            "order_invalid",
            why,
            place=self.view.instruments.label(row),
            value=value,
            limit=limit,
            remedy="Correct the leg: NAME:SIZE@PRICE, a sale with a negative size.",
        )

    def _unquoted(self, row: int, side: str) -> MarketDataError:
        return MarketDataError(
            "quote_missing",
            f"no {side} is quoted, and no price was given",
            place=self.view.instruments.label(row),
            remedy="Give a price: NAME:SIZE@PRICE.",
        )


def _filled(row: int, size: float, price: float, quoted: str, terms: _Terms) -> Fill:
    """Premium, settled gain and fee of a trade."""
    amount = size * terms.multiplier
    fee = fee_of_trade(
        terms.fees,
        option=terms.option,
        inverse=terms.inverse,
        amount=amount,
        price=price,
        index=terms.index_price,
    )
    if terms.option:
        gain = amount * (terms.mark - price)
        premium, settled = -amount * price, 0.0
    elif terms.inverse:
        gain = amount * (1.0 / price - 1.0 / terms.mark)
        premium, settled = 0.0, gain
    else:
        gain = amount * (terms.mark - price)
        premium, settled = 0.0, gain
    cash = premium + settled - fee
    if not math.isfinite(cash):
        raise InputError(
            "number_out_of_range", "the trade is too large to be counted", value=cash, limit="1e300"
        )
    return Fill(row, size, price, quoted, premium, settled, fee, gain, cash)


def error_of(failure: Failure, view: View) -> CrossMarginError:
    """The failure of an instrument as an error with its code."""
    expired = failure.code == "instrument_expired"
    kind = InputError if expired else MarketDataError
    return kind(
        failure.code,
        failure.reason,
        place=failure.subject,
        value=view.expired_at(failure.subject) if expired else None,
        limit=f"contracts alive at {format_ms(view.as_of_ms)}" if expired else "",
        remedy="Give the market of its time." if expired else "Give a market that quotes it.",
    )
