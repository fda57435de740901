"""What the scan family counts against a requirement: equity, haircuts and the loss of orders.

    counted = equity - sum of positive balances x price x haircut - order loss

``form.balance`` says what a balance holds. settled: the profit of open futures is in it. wallet: it
is not, and is added from the entry prices where they are known; the premium of an option was paid.
``form.order_loss`` counted: what open orders lose against the mark if they fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import SOURCES, Equity, equity_of, profit_since_entry
from crossmargin.margin.families.scan_table import Market, form
from crossmargin.margin.model import EquitySource, OrderNeed, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.pricing.sums import row_sums

__all__ = ["Collateral", "balance_of", "collateral_of", "haircut_of", "order_loss"]

_BALANCES = SOURCES.index(EquitySource.BALANCES)


@dataclass(frozen=True, slots=True)
class Collateral:
    """[I] dollars of haircut per unit of a positive balance; which haircuts are not known."""

    loss_usd: Floats
    unknown: Bools
    owed_unknown: Bools  # balances whose debt the venue margins by a rule that is not known


def collateral_of(market: Market, parameters: Parameters, *, whole: bool) -> Collateral:
    """Haircuts by currency. What the set leaves out is none where it is ``whole``, else unknown."""
    part = market.part
    asset = is_kind(part, Kind.ASSET)
    loss, unknown = np.zeros(len(part)), np.zeros(len(part), np.bool_)
    of_name = np.array(part.names)
    for currency in sorted({part.names[k] for k in np.unique(part.underlying[asset]).tolist()}):
        name = f"collateral.{currency}.haircut"
        rows = asset & (of_name == currency)[part.underlying]
        if name in parameters:
            loss[rows] = parameters.number(name) * market.settle_usd[rows]
        else:
            unknown[rows] = not whole
    owed = asset if not whole else np.zeros(len(part), np.bool_)
    return Collateral(loss, unknown, np.asarray(owed))


def balance_of(priced: Priced, held: PoolBook, parameters: Parameters) -> Equity:
    """Cash, profit of open futures and option value in dollars."""
    to_pool = priced.facts["settle_usd"]
    found = equity_of(priced, held, to_pool)
    if form(parameters, "balance") != "wallet" or not held.entry_known.any():
        return found
    part, view = priced.pool.instruments, priced.view
    gain = to_pool[held.column] * profit_since_entry(part, view, held, False)
    open_profit = per_row(held.row, gain)
    mine = found.source == _BALANCES
    return replace(found, unrealised=np.where(mine, open_profit, found.unrealised))


def haircut_of(priced: Priced, held: PoolBook) -> tuple[Floats, Bools]:
    """[A] dollars lost to haircuts, and rows that one not known would touch."""
    collateral: Collateral = priced.facts["collateral"]
    accounts = len(held.row) - 1
    table = collateral.loss_usd[:, None]
    lost = row_sums(held.row, held.column, held.quantity, table, trusted=True).long[:, 0]
    doubt = collateral.unknown[held.column] & (held.quantity > 0.0)
    doubt |= collateral.owed_unknown[held.column] & (held.quantity < 0.0)
    if not doubt.any():
        return lost, np.zeros(accounts, np.bool_)
    rows = row_of_position(held.row)[doubt]
    return lost, np.bincount(rows, minlength=accounts) > 0


def order_loss(need: OrderNeed | None, accounts: int, parameters: Parameters) -> Floats:
    """[A] dollars that the open orders lose against the mark if all of those that lose fill."""
    if need is None or form(parameters, "order_loss") != "counted":
        return np.zeros(accounts)
    owner = row_of_position(need.fills.row)
    return by_row(owner, np.maximum(-need.fills.gain, 0.0), accounts)
