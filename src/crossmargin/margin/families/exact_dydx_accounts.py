"""Subaccounts of dYdX v4: markets from parameters, and their floats with slack for screening.

Rules are in ``exact_dydx``; units are its own (quote quantums, base quantums, price ticks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools
from crossmargin.margin.families.exact_dydx import QUOTE_DECIMALS, Tier, quote_quantums
from crossmargin.margin.families.exact_units import ticks, units, whole
from crossmargin.margin.families.screening import Bounds
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import per_row, row_of_position
from crossmargin.market.view import View

__all__ = ["DydxMarket", "chosen_imf", "dydx_bounds", "dydx_market"]

_UNIT = 10.0**-QUOTE_DECIMALS
# Parts of the gross notional by which a float sum of n products may be off, for n = 0.
_ROUNDING, _ROUNDINGS = 2.0**-52, 16.0


@dataclass(frozen=True, slots=True)
class DydxMarket:
    """One perpetual in the chain's integers."""

    tier: Tier
    price: int
    exponent: int
    resolution: int
    open_interest: int  # quote quantums; 0 where unknown
    unknown: bool  # the tier is capped and no open interest is known

    def notional(self, base: int) -> int:
        """Quote quantums of base quantums."""
        return quote_quantums(base, self.price, self.exponent, self.resolution)


def dydx_bounds(priced: Priced, held: PoolBook, level: str) -> Bounds | None:
    """Bounds of a block: a quantum a position for each cut, and the roundings of the sums.

    None where choices, reports or exact counts come in. Columns: ``value`` and ``quantum`` (USDC of
    a coin and of a base quantum), ``im`` and ``mm`` (shares of the notional).
    """
    if held.book.choices or held.book.reported.equity or held.exact is not None:
        return None
    size, column = held.quantity, held.column
    perpetual = priced.columns["value"][column] != 0.0
    value = size * priced.columns["value"][column]
    cash = per_row(held.row, np.where(priced.pool.cash[column] == 1, size, 0.0))
    known = held.entry_known & perpetual
    given = _counts_profit(priced, held)[row_of_position(held.row)]
    cost = np.where(known & given, size * held.entry_price, 0.0)
    profit = per_row(held.row, np.where(known & given, value, 0.0) - cost)
    counted = cash + profit
    needed = per_row(held.row, np.abs(value) * priced.columns[level][column])
    gross = per_row(held.row, np.abs(value) + np.abs(cost) + np.where(perpetual, 0.0, np.abs(size)))
    lines = np.diff(held.row)
    # What a base quantum is worth may be lost to the cut of a quantity, or gained.
    cut = per_row(held.row, priced.columns["quantum"][column])
    slack = (4.0 * lines + 4.0) * _UNIT + 2.0 * cut + gross * (_ROUNDINGS + lines) * _ROUNDING
    return Bounds(counted, needed, slack)


def dydx_market(
    subject: str, name: str, view: View, mark: float, parameters: Parameters
) -> DydxMarket:
    """A perpetual of the set, at the nearest tick to the view's mark."""
    table = f"market.{name}"
    tier_table = f"tier.{parameters.get(f'{table}.tier')}"
    tier = Tier(
        whole(parameters, f"{tier_table}.initial_margin_ppm"),
        whole(parameters, f"{tier_table}.maintenance_fraction_ppm"),
        whole(parameters, f"{tier_table}.open_interest_lower_cap"),
        whole(parameters, f"{tier_table}.open_interest_upper_cap"),
    )
    exponent = whole(parameters, f"{table}.price_exponent")
    resolution = whole(parameters, f"{table}.atomic_resolution")
    price = ticks(mark, exponent)
    known = view.read("open_interest", subject, -1.0)
    interest = units(max(known, 0.0), -resolution)
    return DydxMarket(
        tier,
        price,
        exponent,
        resolution,
        quote_quantums(interest, price, exponent, resolution),
        tier.upper_cap > 0 and known < 0.0,
    )


def chosen_imf(held: PoolBook, accounts: int) -> list[int]:
    """[A] the holder's own initial margin share, ppm (choice ``custom_imf_ppm``); 0 where none."""
    chosen = held.book.choices.get("custom_imf_ppm")
    return [0] * accounts if chosen is None else [int(share) for share in chosen.tolist()]


def _counts_profit(priced: Priced, held: PoolBook) -> Bools:
    """[A] whether open profit counts: beside a balance, or where every entry price is known."""
    lines = np.diff(held.row)
    balance = per_row(held.row, priced.pool.cash[held.column].astype(np.float64)) > 0.0
    known = per_row(held.row, held.entry_known.astype(np.float64))
    return np.asarray(balance | ((known == lines) & (lines > 0)))
