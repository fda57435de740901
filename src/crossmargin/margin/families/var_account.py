"""What every value-at-risk member shares: who is refused, the sheet, and what is said of a result.

    initial = im_factor x requirement       requirement = figure over the horizon x exit factor

The figure is the value at risk or the expected shortfall; both stand in the sheet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.var_exit import days_to_exit, exit_columns
from crossmargin.margin.families.var_measures import Estimate
from crossmargin.margin.families.var_moves import known_coins
from crossmargin.margin.families.whole_account import (
    DollarMarket,
    dollar_risk,
    equity_columns,
    is_money,
    level_columns,
    scenario_set,
)
from crossmargin.margin.fills import order_margin
from crossmargin.margin.model import OrderNeed, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.scenarios.risk_array import RiskArray

__all__ = [
    "Facts",
    "exit_warning",
    "figures_notes",
    "probe",
    "refuse_first",
    "refuse_unknown_derivatives",
    "refused_coins",
    "var_answer",
]


class Facts(NamedTuple):
    """Which coins of the pool can be margined, and why the others cannot."""

    known: tuple[str, ...]  # coins with numbers
    moving: tuple[str, ...]  # of these, those whose price has moves
    smiling: tuple[str, ...]  # of these, those whose volatility has moves


def refuse_unknown_derivatives(instruments: Instruments, parameters: Parameters) -> None:
    """Raise ModelError ``parameter_missing`` for a derivative on a coin without numbers."""
    known = known_coins(parameters)
    for item in instruments.items:
        if item.kind is not Kind.ASSET and item.underlying not in known:
            raise ModelError(
                "parameter_missing",
                "no parameters for this underlying",
                place=f"{parameters.model} {parameters.label}",
                value=item.underlying,
                limit=", ".join(known) or "none",
                remedy="Give its numbers in a table coin.NAME with --params FILE.",
            )


def refused_coins(priced: Priced, held: PoolBook, facts: Facts) -> tuple[Refusal, ...]:
    """Accounts that hold, or have an order in, what the model has no numbers or no moves of."""
    causes = [_cause(item.underlying, item.kind, facts) for item in priced.pool.instruments.items]
    bad = np.array([cause is not None for cause in causes], np.bool_)
    if not bad.any():
        return ()
    place = np.full(len(held.book.instruments), -1, np.int32)
    place[priced.pool.columns] = np.arange(len(bad), dtype=np.int32)
    orders = held.book.orders
    rests = place[orders.column]
    lines = (
        (row_of_position(held.row), held.column, held.quantity != 0.0),
        (row_of_position(orders.row), rests, (rests >= 0) & (orders.bid + orders.ask > 0.0)),
    )
    found: dict[int, int] = {}
    for owner, column, real in lines:
        for j in np.flatnonzero(real & bad[column]).tolist():
            found.setdefault(int(owner[j]), int(column[j]))
    out = []
    for row in sorted(found):
        cause = causes[found[row]]
        assert cause is not None  # only such columns are bad
        code, message, remedy, limit = cause
        label = priced.pool.instruments.label(found[row])
        error = ModelError(
            code,
            message,
            place=f"account {held.book.account[row]}, {label}",
            value=priced.pool.instruments.items[found[row]].underlying,
            limit=limit,
            remedy=remedy,
        )
        out.append(Refusal(row, error))
    return tuple(out)


def _cause(coin: str, kind: Kind, facts: Facts) -> tuple[str, str, str, str] | None:
    """Code, message, remedy and what is accepted; None where the coin can be margined."""
    if is_money(coin) and kind is Kind.ASSET:
        return None
    if coin not in facts.known:
        return (
            "parameter_missing",
            "the model has no numbers for a coin that the account holds",
            "Give the numbers of the coin (coin.NAME), or leave the line out.",
            ", ".join(facts.known) or "none",
        )
    if coin not in facts.moving:
        return (
            "history_missing",
            "the market holds no history of a coin that the account holds",
            "Import the market with --history FILE that has the coin.",
            ", ".join(facts.moving) or "none",
        )
    if kind is Kind.OPTION and coin not in facts.smiling:
        return (
            "history_missing",
            "the history of a coin has prices and no volatilities, and the account holds options",
            "Give the volatilities of the coin in the history.",
            ", ".join(facts.smiling) or "none",
        )
    return None


def refuse_first(refusals: tuple[Refusal, ...]) -> None:
    """Raise the first of the refusals."""
    for refusal in refusals:
        raise refusal.error


def probe(market: DollarMarket) -> RiskArray:
    """[I, 3] P&L of a tenth down, a tenth up and vols up: which rows move, for those who ask."""
    factor = np.array([0.9, 1.1, 1.0])
    coins = {pair[0]: factor for pair in market.part.pairs if not is_money(pair[0])}
    vols = np.ones((len(market.part.expiries), 3)) * np.array([1.0, 1.0, 1.5])
    return dollar_risk(market, scenario_set(market, ("down", "up", "vol up"), coins, vols))


def _days_of(priced: Priced, held: PoolBook, parameters: Parameters) -> Floats:
    """[A] days to exit, open orders not counted."""
    columns = exit_columns(priced.facts["market"], parameters)
    return days_to_exit(columns, with_equity_rows(priced, held))


def var_answer(
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    figures: Estimate,
    factor: Floats,
    need: OrderNeed | None,
    *,
    shortfall: bool,
    errors: bool,
) -> PoolAnswer:
    """The sheet: both figures, the error of the one that margins, the exit factor, the levels."""
    accounts = len(held.row) - 1
    sheet = SheetBuilder(accounts)
    equity = equity_columns(sheet, priced, held)
    sheet.leaf("value_at_risk", figures.value_at_risk, "value_at_risk")
    sheet.leaf("expected_shortfall", figures.expected_shortfall, "expected_shortfall")
    if errors:
        own = figures.expected_shortfall_error if shortfall else figures.value_at_risk_error
        sheet.leaf("standard_error", own, "standard_error")
    sheet.leaf("exit_factor", factor, "exit")
    figure = "expected_shortfall" if shortfall else "value_at_risk"
    sheet.product("requirement", figure, "exit_factor")
    initial = sheet["requirement"] * parameters.number("level.im_factor")
    level_columns(sheet, "requirement", parameters, order_margin(need, initial))
    none = np.full(accounts, -1, np.int32)
    return PoolAnswer(sheet.build(held.account, 0), none, none, np.zeros(accounts), equity.source)


def figures_notes(parameters: Parameters, *, shortfall: bool) -> tuple[str, ...]:
    """The conventions that a figure rests on, printed with every result."""
    var, es = parameters.number("level.var"), parameters.number("level.es")
    days = parameters.number("horizon.days")
    margins = "The expected shortfall" if shortfall else "The value at risk"
    share = parameters.number("horizon.participation")
    return (
        f"{margins} is the requirement: {100.0 * var:g} % value at risk stands beside "
        f"{100.0 * es:g} % expected shortfall.",
        f"The horizon is the larger of {_in_days(days)} and the days to exit at "
        f"{100.0 * share:g} % of what trades a day; the figure grows with its root.",
    )


def _in_days(days: float) -> str:
    return "one day" if days == 1.0 else f"{days:g} days"


def exit_warning(priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
    """Where the book takes longer to leave than the horizon is let to grow."""
    days, most = _days_of(priced, held, parameters), parameters.number("horizon.exit_days_max")
    longest = float(days.max(initial=0.0))
    if longest <= most:
        return ()
    return (
        f"The book takes {longest:.0f} days to exit; the horizon grows to {most:g} days at most.",
    )
