"""What the Derive managers share: pools, what an account's balance counts, the initial factor.

The venue publishes a balance, counted minus requirement; one underlying per manager.
Source: derivexyz/v2-core at 7736900d, re-stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, Longs
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.copies import by_copy, copies_of
from crossmargin.margin.equity import profit_since_entry
from crossmargin.margin.model import Plan, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, each_group, is_kind, per_row, sizes_of
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, cash_and_source, plan_by_underlying
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_net
from crossmargin.pricing.netting import Worst
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.risk_array import Net

__all__ = [
    "Nets",
    "answer_of",
    "coin_worth",
    "folded",
    "index_of",
    "is_coin",
    "nets_of",
    "peg_factor",
    "perp_profit",
    "plan_managers",
    "refusals_of",
    "side_by_side",
    "sign_counted",
]

NOTE = "one manager per underlying: cash stands with the first held, sums are in dollars"


def plan_managers(instruments: Instruments, parameters: Parameters, *, own_base: bool) -> Plan:
    """A pool a manager, with the run of each strike; ``own_base``: a coin lies with its manager."""
    plan = plan_by_underlying(instruments, parameters, "market", NOTE, own_assets=own_base)
    pools = tuple(
        replace(pool, facts={**pool.facts, "strike_run": pool.instruments.runs("expiry", "strike")})
        for pool in plan.pools
    )
    return replace(plan, pools=pools)


class Nets(NamedTuple):
    """Groups of accounts that share no row: the expiries of each, then one for all else of it."""

    net: Net
    fold: Ints  # [G] expiry of each group, -1 for all else
    rows: tuple[Longs, Ints, Floats]  # accounts that hold one of each of their groups

    def sums(self, value: Floats) -> Floats:
        """[G] sums of a column of instruments times the sizes."""
        size, group, groups = self.net
        return by_row(group, size * value, groups)


def nets_of(part: Instruments, held: PoolBook, run: Ints) -> Nets:
    """The groups of a table that holds each account's rows apart; ``run[I]`` the expiry or -1."""
    accounts = len(held.row) - 1
    own = len(part.expiries) // max(accounts, 1)
    groups = accounts * (own + 1)
    owner = np.arange(len(part)) // max(len(part) // max(accounts, 1), 1)
    group = np.where(run >= 0, run + owner, owner * (own + 1) + own).astype(np.int32)
    code = np.arange(groups, dtype=np.int32)
    fold = np.where(code % (own + 1) < own, code - code // (own + 1), -1).astype(np.int32)
    size = sizes_of(held, len(part))
    return Nets((size, group, groups), fold, each_group(groups, accounts))


def side_by_side(columns: Mapping[str, Floats], *names: str) -> Floats:
    """[I, 4] the named columns side by side, filled up with zeros."""
    table = np.zeros((len(columns[names[0]]), 4))
    for k, name in enumerate(names):
        table[:, k] = columns[name]
    return table


def index_of(part: Instruments, view: View, label: str) -> float | Floats:
    """Spot of a coin, by copy of the table; 0 in a table without it."""
    own = part.pairs[: len(part.pairs) // copies_of(part)]
    pairs = {pair[0]: k for k, pair in enumerate(own)}
    return by_copy(part, view.index, pairs[label]) if label in pairs else 0.0


def is_coin(part: Instruments, label: str) -> Bools:
    """[I] lines of the coin itself."""
    named = np.array([name == label for name in part.names], np.bool_)
    return is_kind(part, Kind.ASSET) & named[part.underlying]


def coin_worth(part: Instruments, view: View, stable: float) -> Floats:
    """[I] ``price / stable`` of one unit of collateral; 0 for cash and derivatives."""
    coin = is_kind(part, Kind.ASSET) & ~is_coin(part, CASH)
    return np.where(coin, view.usd[part.underlying] / stable, 0.0)


def refusals_of(priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
    """Accounts whose collateral is not taken, or owed where only cash can be; one error each.

    Facts ``refused[I]`` and, where a manager lends no coin, ``long_only[I]``.
    """
    refused: Bools = priced.facts["refused"]
    long_only: Bools = priced.facts.get("long_only", refused)
    if not (refused.any() or long_only.any()):
        return ()
    bad = refused[held.column] & (held.quantity != 0.0)
    lines = np.flatnonzero(bad | (long_only[held.column] & (held.quantity < 0.0)))
    rows, first = np.unique(np.searchsorted(held.row, lines, side="right") - 1, return_index=True)
    return tuple(
        Refusal(row, _not_taken(priced, held, j, bool(bad[j])))
        for row, j in zip(rows.tolist(), lines[first].tolist(), strict=True)
    )


def _not_taken(priced: Priced, held: PoolBook, line: int, refused: bool) -> ModelError:
    place = priced.pool.instruments.label(int(held.column[line]))
    value = float(held.quantity[line])
    if not refused:
        return ModelError(
            "parameter_out_of_bounds",
            "a coin cannot be owed",
            place=place,
            value=value,
            limit="0 and above",
            remedy="Remove the line: only cash can be borrowed.",
        )
    return ModelError(
        "parameter_missing",
        "the manager does not take this collateral",
        place=place,
        value=value,
        limit=f"collateral of the {priced.pool.label} manager",
        remedy="Remove the line, or give its haircuts with --params FILE.",
    )


def perp_profit(part: Instruments, view: View, held: PoolBook) -> Floats:
    """[A] unsettled profit of the perpetuals whose entry price is known."""
    if not held.entry_known.any():
        return np.zeros(len(held.row) - 1)
    perp = is_kind(part, Kind.PERPETUAL).astype(np.float64)
    gain = profit_since_entry(part, view, held, False)
    return per_row(held.row, gain * perp[held.column])


def peg_factor(parameters: Parameters, table: str, stable: float) -> float:
    """imFactor, raised while the stablecoin is under its peg."""
    peg = max(parameters.number(f"{table}.peg_loss_threshold") - stable, 0.0)
    factor = parameters.number(f"{table}.im_factor")
    return factor + peg * parameters.number(f"{table}.peg_loss_factor")


def sign_counted(sheet: SheetBuilder, priced: Priced, held: PoolBook) -> Bytes:
    """Columns cash to ``equity`` of a manager's sheet: all of it counts at both levels.

    Facts ``counted_table``: cash flag, option value, collateral. Returns the sources.
    """
    total = row_sums(
        held.row, held.column, held.quantity, priced.facts["counted_table"], trusted=True
    ).net
    profit = perp_profit(priced.pool.instruments, priced.view, held)
    rest = profit + total[:, 1] + total[:, 2]
    cash, source = cash_and_source(priced.pool.cash, held, priced.pool, total[:, 0], rest)
    sheet.leaf("cash", cash, "balance_side")
    sheet.leaf("unrealised", profit, "balance_side")
    sheet.leaf("option_value", total[:, 1], "balance_side")
    sheet.leaf("collateral_value", total[:, 2], "balance_side")
    sheet.sum("equity", "cash", "unrealised", "option_value", "collateral_value")
    return source


def answer_of(sheet: SheetBuilder, held: PoolBook, worst: Worst, source: Bytes) -> PoolAnswer:
    """The answer of a manager: the basis binds in no account without a line."""
    holds = np.diff(held.row) > 0
    return PoolAnswer(
        sheet.build(held.account, 0),
        np.where(holds, worst.scenario, -1),
        np.where(holds, worst.runner_up_scenario, -1),
        worst.runner_up,
        source,
        loss=worst.loss,
    )


def folded(priced: Priced, held: PoolBook) -> Floats:
    """[A, S] scenario P&L through the manager's fold; the basis contingency stands apart."""
    assert priced.risk is not None  # set by price()
    fold = priced.facts["fold"]
    full = fold_net(held.row, held.column, held.quantity, priced.risk.pnl, fold)
    return full[:, : priced.risk.count]
