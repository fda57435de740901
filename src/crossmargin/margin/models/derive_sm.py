"""Derive standard margin (SRM): all markets of an account beside each other.

    balance = cash + sum over markets of
              perpetual profit - |q| price share - options + coins S margin factor (x IM scale)
              - depeg - oracle penalties                              (both of the initial side)

Options per expiry: :mod:`crossmargin.margin.models.derive_sm_options`. Brought to the house form:
what backs (cash, perpetual profit, margin value of coins) is counted, the rest is required.
Source: derivexyz/v2-core at 7736900d, re-stated; 70 of its test cases reproduce.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.derive import coin_worth, refusals_of, sign_counted
from crossmargin.margin.families.derive_scenarios import scenario_set
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.models.derive_sm_options import (
    by_account,
    option_charges,
    parameter_column,
    short_columns,
    unpaired_columns,
)
from crossmargin.margin.models.derive_sm_orders import order_need
from crossmargin.margin.models.derive_sm_penalties import Penalties
from crossmargin.margin.models.derive_sm_rules import SPEC
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.risk_array import price

__all__ = ["DeriveSM"]

GROUPS = {Kind.ASSET: "base", Kind.PERPETUAL: "perp", Kind.OPTION: "option"}


@final
class DeriveSM:
    """One pool: an account's markets stand against one balance."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool of everything; ModelError ``parameter_missing`` for what no market takes."""
        for item in instruments.items:
            key = f"market.{item.underlying}.{GROUPS[item.kind]}"
            if item.underlying != CASH and not parameters.tables(key):
                raise ModelError(
                    "parameter_missing",
                    "the standard manager has no such market",
                    place=f"{parameters.model} {parameters.label}",
                    value=f"{item.underlying} {GROUPS[item.kind]}",
                    limit=", ".join(parameters.tables("market")),
                    remedy="Give the venue's parameters of that market with --params FILE.",
                )
        rows = np.arange(len(instruments), dtype=np.int32)
        return Plan((make_pool(instruments, rows, "account", CASH, (CASH,)),), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Values, and what one unit of each row costs or counts."""
        part = pool.instruments
        stable = stable_usd(view, part)
        asset, perp = is_kind(part, Kind.ASSET), is_kind(part, Kind.PERPETUAL)
        spot = np.where(asset, view.usd[part.underlying], view.index[part.pair])
        same = np.ones(len(part.expiries))
        still = scenario_set(part, view, ((1.0, "none", 1.0),), (same, same), discount=same)
        value = price(part, view, still, view.mark).value
        im_short, mm_short = short_columns(part, spot, value, parameters)
        option = is_kind(part, Kind.OPTION)
        notional = np.where(perp, view.mark, 0.0) * part.multiplier
        margin = spot * parameter_column(part, parameters, Kind.ASSET, "base", "margin_factor")
        scale = parameter_column(part, parameters, Kind.ASSET, "base", "im_scale")
        penalties = Penalties.of(part, view, parameters, spot)
        under = max(parameters.number("depeg.threshold") - stable, 0.0)
        depeg = spot * part.multiplier * (under * parameters.number("depeg.factor"))
        columns = {
            "value": value,
            "im_short": im_short,
            "mm_short": mm_short,
            "im_perp": notional
            * parameter_column(part, parameters, Kind.PERPETUAL, "perp", "im_share"),
            "mm_perp": notional
            * parameter_column(part, parameters, Kind.PERPETUAL, "perp", "mm_share"),
            "depeg": np.where(asset, 0.0, depeg),
            "penalty": penalties.line,
        }
        size = np.where(option, part.multiplier, 0.0)
        nothing = np.zeros(len(part))
        worth = coin_worth(part, view, stable)
        cash = pool.cash.astype(np.float64)
        facts = {
            "refused": np.zeros(len(part), np.bool_),  # what no market takes has no plan
            "long_only": asset & (pool.cash == 0),
            "run": np.where(option, part.expiry, -1).astype(np.int32),
            "unpaired": unpaired_columns(part, view, parameters),
            "penalties": penalties,
            "short_table": np.stack([im_short, mm_short, size, nothing], axis=1),
            "counted_table": np.stack([cash, value, worth, nothing], axis=1),
            "line_table": np.stack(
                [
                    columns["im_perp"],
                    columns["mm_perp"],
                    columns["penalty"],
                    np.where(option, columns["depeg"], 0.0),
                    np.where(perp, columns["depeg"], 0.0),
                    margin * scale,
                    margin,
                    nothing,
                ],
                axis=1,
            ),
        }
        return Priced(pool, view, stable, None, None, columns, value, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        for refusal in self.refusals(priced, held):
            raise refusal.error
        accounts = len(held.row) - 1
        options = option_charges(priced, held)
        table = priced.facts["line_table"]
        lines = row_sums(held.row, held.column, held.quantity, table, trusted=True)
        gross = lines.long - lines.short
        penalties: Penalties = priced.facts["penalties"]
        sheet = SheetBuilder(accounts)
        sheet.leaf("im_option", by_account(options, options.im, accounts), "option_charge")
        sheet.leaf("im_perp", gross[:, 0], "perp_charge")
        sheet.leaf("depeg", gross[:, 4] - lines.short[:, 3], "depeg")
        sheet.leaf("line_penalty", gross[:, 2], "oracle_penalty")
        sheet.leaf("option_penalty", penalties.options(held, options), "oracle_penalty")
        sheet.leaf("mm_option", by_account(options, options.mm, accounts), "option_charge")
        sheet.leaf("mm_perp", gross[:, 1], "perp_charge")
        sheet.leaf("im_base_margin", lines.net[:, 5], "base_margin")
        sheet.leaf("mm_base_margin", lines.net[:, 6], "base_margin")
        source = sign_counted(sheet, priced, held)
        parts = ("im_option", "im_perp", "depeg", "line_penalty", "option_penalty")
        base = sum((sheet[name] for name in parts[1:]), sheet[parts[0]])
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.sum("counted_im", "cash", "unrealised", "im_base_margin")
        sheet.sum("im", *parts, "order_margin")
        sheet.sum("counted_mm", "cash", "unrealised", "mm_base_margin")
        sheet.sum("mm", "mm_option", "mm_perp")
        nothing = np.full(accounts, -1, np.int32)
        return PoolAnswer(
            sheet.build(held.account, 0), nothing, nothing, np.zeros(accounts), source
        )

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a debt in coin."""
        return refusals_of(priced, held)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``derive_sm_orders``."""
        units = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, units, mmp=True, value_counts=False)
        return None if fills is None else order_need(priced, held, fills)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position, and the maximum loss of an expiry."""
        return None
