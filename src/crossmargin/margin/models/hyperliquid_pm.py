"""Hyperliquid portfolio margin (alpha): spot collateral, borrowing and cross perpetuals in one.

    ratio       = requirement / liquidation value;  liquidatable above 0.95
    requirement = 20 USDC + maintenance margin of the perpetuals + borrowed
    liquidation = balance + min(borrow cap, sum of min(x, supply cap) p t),  t = 0.5 + 0.5 LTV
    borrowable  = min(borrow cap, sum of min(x, supply cap) p LTV)
    p           = median(spot, perp mark U, perp oracle U),  U = 1 / spot price of USDC

It is brought to the form of a requirement: ``mm`` is the requirement over 0.95, ``counted_mm`` the
liquidation value. On the initial side the perpetuals' initial margin and what is borrowed stand
against balance and borrowable, which is this project's reading. One borrowed token, USDC.
Source: hyperliquid.gitbook.io, portfolio margin (alpha).
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of
from crossmargin.margin.families.collateral import usd_of
from crossmargin.margin.families.hyperliquid_tiers import require_margin_tables, tiers_of
from crossmargin.margin.families.standard_options import unscenarioed
from crossmargin.margin.families.tiers import (
    TierTable,
    chosen_leverage,
    open_size_need,
    unit_notional,
)
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
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
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool, per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["HyperliquidPM"]

CASH = "USDC"
_DOCS = "hyperliquid.gitbook.io, portfolio margin (alpha)"

SPEC = ModelSpec(
    name="hyperliquid-pm",
    title="Hyperliquid portfolio margin (alpha)",
    family="tiers",
    venue="hyperliquid",
    version="alpha",
    folder="hyperliquid-pm",
    kinds=(Kind.ASSET, Kind.DEBT, Kind.PERPETUAL),
    currency=CASH,
    scale=ScaleLaw.FIXED_PART,
    balance_side="USDC and unrealised profit, and collateral up to its caps at LTV or threshold",
    rules=(
        Rule("balance_side", "balance of USDC and unrealised profit", _DOCS, Fidelity.STATED),
        Rule("collateral", "capped balances at LTV or threshold", _DOCS, Fidelity.STATED),
        Rule(
            "min_borrow_offset",
            "a fixed amount, where anything is held or borrowed that can be liquidated",
            f"{_DOCS}; that an idle account bears none is this project's reading",
            Fidelity.INFERRED,
        ),
        Rule("perp_mm", "cross maintenance margin of the perpetuals", _DOCS, Fidelity.STATED),
        Rule("borrowed", "what is borrowed", _DOCS, Fidelity.STATED),
        Rule("liquidation_ratio", "liquidatable above a ratio", _DOCS, Fidelity.STATED),
        Rule(
            "perp_im",
            "cross initial margin of the perpetuals beside what is borrowed",
            "this project's reading; the text names no initial requirement",
            Fidelity.INFERRED,
        ),
        Rule(
            "order_margin",
            "each perpetual at its larger open size, and every open loss: an upper bound",
            "this project's; the matching code is closed",
            Fidelity.INFERRED,
        ),
    ),
    standard="hyperliquid",
    unknown=(
        "a second borrowed token (USDH): refused",
        "how several kinds of collateral share the borrow cap: their sum is capped",
        "caps change by phase; interest accrues in the balances",
    ),
)


@final
class HyperliquidPM:
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; the cash is USDC, and debts in it alone."""
        require_margin_tables(instruments, parameters)
        for item in instruments.items:
            if item.kind == Kind.DEBT and item.underlying != CASH:
                raise ModelError(
                    "kind_not_accepted",
                    "hyperliquid-pm knows one borrowed token",
                    place=f"{item.venue} {item.native_id}",
                    value=item.underlying,
                    limit=CASH,
                    remedy="Remove the debt.",
                )
        rows = np.arange(len(instruments), dtype=np.int32)
        return Plan((make_pool(instruments, rows, "account", CASH, (CASH,)),), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Notional and tiers of the perpetuals; price, LTV and cap of the collateral."""
        part, usd = pool.instruments, usd_of(pool.instruments, view, CASH)
        perp = Kind.PERPETUAL
        table = TierTable.of(
            [tiers_of(i, parameters) if i.kind == perp else [] for i in part.items]
        )
        ltv, cap, coin = np.zeros(len(part)), np.zeros(len(part)), np.zeros(len(part))
        for k, item in enumerate(part.items):
            if item.kind == Kind.ASSET and item.underlying != CASH:
                coin[k] = _price(part, view, item.underlying, 1.0 / usd)
                if f"collateral.{item.underlying}.ltv" in parameters:
                    ltv[k] = parameters.number(f"collateral.{item.underlying}.ltv")
                    cap[k] = parameters.number(f"collateral.{item.underlying}.supply_cap")
        columns = {
            "notional": unit_notional(part, view),
            "price": coin,
            "ltv": ltv,
            "cap": cap,
            "debt": np.where(is_kind(part, Kind.DEBT), 1.0, 0.0),
        }
        facts = {"tiers": table}
        return Priced(pool, view, usd, None, None, columns, np.zeros(len(part)), facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        table: TierTable = priced.facts["tiers"]
        unit, ratio = priced.columns, parameters.number("general.liquidation_ratio")
        cap = parameters.number("general.borrow_cap")
        capped, ltv = _collateral(priced, held), unit["ltv"][held.column]
        coins = np.abs(held.quantity) * unit["price"][held.column] * np.sign(held.quantity)
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)), settled=False)
        debt = per_row(held.row, np.abs(held.quantity) * unit["debt"][held.column])
        notional = np.abs(held.quantity) * unit["notional"][held.column]
        perp_im = per_row(held.row, table.initial(held.column, notional, chosen_leverage(held)))
        borrowed = debt + np.maximum(-equity.cash, 0.0)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("collateral_value", per_row(held.row, coins), "collateral")
        sheet.leaf("debt", -debt, "borrowed")
        sheet.sum("equity", "cash", "unrealised", "collateral_value", "debt")
        portfolio = np.maximum(equity.cash, 0.0) + equity.unrealised
        sheet.leaf("portfolio_balance", portfolio, "balance_side")
        lend = np.minimum(cap, per_row(held.row, capped * ltv))
        sheet.leaf("borrowable", lend, "collateral")
        seize = np.minimum(
            cap, per_row(held.row, capped * np.where(ltv > 0.0, 0.5 + 0.5 * ltv, 0.0))
        )
        sheet.leaf("liquidation_collateral", seize, "collateral")
        sheet.leaf("perp_im", perp_im, "perp_im")
        sheet.leaf("borrowed", borrowed, "borrowed")
        sheet.sum("initial", "perp_im", "borrowed")
        exposed = (per_row(held.row, notional) > 0.0) | (borrowed > 0.0)
        sheet.leaf("min_borrow_offset", _offset(exposed, parameters), "min_borrow_offset")
        perp_mm = per_row(held.row, table.maintenance(held.column, notional))
        sheet.leaf("perp_mm", perp_mm, "perp_mm")
        sheet.sum("requirement", "min_borrow_offset", "perp_mm", "borrowed")
        sheet.scale("maintenance", "requirement", 1.0 / ratio, "liquidation_ratio")
        sheet.max("net_im", "initial", "maintenance")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["net_im"]), "order_margin")
        sheet.sum("counted_im", "portfolio_balance", "borrowable")
        sheet.sum("im", "net_im", "order_margin")
        sheet.sum("counted_mm", "portfolio_balance", "liquidation_collateral")
        sheet.scale("mm", "maintenance", 1.0)
        return unscenarioed(sheet, held, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The larger of both levels, each perpetual at its larger open size: an upper bound."""
        ones = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, ones, mmp=True)
        if fills is None:
            return None
        table: TierTable = priced.facts["tiers"]
        unit, ratio = priced.columns["notional"], parameters.number("general.liquidation_ratio")
        equity = equity_of(priced, held, ones, settled=False)
        debt = np.abs(held.quantity) * priced.columns["debt"][held.column]
        borrowed = per_row(held.row, debt) + np.maximum(-equity.cash, 0.0)
        notional = np.abs(held.quantity) * unit[held.column]
        im = per_row(held.row, table.initial(held.column, notional, chosen_leverage(held)))
        mm = per_row(held.row, table.maintenance(held.column, notional))
        offset = _offset(np.ones(len(im), np.bool_), parameters)
        initial = open_size_need(
            im + borrowed,
            held,
            fills,
            lambda a, c, q: table.initial(c, np.abs(q) * unit[c], chosen_leverage(held, a)),
        )
        alive = open_size_need(
            (offset + mm + borrowed) / ratio,
            held,
            fills,
            lambda _, c, q: table.maintenance(c, np.abs(q) * unit[c]) / ratio,
        )
        need = np.maximum(initial.need, alive.need)
        return OrderNeed(need, fills, initial.filled, initial.scenario)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _offset(exposed: Bools, parameters: Parameters) -> Floats:
    return np.where(exposed, parameters.number("general.min_borrow_offset"), 0.0)


def _collateral(priced: Priced, held: PoolBook) -> Floats:
    """[N] value in USDC of each balance up to its supply cap; 0 of debts and perpetuals."""
    columns = priced.columns
    size = np.clip(held.quantity, 0.0, columns["cap"][held.column])
    return np.asarray(size * columns["price"][held.column])


def _price(part: Instruments, view: View, coin: str, per_dollar: float) -> float:
    """USDC per coin: median of spot, perpetual's mark and oracle, the last two in dollars.

    The mean of what there is where the market holds but two of them, the one where it holds one.
    """
    found = [view.read("spot_usdc", coin, float(view.usd[part.names.index(coin)]) * per_dollar)]
    for k, item in enumerate(part.items):
        if item.kind == Kind.PERPETUAL and item.underlying == coin:
            found.append(float(view.mark[k]) * per_dollar)
            found.append(float(view.index[part.pair[k]]) * per_dollar)
    return float(np.median(np.array(found)))
