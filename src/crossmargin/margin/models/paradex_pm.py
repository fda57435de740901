"""Paradex portfolio margin.

    SCAN       largest of weight x loss over 24 scenarios: spot S(1+s), vol sigma (1 + v (30/DTE)^p)
    MinDelta   (u |net delta| + h hedged delta) S,  hedged = (gross - |net|) / 2
    NetPIMR    max(SCAN, MinDelta), per underlying
    IMR = NetPIMR + funding provision + fee provision
    MMR = 0.5 NetPIMR + funding provision + fee provision

Pricing: Black-76 at F = S exp(f T) with r = 0; only S is shocked, so F scales with it. The upside
vol shock has a floor whose wording has two readings (a switch).
Source: tradeparadex/paradex-docs, history to 2026-08.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, final

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.copies import by_copy, per_instrument
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    Acceptance,
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.models.paradex_pm_orders import order_need
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import PAYLOAD_PARADEX_PM
from crossmargin.margin.piece_shapes import gross, larger, linear, nets, scaled, scenarios
from crossmargin.margin.pieces import Pieces, Term
from crossmargin.margin.pools import is_kind
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import only_usdc, plan_by_underlying, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.netting import net, worst
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.risk_array import price
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = ["ParadexPM"]

_DOCS = "tradeparadex/paradex-docs, risk-system/portfolio-margin (history to 2026-08-20)"

SPEC = ModelSpec(
    name="paradex-pm",
    title="Paradex portfolio margin",
    family="scan",
    venue="paradex",
    version="beta",
    folder="paradex-pm",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.OPTION),
    currency="USDC",
    scale=ScaleLaw.HOMOGENEOUS,
    one_balance=True,
    acceptance=Acceptance.MET_OR_NOT_RAISED,
    balance_side=(
        "account value: USDC and unrealised profit; option profit since entry equals its value "
        "less the premium, so cash after premium plus option value is the same"
    ),
    rules=(
        Rule(
            "scan",
            "largest weighted loss over 24 scenarios",
            _DOCS,
            {Kind.OPTION: Fidelity.INFERRED, Kind.PERPETUAL: Fidelity.STATED},
            ("reading.min_vol_shock",),
        ),
        Rule(
            "min_delta",
            "(u |net| + h hedged) x spot",
            f"{_DOCS}; worked example",
            {Kind.OPTION: Fidelity.EXACT, Kind.PERPETUAL: Fidelity.EXACT},
        ),
        Rule("mmf_factor", "MMR counts half of NetPIMR", _DOCS, Fidelity.STATED),
        Rule(
            "funding_provision",
            "expected funding payment of the next 8 hours, never negative",
            _DOCS,
            Fidelity.STATED,
        ),
        Rule(
            "fee_provision",
            "taker fee to leave each position; option fee at most 12.5 % of its price",
            "tradeparadex/paradex-docs, cross-margin and fee pages",
            Fidelity.INFERRED,
        ),
        Rule(
            "order_margin",
            "worst fill of the open orders: every charge at the fills that are worst for it, an "
            "upper bound",
            "this project's; the venue's text names no form under portfolio margin",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "account value", _DOCS, Fidelity.STATED),
    ),
    readings={"reading.min_vol_shock": ("floor_of_shock", "floor_of_vol")},
    standard="fixed-rate",
    maps_from=("paradex", "deribit"),
    unknown=(
        "wording of the floor on the upside vol shock (two readings)",
        "fee provision under portfolio margin: the cross-margin text is used",
        "funding provision is 0 where the snapshot holds no funding rate",
    ),
)


@final
class ParadexPM:
    """One pool per underlying; the account's requirement is their sum."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Pools by underlying; cash stands with the first."""
        only_usdc(instruments, self.spec.name)
        note = "requirements of the underlyings add up; cash stands with the first"
        return plan_by_underlying(instruments, parameters, "asset", note)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array, delta and provision columns."""
        part = pool.instruments
        table = f"asset.{pool.label}"
        scenarios = _scenarios(pool, view, parameters, table)
        spot = _spot(pool, view)
        risk = price(part, view, scenarios, np.full(len(part), per_instrument(part, spot)))
        delta = _delta(part, view)
        perp = is_kind(part, Kind.PERPETUAL)
        option = is_kind(part, Kind.OPTION)
        fee = np.where(perp, view.mark * parameters.number("general.perp_taker_fee"), 0.0)
        option_fee = np.minimum(
            per_instrument(part, spot) * parameters.number("general.option_taker_fee"),
            view.mark * parameters.number("general.option_fee_cap"),
        )
        fee = np.where(option, option_fee, fee) * part.multiplier
        funding = np.zeros(len(part))
        for k in np.flatnonzero(perp).tolist():
            item = part.items[k]
            funding[k] = view.read("funding_8h", f"{item.venue}|{item.native_id}", 0.0)
        hours = parameters.number("general.funding_provision_hours")
        columns = {
            "delta": delta,
            "call_delta": np.where(delta > 0.0, delta, 0.0),
            "put_delta": np.where(delta < 0.0, delta, 0.0),
            "fee": fee,
            "funding": funding * view.mark * part.multiplier * hours / 8.0,
        }
        stable = stable_usd(view, part)
        return Priced(
            pool, view, stable, scenarios, risk, columns, mark_value(part, view), {"spot": spot}
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        scenarios, risk = priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        table = f"asset.{priced.pool.label}"
        found = worst(
            held.row,
            held.column,
            held.quantity,
            risk.pnl,
            len(scenarios),
            scenarios.weight,
            trusted=True,
        )
        names = ("delta", "call_delta", "put_delta", "fee", "funding")
        stack = np.stack([priced.columns[name] for name in names], axis=1)
        total = row_sums(held.row, held.column, held.quantity, stack, trusted=True)
        delta = total.net[:, 0]
        gross = np.zeros(len(delta))
        for k in (1, 2):
            gross += np.abs(total.long[:, k]) + np.abs(total.short[:, k])
        hedged = np.maximum(gross - np.abs(delta), 0.0) / 2.0
        unhedged_rate = parameters.number(f"{table}.unhedged_margin_factor")
        hedged_rate = parameters.number(f"{table}.hedged_margin_factor")
        least = (unhedged_rate * np.abs(delta) + hedged_rate * hedged) * priced.facts["spot"]
        fee = total.long[:, 3] - total.short[:, 3]
        ones = np.ones(len(priced.pool.instruments))
        equity = equity_of(priced, held, ones, settled=False)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("scan_risk", found.loss, "scan")
        sheet.leaf("min_delta_risk", least, "min_delta")
        sheet.max("net_pimr", "scan_risk", "min_delta_risk")
        sheet.leaf("funding_provision", np.maximum(total.net[:, 4], 0.0), "funding_provision")
        sheet.leaf("fee_provision", fee, "fee_provision")
        half = parameters.number("general.mmf_factor")
        sheet.scale("net_pmmr", "net_pimr", half, "mmf_factor")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        base = sheet["net_pimr"] + sheet["funding_provision"] + sheet["fee_provision"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "net_pimr", "funding_provision", "fee_provision", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.sum("mm", "net_pmmr", "funding_provision", "fee_provision")
        return PoolAnswer(
            sheet.build(held.account, 0),
            found.scenario,
            found.runner_up_scenario,
            found.runner_up,
            equity.source,
            loss=found.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``paradex_pm_orders``."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        table = f"asset.{priced.pool.label}"
        rates = (
            parameters.number(f"{table}.unhedged_margin_factor"),
            parameters.number(f"{table}.hedged_margin_factor"),
        )
        return order_need(priced, held, fills, rates)

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Scan, least charge on delta while its hedged rate is not too large, provisions."""
        risk, columns = priced.risk, priced.columns
        assert priced.scenarios is not None and risk is not None  # set by price()
        table, spot = f"asset.{priced.pool.label}", priced.facts["spot"]
        scan = scenarios("scan_risk", risk.pnl, priced.scenarios.weight, priced.scenarios.label)
        u = parameters.number(f"{table}.unhedged_margin_factor")
        h = parameters.number(f"{table}.hedged_margin_factor")
        least: tuple[Term, ...] = ()
        if u >= h / 2.0:
            run = np.zeros(len(columns["delta"]), np.int32)
            on_net = nets("min_delta_risk", columns["delta"], run, np.array([(u - h / 2.0) * spot]))
            least = (*on_net, *scaled(h / 2.0 * spot, gross("hedged", np.abs(columns["delta"]))))
        terms = larger("net_pimr", ("scan_risk", (scan,)), ("min_delta_risk", least))
        funding = replace(linear("funding_provision", columns["funding"]), floor=0.0)
        left = () if least or not columns["delta"].any() else ("the least charge on delta",)
        return Pieces((*terms, funding, *gross("fee_provision", columns["fee"])), left)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, 24] weighted P&L."""
        assert priced.risk is not None and priced.scenarios is not None  # set by price()
        full = net(held.row, held.column, held.quantity, priced.risk.pnl)
        return full[:, : priced.risk.count] * priced.scenarios.weight


def _spot(pool: Pool, view: View) -> float | Floats:
    """Index of the pool's underlying, by copy; 0 in a pool that holds cash alone."""
    for k, pair in enumerate(pool.instruments.pairs):
        if pair[0] == pool.label:
            return by_copy(pool.instruments, view.index, k)
    return 0.0


