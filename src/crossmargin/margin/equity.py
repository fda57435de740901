"""What an account holds beside its positions: cash, unrealised profit and option value.

Where the venue's equity is given it is taken as it is. Where cash balances are given, futures
profit is taken as settled into them and only option value is added (a venue that settles at the
close says so). Only where a pool has no balance at all is equity rebuilt from entry prices. Never
two at once; the source is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bytes, Floats, frozen
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import EquitySource, Pool, PoolBook, Priced
from crossmargin.margin.pools import at_home, is_kind, per_row
from crossmargin.market.view import View
from crossmargin.pricing.sums import SumTable, row_sums_of, sum_table

__all__ = [
    "SOURCES",
    "Equity",
    "equity_of",
    "equity_table",
    "mark_value",
    "profit_since_entry",
    "with_equity_rows",
    "with_lines",
]

SOURCES = (EquitySource.NONE, EquitySource.VENUE, EquitySource.BALANCES, EquitySource.REBUILT)
_NONE, _VENUE, _BALANCES, _REBUILT = range(4)


@dataclass(frozen=True, slots=True)
class Equity:
    """[A] arrays in the pool's currency; ``source`` indexes :data:`SOURCES`."""

    cash: Floats
    unrealised: Floats
    option_value: Floats
    source: Bytes


def mark_value(instruments: Instruments, view: View) -> Floats:
    """[I] an option's value at the venue's mark, per unit, in settlement currency; else 0."""
    option = is_kind(instruments, Kind.OPTION)
    return np.where(option, instruments.multiplier * view.mark, 0.0)


def profit_since_entry(
    instruments: Instruments, view: View, held: PoolBook, options_too: bool
) -> Floats:
    """[N] profit of each position since its entry price, in settlement currency; 0 where unknown.

    Linear ``q m (mark - entry)``; inverse future ``q m (1/entry - 1/mark)``; an inverse option is
    quoted in coin and therefore linear.
    """
    column, entry = held.column, held.entry_price
    kind = instruments.kind[column]
    wanted = held.entry_known & (kind != Kind.ASSET)
    if not options_too:
        wanted &= kind != Kind.OPTION
    mark = view.mark[column]
    turned = instruments.inverse[column] & (kind != Kind.OPTION)
    with_entry = np.where(wanted, entry, 1.0)
    safe_mark = np.where(turned & (mark > 0.0), mark, 1.0)
    safe_entry = np.where(turned & wanted, with_entry, 1.0)
    gain = np.where(turned, 1.0 / safe_entry - 1.0 / safe_mark, mark - with_entry)
    return np.where(wanted, held.quantity * instruments.multiplier[column] * gain, 0.0)


def equity_table(pool: Pool, option_value: Floats, to_pool: Floats) -> SumTable:
    """The columns that :func:`equity_of` sums; a model may make them once a price."""
    return sum_table(np.stack([pool.cash * to_pool, option_value * to_pool], axis=1))


def equity_of(
    priced: Priced,
    held: PoolBook,
    to_pool: Floats,
    *,
    settled: bool = True,
    table: SumTable | None = None,
) -> Equity:
    """Cash, unrealised profit and option value of each account of a block.

    ``to_pool[I]`` converts a row's settlement currency (an ASSET row's own unit) to the pool's.
    ``settled`` False: the venue's balance holds neither profit nor premium of what is open, so
    both are added from the entry prices where they are known. ``table``: :func:`equity_table` of
    the same, where it is there.
    """
    accounts = len(held.row) - 1
    if table is None:
        table = equity_table(priced.pool, priced.option_value, to_pool)
    totals = row_sums_of(held.row, held.column, held.quantity, table).net
    cash, option_value = totals.T.copy()
    unrealised = np.zeros(accounts)
    source = np.zeros(accounts, np.int8)
    lines = np.flatnonzero(priced.pool.cash[held.column])
    if len(lines):
        source[np.searchsorted(held.row, lines, side="right") - 1] = _BALANCES
    if held.entry_known.any():
        if not settled:
            _add_open_profit(priced, held, to_pool, source, cash, unrealised)
        _rebuild(priced, held, to_pool, source, cash, unrealised, option_value)
    _reported(priced, held, to_pool, source, cash, unrealised, option_value)
    return Equity(cash, unrealised, option_value, source)


def _add_open_profit(
    priced: Priced,
    held: PoolBook,
    to_pool: Floats,
    source: Bytes,
    cash: Floats,
    unrealised: Floats,
) -> None:
    """Accounts with a balance that is settled only when a position is closed."""
    instruments, view = priced.pool.instruments, priced.view
    weight = to_pool[held.column]
    with_balance = source == _BALANCES
    futures = per_row(held.row, weight * profit_since_entry(instruments, view, held, False))
    option = is_kind(instruments, Kind.OPTION)[held.column] & held.entry_known
    size = held.quantity * instruments.multiplier[held.column] * held.entry_price
    premium = per_row(held.row, np.where(option, weight * size, 0.0))
    unrealised[with_balance] = futures[with_balance]
    cash[with_balance] -= premium[with_balance]


