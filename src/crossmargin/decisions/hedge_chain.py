"""What can be bought and sold for protection: one expiry's options at their executable sides.

    bought   ask + fee a unit        sold   bid - fee a unit        in settlement currency

A side that is not quoted is not made up: the contract is named, and left out where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.decisions.price_grid import Lines
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.market.fees import FeeTerms, fee_of_trade
from crossmargin.market.view import View

__all__ = ["Chain", "Missing", "Side", "chains_of", "perpetual_of", "trade_costs"]

Terms = Callable[[Instrument], FeeTerms]
# Strikes beyond these shares of the price are neither bought nor sold, and not missed.
_STRIKES = (0.3, 2.0)


@dataclass(frozen=True, slots=True)
class Missing:
    """A contract that lacks the quotes of ``sides`` (``bid``, ``ask``)."""

    name: str
    sides: str


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Puts or calls of one expiry by rising strike; NaN marks a side that is not quoted.

    ``buy`` and ``sell`` in settlement currency a unit, fees inside (paid, received); ``mid_cost``
    the dollars a unit that a trade costs against the mark: half the spread and the fee.
    """

    rows: tuple[int, ...]  # of the view
    strike: Floats  # dollars
    buy: Floats
    sell: Floats
    mid_cost: Floats

    def bought(self) -> list[int]:
        """Places that can be bought."""
        return np.flatnonzero(np.isfinite(self.buy)).tolist()

    def sold(self) -> list[int]:
        """Places that can be sold for something."""
        return np.flatnonzero(np.isfinite(self.sell) & (self.sell > 0.0)).tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One expiry of one coin: what a unit costs and what is missing."""

    expiry_ms: int
    years: float
    puts: Side
    calls: Side
    missing: tuple[Missing, ...]


def trade_costs(
    item: Instrument, terms: FeeTerms, view: View, row: int
) -> tuple[float, float, float]:
    """(bought at, sold at, half spread and fee in dollars) of one unit; NaN where not quoted.

    The fee of a trade as such (``base``) is left out here: it is of a trade, not of a unit.
    """
    pair = float(view.index[view.instruments.pair[row]])
    usd = float(view.usd[view.instruments.settle[row]])
    found = []
    for has, price in (
        (view.has_ask[row], float(view.ask[row])),
        (view.has_bid[row], float(view.bid[row])),
    ):
        if not has or price <= 0.0:
            found.append((np.nan, np.nan))
            continue
        fee = fee_of_trade(
            FeeTerms(terms.share, terms.cap, 0.0),
            option=item.kind == Kind.OPTION,
            inverse=item.inverse,
            amount=item.multiplier,
            price=price,
            index=pair,
        )
        found.append((price, fee))
    (ask, ask_fee), (bid, bid_fee) = found
    m = item.multiplier
    half = 0.5 * m * (ask - bid) + 0.5 * (ask_fee + bid_fee)
    return m * ask + ask_fee, m * bid - bid_fee, usd * half


def chains_of(lines: Lines, view: View, terms: Terms, allowed: set[str]) -> list[Chain]:
    """Every expiry of the coin whose options are in the view and in ``allowed``, soonest first.

    Options settled in the coin and in dollars are chains of their own.
    """
    groups: dict[tuple[int, str], list[int]] = {}
    for row, item in enumerate(lines.items):
        wanted = item.kind == Kind.OPTION and item.underlying == lines.underlying
        if wanted and item.native_id in allowed and lines.years[row] > 0.0:
            groups.setdefault((item.expiry_ms, item.settle), []).append(row)
    return [
        _chain(lines, view, terms, expiry_ms, rows)
        for (expiry_ms, _), rows in sorted(groups.items())
    ]


def _chain(lines: Lines, view: View, terms: Terms, expiry_ms: int, rows: list[int]) -> Chain:
    missing: list[Missing] = []
    sides = []
    for right in (-1, 1):
        strikes, kept, costs = [], [], []
        for row in sorted(rows, key=lambda k: lines.items[k].strike):
            item = lines.items[row]
            strike = item.strike * float(lines.quote[row])
            inside = _STRIKES[0] <= strike / lines.price <= _STRIKES[1]
            if item.right != right or not inside or not view.ok[row]:
                continue
            cost = trade_costs(item, terms(item), view, row)
            lacks = [name for name, c in zip(("ask", "bid"), cost, strict=False) if np.isnan(c)]
            if lacks:
                missing.append(Missing(item.native_id, " and ".join(lacks)))
            strikes.append(strike)
            kept.append(row)
            costs.append(cost)
        table = np.array(costs, np.float64).reshape(-1, 3)
        sides.append(
            Side(tuple(kept), np.array(strikes, np.float64), table[:, 0], table[:, 1], table[:, 2])
        )
    years = (expiry_ms - view.as_of_ms) / YEAR_MS
    return Chain(expiry_ms, years, sides[0], sides[1], tuple(missing))


def perpetual_of(lines: Lines, view: View, allowed: set[str]) -> int | None:
    """Row of the coin's perpetual that is quoted on both sides, the coin-settled one first."""
    found = [
        row
        for row, item in enumerate(lines.items)
        if item.kind == Kind.PERPETUAL
        and item.underlying == lines.underlying
        and item.native_id in allowed
        and view.ok[row]
        and view.has_bid[row]
        and view.has_ask[row]
    ]
    return min(found, key=lambda row: (not lines.coin[row], row), default=None)
