"""A lending protocol as a margin model: its lines become one position, its integers the sheet.

ASSET lines are collateral, DEBT lines what is owed (of either sign), and a negative ASSET line is
owed too. Interest is in the balances. One account of a book is one position of the protocol, and
one parameter set describes one deployment of it (pool, Comet, ilk, branch, market, cluster).

    counted_im = sum c ltv      counted_mm = sum c threshold      im = mm = debt
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.families.collateral import usd_of
from crossmargin.margin.families.exact_plan import require_table
from crossmargin.margin.families.exact_units import held_units, units, whole
from crossmargin.margin.families.lending import LendingAccount
from crossmargin.margin.families.lending_details import health_table, price_table
from crossmargin.margin.model import (
    Detail,
    EquitySource,
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
    Rule,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = [
    "DollarRules",
    "LendingModel",
    "Market",
    "Rules",
    "decimals_of",
    "lending_rules",
    "only_one",
    "optional",
    "wad_of",
]

Choices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Market:
    """Prices of one pool in the protocol's integers, and what else its accounts need.

    ``unknown``: something that could only raise the requirement was not given.
    """

    price: Mapping[str, int]
    facts: Mapping[str, object]
    unknown: bool = False


class Rules(Protocol):
    """What a protocol adds: its tables, its market and its account."""

    held_table: str  # of the parameters: tokens that may be held
    owed_table: str  # tokens that may be owed
    holds_owed: bool  # whether what may be owed may be supplied too, as the same balance

    def currency(self, parameters: Parameters) -> str:
        """Of the figures."""
        ...

    def decimals(self, token: str, parameters: Parameters) -> int:
        """Of a token's smallest unit."""
        ...

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        """Prices and rules of the tokens in ``usd``, in integers."""
        ...

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Choices,
    ) -> LendingAccount:
        """One position; ModelError where the protocol has no such position."""
        ...


def lending_rules(
    source: str, fidelity: Fidelity, readings: tuple[str, ...] = ()
) -> tuple[Rule, ...]:
    """The five rules of every lending model."""
    return (
        Rule("balance_side", "collateral at the oracle less debt; no cash", source, fidelity),
        Rule("borrowing", "collateral at its share for borrowing", source, fidelity, readings),
        Rule("liquidation", "collateral at its threshold", source, fidelity, readings),
        Rule("debt", "what is owed, as the protocol values it", source, fidelity, readings),
        Rule("surplus", "power less debt, exact before it is a float", source, fidelity, readings),
    )


class DollarRules:
    """The usual part of :class:`Rules`: figures in dollars, decimals in the token's own table."""

    held_table = "asset"
    owed_table = "asset"
    holds_owed = False

    def currency(self, parameters: Parameters) -> str:
        """Dollars."""
        return "USD"

    def decimals(self, token: str, parameters: Parameters) -> int:
        """Of the table that has the token."""
        held = token in parameters.tables(self.held_table)
        return decimals_of(parameters, self.held_table if held else self.owed_table, token)


def optional(parameters: Parameters, name: str, default: int = 0) -> int:
    """A whole number that a set may leave out."""
    return whole(parameters, name) if name in parameters else default


def wad_of(parameters: Parameters, name: str) -> int:
    """A decimal number of the set with 18 decimals."""
    return units(parameters.number(name), 18)


def only_one(tokens: Mapping[str, int], model: str, what: str) -> str:
    """The one token of a side, "" where there is none.

    Raises ModelError ``kind_not_accepted`` for several: each is a position of its own.
    """
    if len(tokens) > 1:
        raise ModelError(
            "kind_not_accepted",
            f"a position of {model} has one {what}",
            place=model,
            value=", ".join(tokens),
            limit="one token",
            remedy="Make each position an account of its own.",
        )
    return next(iter(tokens), "")


def decimals_of(parameters: Parameters, table: str, token: str) -> int:
    """``table.TOKEN.decimals`` as a whole number."""
    return whole(parameters, f"{table}.{token}.decimals")