def _rebuild(
    priced: Priced,
    held: PoolBook,
    to_pool: Floats,
    source: Bytes,
    cash: Floats,
    unrealised: Floats,
    option_value: Floats,
) -> None:
    """Accounts without any balance, all of whose positions have an entry price."""
    instruments, view = priced.pool.instruments, priced.view
    weight = to_pool[held.column]
    known = per_row(held.row, held.entry_known.astype(np.float64))
    sure = (known == np.diff(held.row)) & (known > 0) & (source == _NONE)
    futures = per_row(held.row, weight * profit_since_entry(instruments, view, held, False))
    everything = per_row(held.row, weight * profit_since_entry(instruments, view, held, True))
    # What was paid for the options is the negative cash of an account that started with nothing.
    unrealised[sure] = futures[sure]
    cash[sure] = (everything - futures - option_value)[sure]
    source[sure] = _REBUILT


def _reported(
    priced: Priced,
    held: PoolBook,
    to_pool: Floats,
    source: Bytes,
    cash: Floats,
    unrealised: Floats,
    option_value: Floats,
) -> None:
    """Where the venue reports the equity of a currency of this pool, cash is what is left of it.

    Raises InputError ``currency_unknown`` for a currency of which the book holds nothing.
    """
    given = held.book.reported.equity
    if not given:
        return
    _currencies_are_held(held)
    place = {name: k for k, name in enumerate(held.book.account)}
    instruments = priced.pool.instruments
    worth = {
        item.underlying: float(to_pool[k])
        for k, item in enumerate(instruments.items)
        if item.kind == Kind.ASSET and priced.pool.cash[k]
    }
    for k, item in enumerate(instruments.items):
        if item.kind != Kind.ASSET:
            worth.setdefault(item.settle, float(to_pool[k]))
    # Of pools that share a currency, one holds what is reported; it covers the others' value too.
    mine = at_home(held.book, priced.pool)
    apart = priced.pool.facts.get("own_money", ())  # money that lies in this pool, wherever home is
    total: dict[int, float] = {}
    for (name, currency), equity in given.items():
        if name in place and currency in worth:
            row = place[name]
            own = equity * worth[currency] if mine[row] or currency in apart else 0.0
            total[row] = total.get(row, 0.0) + own
    for row, equity in total.items():
        cash[row] = equity - option_value[row]
        unrealised[row] = 0.0  # it is in the venue's figure
        source[row] = _VENUE


def _currencies_are_held(held: PoolBook) -> None:
    """Every currency of a reported equity has a balance or a contract in the book's table."""
    known = {item.settle for item in held.book.instruments.items}
    for account, currency in held.book.reported.equity:
        if currency not in known:
            raise InputError(
                "currency_unknown",
                "equity is reported in a currency of which the book holds nothing",
                place=f"account {account}",
                value=currency,
                limit=", ".join(sorted(known)) or "none",
                remedy="Give the balance line of that currency.",
            )


def with_equity_rows(priced: Priced, held: PoolBook) -> PoolBook:
    """The book whose coin balance is the reported equity less option value (which has its own row).

    Where nothing is reported, or the pool puts no balance at risk (fact ``cash_at_risk`` False),
    the balances stand as they are held. Raises ModelError ``currency_unknown`` for equity in a
    currency of which the book's table has no balance line.
    """
    given = held.book.reported.equity
    if not given or not priced.pool.facts.get("cash_at_risk", True):
        return held
    part = priced.pool.instruments
    line = {i.underlying: k for k, i in enumerate(part.items) if i.kind == Kind.ASSET}
    settle = [item.settle for item in part.items]
    place = {name: k for k, name in enumerate(held.book.account)}
    wanted: dict[int, dict[int, float]] = {}
    for (account, currency), amount in given.items():
        if account not in place:
            continue
        if currency not in line:
            if "pool_of" in priced.pool.facts:
                continue  # it lies in another pool of the account
            raise ModelError(
                "currency_unknown",
                "equity is reported in a currency without a balance line",
                place=account,
                value=currency,
                limit=", ".join(sorted(line)),
                remedy="Give the balance line of that currency.",
            )
        a = place[account]
        span = slice(int(held.row[a]), int(held.row[a + 1]))
        columns = held.column[span]
        same = np.array([settle[c] == currency for c in columns.tolist()], np.bool_)
        value = float((held.quantity[span] * priced.option_value[columns])[same].sum())
        wanted.setdefault(a, {})[line[currency]] = amount - value
    return with_lines(held, wanted)


def with_lines(held: PoolBook, wanted: dict[int, dict[int, float]]) -> PoolBook:
    """The book with lines of some accounts set to a quantity, inserted where they are missing."""
    row, column, quantity = [0], [], []
    for a in range(len(held.row) - 1):
        span = slice(int(held.row[a]), int(held.row[a + 1]))
        lines = dict(zip(held.column[span].tolist(), held.quantity[span].tolist(), strict=True))
        lines.update(wanted.get(a, {}))
        for k in sorted(lines):
            column.append(k)
            quantity.append(lines[k])
        row.append(len(column))
    return replace(
        held,
        row=frozen(row, np.int64),
        column=frozen(column, np.int32),
        quantity=frozen(quantity, np.float64),
    )
