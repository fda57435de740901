"""``schedule-im``: the standard schedule of initial margin (BCBS-IOSCO), on a book of coins.

The account is one netting set. Each contract is one trade: its lots are one position, and contracts
do not offset each other in the gross part. Its notional is the coins times the index, its rate that
of the class which coins are put into ("other", 15 %). Values are the mark of an option and, where
the entry is known, the profit of a future; what is settled into the balance is worth nothing.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import profit_since_entry
from crossmargin.margin.families.schedule_grid import (
    EDGES_YEARS,
    net_to_gross,
    schedule_of,
    seen_by_collector,
)
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    dollar_market,
    equity_columns,
    fills_in_dollars,
    level_columns,
    plan_account,
    priced_account,
)
from crossmargin.margin.fills import growth, order_margin
from crossmargin.margin.model import (
    Detail,
    Fidelity,
    Fills,
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
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["ScheduleIM"]

_TEXT = "BCBS-IOSCO, Margin requirements for non-centrally cleared derivatives, Appendix A"
_NONE = 1e-12  # of the largest value: no value at all

SPEC = ModelSpec(
    name="schedule-im",
    title="Standard schedule of initial margin (BCBS-IOSCO grid, net to gross)",
    family="schedule",
    venue="",
    version="2020",
    folder="schedule-im",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash, coins at their price, profit of open futures and option value",
    rules=(
        Rule(
            "schedule",
            "rate x gross notional, contract by contract; the standard has no class for coins, so "
            "they take that of what fits no other",
            _TEXT,
            Fidelity.STATED,
        ),
        Rule(
            "net_to_gross",
            "net replacement value over the sum of those that are positive to who collects, of the "
            "whole account; it eases 60 % of the gross",
            _TEXT,
            Fidelity.EXACT,
            ("reading.no_value",),
        ),
        Rule("levels", "the standard knows one amount, given at once", _TEXT, Fidelity.STATED),
        Rule(
            "order_margin",
            "the most that fills can make of gross and ratio, and their cost; an upper bound",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule(
            "balance_side", "the equity of the account at marks", "this project's", Fidelity.STATED
        ),
    ),
    one_balance=True,
    readings={"reading.no_value": ("one", "zero")},
    standard="fixed-rate",
    maps_from=ALL_OF,
)


@final
class ScheduleIM:
    """One dollar pool; see the module."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The pool: one netting set an account."""
        side = str(parameters.get("form.side"))
        notes = (f"one netting set an account; the margin is that of the side: {side}",)
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Gross margin and option value of one unit of each row."""
        market, part = dollar_market(pool, view), pool.instruments
        rates = schedule_of(parameters).rates[str(parameters.get("crypto.class"))]
        band = np.searchsorted(EDGES_YEARS, market.life_years, side="left")
        derivative = is_kind(part, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
        notional = np.where(derivative, market.coins * market.index_usd, 0.0)
        columns = {"gross": np.array(rates)[band] * notional, "notional_usd": notional}
        priced = priced_account(market, pool, None, None, columns, {})
        columns["value"] = priced.option_value * market.settle_usd
        return priced

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        share = parameters.number("margin.gross_share")
        accounts = len(held.row) - 1
        sheet = SheetBuilder(accounts)
        sheet.leaf("gross_margin", _gross(priced, held), "schedule")
        value = _values(priced, held, parameters)
        ratio = net_to_gross(
            per_row(held.row, value),
            per_row(held.row, np.maximum(value, 0.0)),
            _if_no_value(parameters),
        )
        sheet.leaf("net_to_gross", ratio, "net_to_gross")
        sheet.product("netted", "gross_margin", "net_to_gross")
        sheet.scale("fixed_part", "gross_margin", share)
        sheet.scale("netted_part", "netted", 1.0 - share)
        sheet.sum("requirement", "fixed_part", "netted_part")
        equity = equity_columns(sheet, priced, held)
        need = self.order_need(priced, held, parameters)
        base = sheet["requirement"] * parameters.number("level.im_factor")
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        none = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(accounts), equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills, an upper bound.

        The gross part grows by what fills can add to each contract; the ratio is taken at the
        largest values that they can make, for it falls in none of them.
        """
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        accounts = len(held.row) - 1
        more = growth(held, fills)
        gross = _gross(priced, held)
        gross = gross + by_row(
            more.account, priced.columns["gross"][more.column] * more.size, accounts
        )
        share = parameters.number("margin.gross_share")
        ratio = _most_ratio(priced, held, fills, parameters)
        owner = row_of_position(fills.row)
        cost = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
        eased = (share + (1.0 - share) * ratio) * gross
        need = parameters.number("level.im_factor") * eased + cost
        whole = np.ones(len(fills), np.bool_)
        return OrderNeed(need, fills, whole, np.full(accounts, -1, np.int32))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: shares of notionals."""
        return None

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Each trade with its notional, its gross margin and its value to who collects."""
        value = _values(priced, held, parameters)
        part, notional = priced.pool.instruments, priced.columns["notional_usd"]
        rows = []
        for j, column in enumerate(held.column.tolist()):
            size = abs(float(held.quantity[j]))
            if notional[column] > 0.0 and size > 0.0:
                gross = float(priced.columns["gross"][column])
                rows.append(
                    (
                        part.items[column].native_id,
                        size * float(notional[column]),
                        gross / float(notional[column]),
                        size * gross,
                        float(value[j]),
                    )
                )
        columns = (
            ("trade", "Trade", "name"),
            ("notional_usd", "Notional", "amount"),
            ("rate", "Rate", "fraction"),
            ("gross_usd", "Gross margin", "amount"),
            ("value_usd", "Value to who collects", "amount"),
        )
        return (Detail("trades", "Trades of the netting set", columns, tuple(rows)),)


