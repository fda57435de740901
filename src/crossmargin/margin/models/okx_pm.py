"""OKX portfolio margin.

    MMR of a risk unit   max( max(MR1, MR2, MR6) + MR3 + MR4 + MR5 + MR9 , MR7 )
      MR1  largest loss over 7 index moves x volatility by points or by a share, up, same, down
      MR2  24 hours of decay         MR6  half of the largest loss at the extreme moves
      MR4  sum over spot in use, perpetuals and expiries of |net cash delta| x rate
      MR7  raw charge of every position x multiple of the tier in which the sum lies
      MR9  hedges between quote currencies, USDT-USD, USDT-USDC, USDC-USD in turn, slice by slice
    IMR of a risk unit   1.3 MMR
    account              borrowed x (MMR, IMR) of its tier; 0.1 % of (borrowed + MMR) to close it
    breach               adjusted equity < sum of MMR + liquidation cost

One row a risk unit in dollars, one row for the account: equity and borrowing. MR3, MR5 and the MR7
of options are not known: a unit that holds options needs at least what is shown.
Source: okx.com help and API reference; numbers recovered from its replies where marked.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.copies import by_copy
from crossmargin.margin.equity import mark_value
from crossmargin.margin.families.spot_overlay import spot_used, worst_of
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced
from crossmargin.margin.models.okx_pm_account import Account, account_of
from crossmargin.margin.models.okx_pm_charges import (
    Held,
    basis_charge,
    depeg_of,
    held_of,
    minimum_charge,
    minimum_steps,
)
from crossmargin.margin.models.okx_pm_orders import order_need
from crossmargin.margin.models.okx_pm_pieces import unit_pieces
from crossmargin.margin.models.okx_pm_rules import SPEC
from crossmargin.margin.models.okx_pm_units import (
    ACCOUNT,
    UnitColumns,
    plan_units,
    unit_columns,
    unit_risk,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import padded

__all__ = ["OkxPM"]

_EXTREMES = 2  # the scenarios of MR6, before the last, which is MR2
_ACCOUNT_COLUMNS = ("cash", "unrealised", "option_value")


@final
class OkxPM:
    """A pool a risk unit, and one for the account; dollars."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Risk units, then the account."""
        return plan_units(instruments, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """A unit's scenarios and columns; the account's dollars by currency."""
        part = pool.instruments
        paid = np.asarray(view.usd[part.settle])
        value = mark_value(part, view)
        if pool.label == ACCOUNT:
            places = [part.names.index(name) for name in pool.facts["currencies"]]
            usd = tuple(by_copy(part, view.usd, place) for place in places)
            return Priced(pool, view, 1.0, None, None, {}, value, {"usd": usd})
        scenarios, risk = unit_risk(pool, view, parameters)
        columns = unit_columns(pool, view, parameters)
        facts = {
            "columns": columns,
            "table": np.stack(
                [columns.delta, columns.coins, columns.charge_long, columns.charge_short], axis=1
            ),
            "leg": np.multiply.outer(columns.spot_usd, scenarios.move * scenarios.weight),
            "weight": padded(scenarios.weight[None, :])[0],
            "depeg": depeg_of(view, parameters),
            "steps": minimum_steps(parameters, pool.facts["tier"]),
            "to_pool": paid,
        }
        shown = {"delta": columns.delta, "cash_delta": columns.cash_delta}
        return Priced(pool, view, 1.0, scenarios, risk, shown, value, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts; every pool has the same columns."""
        if priced.pool.label == ACCOUNT:
            return self._account(priced, held, parameters)
        scenarios = priced.scenarios
        assert scenarios is not None  # set by price()
        columns: UnitColumns = priced.facts["columns"]
        sums = held_of(priced, held)
        used = spot_used(sums.delta, sums.coins)
        vector = _vector(priced, held, used)
        count = len(scenarios)
        found = worst_of(held.row, vector, count)
        edge = count - _EXTREMES - 1
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("mr1", _loss(vector[:, :edge]), "spot_shock")
        sheet.leaf("mr2", _loss(vector[:, count - 1 : count]), "theta_decay")
        sheet.leaf("mr6", _loss(vector[:, edge : count - 1]), "extreme_move")
        sheet.leaf("spot_in_use", used, "spot_in_use")
        sheet.leaf(
            "mr4", basis_charge(sums.bucket, used * columns.spot_usd, columns.basis), "basis"
        )
        depeg, beyond = _depeg(priced, sums)
        sheet.leaf("mr9", depeg, "stablecoin_depeg")
        sheet.leaf("mr7_raw", sums.minimum, "minimum_charge")
        multiple = minimum_charge(sums.minimum, priced.facts["steps"])
        sheet.leaf("mr7_multiple", multiple, "minimum_charge")
        nothing = Account.nothing(beyond)
        _totals(sheet, nothing, parameters)
        need = self._need(priced, held, sums, parameters)
        _finish(sheet, order_margin(need, sheet["deriv_imr"]))
        return PoolAnswer(
            sheet.build(held.account, 0),
            found.scenario,
            found.runner_up_scenario,
            found.runner_up,
            nothing.source,
            at_least=beyond | _left_out(priced, sums, sheet, parameters),
            loss=found.loss,
        )

    def _account(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The account's row: equity, what is borrowed, nothing of the units."""
        found = account_of(priced, held, parameters)
        sheet = SheetBuilder(len(held.row) - 1)
        rules = {"mr1": "spot_shock", "mr2": "theta_decay", "mr6": "extreme_move"}
        rules |= {"spot_in_use": "spot_in_use", "mr4": "basis", "mr9": "stablecoin_depeg"}
        rules |= {"mr7_raw": "minimum_charge", "mr7_multiple": "minimum_charge"}
        for name, rule in rules.items():
            sheet.leaf(name, 0.0, rule)
        _totals(sheet, found, parameters)
        _finish(sheet, found.orders)
        nothing = np.full(sheet.rows, -1, np.int32)
        return PoolAnswer(
            sheet.build(held.account, 0),
            nothing,
            nothing,
            np.zeros(sheet.rows),
            found.source,
            at_least=found.at_least,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement of a unit after the worst fills; the account's row has none."""
        if priced.pool.label == ACCOUNT or len(held.book.orders.column) == 0:
            return None
        return self._need(priced, held, held_of(priced, held), parameters)

    def _need(
        self, priced: Priced, held: PoolBook, sums: Held, parameters: Parameters
    ) -> OrderNeed | None:
        fills = fills_of(priced, held, priced.facts["to_pool"], mmp=True)
        if fills is None:
            return None
        return order_need(priced, held, sums, fills, parameters.number("general.im_factor"))

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """The convex part of a unit; the account's row, what is borrowed, is left out."""
        if priced.pool.label == ACCOUNT:
            return Pieces((), ("margin for what is borrowed, and the orders of the account",))
        return unit_pieces(priced, held, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] P&L of the unit with its spot in use, weighted; None for the account."""
        if priced.risk is None:
            return None
        sums = held_of(priced, held)
        full = _vector(priced, held, spot_used(sums.delta, sums.coins))
        return full[:, : priced.risk.count]


def _vector(priced: Priced, held: PoolBook, used: Floats) -> Floats:
    """[A, S8] weighted P&L of the derivatives and the spot in use."""
    risk = priced.risk
    assert risk is not None  # set by price()
    total = net(held.row, held.column, held.quantity, risk.pnl, trusted=True)
    total *= priced.facts["weight"]
    leg = priced.facts["leg"]
    if used.any():
        total[:, : leg.shape[-1]] += used[:, None] * leg
    return total


def _loss(vector: Floats) -> Floats:
    """[A] the largest loss, never below zero."""
    return np.asarray(np.maximum(-vector.min(axis=1), 0.0))


def _depeg(priced: Priced, sums: Held) -> tuple[Floats, Bools]:
    """MR9, and where its table is not known."""
    table = priced.facts["depeg"]
    if table is None:
        return np.zeros(len(sums.delta)), np.zeros(len(sums.delta), np.bool_)
    charge, unknown = table.of_quotes(sums.quote)
    return charge, unknown


def _left_out(priced: Priced, sums: Held, sheet: SheetBuilder, parameters: Parameters) -> Bools:
    """[A] units of which a charge is not known: with options, of coins outside the lists.

    Tiers of the minimum charge that are not known matter where the highest multiple would bind.
    """
    tier = priced.pool.facts["tier"]
    out = sums.has_option
    if f"tier.{tier}.minimum_rate" not in parameters:
        out = out | (np.abs(sums.bucket).sum(axis=1) > 0.0)
    elif priced.facts["steps"] is None:
        known = minimum_steps(parameters, "first")
        top = 1.0 if known is None else float(known[1].max())
        out = out | (top * sums.minimum > sheet["risk"])
    return out


def _totals(sheet: SheetBuilder, account: Account, parameters: Parameters) -> None:
    """What follows from the charges of a unit, and the account's own columns."""
    sheet.max("scan_risk", "mr1", "mr2", "mr6")
    sheet.leaf("mr3", 0.0, "vega_term")
    sheet.leaf("mr5", 0.0, "interest")
    sheet.sum("risk", "scan_risk", "mr3", "mr4", "mr5", "mr9")
    sheet.product("mr7", "mr7_raw", "mr7_multiple")
    sheet.max("deriv_mmr", "risk", "mr7")
    sheet.scale("deriv_imr", "deriv_mmr", parameters.number("general.im_factor"), "im_factor")
    sheet.leaf("borrowed", account.borrowed, "borrow")
    sheet.leaf("borrow_mmr", account.borrow_mmr, "borrow")
    sheet.leaf("borrow_imr", account.borrow_imr, "borrow")
    sheet.leaf("borrowed_rated", account.rated, "borrow")
    sheet.sum("to_repay", "borrowed_rated", "borrow_mmr")
    rate = parameters.number("general.liquidation_rate")
    sheet.scale("liquidation_cost", "to_repay", rate, "liquidation_cost")
    for name in _ACCOUNT_COLUMNS:
        sheet.leaf(name, getattr(account, name), "balance_side")
    sheet.sum("equity", *_ACCOUNT_COLUMNS)
    sheet.leaf("discount", account.discount, "discount_rate")


def _finish(sheet: SheetBuilder, orders: Floats) -> None:
    """The order margin and the four totals."""
    sheet.leaf("order_margin", orders, "order_margin")
    sheet.difference("counted_im", "equity", "discount")
    sheet.sum("im", "deriv_imr", "borrow_imr", "order_margin")
    sheet.scale("counted_mm", "counted_im", 1.0)
    sheet.sum("mm", "deriv_mmr", "borrow_mmr", "liquidation_cost")