def _delta(part: Instruments, view: View) -> Floats:
    """[I] Black-76 delta per unit; a perpetual's is its multiplier."""
    delta = np.where(is_kind(part, Kind.PERPETUAL), part.multiplier, 0.0)
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
    if len(rows):
        expiry = part.expiry[rows]
        years = (view.life_ms / YEAR_MS)[expiry]
        forward = (view.forward + view.forward_settled)[expiry]
        right = part.right[rows].astype(np.float64)
        unit = greeks(forward, part.strike[rows], years, view.vol[rows], right).delta
        delta[rows] = unit * part.multiplier[rows]
    return delta


def _scenarios(pool: Pool, view: View, parameters: Parameters, table: str) -> ScenarioSet:
    """The 24 scenarios: (spot shock, vol shock, weight) in the venue's order."""
    part = pool.instruments
    rows: list[Any] = parameters.rows(f"{table}.scenarios", PAYLOAD_PARADEX_PM)
    move = np.array([float(row[0]) for row in rows])
    vol = np.array([float(row[1]) for row in rows])
    scale = power_scale(
        view.life_ms / DAY_MS,
        parameters.number("general.vega_power_short_dte"),
        parameters.number("general.vega_power_long_dte"),
        parameters.number("general.dte_floor_days"),
    )
    shock = scale[:, None] * vol[None, :]
    least = parameters.number(f"{table}.min_vol_shock_up")
    up = np.broadcast_to(vol > 0.0, shock.shape)
    floor = np.zeros(shock.shape)
    if parameters.get("reading.min_vol_shock") == "floor_of_shock":
        shock = np.where(up, np.maximum(shock, least), shock)
    else:
        floor = np.where(up, least, 0.0)
    root = np.sqrt(view.life_ms / YEAR_MS)
    weight = [float(row[2]) for row in rows]
    return ScenarioSet(
        label=tuple(
            f"{100.0 * m:+.4g} %, vol {100.0 * v:+.4g} %" + ("" if w == 1.0 else f", x{w:.4g}")
            for m, v, w in zip(move, vol, weight, strict=True)
        ),
        move=frozen(move, np.float64),
        vol_label=tuple("up" if v > 0.0 else "down" for v in vol),
        spot=frozen(np.broadcast_to(1.0 + move, (len(part.pairs), len(rows))), np.float64),
        # The text knows no settlement window: the whole forward scales with the spot.
        forward=shocked_forwards(
            view.forward + view.forward_settled,
            np.zeros(len(part.expiries)),
            np.broadcast_to(1.0 + move, (len(part.expiries), len(rows))),
        ),
        vol_factor=frozen(np.maximum(1.0 + shock, 0.0) * root[:, None], np.float64),
        vol_shift=frozen(np.zeros(shock.shape), np.float64),
        vol_floor=frozen(floor * root[:, None], np.float64),
        discount=frozen(np.ones(len(part.expiries)), np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen(weight, np.float64),
        reflect=frozen(np.zeros(len(rows)), np.bool_),
    )