@final
@dataclass(frozen=True, slots=True)
class LendingModel:
    """One pool: a position. A member is its ``spec`` and its ``rules``."""

    spec: ModelSpec
    rules: Rules

    def __call__(self) -> LendingModel:
        """Itself: the register makes its members by a call."""
        return self

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for a token of no table."""
        rules = self.rules
        for item in instruments.items:
            owed = item.kind == Kind.DEBT
            table = rules.owed_table if owed else rules.held_table
            if not owed and item.underlying in _tokens(rules, parameters):
                continue
            require_table(parameters, table, item.underlying)
        rows = np.arange(len(instruments), dtype=np.int32)
        currency = rules.currency(parameters)
        return Plan((make_pool(instruments, rows, "account", currency, ()),), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Prices and rules in the protocol's integers."""
        part, rules = pool.instruments, self.rules
        usd = {
            name: float(view.usd[part.names.index(name)])
            for name in dict.fromkeys(item.underlying for item in part.items)
        }
        for name in parameters.tables(rules.owed_table):
            usd.setdefault(name, usd_of(part, view, name))
        tokens = [item.underlying for item in part.items]
        facts = {
            "market": rules.market(view, usd, parameters),
            "token": tokens,
            "decimals": [rules.decimals(name, parameters) for name in tokens],
            "may_hold": _tokens(rules, parameters),
            "may_owe": set(parameters.tables(rules.owed_table)),
        }
        per_unit = usd_of(part, view, pool.currency)
        return Priced(pool, view, per_unit, None, None, {}, np.zeros(len(part)), facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts, every row in integers."""
        if held.book.reported.equity:
            raise InputError(
                "kind_not_accepted",
                f"{self.spec.name} has no equity but that of the lines",
                place="reported equity",
                remedy="Give what is held and owed.",
            )
        accounts = len(held.row) - 1
        rows: list[list[float]] = []
        for a in range(accounts):
            figures = self.account(priced, held, a).figures()
            unit = figures.unit
            rows.append(
                [
                    figures.collateral / unit,
                    figures.debt / unit,
                    (figures.power_im - figures.owed_im) / unit,
                    (figures.power_mm - figures.owed_mm) / unit,
                    figures.power_im / unit,
                    figures.owed_im / unit,
                    figures.power_mm / unit,
                    figures.owed_mm / unit,
                ]
            )
        lines = np.diff(held.row) > 0
        code = np.where(lines, SOURCES.index(EquitySource.BALANCES), 0).astype(np.int8)
        none = np.full(accounts, -1, np.int32)
        return PoolAnswer(
            _sheet(np.array(rows, np.float64).reshape(accounts, 8)).build(held.account, 0),
            none,
            none,
            np.zeros(accounts),
            code,
            at_least=lines & priced.facts["market"].unknown,
        )

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts that the protocol cannot have."""
        found = []
        for a in range(len(held.row) - 1):
            try:
                self.account(priced, held, a)
            except ModelError as error:
                found.append(Refusal(a, error))
        return tuple(found)

    def account(self, priced: Priced, held: PoolBook, row: int) -> LendingAccount:
        """The position of one account of a block: what the questions of ``lending`` are asked of.

        Raises ModelError ``kind_not_accepted`` for a token on a side where it cannot stand.
        """
        facts = priced.facts
        held_units_of: dict[str, int] = {}
        owed_units_of: dict[str, int] = {}
        items = priced.pool.instruments.items
        for j in range(int(held.row[row]), int(held.row[row + 1])):
            k = int(held.column[j])
            name = facts["token"][k]
            amount = held_units(held, j, facts["decimals"][k])
            owed = items[k].kind == Kind.DEBT or amount < 0
            if amount == 0:
                continue
            if name not in facts["may_owe" if owed else "may_hold"]:
                raise self._wrong_side(held.book.account[row], name, owed)
            side = owed_units_of if owed else held_units_of
            side[name] = side.get(name, 0) + abs(amount)
        choices = {key: float(values[row]) for key, values in held.book.choices.items()}
        market: Market = facts["market"]
        return self.rules.account(market, held_units_of, owed_units_of, choices)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Health, and the liquidation price, top-up and withdrawal of each token."""
        if not len(held.column):
            return ()
        account = self.account(priced, held, 0)
        decimals = dict(zip(priced.facts["token"], priced.facts["decimals"], strict=True))
        currency = priced.pool.currency
        return (health_table(account), price_table(account, decimals, currency))

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The protocol knows no orders."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None

    def _wrong_side(self, account: str, token: str, owed: bool) -> ModelError:
        return ModelError(
            "kind_not_accepted",
            f"{self.spec.name} has no {token} to {'borrow' if owed else 'hold'}",
            place=f"account {account}",
            value=token,
            remedy="Remove the line, or give the market's parameters with --params FILE.",
        )


def _tokens(rules: Rules, parameters: Parameters) -> set[str]:
    """What may be held."""
    owed = parameters.tables(rules.owed_table) if rules.holds_owed else ()
    return {*parameters.tables(rules.held_table), *owed}


def _sheet(rows: Floats) -> SheetBuilder:
    """Columns of the eight figures of each row."""
    sheet = SheetBuilder(len(rows))
    sheet.leaf("cash", np.zeros(len(rows)), "balance_side")
    sheet.leaf("collateral_value", rows[:, 0], "balance_side")
    sheet.leaf("debt_value", rows[:, 1], "debt")
    sheet.difference("equity", "collateral_value", "debt_value")
    sheet.leaf("surplus_im", rows[:, 2], "surplus")
    sheet.leaf("surplus_mm", rows[:, 3], "surplus")
    for place, level, rule in ((4, "im", "borrowing"), (6, "mm", "liquidation")):
        sheet.leaf(f"power_{level}", rows[:, place], rule)
        sheet.leaf(f"owed_{level}", rows[:, place + 1], "debt")
    for level in ("im", "mm"):
        sheet.scale(f"counted_{level}", f"power_{level}", 1.0)
        sheet.scale(level, f"owed_{level}", 1.0)
    return sheet
