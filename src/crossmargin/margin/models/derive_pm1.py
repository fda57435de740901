"""Derive portfolio margin, first version (PMRM).

    scenario P&L   sum_e (d(M_e) - mtm_e) + q (s-1) perp + b spot / stable (s-1)
                   M_e  net value of expiry e at the shocked forward and vol, not discounted
                   d    M static discount where M > 0, else M
    static         spot (|q| perp share + b base share + naked shorts option share)
    span           min(basis, every scenario)                         (basis is the first candidate)
    MM = -span + static
    IM = (-span + static) (imFactor + [peg threshold - stable]+ peg factor) + confidence
    counted        cash + perpetual profit + option model value + base value

The venue publishes a balance: counted minus requirement. Only the free part of a forward is
shocked. One underlying per manager, whose coin is the only collateral beside cash.
Source: derivexyz/v2-core at 7736900d, re-stated; 65 of its test cases reproduce.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.copies import per_instrument
from crossmargin.margin.families.derive import (
    answer_of,
    folded,
    index_of,
    is_coin,
    peg_factor,
    plan_managers,
    refusals_of,
    side_by_side,
    sign_counted,
)
from crossmargin.margin.families.derive_contingencies import (
    Feeds,
    naked_reach,
    naked_shorts,
    perp_reach,
    with_every_fill,
)
from crossmargin.margin.families.derive_orders import span_need
from crossmargin.margin.families.derive_pieces import confidence_left, shares, span_terms
from crossmargin.margin.families.derive_scenarios import (
    basis_loss,
    basis_moves,
    basis_rate,
    scenario_set,
    spot_moves,
    vol_factors,
)
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.models.derive_pm1_rules import SPEC
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import PAYLOAD_DERIVE_PM1
from crossmargin.margin.piece_shapes import scaled
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_tables, fold_worst
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.risk_array import price

__all__ = ["DerivePM1", "static_charges", "static_discount"]


@final
class DerivePM1:
    """One pool per underlying; requirement in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Pools by underlying; a coin lies with its own manager, cash with the first held."""
        return plan_managers(instruments, parameters, own_base=True)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array with basis moves beside it, base and contingency columns."""
        part, table = pool.instruments, f"market.{pool.label}"
        spot, stable = index_of(part, view, pool.label), stable_usd(view, part)
        given = parameters.rows(f"{table}.scenarios", PAYLOAD_DERIVE_PM1)
        rows = [(float(row[0]), str(row[1]), 1.0) for row in given]
        undiscounted = np.ones(len(part.expiries))
        factors = vol_factors(view, parameters, table)
        scenarios = scenario_set(part, view, rows, factors, discount=undiscounted)
        base = is_coin(part, pool.label).astype(np.float64)
        worth = base * (per_instrument(part, spot) / stable)
        added = spot_moves(part, scenarios, pool.label, worth)
        risk = price(part, view, scenarios, view.mark, added=added)
        option = is_kind(part, Kind.OPTION)
        run = np.where(option, part.expiry, -1).astype(np.int32)
        up, down = basis_moves(part, view, parameters, table, undiscounted)
        columns = {
            "value": risk.value,
            "basis_up": up,
            "basis_down": down,
            "collateral": worth,
            "perp": is_kind(part, Kind.PERPETUAL).astype(np.float64),
            "base": base,
            "cash": pool.cash.astype(np.float64),
        }
        facts = {
            "fold": fold_tables(
                risk.pnl.shape[1],
                run,
                static_discount(view, parameters, table),
                np.ones(len(part.expiries)),
                value_i=risk.value,
                weight_s=scenarios.weight,
            ),
            "run": run,
            "basis_rate": basis_rate(view, parameters, table),
            "feeds": Feeds.of(pool, view, parameters, table, spot),
            "stable": stable,
            "refused": is_kind(part, Kind.ASSET)
            & ~is_coin(part, pool.label)
            & ~is_coin(part, CASH),
            "long_only": base > 0.0,
            "counted_table": side_by_side(columns, "cash", "value", "collateral"),
            "basis_table": side_by_side(columns, "basis_up", "basis_down"),
            "size_table": side_by_side(columns, "perp", "base"),
        }
        return Priced(pool, view, stable, scenarios, risk, columns, risk.value, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        for refusal in self.refusals(priced, held):
            raise refusal.error
        scenarios, risk = priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        worst = fold_worst(
            held.row,
            held.column,
            held.quantity,
            risk.pnl,
            len(scenarios),
            priced.facts["fold"],
            floor_loss_r=basis_loss(priced, held),
            trusted=True,
        )
        factor = _im_factor(priced, parameters)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("span_loss", worst.loss, "scenarios")
        for name, charge in static_charges(priced, held, parameters).items():
            sheet.leaf(f"{name}_contingency", charge, f"{name}_contingency")
        sheet.sum("risk", "span_loss", "perp_contingency", "base_contingency", "option_contingency")
        sheet.scale("im_risk", "risk", factor, "im_factor")
        sheet.leaf("im_confidence_contingency", _confidence(priced, held), "confidence_contingency")
        source = sign_counted(sheet, priced, held)
        base = sheet["im_risk"] + sheet["im_confidence_contingency"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "im_risk", "im_confidence_contingency", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.scale("mm", "risk", 1.0)
        return answer_of(sheet, held, worst, source)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a coin that the manager does not take, or with a debt of its own."""
        return refusals_of(priced, held)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills, each charge at its own: an upper bound."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        factor, feeds = _im_factor(priced, parameters), priced.facts["feeds"]
        span, found = span_need(priced, held, fills, factor)
        charge = static_charges(priced, held, parameters)
        rate = _rates(priced, parameters)
        perp = perp_reach(held, fills, feeds.perp) * feeds.spot * rate["perp"]
        naked = naked_reach(held, fills, priced.pool.facts["strike_run"], feeds.option)
        static = perp + charge["base"] + naked * feeds.spot * rate["option"]
        every = held if feeds.trusted else with_every_fill(held, fills, len(feeds.perp))
        need = span + factor * static + _confidence(priced, every)
        return OrderNeed(need, fills, found.filled, found.scenario)

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Scenarios, basis and the static shares; the cost of doubtful feeds is left out."""
        terms, left, frozen = span_terms(priced, held)
        rate, spot = _rates(priced, parameters), priced.facts["feeds"].spot
        sizes = {"perp": priced.columns["perp"], "base": priced.columns["base"]}
        static = shares(priced, {k: rate[k] * spot * v for k, v in sizes.items()}, rate["option"])
        factor = _im_factor(priced, parameters)
        doubt = confidence_left(priced.facts["feeds"])
        return Pieces(scaled(factor, (*terms, *static)), (*left, *doubt), frozen, bool(frozen))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] scenario P&L, discounted; the basis contingency stands apart."""
        return folded(priced, held)


def _im_factor(priced: Priced, parameters: Parameters) -> float:
    return peg_factor(parameters, f"market.{priced.pool.label}", priced.facts["stable"])


def _rates(priced: Priced, parameters: Parameters) -> dict[str, float]:
    table = f"market.{priced.pool.label}"
    return {name: parameters.number(f"{table}.{name}_share") for name in ("perp", "base", "option")}


def static_discount(view: View, parameters: Parameters, table: str) -> Floats:
    """[E] ``base exp(-tau (max(rate, 0) mult + add))`` on a positive net value of an expiry."""
    years = view.life_ms / YEAR_MS
    rate = np.maximum(view.rate, 0.0) * parameters.number(f"{table}.rate_mult")
    grown: Floats = np.exp(-years * (rate + parameters.number(f"{table}.rate_add")))
    return parameters.number(f"{table}.static_discount") * grown


def static_charges(priced: Priced, held: PoolBook, parameters: Parameters) -> dict[str, Floats]:
    """[A] perpetual, base and naked-short contingency, shares of the spot."""
    feeds: Feeds = priced.facts["feeds"]
    rate = _rates(priced, parameters)
    table = priced.facts["size_table"]
    total = row_sums(held.row, held.column, held.quantity, table, trusted=True)
    gross = total.long - total.short
    naked = naked_shorts(held, priced.pool.facts["strike_run"], feeds.option)
    return {
        "perp": gross[:, 0] * feeds.spot * rate["perp"],
        "base": gross[:, 1] * feeds.spot * rate["base"],
        "option": naked * feeds.spot * rate["option"],
    }


def _confidence(priced: Priced, held: PoolBook) -> Floats:
    """[A] cost of doubtful feeds: perpetual and base together, options by expiry."""
    feeds: Feeds = priced.facts["feeds"]
    if feeds.trusted:
        return np.zeros(len(held.row) - 1)
    table = priced.facts["size_table"]
    total = row_sums(held.row, held.column, held.quantity, table, trusted=True)
    gross = total.long - total.short
    joint = feeds.joint(held)
    return feeds.charge(joint, (gross[:, 0] + gross[:, 1]) * feeds.spot) + feeds.options(
        held, joint
    )
