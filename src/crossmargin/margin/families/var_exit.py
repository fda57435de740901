"""How long a book takes to leave, and what that does to its value at risk.

    days = max over coins and classes of  sum |q| coins / (participation x coins traded a day)
    factor = sqrt(max(horizon, min(days, most)) / horizon)

Classes are options, and all that is linear in the coin. Long and short of one class are both to be
left and never add up to nothing. The whole book is held until the last day: a stated caution, for
one that shrinks evenly carries 58 % of that risk.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.var_moves import known_coins
from crossmargin.margin.families.whole_account import DollarMarket
from crossmargin.margin.fills import growth
from crossmargin.margin.model import Fills, PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, row_of_position
from crossmargin.pricing.sums import row_sums

__all__ = ["CLASSES", "days_to_exit", "exit_columns", "exit_factor"]

CLASSES = ("delta_one", "option")


def exit_columns(market: DollarMarket, parameters: Parameters) -> Floats:
    """[I, 2 N] days that one unit takes, a column a coin and class; 0 where it is none of them."""
    part = market.part
    share = parameters.number("horizon.participation")
    option = is_kind(part, Kind.OPTION)
    out = np.zeros((len(part), 2 * len(known_coins(parameters))))
    for k, coin in enumerate(known_coins(parameters)):
        own = np.array([item.underlying == coin for item in part.items], np.bool_) & market.moving
        for c, name in enumerate(CLASSES):
            volume = parameters.number(f"coin.{coin}.{name}_volume_coins")
            rows = own & (option == (name == "option"))
            out[rows, 2 * k + c] = market.coins[rows] / (share * volume)
    return out


def days_to_exit(
    columns: Floats,
    book: PoolBook,
    fills: Fills | None = None,
    market: DollarMarket | None = None,
) -> Floats:
    """[A] days until the last line is left; with ``fills``, the most that any of them make it.

    A premium that is paid in coin counts too: it may be a coin more to leave.
    """
    size = np.abs(book.quantity)
    gross = row_sums(book.row, book.column, size, columns, trusted=True).net
    if fills is not None:
        more = growth(book, fills)
        gross = gross.copy()
        np.add.at(gross, more.account, more.size[:, None] * columns[more.column])
        np.add.at(gross, row_of_position(fills.row), _premiums(columns, fills, market))
    return np.asarray(gross.max(axis=1, initial=0.0))


def _premiums(columns: Floats, fills: Fills, market: DollarMarket | None) -> Floats:
    """[M, 2 N] days of the coins that fills pay or bring."""
    out = np.zeros((len(fills), columns.shape[1]))
    if market is None:
        return out
    part = market.part
    held = {i.underlying: k for k, i in enumerate(part.items) if i.kind == Kind.ASSET}
    for m, column in enumerate(fills.column.tolist()):
        item = part.items[column]
        if item.settle == item.underlying and item.settle in held:
            out[m] = abs(float(fills.cash[m])) * columns[held[item.settle]]
    return out


def exit_factor(days: Floats, parameters: Parameters) -> Floats:
    """[A] what the root of time makes of a figure over the horizon; at least 1."""
    horizon = parameters.number("horizon.days")
    counted = np.minimum(days, parameters.number("horizon.exit_days_max"))
    return np.sqrt(np.maximum(counted, horizon) / horizon)
