"""Binance portfolio margin (classic and Pro): uniMMR, no scenarios and no initial margin.

    uniMMR = adjusted equity / sum of MM
    equity = sum over assets of min(x p w, x p)     w the collateral rate, p the index price
    x      = margin asset - loan + futures wallet + unrealised futures profit
    adjusted equity = equity - open loss of the orders
    MM     = sum of (N r_k - cum_k) p + loans x loan share x p

Positive balances are cut to their rate, debts count in full. Levels of uniMMR (Pro): above 150 %
free, to 120 % a reminder, to 105 % reduce only, below liquidation. Rates and brackets are the
venue's and are given by the user: the model is refused without that of any asset or contract.
Source: Binance FAQ, portfolio margin and portfolio margin Pro.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Bytes, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import SOURCES, profit_since_entry
from crossmargin.margin.families.binance_tiers import require_brackets, tiers_of
from crossmargin.margin.families.collateral import one_pool, require_weights, worth_of
from crossmargin.margin.families.standard_options import unscenarioed
from crossmargin.margin.families.tiers import TierTable, unit_notional
from crossmargin.margin.fills import fills_of
from crossmargin.margin.model import (
    EquitySource,
    Extent,
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Requirement,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["BinancePM", "level_of", "uni_mmr"]

_FAQ = "Binance FAQ, portfolio margin"

SPEC = ModelSpec(
    name="binance-pm",
    title="Binance portfolio margin (uniMMR)",
    family="tiers",
    venue="binance",
    version="pro",
    folder="binance-pm",
    kinds=(Kind.ASSET, Kind.DEBT, Kind.PERPETUAL, Kind.FUTURE),
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    has_im=False,
    balance_side="adjusted equity: assets at their collateral rates, debts in full",
    rules=(
        Rule("balance_side", "balances, loans and unrealised profit", _FAQ, Fidelity.STATED),
        Rule(
            "collateral_rate",
            "a positive net balance of an asset counts at its rate, a negative one in full",
            _FAQ,
            Fidelity.STATED,
        ),
        Rule(
            "open_loss",
            "what the open orders would lose against the mark lowers equity (classic text; the "
            "Pro article has plain equity)",
            _FAQ,
            Fidelity.STATED,
        ),
        Rule("futures_mm", "notional x rate of the bracket - cum", _FAQ, Fidelity.STATED),
        Rule("loan_mm", "loan x the share of the account's loan leverage", _FAQ, Fidelity.STATED),
    ),
    standard="binance-usdm",
    unknown=(
        "collateral rates and brackets: to be given, they change by asset and date",
        "portfolio margin Pro with scenarios: nothing is published",
    ),
    extent=Extent.REFUSED,
)


@final
class BinancePM:
    """One pool in dollars."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; every asset must have its rate and every contract its brackets."""
        require_brackets(instruments, parameters)
        own = (Kind.ASSET, Kind.DEBT)
        named = [i.underlying if i.kind in own else i.settle for i in instruments.items]
        require_weights(parameters, "collateral", "rate", tuple(dict.fromkeys(named)))
        return one_pool(instruments, parameters, "USD")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Worth, collateral rate and brackets of every row."""
        part = pool.instruments
        futures = (Kind.PERPETUAL, Kind.FUTURE)
        table = TierTable.of(
            [tiers_of(i, parameters) if i.kind in futures else [] for i in part.items]
        )
        own = is_kind(part, Kind.ASSET, Kind.DEBT)
        code = np.where(own, part.underlying, part.settle).astype(np.int32)
        rates = np.zeros(len(part.names))
        for k in np.unique(code).tolist():
            rates[k] = parameters.number(f"collateral.{part.names[k]}.rate")
        loan = parameters.number("general.loan_mm_share")
        columns = {
            "worth": worth_of(part, view, 1.0),
            "notional": unit_notional(part, view),
            "loan": np.where(is_kind(part, Kind.DEBT), loan, 0.0),
        }
        facts = {"tiers": table, "code": code, "rates": rates, "usd": view.usd}
        return Priced(pool, view, 1.0, None, None, columns, np.zeros(len(part)), facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns, part = priced.columns, priced.pool.instruments
        table: TierTable = priced.facts["tiers"]
        worth = columns["worth"][held.column]
        own = is_kind(part, Kind.ASSET, Kind.DEBT)[held.column]
        profit = profit_since_entry(part, priced.view, held, False)
        balance, source = _balances(priced, held, np.where(own, held.quantity, 0.0))
        net = balance + _by_currency(priced, held, profit)
        value = net * priced.facts["usd"]
        lost = np.maximum(value, 0.0) * (1.0 - priced.facts["rates"])
        notional = np.abs(held.quantity) * columns["notional"][held.column]
        futures = per_row(held.row, table.maintenance(held.column, notional) * worth)
        loans = per_row(held.row, np.abs(held.quantity) * columns["loan"][held.column] * worth)
        beyond = table.beyond(held.column, notional).astype(np.float64)
        share = parameters.number("general.open_loss_share")
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("cash", _total(balance * priced.facts["usd"]), "balance_side")
        sheet.leaf("unrealised", per_row(held.row, profit * worth), "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        sheet.leaf("collateral_haircut", -_total(lost), "collateral_rate")
        sheet.leaf("open_loss", -share * _open_loss(priced, held), "open_loss")
        sheet.leaf("futures_mm", futures, "futures_mm")
        sheet.leaf("loan_mm", loans, "loan_mm")
        sheet.sum("maintenance", "futures_mm", "loan_mm")
        sheet.sum("counted_im", "equity", "collateral_haircut", "open_loss")
        sheet.scale("im", "maintenance", 1.0)
        sheet.sum("counted_mm", "equity", "collateral_haircut", "open_loss")
        sheet.scale("mm", "maintenance", 1.0)
        return unscenarioed(sheet, held, source, per_row(held.row, beyond) > 0.0)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """None: there is no initial margin; open losses lower equity instead."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def uni_mmr(requirement: Requirement) -> Floats:
    """[R] adjusted equity over maintenance margin; infinite where nothing is margined."""
    counted, mm = requirement.sheet["counted_mm"], requirement.sheet["mm"]
    return np.where(mm > 0.0, counted / np.where(mm > 0.0, mm, 1.0), np.inf)