def _gross(priced: Priced, held: PoolBook) -> Floats:
    """[A] gross margin, contract by contract."""
    return per_row(held.row, priced.columns["gross"][held.column] * np.abs(held.quantity))


def _sign(parameters: Parameters) -> float:
    return seen_by_collector(str(parameters.get("form.side")))


def _if_no_value(parameters: Parameters) -> float:
    return 1.0 if parameters.get("reading.no_value") == "one" else 0.0


def _values(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[N] dollars that each position is worth to who collects."""
    profit = profit_since_entry(priced.pool.instruments, priced.view, held, False)
    own = held.quantity * priced.columns["value"][held.column]
    settle_usd: Floats = priced.facts["settle_usd"]
    return np.asarray(_sign(parameters) * (own + profit * settle_usd[held.column]))


def _most_ratio(priced: Priced, held: PoolBook, fills: Fills, parameters: Parameters) -> Floats:
    """[A] the largest net-to-gross that any fills can make.

    An option's value moves with its size; a future's profit may be closed, or that of the fill
    added. Where all values can vanish the ratio may be that of no value.
    """
    accounts, width = len(held.row) - 1, len(priced.pool.instruments)
    option = is_kind(priced.pool.instruments, Kind.OPTION)
    own = row_of_position(held.row) * width + held.column
    theirs = row_of_position(fills.row) * width + fills.column
    keys, place = np.unique(np.concatenate([own, theirs]), return_inverse=True)
    touched = np.zeros(len(keys), np.bool_)
    touched[place[len(own) :]] = True
    value = by_row(place[: len(own)], _values(priced, held, parameters), len(keys))
    unit = np.where(
        option[fills.column], fills.size * priced.columns["value"][fills.column], fills.gain
    )
    change = _sign(parameters) * unit
    frozen_value = option[keys % width] | ~touched
    ends = []
    for side in (np.maximum, np.minimum):
        start = np.where(frozen_value, value, side(value, 0.0))
        ends.append(start + by_row(place[len(own) :], side(change, 0.0), len(keys)))
    owner = keys // width
    most, least = (by_row(owner, np.maximum(end, 0.0), accounts) for end in ends)
    if_none = _if_no_value(parameters)
    ratio = net_to_gross(by_row(owner, ends[0], accounts), most, if_none)
    return np.where(least <= _NONE * most, np.maximum(ratio, if_none), ratio)
