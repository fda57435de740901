"""The scan family: the worst of a list of price and vol moves, and named charges, in dollars.

    risk         largest weighted loss over the scenarios + the charges that add up
    requirement  max(risk, the charges that are floors)
    MM = mm_factor x requirement                 IM = im_factor x requirement + order margin

One pool an underlying; the account's requirement is their sum. A coin that has numbers lies in the
pool of its own name: as cash, as a position, or as a hedge of the derivatives up to their delta. A
member is a declaration and a parameter file; see ``scan_table`` and ``scan_charges`` for the words
of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import mark_value, with_equity_rows
from crossmargin.margin.families.scan_balance import (
    balance_of,
    collateral_of,
    haircut_of,
    order_loss,
)
from crossmargin.margin.families.scan_charges import Charge, Numbers, charges_of, evaluated
from crossmargin.margin.families.scan_hedge import Hedge, Rows, hedged, used_coins
from crossmargin.margin.families.scan_netted import netted_scan
from crossmargin.margin.families.scan_orders import scan_need
from crossmargin.margin.families.scan_pieces import scan_pieces
from crossmargin.margin.families.scan_table import (
    OTHER,
    Market,
    form,
    market_of,
    risk_of,
    scenarios_of,
    table_of,
)
from crossmargin.margin.families.scan_words import check_words
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind, make_pool, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View
from crossmargin.pricing.netting import net, worst
from crossmargin.pricing.revalue import padded_width
from crossmargin.scenarios.risk_array import RiskArray
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["Member", "ScanModel"]

_DERIVATIVES = (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)


@dataclass(frozen=True, slots=True)
class Member:
    """What a member declares beside its numbers.

    ``charges`` add to the loss, ``floors`` are least requirements: names of ``scan_charges``, each
    a rule of the spec. ``whole``: a number that the set leaves out is not charged; else it is
    unknown, and the rows that it would touch are *at least*. ``grid``: the scenarios of the set are
    all that the venue has; else some are unknown and every row with a derivative is *at least*.
    """

    spec: ModelSpec
    charges: tuple[str, ...] = ()
    floors: tuple[str, ...] = ()
    whole: bool = False
    grid: bool = True

    def __call__(self) -> ScanModel:
        """The member as a model, for the register."""
        return ScanModel(self)


@final
class ScanModel:
    """One class for every member."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.spec = member.spec

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool an underlying of derivatives, and of each coin that has numbers."""
        check_words(parameters)
        derivative = is_kind(instruments, *_DERIVATIVES)
        own = np.array([_has_pool(item.underlying, parameters) for item in instruments.items])
        lies = derivative | own
        own_names = {i.underlying for i, yes in zip(instruments.items, own, strict=True) if yes}
        named = {i.underlying for i, yes in zip(instruments.items, lies, strict=True) if yes}
        names = sorted(named) or [_first(parameters)]
        for name in names:
            table_of(parameters, name)
        owner = {name: k for k, name in enumerate(names)}
        home = np.array(
            [
                owner[i.underlying] if y else -1
                for i, y in zip(instruments.items, lies, strict=True)
            ],
            np.int32,
        )
        money = tuple({i.underlying: None for i in instruments.items if i.kind == Kind.ASSET})
        pools = tuple(
            make_pool(
                instruments,
                np.flatnonzero((home == k) | (home < 0)).astype(np.int32),
                name,
                "USD",
                money,
                {"number": k, "pool_of": home, "own_money": (name,) if name in own_names else ()},
            )
            for k, name in enumerate(names)
        )
        note = "requirements of the underlyings add up; money stands with the first"
        return Plan(pools, parameters, (note,) if len(pools) > 1 else ())

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array in dollars, charges and collateral of one pool."""
        return self._priced(pool, view, parameters, None)

    def price_netted(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook
    ) -> Priced:
        """The scan of those accounts alone netted as it is priced, where the rulebook allows it:
        there is then no risk array (``scan_netted``).
        """
        return self._priced(pool, view, parameters, held)

    def _priced(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook | None
    ) -> Priced:
        table = table_of(parameters, pool.label)
        market = market_of(pool, view, parameters)
        scenarios = scenarios_of(market, parameters, table)
        netted = None
        if held is not None and form(parameters, "coins") == "cash":
            netted = netted_scan(market, scenarios, held, parameters)
            risk = _no_risk(market, scenarios)
        else:
            risk = risk_of(market, scenarios, parameters)
        coins = form(parameters, "coins")
        coin = (
            is_kind(pool.instruments, Kind.ASSET)
            & (
                np.array([name == pool.label for name in pool.instruments.names], np.bool_)[
                    pool.instruments.underlying
                ]
            )
        )
        hedge = Hedge.of(coins, coin, market, scenarios)
        if coins == "position":
            pnl = risk.pnl + hedge.rows(coin)
            risk = RiskArray.of(pnl, risk.value, risk.count)
        numbers = Numbers(parameters, table, self.member.whole)
        charges = charges_of(self.member.charges, market, numbers)
        floors = charges_of(self.member.floors, market, numbers)
        if "reading.floor" in parameters and parameters.get("reading.floor") == "added":
            charges, floors = (*charges, *floors), ()
        facts = {
            "charges": charges,
            "floors": floors,
            "hedge": hedge,
            "coins_at_risk": coins != "cash",
            "hedge_pnl": hedge.beside(risk.pnl),
            "derivative": market.coins != 0.0,
            "settle_usd": market.settle_usd,
            "collateral": collateral_of(market, parameters, whole=self.member.whole),
            "netted": netted,
        }
        columns = {"delta": market.delta}
        return Priced(
            pool, view, 1.0, scenarios, risk, columns, mark_value(pool.instruments, view), facts
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        scenarios, facts = priced.scenarios, priced.facts
        assert scenarios is not None  # set by price()
        accounts = len(held.row) - 1
        rows = (*_positions(priced, held), facts["hedge_pnl"])
        if facts["netted"] is not None:  # each account's own vector, held once
            each = np.arange(accounts + 1)
            rows = (each, each[:-1].astype(np.int32), np.ones(accounts), facts["netted"])
        found = worst(*rows, len(scenarios), scenarios.weight, trusted=True)
        sheet = SheetBuilder(accounts)
        sheet.leaf("scan_risk", found.loss, "scan")
        doubt = _charged(sheet, (*facts["charges"], *facts["floors"]), held)
        sheet.sum("risk", "scan_risk", *(c.name for c in facts["charges"]))
        sheet.max("requirement", "risk", *(c.name for c in facts["floors"]))
        sheet.scale("initial", "requirement", parameters.number("level.im_factor"), "levels")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["initial"]), "order_margin")
        equity = balance_of(priced, held, parameters)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        lost, unknown = haircut_of(priced, held)
        sheet.leaf("collateral_haircut", lost, "haircut")
        sheet.leaf("order_loss", order_loss(need, accounts, parameters), "balance_side")
        sheet.difference("after_haircut", "equity", "collateral_haircut")
        sheet.difference("counted_im", "after_haircut", "order_loss")
        sheet.sum("im", "initial", "order_margin")
        sheet.difference("counted_mm", "after_haircut", "order_loss")
        sheet.scale("mm", "requirement", parameters.number("level.mm_factor"), "levels")
        doubt |= unknown
        if not self.member.grid:
            doubt |= _any_of(facts["derivative"], held)
        return PoolAnswer(
            sheet.build(held.account, 0),
            found.scenario,
            found.runner_up_scenario,
            found.runner_up,
            equity.source,
            at_least=doubt,
            loss=found.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``scan_orders``."""
        fills = fills_of(priced, held, priced.facts["settle_usd"], mmp=True)
        if fills is None:
            return None
        held = _with_coins(priced, held)
        return scan_need(priced, held, fills, parameters.number("level.im_factor"))

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """The convex part of the requirement; see ``scan_pieces``."""
        return scan_pieces(priced, held, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] weighted P&L, spot in use included."""
        assert priced.risk is not None and priced.scenarios is not None  # set by price()
        full = net(*_positions(priced, held), priced.facts["hedge_pnl"])
        return full[:, : priced.risk.count] * priced.scenarios.weight


def _no_risk(market: Market, scenarios: ScenarioSet) -> RiskArray:
    """A risk array without rows, beside a scan that was netted as it was priced."""
    width = padded_width(len(scenarios))
    return RiskArray.of(np.zeros((0, width)), np.zeros(len(market.part)), len(scenarios))


def _with_coins(priced: Priced, held: PoolBook) -> PoolBook:
    """The book whose coin balance is the reported equity, where coins are at risk."""
    return with_equity_rows(priced, held) if priced.facts["coins_at_risk"] else held


def _positions(priced: Priced, held: PoolBook) -> Rows:
    """What the scenarios are taken of: positions, coins at risk, spot in use."""
    counted, hedge = _with_coins(priced, held), priced.facts["hedge"]
    return hedged(hedge, counted, used_coins(hedge, counted))


def _has_pool(name: str, parameters: Parameters) -> bool:
    """Whether a coin lies in a pool of its own name: money never does."""
    if name in DOLLAR_PEGGED or name in OTHER_MONEY:
        return False
    known = parameters.tables("asset")
    return name in known or OTHER in known


def _first(parameters: Parameters) -> str:
    """The pool of books without any coin."""
    return next(iter(parameters.tables("asset")), OTHER)


def _charged(sheet: SheetBuilder, charges: tuple[Charge, ...], held: PoolBook) -> Bools:
    """A leaf for each charge; [A] rows that a charge which is not known would touch."""
    doubt = np.zeros(sheet.rows, np.bool_)
    for charge in charges:
        dollars = evaluated(charge, held)
        if not charge.known:
            doubt |= dollars > 0.0
            dollars = np.zeros(sheet.rows)
        sheet.leaf(charge.name, dollars, charge.name)
    return doubt


def _any_of(chosen: Bools, held: PoolBook) -> Bools:
    """[A] accounts that hold one of the chosen rows."""
    real = chosen[held.column] & (held.quantity != 0.0)
    rows = row_of_position(held.row)[real]
    return np.asarray(np.bincount(rows, minlength=len(held.row) - 1) > 0)
