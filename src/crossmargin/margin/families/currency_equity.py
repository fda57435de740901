"""Equity of an account currency by currency: what a venue with one wallet and auto-borrow reads.

    equity[c] = balance + profit of the futures settled in c + mark value of the options paid in c

A balance already holds the premium that was paid; profit of what is open is not in it. Where the
venue reports the equity of a currency it is taken as it is. Dollars are made only at the end, at
the currency's own price: a stablecoin is not a dollar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import mark_value, profit_since_entry
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.pricing.sums import sums

__all__ = ["CurrencyEquity", "currency_codes", "currency_equity", "step_rates"]

_VENUE, _BALANCES, _REBUILT = 1, 2, 3  # codes of equity.SOURCES


@dataclass(frozen=True, slots=True)
class CurrencyEquity:
    """[A, C] units of each currency; ``source[A]`` indexes ``equity.SOURCES``."""

    cash: Floats
    unrealised: Floats
    option_value: Floats
    source: Bytes

    def total(self) -> Floats:
        """[A, C] equity, units of each currency."""
        return self.cash + self.unrealised + self.option_value

    @staticmethod
    def in_dollars(units: Floats, usd: Sequence[float | Floats]) -> Floats:
        """[A] dollars of [A, C] units, added currency by currency; a price may be [A]."""
        out = np.zeros(len(units))
        for c in range(len(usd)):
            out += units[:, c] * usd[c]
        return out


def currency_codes(part: Instruments) -> tuple[tuple[str, ...], Ints]:
    """Currencies in alphabetical order, and [I] the code of that in which a row counts.

    A balance or a spot pair counts in its coin, a contract in its settlement currency.
    """
    paid = [i.underlying if i.kind == Kind.ASSET else i.settle for i in part.items]
    names = tuple(sorted({*paid, *(i.settle for i in part.items)}))
    place = {name: k for k, name in enumerate(names)}
    return names, frozen([place[name] for name in paid], np.int32)


def currency_equity(
    priced: Priced, held: PoolBook, names: tuple[str, ...], code: Ints
) -> CurrencyEquity:
    """Balances, open profit and option value of a block, by currency; see the module.

    An account without any balance, all of whose positions have an entry price, is rebuilt: what it
    paid for its options is its negative balance. Raises InputError ``currency_unknown`` for equity
    reported in a currency of which the book's table holds nothing.
    """
    part, accounts, count = priced.pool.instruments, len(held.row) - 1, len(names)
    table = np.zeros((len(part), 4))
    table[:, 0] = is_kind(part, Kind.ASSET)
    table[:, 1] = mark_value(part, priced.view)
    found = sums(held.row, held.column, held.quantity, code, table, trusted=True)
    cell = found.row.astype(np.int64) * count + found.run
    size = accounts * count

    def spread(cells: np.ndarray, values: Floats) -> Floats:
        return by_row(cells, values, size).reshape(accounts, count)

    cash, option_value = spread(cell, found.net[:, 0]), spread(cell, found.net[:, 1])
    unrealised = np.zeros((accounts, count))
    source = np.zeros(accounts, np.int8)
    source[_owners(held, table[:, 0] > 0.0)] = _BALANCES
    if held.entry_known.any():
        where = row_of_position(held.row) * count + code[held.column]
        unrealised = spread(where, profit_since_entry(part, priced.view, held, False))
        unsure = _unsure(held) & (source == 0)
        sure = (source == 0) & ~unsure & (np.diff(held.row) > 0)
        premium = np.where(
            is_kind(part, Kind.OPTION)[held.column] & held.entry_known,
            held.quantity * part.multiplier[held.column] * held.entry_price,
            0.0,
        )
        cash[sure] = -spread(where, premium)[sure]
        source[sure] = _REBUILT
        unrealised[unsure] = 0.0
    _reported(held, names, cash, unrealised, option_value, source)
    return CurrencyEquity(cash, unrealised, option_value, source)


def _owners(held: PoolBook, wanted: Bools) -> np.ndarray:
    """Accounts that hold a wanted row; repeated where they hold several."""
    lines = np.flatnonzero(wanted[held.column])
    return np.searchsorted(held.row, lines, side="right") - 1


def _unsure(held: PoolBook) -> Bools:
    """[A] accounts of which an entry price is unknown."""
    known = by_row(
        row_of_position(held.row), held.entry_known.astype(np.float64), len(held.row) - 1
    )
    return np.asarray(known < np.diff(held.row))


def _reported(
    held: PoolBook,
    names: tuple[str, ...],
    cash: Floats,
    unrealised: Floats,
    option_value: Floats,
    source: Bytes,
) -> None:
    """The venue's own equity where it is given; a currency that it leaves out is empty."""
    given = held.book.reported.equity
    if not given:
        return
    place = {name: k for k, name in enumerate(held.book.account)}
    code = {name: c for c, name in enumerate(names)}
    for account, currency in given:
        if currency not in code:
            raise InputError(
                "currency_unknown",
                "equity is reported in a currency of which the book holds nothing",
                place=f"account {account}",
                value=currency,
                limit=", ".join(names) or "none",
                remedy="Give the balance line of that currency.",
            )
    for a in {place[account]: None for account, _ in given if account in place}:
        cash[a] = -option_value[a]
        unrealised[a] = 0.0  # it is in the venue's figure
        source[a] = _VENUE
    for (account, currency), equity in given.items():
        if account in place:
            cash[place[account], code[currency]] += equity


def step_rates(amount: Floats, edges: Floats, rates: Floats) -> tuple[Floats, Bools]:
    """[A, R] the rates of the tier that an amount lies in, and where it lies beyond the last.

    ``edges[T]`` rising, each the largest amount of its tier; ``rates[T, R]``. Beyond the last edge
    the last rates stand: of rising tiers a lower bound.
    """
    tier = np.searchsorted(edges, amount, side="left")
    return rates[np.minimum(tier, len(edges) - 1)], np.asarray(tier >= len(edges))
