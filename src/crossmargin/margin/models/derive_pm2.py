"""Derive portfolio margin, second version (PMRM_2 and 2.1).

    scenario P&L   d q (s-1) perp + sum_e g(d (M_e sd_e - mtm_e)) + d sum_cancelling value (s-1)
                   M_e  net value of expiry e at the shocked forward and vol (discounted)
                   sd_e static discount: the long one where M_e >= 0, else the short one
                   g    identity; -|x| in the two skew scenarios
    basis          sum_e min(M_e(up) - mtm_e, M_e(down) - mtm_e, 0) (add + mult tau_e)
    span           min(basis, every scenario)                         (basis is the first candidate)
    MM = -span mmFactor + contingencies(MM)
    IM = -span (imFactor + [peg threshold - stable]+ peg factor) + contingencies(MM) + (IM)
    counted        cash + perpetual profit + option model value + collateral value

The venue publishes a balance: counted minus requirement; it is shown too. Only the free part of a
forward is shocked. One underlying per manager: each is a pool of its own.
Source: derivexyz/v2-core at 7736900d, re-stated; 139 of its test cases reproduce.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.models.derive_pm2_contingencies import Contingencies
from crossmargin.margin.models.derive_pm2_orders import order_need
from crossmargin.margin.models.derive_pm2_rules import SPEC
from crossmargin.margin.models.derive_pm2_scenarios import scenario_set, static_discounts
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, cash_and_source, plan_by_underlying, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_net, fold_tables, fold_worst
from crossmargin.pricing.sums import row_sums, sums
from crossmargin.scenarios.risk_array import RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["DerivePM2"]


@final
class DerivePM2:
    """One pool per underlying; requirement in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Pools by underlying; an account's cash and collateral go with its first manager."""
        note = "one manager per underlying: cash stands with the first held, sums are in dollars"
        plan = plan_by_underlying(instruments, parameters, "market", note)
        pools = tuple(
            replace(
                pool,
                facts={**pool.facts, "strike_run": pool.instruments.runs("expiry", "strike")},
            )
            for pool in plan.pools
        )
        return replace(plan, pools=pools)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array with basis moves beside it, collateral columns."""
        part = pool.instruments
        table = f"market.{pool.label}"
        scenarios = scenario_set(part, view, parameters, table)
        risk = price(part, view, scenarios, view.mark)
        pnl = risk.pnl.copy()
        stable = stable_usd(view, part)
        worth = _collateral_worth(part, view, stable)
        cancelling = _flags(part, parameters, table, "risk_cancelling") * worth
        # Collateral that cancels risk moves with spot; every scenario of the set is one pair's.
        spot = _spot_row(part, scenarios, pool.label)
        pnl[:, : len(scenarios)] += cancelling[:, None] * (spot - 1.0)
        long_discount, short_discount = static_discounts(view, parameters, table)
        option = is_kind(part, Kind.OPTION)
        run = np.where(option, part.expiry, -1).astype(np.int32)
        basis = _basis(part, view, parameters, table)
        facts = {
            "fold": fold_tables(
                pnl.shape[1],
                run,
                long_discount,
                short_discount,
                value_i=risk.value,
                weight_s=scenarios.weight,
                reflect_s=scenarios.reflect,
            ),
            "run": run,
            "basis_rate": basis[2],
            "contingencies": Contingencies.of(pool, view, parameters, table, stable),
            "stable": stable,
            "refused": _refused(part, parameters, table),
        }
        columns = {
            "value": risk.value,
            "basis_up": basis[0],
            "basis_down": basis[1],
            "collateral": worth,
            "perp": is_kind(part, Kind.PERPETUAL).astype(np.float64),
            "cash": pool.cash.astype(np.float64),
        }
        # Tables of columns that every block sums, made once.
        facts["counted_table"] = _table(columns, "cash", "value", "collateral")
        facts["basis_table"] = _table(columns, "basis_up", "basis_down")
        shown = RiskArray.of(pnl, risk.value, risk.count)
        return Priced(pool, view, stable, scenarios, shown, columns, risk.value, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        scenarios, risk = priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        for refusal in self.refusals(priced, held):
            raise refusal.error
        table = f"market.{priced.pool.label}"
        contingencies: Contingencies = priced.facts["contingencies"]
        worst = fold_worst(
            held.row,
            held.column,
            held.quantity,
            risk.pnl,
            len(scenarios),
            priced.facts["fold"],
            floor_loss_r=_basis_loss(priced, held),
            trusted=True,
        )
        holds = np.diff(held.row) > 0  # the basis is no candidate of an account without a line
        counted = priced.facts["counted_table"]
        total = row_sums(held.row, held.column, held.quantity, counted, trusted=True).net
        charge = contingencies.charges(held)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("span_loss", worst.loss, "scenarios")
        sheet.scale("im_span", "span_loss", self._im_factor(priced, parameters), "im_factor")
        sheet.scale("mm_span", "span_loss", parameters.number(f"{table}.mm_factor"), "mm_factor")
        for name in ("perp", "option", "collateral"):
            sheet.leaf(f"mm_{name}_contingency", charge[f"mm_{name}"], f"{name}_contingency")
        sheet.sum(
            "mm_contingency",
            "mm_perp_contingency",
            "mm_option_contingency",
            "mm_collateral_contingency",
        )
        for name in ("perp", "option", "collateral", "confidence"):
            sheet.leaf(f"im_{name}_contingency", charge[f"im_{name}"], f"{name}_contingency")
        sheet.sum(
            "im_contingency",
            "im_perp_contingency",
            "im_option_contingency",
            "im_collateral_contingency",
            "im_confidence_contingency",
        )
        profit = contingencies.perp_profit(held)
        rest = profit + total[:, 1] + total[:, 2]
        cash, source = cash_and_source(priced.pool.cash, held, priced.pool, total[:, 0], rest)
        sheet.leaf("cash", cash, "balance_side")
        sheet.leaf("unrealised", profit, "balance_side")
        sheet.leaf("option_value", total[:, 1], "balance_side")
        sheet.leaf("collateral_value", total[:, 2], "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value", "collateral_value")
        base = sheet["im_span"] + sheet["mm_contingency"] + sheet["im_contingency"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "im_span", "mm_contingency", "im_contingency", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.sum("mm", "mm_span", "mm_contingency")
        return PoolAnswer(
            sheet.build(held.account, 0),
            np.where(holds, worst.scenario, -1),
            np.where(holds, worst.runner_up_scenario, -1),
            worst.runner_up,
            source,
            loss=worst.loss,
        )

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts at home here with collateral that the manager does not take."""
        refused: Bools = priced.facts["refused"]
        if not refused.any():
            return ()
        lines = np.flatnonzero(refused[held.column] & (held.quantity != 0.0))
        rows, first = np.unique(
            np.searchsorted(held.row, lines, side="right") - 1, return_index=True
        )
        return tuple(
            Refusal(row, self._not_taken(priced, held, j))
            for row, j in zip(rows.tolist(), lines[first].tolist(), strict=True)
        )

    @staticmethod
    def _not_taken(priced: Priced, held: PoolBook, line: int) -> ModelError:
        return ModelError(
            "parameter_missing",
            "the manager does not take this collateral",
            place=priced.pool.instruments.label(int(held.column[line])),
            value=float(held.quantity[line]),
            limit=f"collateral of the {priced.pool.label} manager",
            remedy="Remove the line, or give its haircuts with --params FILE.",
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``derive_pm2_orders``."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        return order_need(priced, held, fills, self._im_factor(priced, parameters))

    @staticmethod
    def _im_factor(priced: Priced, parameters: Parameters) -> float:
        """imFactor, raised while the stablecoin is under its peg."""
        table = f"market.{priced.pool.label}"
        stable = float(priced.facts["stable"])
        peg = max(parameters.number(f"{table}.peg_loss_threshold") - stable, 0.0)
        factor = parameters.number(f"{table}.im_factor")
        return factor + peg * parameters.number(f"{table}.peg_loss_factor")

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] scenario P&L, dampened and discounted; the basis contingency stands apart."""
        assert priced.risk is not None  # set by price()
        fold = priced.facts["fold"]
        full = fold_net(held.row, held.column, held.quantity, priced.risk.pnl, fold)
        return full[:, : priced.risk.count]


def _table(columns: Mapping[str, Floats], *names: str) -> Floats:
    """[I, 4] the named columns side by side, filled up with zeros."""
    table = np.zeros((len(columns[names[0]]), 4))
    for k, name in enumerate(names):
        table[:, k] = columns[name]
    return table


def _collateral_worth(part: Instruments, view: View, stable: float) -> Floats:
    """[I] ``price / stable`` of one unit of collateral; 0 for cash and derivatives."""
    worth = np.zeros(len(part))
    for k, item in enumerate(part.items):
        if item.kind == Kind.ASSET and item.underlying != CASH:
            worth[k] = float(view.usd[part.underlying[k]]) / stable
    return worth


def _flags(part: Instruments, parameters: Parameters, table: str, name: str) -> Floats:
    """[I] a collateral parameter of each asset row that the manager accepts; 0 elsewhere."""
    out = np.zeros(len(part))
    for k, item in enumerate(part.items):
        key = f"{table}.collateral.{item.underlying}.{name}"
        if item.kind == Kind.ASSET and item.underlying != CASH and key in parameters:
            out[k] = parameters.number(key)
    return out


def _refused(part: Instruments, parameters: Parameters, table: str) -> Bools:
    """[I] collateral that the manager does not take."""
    return np.array(
        [
            item.kind == Kind.ASSET
            and item.underlying != CASH
            and f"{table}.collateral.{item.underlying}.mm_haircut" not in parameters
            for item in part.items
        ],
        np.bool_,
    )


def _spot_row(part: Instruments, scenarios: ScenarioSet, label: str) -> Floats:
    """[S] spot factor of the pool's own pair."""
    for p, pair in enumerate(part.pairs):
        if pair[0] == label:
            return np.asarray(scenarios.spot[p])
    return np.ones(len(scenarios))