def level_of(ratio: float, parameters: Parameters) -> str:
    """The level of a uniMMR: free, reminder, reduce_only, liquidation or below_one."""
    for name, above in (("free", "reminder"), ("reminder", "reduce_only")):
        if ratio > parameters.number(f"level.{above}"):
            return name
    if ratio > parameters.number("level.liquidation"):
        return "reduce_only"
    return "liquidation" if ratio > 1.0 else "below_one"


def _by_currency(priced: Priced, held: PoolBook, amount: Floats) -> Floats:
    """[A, K] amounts of the positions by account and currency."""
    accounts, width = len(held.row) - 1, len(priced.pool.instruments.names)
    code = row_of_position(held.row) * width + priced.facts["code"][held.column]
    return by_row(code, amount, accounts * width).reshape(accounts, width)


def _total(values: Floats) -> Floats:
    """[A] sums over currencies, in their order."""
    out = np.zeros(len(values))
    for k in range(values.shape[1]):
        out += values[:, k]
    return out


def _balances(priced: Priced, held: PoolBook, lines: Floats) -> tuple[Floats, Bytes]:
    """[A, K] balances less loans; where the venue reports the equity of a currency, that."""
    balance = _by_currency(priced, held, lines)
    source = np.where(per_row(held.row, np.abs(lines)) > 0.0, 2, 0).astype(np.int8)
    names = priced.pool.instruments.names
    place = {name: k for k, name in enumerate(held.book.account)}
    given = held.book.reported.equity
    if given:
        gain = profit_since_entry(priced.pool.instruments, priced.view, held, False)
        profit = _by_currency(priced, held, gain)
    for (account, currency), equity in given.items():
        if account in place and currency in names:
            row, code = place[account], names.index(currency)
            balance[row, code] = equity - profit[row, code]
            source[row] = SOURCES.index(EquitySource.VENUE)
    return balance, source


def _open_loss(priced: Priced, held: PoolBook) -> Floats:
    """[A] dollars that the open orders would lose against the mark; >= 0."""
    fills = fills_of(priced, held, priced.columns["worth"], mmp=True)
    accounts = len(held.row) - 1
    if fills is None:
        return np.zeros(accounts)
    return by_row(row_of_position(fills.row), np.maximum(-fills.gain, 0.0), accounts)
