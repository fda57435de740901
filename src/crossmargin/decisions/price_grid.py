"""A book and what may be added to it, revalued on prices of one coin at a time to come.

For a price S of the coin after t years, in dollars (q quantity, m multiplier, u dollars a unit of
the settlement currency, S itself where that is the coin):

    balance           q u
    linear future     q m (mark(S) - mark) u            inverse    q m (1/mark - 1/mark(S)) u
    option            q m max(+-(S - K), 0) once expired, before that Black-76 on

    F(S) = S (F/S_0)^(life left / life),    vol(S) = vol min(max((S/S_0)^-k, 1/4), 4)

``k`` is the response of volatility to the price (0: each strike keeps its own). Futures keep their
basis in the same way. Lines of other coins stay at what they are worth today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import NEVER_MS, YEAR_MS
from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.market.view import View
from crossmargin.pricing.revalue import black_value

__all__ = ["BookWorth", "Lines", "grid_of", "price_of", "vol_response"]

_LEAST_PRICE = 1e-9  # of today's: stands for a price of zero under a logarithm
_VOL_MOVES = (0.25, 4.0)


def price_of(view: View, underlying: str) -> float:
    """Dollars of one coin; MarketDataError ``index_missing`` where none is known."""
    if underlying in view.instruments.names:
        usd = float(view.usd[view.instruments.names.index(underlying)])
        if usd > 0.0:
            return usd
    for k, (coin, quote) in enumerate(view.instruments.pairs):
        if coin == underlying and view.index[k] > 0.0:
            rate = float(view.usd[view.instruments.names.index(quote)])
            if rate > 0.0:
                return float(view.index[k]) * rate
    raise MarketDataError(
        "index_missing",
        "no price of the coin is known",
        place=underlying,
        remedy="Give a market that quotes it.",
    )


def grid_of(
    price: float, strikes: Sequence[float], top: float = 3.0, step: float = 0.005
) -> Floats:
    """Prices from 0 to ``top`` times today's in even steps, and every strike between."""
    even = price * step * np.arange(round(top / step) + 1)
    inside = [k for k in strikes if 0.0 < k < top * price]
    return np.unique(np.concatenate([even, np.asarray(inside, np.float64), [price]]))


