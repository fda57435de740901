"""OKX's account row: equity by currency, auto-borrow, discount rates.

    equity[c]    balance + open profit + option value, units of c
    borrowed[c]  max(-equity[c], 0): a currency below zero is borrowed by itself
    MMR, IMR     borrowed x the rates of the tier that the amount lies in
    counted      sum of equity[c] in dollars, a positive one at its discount rate, slice by slice
    orders       IMR of what is borrowed after every fill that costs against the mark

A premium that is paid or received stays in the equity of its currency as the option's value. Where
an account says nothing of its balances, what it borrows is not known and not charged.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats
from crossmargin.margin.families.currency_equity import (
    CurrencyEquity,
    currency_equity,
    step_rates,
)
from crossmargin.margin.families.quote_hedges import cumulative_charge
from crossmargin.margin.fills import fills_of
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.market.fields import DOLLAR_PEGGED

__all__ = ["Account", "account_of"]

_HUGE = 1e15
_TIERS = (Column("up_to", 0.0, _HUGE), Column("mmr", 0.0, 1e3), Column("imr", 0.0, 1e3))
_DISCOUNTS = (Column("up_to", 0.0, _HUGE), Column("rate", 0.0, 1.0))


class Account(NamedTuple):
    """[A] dollars; ``at_least`` where a tier or a discount rate is not known."""

    cash: Floats
    unrealised: Floats
    option_value: Floats
    discount: Floats
    borrowed: Floats
    rated: Floats  # what is borrowed of currencies whose rates are known
    borrow_mmr: Floats
    borrow_imr: Floats
    orders: Floats  # what the open orders add to the IMR
    at_least: Bools
    source: Bytes

    @staticmethod
    def nothing(at_least: Bools) -> Account:
        """Of a row that holds no equity and owes nothing."""
        none = np.zeros(len(at_least))
        source = np.zeros(len(at_least), np.int8)
        return Account(none, none, none, none, none, none, none, none, none, at_least, source)


def account_of(priced: Priced, held: PoolBook, parameters: Parameters) -> Account:
    """Equity, borrowing and discount of a block of accounts."""
    names: tuple[str, ...] = priced.pool.facts["currencies"]
    usd: tuple[float | Floats, ...] = priced.facts["usd"]
    equity = currency_equity(priced, held, names, priced.pool.facts["currency_code"])
    total, loss = equity.total(), _order_loss(priced, held)
    told = equity.source != 0
    borrowed, rated, mmr, imr, orders, discount = (np.zeros(len(total)) for _ in range(6))
    unknown = np.zeros(len(total), np.bool_)
    for c, name in enumerate(names):
        below = np.maximum(-total[:, c], 0.0)
        debt = np.where(told, below, 0.0)
        rates, beyond = _borrow(debt, parameters, name)
        borrowed += debt * usd[c]
        if f"borrow.{name}.tiers" in parameters:
            rated += debt * usd[c]
        mmr += debt * usd[c] * rates[:, 0]
        imr += debt * usd[c] * rates[:, 1]
        unknown |= beyond | (below > debt)
        if loss is not None:
            after = np.where(told, np.maximum(loss[:, c] - total[:, c], 0.0), 0.0)
            more = after * _borrow(after, parameters, name)[0][:, 1] - debt * rates[:, 1]
            orders += np.where(loss[:, c] > 0.0, more, 0.0) * usd[c]
        off, unsure = _discount(np.maximum(total[:, c], 0.0), parameters, name)
        discount += off * usd[c]
        unknown |= unsure
    cash, unrealised, option_value = (
        CurrencyEquity.in_dollars(units, usd)
        for units in (equity.cash, equity.unrealised, equity.option_value)
    )
    return Account(
        cash,
        unrealised,
        option_value,
        discount,
        borrowed,
        rated,
        mmr,
        imr,
        np.maximum(orders, 0.0),
        unknown,
        equity.source,
    )


def _order_loss(priced: Priced, held: PoolBook) -> Floats | None:
    """[A, C] what the open orders cost against the mark, by currency; None without orders."""
    names, part = priced.pool.facts["currencies"], priced.pool.instruments
    count, accounts = len(names), len(held.row) - 1
    fills = fills_of(priced, held, np.ones(len(part)), mmp=True)
    if fills is None:
        return None
    paid = np.array([names.index(item.settle) for item in part.items], np.int64)
    cell = row_of_position(fills.row) * count + paid[fills.column]
    cost = by_row(cell, np.maximum(-fills.gain, 0.0), accounts * count)
    return cost.reshape(accounts, count)


def _borrow(debt: Floats, parameters: Parameters, name: str) -> tuple[Floats, Bools]:
    """[A, 2] MMR and IMR rates of what is borrowed, and where they are not known."""
    table = f"borrow.{name}.tiers"
    if table not in parameters:
        return np.zeros((len(debt), 2)), debt > 0.0
    rows = np.array(parameters.rows(table, _TIERS), np.float64)
    return step_rates(debt, rows[:, 0], rows[:, 1:])


def _discount(equity: Floats, parameters: Parameters, name: str) -> tuple[Floats, Bools]:
    """[A] units that do not count of a positive equity, and where the rates are not known.

    A stablecoin whose rates are not given counts in full; a coin does too, and is said to.
    """
    table = f"discount.{name}.tiers"
    if table not in parameters:
        pegged = name in DOLLAR_PEGGED
        return np.zeros(len(equity)), np.zeros(len(equity), np.bool_) if pegged else equity > 0.0
    rows = np.array(parameters.rows(table, _DISCOUNTS), np.float64)
    return cumulative_charge(equity, rows[:, 0], 1.0 - rows[:, 1])[0], equity > _HUGE
