"""Charges of Deribit portfolio margin beside the matrix: delta and roll shock, holds, haircut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size, hold, mmp_hold
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.pricing.sums import row_sums, sums

__all__ = [
    "add_holds",
    "delta_shock",
    "haircut",
    "per_base",
    "roll_shock",
    "shock_of",
    "with_equity_rows",
]


def per_base(parameters: Parameters, bases: tuple[str, ...], table: str, name: str) -> Floats:
    """[G] a parameter of each currency of the pool."""
    return np.array([parameters.number(f"{table}.{base}.{name}") for base in bases], np.float64)


def with_equity_rows(priced: Priced, held: PoolBook) -> PoolBook:
    """The book whose coin balance is the reported equity less option value (which has its own row).

    Where nothing is reported the balances stand as they are held. Raises ModelError
    ``currency_unknown`` for equity in a currency of which the book's table has no balance line.
    """
    given = held.book.reported.equity
    if not given:
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
    return _with_lines(held, wanted)


def _with_lines(held: PoolBook, wanted: dict[int, dict[int, float]]) -> PoolBook:
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


def delta_shock(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[A] the charge on large directional books, summed over the currencies of the pool."""
    names = ("long_option_delta", "short_option_delta", "future_delta")
    table = np.stack([priced.columns[name] for name in names], axis=1)
    run = priced.pool.facts["base_run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    long_options = found.long[:, 0] + found.short[:, 1]
    rest = found.net[:, 2] + found.short[:, 0] + found.long[:, 1]
    charge = shock_of(priced, parameters, found.run, long_options, rest)
    return by_row(found.row, charge, len(held.row) - 1)


def shock_of(
    priced: Priced, parameters: Parameters, base: Ints, long_options: Floats, rest: Floats
) -> Floats:
    """The charge on ``rest`` coins of delta against which ``long_options`` coins may reduce.

    ``base`` codes the currency of each element; the result is in the pool's currency.
    """
    both = long_options + rest
    left = np.where(
        rest < 0.0,
        np.minimum(np.maximum(both, rest), 0.0),
        np.maximum(np.minimum(both, rest), 0.0),
    )
    bases = priced.pool.facts["bases"]
    slope = per_base(parameters, bases, "pair", "m_inc")[base]
    most = per_base(parameters, bases, "pair", "max_delta_shock")[base]
    limit = per_base(parameters, bases, "pair", "delta_total_liq_shock_threshold_usd")
    index = priced.facts["usd"]
    size = np.abs(left)
    excess = np.maximum(size - (limit / index)[base], 0.0)
    coins = size * np.minimum(slope * excess, most)
    in_coin = np.array([name == priced.pool.currency for name in bases], np.bool_)
    return np.asarray(coins * np.where(in_coin, 1.0, index)[base])


def roll_shock(priced: Priced, held: PoolBook) -> Floats:
    """[A] the basis charge: no netting between expiries."""
    table = priced.columns["delta"][:, None]
    run = priced.pool.facts["roll_run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    charge = priced.facts["roll"][found.run] * np.abs(found.net[:, 0])
    return by_row(found.row, charge, len(held.row) - 1)


def add_holds(sheet: SheetBuilder, priced: Priced, held: PoolBook, order_margin: Floats) -> None:
    """Leaves for open orders, maker protection and spot orders.

    What the venue reports stands; otherwise ``order_margin``, the worst fill of the orders.
    """
    pool = priced.pool
    names = {item.underlying: k for k, item in enumerate(pool.instruments.items) if pool.cash[k]}
    names.setdefault(pool.currency, -1)
    unit: dict[str, float] = {
        name: 1.0 if k < 0 else float(priced.facts["worth"][k]) for name, k in names.items()
    }
    place: dict[int, int] = {int(c): k for k, c in enumerate(pool.columns)}
    part, view = pool.instruments, priced.view
    size = coin_size(part, view) * _coin_worth(priced)
    known = hold(held, "open_orders_margin", unit)
    sheet.leaf("open_orders_margin", np.where(known > 0.0, known, order_margin), "open_orders")
    reported = hold(held, "mmp_margin", unit)
    sheet.leaf("mmp_margin", mmp_hold(held, place, size, reported), "mmp_hold")
    sheet.leaf("spot_margin", hold(held, "spot_margin", unit), "spot_margin")


def _coin_worth(priced: Priced) -> Floats:
    """[I] pool currency per coin of underlying."""
    part = priced.pool.instruments
    in_coin = np.array([item.underlying == priced.pool.currency for item in part.items])
    return np.where(in_coin, 1.0, priced.view.index[part.pair])


def haircut(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[A] what the initial side takes off positive balances, in the pool's currency."""
    pool = priced.pool
    rate = np.zeros(len(pool.instruments))
    for k, item in enumerate(pool.instruments.items):
        key = f"currency.{item.underlying}.haircut"
        if pool.cash[k] and key in parameters:
            rate[k] = parameters.number(key) * float(priced.facts["worth"][k])
    if not rate.any():
        return np.zeros(len(held.row) - 1)
    table = rate[:, None]
    return row_sums(held.row, held.column, np.maximum(held.quantity, 0.0), table).net[:, 0]
