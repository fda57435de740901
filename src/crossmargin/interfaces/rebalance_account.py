"""What an account holds of each target, and its trades in whole lots of contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.fill_order import FillOrder, fill_order
from crossmargin.decisions.intents import Trade
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.rebalance_weights import Targets, lots
from crossmargin.interfaces.whatif import PreparedBook
from crossmargin.margin.whatif_costs import lot_of
from crossmargin.margin.whatif_greeks import GreekTable
from crossmargin.margin.whatif_trades import Leg

__all__ = ["fills_of", "held_of"]


def held_of(
    made: PreparedBook, aims: Targets, cost_bp: float | None, gas_usd: float
) -> tuple[Floats, float, Targets]:
    """Dollars of each asset (coins, and delta of derivatives), equity, and contract and cost."""
    core = made.core
    view = made.snapshot.view(core.table, core.base.view.as_of_ms)
    desk = Desk(view, made.snapshot, core.desk.schedule, ExitTerms.at(view.as_of_ms))
    items = made.book.instruments.items
    own = made.snapshot.view(made.book.instruments, view.as_of_ms)
    held: dict[str, float] = {
        name: each.delta_coins * each.index_usd
        for name, each in GreekTable(own).of_book(made.book).items()
    }
    for k, quantity in zip(made.book.column.tolist(), made.book.quantity.tolist(), strict=True):
        if items[k].kind == Kind.ASSET:
            usd = quantity * float(own.usd[own.instruments.settle[k]])
            held[items[k].underlying] = held.get(items[k].underlying, 0.0) + usd
    names, terms = [], []
    for k, asset in enumerate(aims.asset):
        given = aims.instrument[k]
        first = next((i for i in core.table.items if i.underlying == asset
                      and i.kind in (Kind.PERPETUAL, Kind.FUTURE)), None)  # fmt: skip
        hedge = None if first is None else desk.hedge(first)
        if not given and hedge is None:
            raise MarketDataError(
                "quote_missing",
                "the market has no perpetual of the asset with bid and ask",
                place=f"--targets {asset}",
                remedy="Name the contract in the column instrument.",
            )
        names.append(given or (hedge.item.native_id if hedge else ""))
        share = aims.terms[k].fee if cost_bp is not None or hedge is None else hedge.one_way
        terms.append(CostTerms(fee=max(share, 0.0), gas_usd=gas_usd))
    made_aims = replace(aims, instrument=tuple(names), terms=tuple(terms))
    usd = np.array([held.get(asset, 0.0) for asset in aims.asset])
    return usd, core.before.equity_usd, made_aims


def fills_of(
    made: PreparedBook, aims: Targets, rows: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Trade, ...], FillOrder | None]:
    """Whole lots of each asset's contract, in the order in which margin holds best."""
    core = made.core
    view = made.snapshot.view(core.table, core.base.view.as_of_ms)
    desk = Desk(view, made.snapshot, core.desk.schedule, ExitTerms.at(view.as_of_ms))
    legs, trades = [], []
    for k, row in enumerate(rows):
        if row["trade_usd"] == 0.0:
            continue
        column = made.leg_column(aims.instrument[k])
        item = core.table.items[column]
        if item.kind == Kind.OPTION:
            raise InputError(
                "order_invalid",
                "a weight is traded in coins, futures or perpetuals",
                place=f"--targets {aims.asset[k]}",
                value=item.native_id,
                limit="a contract with a delta of one",
                remedy="Name another contract.",
            )
        lot = lot_of(item, core.desk.schedule.parameters)
        size = lots(row["trade_usd"], desk.notional_usd(column), lot)
        if size == 0.0:
            continue
        cost = float(desk.quote(column, size).cost.at(size))
        reason = f"{aims.asset[k]} at {100.0 * row['weight_fraction']:.2f} % outside its band"
        legs.append(Leg(column, size))
        trades.append(Trade(item.native_id, size, venue=item.venue, cost_usd=cost, reason=reason))
    if not legs:
        return (), None
    order = fill_order(core, legs)
    return tuple(trades[k] for k in order.order), order
