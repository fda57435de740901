"""Charges of Deribit portfolio margin beside the matrix: delta and roll shock, holds, haircut."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.margin.copies import known_names
from crossmargin.margin.deribit_common import coin_size, hold, mmp_hold
from crossmargin.margin.model import Pool, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums, sums_of

__all__ = [
    "add_holds",
    "delta_shock",
    "haircut",
    "hold_tables",
    "per_base",
    "roll_shock",
    "shock_kernel",
    "shock_of",
    "shock_tables",
]


def per_base(parameters: Parameters, bases: tuple[str, ...], table: str, name: str) -> Floats:
    """[G] a parameter of each currency of the pool."""
    found = {base: parameters.number(f"{table}.{base}.{name}") for base in dict.fromkeys(bases)}
    return np.array([found[base] for base in bases], np.float64)


def delta_shock(priced: Priced, held: PoolBook) -> Floats:
    """[A] the charge on large directional books, summed over the currencies of the pool."""
    found = sums_of(held.row, held.column, held.quantity, priced.facts["delta_by_base"])
    long_options = found.long[:, 0] + found.short[:, 1]
    rest = found.net[:, 2] + found.short[:, 0] + found.long[:, 1]
    charge = shock_of(priced, found.run, long_options, rest)
    return by_row(found.row, charge, len(held.row) - 1)


@kernel("i4[:], f8[:], f8[:], f8[:,:], out f8[:]")
def shock_kernel(base: Any, long_options: Any, rest: Any, tables: Any, charge: Any) -> None:
    """Fill the charge of each element of :func:`shock_of`; unchecked."""
    for k in range(base.size):
        g, other = base[k], rest[k]
        left = long_options[k] + other
        # Long options may take delta away from the rest, never add to it or turn its sign.
        left = min(max(left, other), 0.0) if other < 0.0 else max(min(left, other), 0.0)
        size = abs(left)
        rate = min(tables[0, g] * max(size - tables[2, g], 0.0), tables[1, g])
        charge[k] = size * rate * tables[3, g]


def shock_of(priced: Priced, base: Ints, long_options: Floats, rest: Floats) -> Floats:
    """The charge on ``rest`` coins of delta against which ``long_options`` coins may reduce.

        left   = rest < 0 ? min(max(long + rest, rest), 0) : max(min(long + rest, rest), 0)
        charge = |left| min(increment max(|left| - threshold, 0), cap) worth

    ``base`` codes the currency of each element; the result is in the pool's currency. The rival
    reading charges the net delta: long options count with the rest.
    """
    if priced.facts["shock_net"]:
        rest, long_options = rest + long_options, np.zeros(len(rest))
    charge = np.empty(len(base))
    shock_kernel.run(base, long_options, rest, priced.facts["shock"], charge)
    return charge


def shock_tables(pool: Pool, parameters: Parameters, index: Floats, dollars: Floats) -> Floats:
    """[4, G]: increment a coin, cap, threshold in coins, and pool currency a coin.

    ``index[G]`` in quote currency, ``dollars[G]`` in dollars a coin.
    """
    bases = pool.facts["bases"]
    in_coin = np.array([name == pool.currency for name in bases], np.bool_)
    return np.array(
        [
            per_base(parameters, bases, "pair", "m_inc"),
            per_base(parameters, bases, "pair", "max_delta_shock"),
            per_base(parameters, bases, "pair", "delta_total_liq_shock_threshold_usd") / dollars,
            np.where(in_coin, 1.0, index),
        ]
    )


def roll_shock(priced: Priced, held: PoolBook) -> Floats:
    """[A] the basis charge: no netting between expiries."""
    found = sums_of(held.row, held.column, held.quantity, priced.facts["delta_by_expiry"])
    charge = priced.facts["roll"][found.run] * np.abs(found.net[:, 0])
    return by_row(found.row, charge, len(held.row) - 1)


def hold_tables(pool: Pool, view: View, worth: Floats, parameters: Parameters) -> dict[str, Any]:
    """What holds and haircut read, once a price: sizes in pool currency, rates."""
    part = pool.instruments
    in_coin = known_names(part, lambda name: name == pool.currency)
    size = coin_size(part, view) * np.where(in_coin, 1.0, view.index[part.pair])
    rate = np.zeros(len(part))
    unknown = np.zeros(len(part), np.bool_)
    for k in np.flatnonzero(pool.cash).tolist():
        name = part.items[k].underlying
        key = f"currency.{name}.haircut"
        if key in parameters:
            rate[k] = parameters.number(key) * float(worth[k])
        else:
            unknown[k] = pool.currency != name
    return {
        "haircut_unknown": unknown,
        "hold_size": size,
        "haircut_rate": rate if rate.any() else None,
    }


def add_holds(
    sheet: SheetBuilder, priced: Priced, held: PoolBook, order_margin: Floats | float
) -> None:
    """Leaves for open orders, maker protection and spot orders.

    What the venue reports stands; otherwise ``order_margin``, the worst fill of the orders.
    """
    maker: Floats | float = 0.0
    spot: Floats | float = 0.0
    book, facts = held.book, priced.facts
    if book.reported.holds or book.orders.mmp.any():
        part = priced.pool.instruments
        unit = {item.settle: float(facts["worth"][k]) for k, item in enumerate(part.items)}
        unit.setdefault(priced.pool.currency, 1.0)
        known, given = hold(held, "open_orders_margin", unit)
        order_margin = np.where(given, known, order_margin)
        maker = mmp_hold(
            held,
            {int(c): k for k, c in enumerate(priced.pool.columns)},
            facts["hold_size"],
            *hold(held, "mmp_margin", unit),
        )
        spot = hold(held, "spot_margin", unit)[0]
    sheet.leaf("open_orders_margin", order_margin, "open_orders")
    sheet.leaf("mmp_margin", maker, "mmp_hold")
    sheet.leaf("spot_margin", spot, "spot_margin")


def haircut(priced: Priced, held: PoolBook) -> Floats | float:
    """[A] what the initial side takes off positive balances, in the pool's currency."""
    rate: Floats | None = priced.facts["haircut_rate"]
    if rate is None:
        return 0.0
    positive = np.maximum(held.quantity, 0.0)
    return row_sums(held.row, held.column, positive, rate[:, None]).net[:, 0]