def vol_response(price: Floats, vol: Floats) -> float:
    """``k`` of ``vol ~ S^-k``: the slope of log moves of volatility on those of price, in [0, 2].

    Least squares through the origin over joint daily moves; 0 where there are fewer than 30.
    """
    x, y = np.diff(np.log(price)), np.diff(np.log(vol))
    square = float(np.dot(x, x))
    if len(x) < 30 or square == 0.0:
        return 0.0
    return min(max(-float(np.dot(x, y)) / square, 0.0), 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """One unit of each contract, to be revalued; made by :meth:`of`."""

    items: tuple[Instrument, ...]
    underlying: str
    price: float  # dollars of the coin today
    mark: Floats  # [I] in the contract's price unit
    basis: Floats  # [I] forward or mark over the index
    vol: Floats  # [I]
    years: Floats  # [I] life, infinite where there is none
    usd: Floats  # [I] dollars a unit of settlement currency today
    coin: np.ndarray  # [I] whether it settles in the coin
    quote: Floats  # [I] dollars a unit of the quote currency

    @staticmethod
    def of(view: View, underlying: str) -> Lines:
        """Every row of a view; rows that are not ok are worth nothing here (see ``view.ok``)."""
        table = view.instruments
        price = price_of(view, underlying)
        rows = range(len(table))
        index = [float(view.index[table.pair[k]]) for k in rows]
        basis, years = np.ones(len(table)), np.full(len(table), np.inf)
        for k, item in enumerate(table.items):
            e = int(table.expiry[k])
            if item.expiry_ms != NEVER_MS:
                years[k] = max(item.expiry_ms - view.as_of_ms, 0) / YEAR_MS
            if not view.ok[k] or index[k] <= 0.0:
                continue
            if item.kind == Kind.OPTION and e >= 0:
                basis[k] = float(view.forward[e] + view.forward_settled[e]) / index[k]
            elif item.kind in (Kind.FUTURE, Kind.PERPETUAL):
                basis[k] = float(view.mark[k]) / index[k]
        usd = np.array([float(view.usd[code]) for code in table.settle])
        return Lines(
            table.items,
            underlying,
            price,
            np.where(view.ok, view.mark, 0.0),
            basis,
            np.asarray(view.vol),
            years,
            usd,
            np.array([item.settle == underlying for item in table.items], np.bool_),
            np.array([float(view.usd[code]) for code in table.quote]),
        )

    def money(self, row: int, prices: Floats) -> Floats:
        """[G] dollars a unit of the row's settlement currency at each price."""
        if self.coin[row]:
            return prices
        return np.full(prices.shape, float(self.usd[row]))

    def values(
        self, rows: Sequence[int], prices: Floats, years: float, response: float = 0.0
    ) -> Floats:
        """[R, G] dollars a unit: worth of an option or balance, profit since the mark of a future.

        ``prices`` in dollars, ``years`` from now, ``response`` the exponent k.
        """
        out = np.empty((len(rows), len(prices)))
        for n, row in enumerate(rows):
            out[n] = self._value(row, prices, years, response)
        return out

    def _value(self, row: int, prices: Floats, years: float, response: float) -> Floats:
        item = self.items[row]
        rate = self.money(row, prices)
        if item.kind in (Kind.ASSET, Kind.DEBT):
            return rate.copy()
        if item.underlying != self.underlying:
            today = self.mark[row] * item.multiplier if item.kind == Kind.OPTION else 0.0
            return np.asarray(today * rate)
        index = prices / float(self.quote[row])  # in the contract's quote currency
        life = float(self.years[row])
        left = max(life - years, 0.0)
        share = 1.0 if life == np.inf else left / life if life > 0.0 else 0.0
        forward = index * float(self.basis[row]) ** share
        if item.kind == Kind.OPTION:
            return self._option(item, row, prices, forward, share, left, response)
        if not item.inverse:
            return np.asarray(item.multiplier * (forward - self.mark[row]) * rate)
        # in dollars the inverse profit is a line: q m (1/mark - 1/F) S, with S/F the basis left
        turned = float(self.basis[row]) ** -share
        return np.asarray(item.multiplier * (prices / self.mark[row] - turned * self.quote[row]))

    def _option(
        self,
        item: Instrument,
        row: int,
        prices: Floats,
        forward: Floats,
        share: float,
        left: float,
        response: float,
    ) -> Floats:
        dollars = item.multiplier * float(self.quote[row])
        if left <= 0.0:
            index = prices / float(self.quote[row])
            return np.asarray(dollars * np.maximum(item.right * (index - item.strike), 0.0))
        moved = np.maximum(prices / self.price, _LEAST_PRICE)
        vol = self.vol[row] * np.clip(moved**-response, *_VOL_MOVES)
        safe = np.maximum(forward, _LEAST_PRICE * item.strike)
        value = black_value(safe, item.strike, vol * np.sqrt(left), float(item.right))
        if item.inverse:  # its coin price is a share of the forward, the coin is worth the index
            value = value * float(self.basis[row]) ** -share
        return np.asarray(dollars * value)


@dataclass(frozen=True, slots=True, eq=False)
class BookWorth:
    """Equity of one account on prices of a coin: exactly what the model says of it at today's.

    What the lines do not explain of the equity (cash that no line states) stays as dollars, or as
    coin where the venue reports the equity in it or no balance is known at all.
    """

    lines: Lines
    quantity: Floats  # [I]
    rest_usd: float
    rest_coins: float
    equity_usd: float

    @staticmethod
    def of(book: Book, view: View, underlying: str, equity_usd: float) -> BookWorth:
        """The first account of a book whose contracts are all in the view's table."""
        lines = Lines.of(view, underlying)
        quantity = np.zeros(len(view.instruments))
        first, last = int(book.row[0]), int(book.row[1])
        place = view.instruments.index_of()
        for column, size in zip(book.column[first:last], book.quantity[first:last], strict=True):
            quantity[place[book.instruments.items[int(column)].key]] += size
        held = np.flatnonzero(quantity)
        worth = quantity[held] @ lines.values(held.tolist(), np.array([lines.price]), 0.0)
        rest = equity_usd - float(worth[0]) if len(held) else equity_usd
        balances = any(lines.items[k].kind == Kind.ASSET for k in held)
        in_coin = any(currency == underlying for _, currency in book.reported.equity)
        in_coin |= not balances and any(bool(lines.coin[k]) for k in held)
        coins = rest / lines.price if in_coin else 0.0
        return BookWorth(lines, quantity, 0.0 if in_coin else rest, coins, equity_usd)

    def at(self, prices: Floats, years: float, response: float = 0.0) -> Floats:
        """[G] dollars of equity at each price after so many years."""
        held = np.flatnonzero(self.quantity)
        total = self.rest_usd + self.rest_coins * prices
        for row in held.tolist():
            value = self.lines.values([row], prices, years, response)[0]
            total = total + self.quantity[row] * value
        return np.asarray(total)

    def strikes(self) -> list[float]:
        """Strikes of the coin's options that are held, in dollars."""
        lines = self.lines
        return [
            lines.items[k].strike * float(lines.quote[k])
            for k in np.flatnonzero(self.quantity).tolist()
            if lines.items[k].kind == Kind.OPTION and lines.items[k].underlying == lines.underlying
        ]
