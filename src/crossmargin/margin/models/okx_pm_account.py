"""OKX's account row: equity by currency, auto-borrow, discount rates.

equity[c]    balance + open profit + option value, units of c
borrowed[c]  max(-equity[c], 0): a currency below zero is borrowed by itself
MMR, IMR     borrowed x the rates of the tier that the amount lies in
counted      sum of equity[c] in dollars, a positive one at its discount rate, slice by slice
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
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
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
    at_least: Bools
    source: Bytes


def account_of(priced: Priced, held: PoolBook, parameters: Parameters) -> Account:
    """Equity, borrowing and discount of a block of accounts."""
    facts = priced.pool.facts
    names: tuple[str, ...] = facts["currencies"]
    usd: Floats = priced.facts["usd"]
    equity = currency_equity(priced, held, names, facts["currency_run"])
    total = equity.total()
    accounts = len(total)
    borrowed, rated, mmr, imr, discount = (np.zeros(accounts) for _ in range(5))
    unknown = np.zeros(accounts, np.bool_)
    for c, name in enumerate(names):
        debt = np.maximum(-total[:, c], 0.0)
        rates, beyond = _borrow(debt, parameters, name)
        borrowed += debt * usd[c]
        if f"borrow.{name}.tiers" in parameters:
            rated += debt * usd[c]
        mmr += debt * usd[c] * rates[:, 0]
        imr += debt * usd[c] * rates[:, 1]
        unknown |= beyond
        off, unsure = _discount(np.maximum(total[:, c], 0.0), parameters, name)
        discount += off * usd[c]
        unknown |= unsure
    return Account(
        CurrencyEquity.in_dollars(equity.cash, usd),
        CurrencyEquity.in_dollars(equity.unrealised, usd),
        CurrencyEquity.in_dollars(equity.option_value, usd),
        discount,
        borrowed,
        rated,
        mmr,
        imr,
        unknown,
        equity.source,
    )


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
