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

from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.copies import known_names
from crossmargin.margin.families.derive import (
    answer_of,
    coin_worth,
    folded,
    is_coin,
    nets_of,
    peg_factor,
    plan_managers,
    refusals_of,
    side_by_side,
    sign_counted,
)
from crossmargin.margin.families.derive_pieces import confidence_left, shares, span_terms
from crossmargin.margin.families.derive_scenarios import (
    basis_loss,
    basis_moves,
    basis_rate,
    spot_moves,
)
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.models.derive_pm2_contingencies import Contingencies
from crossmargin.margin.models.derive_pm2_orders import order_need
from crossmargin.margin.models.derive_pm2_rules import SPEC
from crossmargin.margin.models.derive_pm2_scenarios import (
    option_discount,
    scenario_set,
    static_discounts,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.piece_shapes import linear, scaled
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_tables, fold_worst
from crossmargin.scenarios.risk_array import price, price_netted

__all__ = ["DerivePM2"]


@final
class DerivePM2:
    """One pool per underlying; requirement in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Pools by underlying; an account's cash and collateral go with its first manager."""
        return plan_managers(instruments, parameters, own_base=False)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array with basis moves beside it, collateral columns."""
        return self._priced(pool, view, parameters, None)

    def price_netted(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook
    ) -> Priced:
        """The same for accounts that each stand in a market of their own, without open orders.

        The risk array has a row for each expiry, then one for all else of each account.
        """
        return self._priced(pool, view, parameters, held)

    def _priced(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook | None
    ) -> Priced:
        part = pool.instruments
        table = f"market.{pool.label}"
        scenarios = scenario_set(part, view, parameters, table)
        stable = stable_usd(view, part)
        worth = coin_worth(part, view, stable)
        cancelling = _flags(part, parameters, table, "risk_cancelling") * worth
        # Collateral that cancels risk moves with spot; every scenario of the set is one pair's.
        added = spot_moves(part, scenarios, pool.label, cancelling)
        option = is_kind(part, Kind.OPTION)
        run = np.where(option, part.expiry, -1).astype(np.int32)
        if held is None:
            risk = price(part, view, scenarios, view.mark, added=added)
            folds, value, rows = run, risk.value, None
        else:
            net = nets_of(part, held, run)
            risk = price_netted(part, view, scenarios, view.mark, net.net, added=added)
            folds, value, rows = net.fold, net.sums(risk.value), net.rows
        long_discount, short_discount = static_discounts(view, parameters, table)
        basis = basis_moves(part, view, parameters, table, option_discount(view))
        facts = {
            "fold": fold_tables(
                risk.pnl.shape[1],
                folds,
                long_discount,
                short_discount,
                value_i=value,
                weight_s=scenarios.weight,
                reflect_s=scenarios.reflect,
            ),
            "run": run,
            "netted": rows,
            "basis_rate": basis_rate(view, parameters, table),
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
        facts["counted_table"] = side_by_side(columns, "cash", "value", "collateral")
        facts["basis_table"] = side_by_side(columns, "basis_up", "basis_down")
        return Priced(pool, view, stable, scenarios, risk, columns, risk.value, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        scenarios, risk = priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        for refusal in self.refusals(priced, held):
            raise refusal.error
        table = f"market.{priced.pool.label}"
        contingencies: Contingencies = priced.facts["contingencies"]
        rows = priced.facts["netted"] or (held.row, held.column, held.quantity)
        row, column, quantity = rows
        worst = fold_worst(
            row,
            column,
            quantity,
            risk.pnl,
            len(scenarios),
            priced.facts["fold"],
            floor_loss_r=basis_loss(priced, held),
            trusted=True,
        )
        charge = contingencies.charges(held)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("span_loss", worst.loss, "scenarios")
        sheet.scale(
            "im_span",
            "span_loss",
            peg_factor(parameters, table, priced.facts["stable"]),
            "im_factor",
        )
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
        source = sign_counted(sheet, priced, held)
        base = sheet["im_span"] + sheet["mm_contingency"] + sheet["im_contingency"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "im_span", "mm_contingency", "im_contingency", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.sum("mm", "mm_span", "mm_contingency")
        return answer_of(sheet, held, worst, source)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts at home here with collateral that the manager does not take."""
        return refusals_of(priced, held)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``derive_pm2_orders``."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        table = f"market.{priced.pool.label}"
        return order_need(
            priced, held, fills, peg_factor(parameters, table, priced.facts["stable"])
        )

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Scenarios, basis and contingencies; the cost of doubtful feeds is left out."""
        terms, left, frozen = span_terms(priced, held)
        by: Contingencies = priced.facts["contingencies"]
        rate, feeds = by.rate, by.feeds
        perp = feeds.perp * feeds.spot * (rate["mm_perp"] + rate["im_perp"])
        static = shares(priced, {"perp": perp}, rate["mm_option"] + rate["im_option"])
        table = f"market.{priced.pool.label}"
        span = scaled(peg_factor(parameters, table, priced.facts["stable"]), terms)
        held_back = linear("collateral_contingency", by.table[:, 1] + by.table[:, 2])
        return Pieces(
            (*span, *static, held_back), (*left, *confidence_left(feeds)), frozen, bool(frozen)
        )

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] scenario P&L, dampened and discounted; the basis contingency stands apart."""
        return folded(priced, held)


def _flags(part: Instruments, parameters: Parameters, table: str, name: str) -> Floats:
    """[I] a collateral parameter of each asset row that the manager accepts; 0 elsewhere."""
    out = np.zeros(len(part))
    taken = _collateral(part) & known_names(
        part, lambda coin: f"{table}.collateral.{coin}.{name}" in parameters
    )
    for k in np.flatnonzero(taken).tolist():
        out[k] = parameters.number(f"{table}.collateral.{part.items[k].underlying}.{name}")
    return out


def _refused(part: Instruments, parameters: Parameters, table: str) -> Bools:
    """[I] collateral that the manager does not take."""
    return _collateral(part) & ~known_names(
        part, lambda coin: f"{table}.collateral.{coin}.mm_haircut" in parameters
    )


def _collateral(part: Instruments) -> Bools:
    """[I] balances of anything but cash."""
    return is_kind(part, Kind.ASSET) & ~is_coin(part, CASH)