def _basis(
    part: Instruments, view: View, parameters: Parameters, table: str
) -> tuple[Floats, Floats, Floats]:
    """P&L [I] of the two basis moves and the rate [E] ``add + mult tau``."""
    up = parameters.number(f"{table}.basis_spot_up")
    down = parameters.number(f"{table}.basis_spot_down")
    moves = scenario_set(
        part, view, parameters, table, only=((up, "none", 1.0), (down, "none", 1.0))
    )
    pnl = price(part, view, moves, view.mark).pnl
    option = is_kind(part, Kind.OPTION)
    years = view.life_ms / YEAR_MS
    add = parameters.number(f"{table}.basis_add_factor")
    rate = add + parameters.number(f"{table}.basis_mult_factor") * years
    return np.where(option, pnl[:, 0], 0.0), np.where(option, pnl[:, 1], 0.0), rate


def _basis_loss(priced: Priced, held: PoolBook) -> Floats:
    """[A] the basis contingency as a loss >= 0."""
    table, run = priced.facts["basis_table"], priced.facts["run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    worse = np.minimum(np.minimum(found.net[:, 0], found.net[:, 1]), 0.0)
    loss = -worse * priced.facts["basis_rate"][found.run]
    return by_row(found.row, loss, len(held.row) - 1)
