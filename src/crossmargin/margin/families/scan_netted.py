"""The scan of accounts that each stand in a market of their own, netted as it is priced.

The formulas are those of ``scan_table.risk_of``, summed over the positions of each account without
the risk array between: an option's P&L ``q m (V' U' - V U)`` with ``U'`` what a unit of its value
is worth in the scenario, a future's as there. Values agree to rounding, not to the bit.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan_table import Market, delta_one_target, form, residual
from crossmargin.margin.model import PoolBook
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.pricing.net_options import net_options
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import black_value, padded
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["netted_scan"]


def netted_scan(
    market: Market, scenarios: ScenarioSet, held: PoolBook, parameters: Parameters
) -> Floats:
    """[A, S8] dollars of each account in each scenario, coins left out."""
    part, view = market.part, market.view
    owner = row_of_position(held.row)
    live = view.ok[held.column]
    option = is_kind(part, Kind.OPTION)[held.column] & live
    future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)[held.column] & live
    total = _options(market, scenarios, held, owner, option, parameters)
    return total + _delta_one(market, scenarios, held, future, parameters)


def _options(
    market: Market,
    scenarios: ScenarioSet,
    held: PoolBook,
    owner: np.ndarray,
    chosen: Bools,
    parameters: Parameters,
) -> Floats:
    """The options of each account: value of the scenario less value of now."""
    part, view = market.part, market.view
    accounts = len(held.row) - 1
    forward = padded(scenarios.forward)
    if not len(forward):
        return np.zeros((accounts, padded(scenarios.weight[None, :]).shape[1]))
    column = held.column[chosen]
    expiry = part.expiry[column]
    now = view.forward + view.forward_settled
    in_coin, dollars = _of_expiry(market)
    move = padded(1.0 + scenarios.move[None, :])
    worth = dollars[:, None] * np.ones(move.shape[1])
    if form(parameters, "coin_worth") == "shocked":
        worth = np.where(in_coin[:, None], worth * move, worth)
    unit = np.where(in_coin[:, None], worth / np.where(in_coin[:, None], forward, 1.0), worth)
    unit_now = np.where(in_coin, dollars / np.where(in_coin & (now > 0.0), now, 1.0), dollars)
    size = held.quantity[chosen] * part.multiplier[column]
    strike, right = part.strike[column], part.right[column].astype(np.float64)
    vol = view.vol[column]
    tables = tuple(
        padded(table) for table in (scenarios.vol_factor, scenarios.vol_shift, scenarios.vol_floor)
    )
    out = net_options(
        (forward, unit, tables[0], tables[1], tables[2]),
        owner[chosen].astype(np.int32),
        expiry,
        size,
        strike,
        right,
        vol,
        accounts,
    )
    stdev = vol * scenarios.root_years[expiry]
    value = black_value(now[expiry], strike, stdev, right)
    base = size * value * unit_now[expiry]
    if form(parameters, "base") == "mark":  # the value of now is the venue's own
        whole = np.zeros(len(part))
        forward_now = np.where(in_coin & (now > 0.0), now, 1.0)
        whole[column] = part.multiplier[column] * value / forward_now[expiry]
        coin = part.inverse[column]
        rate = np.where(coin, market.index_usd[column], market.settle_usd[column])
        gap = residual(market, whole, is_kind(part, Kind.OPTION))[column]
        base = base - held.quantity[chosen] * gap * rate
    return out - by_row(owner[chosen], base, accounts)[:, None]


def _of_expiry(market: Market) -> tuple[Bools, Floats]:
    """[E] whether its options settle in coin, and dollars per unit of what they settle in."""
    part = market.part
    in_coin = np.zeros(len(part.expiries), np.bool_)
    dollars = np.ones(len(part.expiries))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION))
    expiry = part.expiry[rows]
    in_coin[expiry] = part.inverse[rows]
    worth = np.where(part.inverse[rows], market.index_usd[rows], market.settle_usd[rows])
    dollars[expiry] = worth
    return in_coin, dollars


def _delta_one(
    market: Market,
    scenarios: ScenarioSet,
    held: PoolBook,
    chosen: Bools,
    parameters: Parameters,
) -> Floats:
    """Futures and perpetuals of each account; a row each of the positions held."""
    part = market.part
    column = held.column[chosen]
    factor = padded(scenarios.spot)[part.pair[column]] if len(part.pairs) else np.ones((0, 8))
    price = delta_one_target(market, form(parameters, "delta_one"))[column]
    turned = part.inverse[column]
    safe = np.where(turned, price, 1.0)
    m = part.multiplier[column]
    linear = (m * price)[:, None] * (factor - 1.0)
    inverse = (m / safe)[:, None] * (1.0 - 1.0 / factor)
    held_at = factor if form(parameters, "coin_worth") == "shocked" else np.ones(factor.shape)
    pnl = np.where(
        turned[:, None],
        inverse * market.index_usd[column][:, None] * held_at,
        linear * market.settle_usd[column][:, None],
    )
    counts = np.bincount(row_of_position(held.row)[chosen], minlength=len(held.row) - 1)
    row = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.arange(len(column), dtype=np.int32)
    if not len(column):
        return np.zeros((len(held.row) - 1, padded(scenarios.weight[None, :]).shape[1]))
    return net(row, rows, held.quantity[chosen], pnl, trusted=True)
