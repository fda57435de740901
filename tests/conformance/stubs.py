"""Three small models of families that come later, to prove that the protocol carries them.

A lending ratio (two ways of counting collateral, no scenarios), a perpetual protocol that counts in
integers (no float may round before the comparison), and a book that is margined together with a
delta hedge which each account sizes for itself. None of them margins open orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, final

import numpy as np

from crossmargin.conformance.world import Subject
from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin import Fidelity, ModelSpec, Parameters, Rule, ScaleLaw
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced, Refusal
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import plan_by_underlying
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.netting import net
from crossmargin.pricing.sums import row_sums
from crossmargin.scenarios.risk_array import price
from crossmargin.scenarios.sets import ScenarioSet

PRICE_DECIMALS = 5  # the protocol's integer prices: 1e-5 dollars
UNIT_DECIMALS = 10  # smallest unit of a coin: 1e-10
MILLION = 1_000_000


def _spec(name: str, kinds: tuple[Kind, ...], currency: str, rules: tuple[str, ...]) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=name,
        family="stub",
        venue="",
        version="1",
        folder=name,
        kinds=kinds,
        currency=currency,
        scale=ScaleLaw.HOMOGENEOUS,
        balance_side="as the stub counts it",
        rules=tuple(Rule(rule, rule, "this test", Fidelity.EXACT) for rule in rules),
    )


def _one_pool(instruments: Instruments, parameters: Parameters, currency: str) -> Plan:
    rows = np.arange(len(instruments), dtype=np.int32)
    held = tuple(item.underlying for item in instruments.items if item.kind == Kind.ASSET)
    return Plan((make_pool(instruments, rows, "account", currency, held),), parameters)


def _nothing(rows: int) -> tuple[Any, Any, Floats, Any]:
    """No scenario, no runner-up, no loss, no known source of equity."""
    none = np.full(rows, -1, np.int32)
    return none, none, np.zeros(rows), np.zeros(rows, np.int8)


@final
class LendingRatio:
    """``counted = sum c x ltv`` (initial) or ``x threshold`` (maintenance); both need the debt."""

    spec = _spec(
        "stub-lending", (Kind.ASSET, Kind.DEBT), "USD", ("collateral", "debt", "balance_side")
    )

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        return _one_pool(instruments, parameters, "USD")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        part = pool.instruments
        worth = np.asarray(view.usd[part.underlying])
        asset = is_kind(part, Kind.ASSET)
        columns = {
            "asset": np.where(asset, worth, 0.0),
            "debt": np.where(is_kind(part, Kind.DEBT), worth, 0.0),
        }
        for name in ("ltv", "threshold"):
            keys = [f"asset.{item.underlying}.{name}" for item in part.items]
            share = [parameters.number(key) if key in parameters else 0.0 for key in keys]
            columns[name] = np.where(asset, worth * share, 0.0)
        strange = [f"asset.{item.underlying}.ltv" not in parameters for item in part.items]
        facts = {"strange": np.array(strange, np.bool_)}
        return Priced(pool, view, 1.0, None, None, columns, np.zeros(len(part)), facts)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        found: dict[int, Refusal] = {}
        strange = priced.facts["strange"][held.column] & (held.quantity != 0.0)
        for j in np.flatnonzero(strange).tolist():
            row = int(np.searchsorted(held.row, j, side="right")) - 1
            place = priced.pool.instruments.label(int(held.column[j]))
            found.setdefault(row, Refusal(row, ModelError("parameter_missing", "?", place=place)))
        return tuple(found.values())

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        for refusal in self.refusals(priced, held):
            raise refusal.error
        names = ("asset", "ltv", "threshold", "debt")
        table = np.stack([priced.columns[name] for name in names], axis=1)
        total = row_sums(held.row, held.column, held.quantity, table, trusted=True).net
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("cash", total[:, 0], "balance_side")
        sheet.leaf("debt", -total[:, 3], "debt")
        sheet.difference("equity", "cash", "debt")
        sheet.leaf("counted_im", total[:, 1], "collateral")
        sheet.scale("im", "debt", 1.0)
        sheet.leaf("counted_mm", total[:, 2], "collateral")
        sheet.scale("mm", "debt", 1.0)
        return PoolAnswer(sheet.build(held.account, 0), *_nothing(sheet.rows))

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        return None


@final
class IntegerPerpetual:
    """Requirement ``floor(|units| x price x ppm / 1e6)``: every step in integers of any size.

    ``surplus_mm`` is the exact difference: its sign decides where the floats of the columns tie.
    """

    spec = _spec(
        "stub-integer",
        (Kind.ASSET, Kind.PERPETUAL),
        "USDC",
        ("requirement", "surplus", "balance_side"),
    )

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        return _one_pool(instruments, parameters, "USDC")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        perpetual = is_kind(pool.instruments, Kind.PERPETUAL)
        integers = tuple(
            round(mark * 10**PRICE_DECIMALS) if future else 0
            for mark, future in zip(view.mark.tolist(), perpetual.tolist(), strict=True)
        )
        ppm = tuple(int(parameters.get(f"ppm.{level}")) for level in ("im", "mm"))
        usd = float(view.usd[pool.instruments.names.index("USDC")])
        nothing = np.zeros(len(pool.instruments))
        return Priced(pool, view, usd, None, None, {}, nothing, {"price": integers, "ppm": ppm})

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        prices, scale = priced.facts["price"], 10 ** (UNIT_DECIMALS + PRICE_DECIMALS)
        rows = len(held.row) - 1
        found: dict[str, list[float]] = {name: [] for name in ("cash", "im", "mm", "surplus")}
        for a in range(rows):
            cash, needs = 0, [0, 0]
            for j in range(int(held.row[a]), int(held.row[a + 1])):
                column, units = int(held.column[j]), _units(held, j)
                if priced.pool.cash[column]:
                    cash += units * 10**PRICE_DECIMALS
                for level, ppm in enumerate(priced.facts["ppm"]):
                    needs[level] += abs(units) * prices[column] * ppm // MILLION
            for name, value in zip(found, (cash, *needs, cash - needs[1]), strict=True):
                found[name].append(value / scale)
        sheet = SheetBuilder(rows)
        sheet.leaf("cash", np.array(found["cash"]), "balance_side")
        sheet.scale("equity", "cash", 1.0)
        sheet.leaf("surplus_mm", np.array(found["surplus"]), "surplus")
        sheet.leaf("needs_im", np.array(found["im"]), "requirement")
        sheet.leaf("needs_mm", np.array(found["mm"]), "requirement")
        sheet.scale("counted_im", "cash", 1.0)
        sheet.scale("im", "needs_im", 1.0)
        sheet.scale("counted_mm", "cash", 1.0)
        sheet.scale("mm", "needs_mm", 1.0)
        return PoolAnswer(sheet.build(held.account, 0), *_nothing(rows))

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        return None


def _units(held: PoolBook, j: int) -> int:
    """Smallest units of a position: as the book counts them, else the decimal of the float."""
    if held.exact is not None:
        return held.exact[j]
    return int(Decimal(repr(float(held.quantity[j]))) * 10**UNIT_DECIMALS)


@dataclass(frozen=True)
class Overlay:
    """A delta-one leg that each account sizes: P&L of one coin in each scenario."""

    pnl: Floats  # [S]
    delta: Floats  # [I] coins of option delta per unit


@final
class DeltaHedged:
    """Worst of four scenarios of the book beside ``-(net option delta)`` coins of its underlying.

    The leg is part of the P&L before the worst is taken, so no charge after the fact can stand for
    it: the overlay must see the account's own net delta and the whole vector.
    """

    spec = _spec(
        "stub-overlay",
        (Kind.ASSET, Kind.PERPETUAL, Kind.OPTION),
        "USDC",
        ("scenarios", "balance_side"),
    )
    moves = ((0.1, 1.3), (0.1, 1.0), (0.0, 1.0), (-0.1, 1.3), (-0.1, 1.0))

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        return plan_by_underlying(instruments, parameters, "asset", "stub")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        part = pool.instruments
        scenarios = self._scenarios(part, view)
        risk = price(part, view, scenarios, view.mark)
        delta = np.zeros(len(part))
        rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
        if len(rows):
            expiry = part.expiry[rows]
            years = (view.life_ms / YEAR_MS)[expiry]
            right = part.right[rows].astype(np.float64)
            unit = greeks(view.forward[expiry], part.strike[rows], years, view.vol[rows], right)
            delta[rows] = unit.delta * part.multiplier[rows]
        spot = [float(view.index[p]) for p, pair in enumerate(part.pairs) if pair[0] == pool.label]
        overlay = Overlay(np.array([m for m, _ in self.moves]) * (spot or [0.0])[0], delta)
        usd = float(view.usd[part.names.index("USDC")]) if "USDC" in part.names else 1.0
        return Priced(
            pool, view, usd, scenarios, risk, {}, np.zeros(len(part)), {"overlay": overlay}
        )

    def _scenarios(self, part: Instruments, view: View) -> ScenarioSet:
        move = np.array([m for m, _ in self.moves])
        factor = np.array([f for _, f in self.moves])
        shape = (len(part.expiries), len(move))
        root = np.sqrt(view.life_ms / YEAR_MS)
        return ScenarioSet(
            label=tuple(f"{100 * m:+g} %, vol x{f:g}" for m, f in self.moves),
            move=frozen(move, np.float64),
            vol_label=tuple("up" if f > 1.0 else "same" for f in factor),
            spot=frozen(np.broadcast_to(1.0 + move, (len(part.pairs), len(move))), np.float64),
            forward=frozen(view.forward[:, None] * (1.0 + move), np.float64),
            vol_factor=frozen(root[:, None] * factor, np.float64),
            vol_shift=frozen(np.zeros(shape), np.float64),
            vol_floor=frozen(np.zeros(shape), np.float64),
            discount=frozen(np.ones(shape[0]), np.float64),
            root_years=frozen(root, np.float64),
            weight=frozen(np.ones(len(move)), np.float64),
            reflect=frozen(np.zeros(len(move)), np.bool_),
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        vector = self.vector(priced, held)
        cash = row_sums(
            held.row,
            held.column,
            held.quantity,
            priced.pool.cash.astype(np.float64)[:, None],
            trusted=True,
        ).net[:, 0]
        rows = np.arange(len(vector))
        worst = _first_least(vector)
        others = vector.copy()
        others[rows, worst] = np.inf
        second = _first_least(others)
        held_any = np.diff(held.row) > 0
        sheet = SheetBuilder(len(vector))
        sheet.leaf("cash", cash, "balance_side")
        sheet.scale("equity", "cash", 1.0)
        sheet.leaf("worst", np.maximum(-vector[rows, worst], 0.0), "scenarios")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.scale("im", "worst", 1.0)
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.scale("mm", "worst", 0.8)
        return PoolAnswer(
            sheet.build(held.account, 0),
            np.where(held_any, worst, -1).astype(np.int32),
            np.where(held_any, second, -1).astype(np.int32),
            np.where(held_any, np.maximum(-vector[rows, second], 0.0), 0.0),
            np.zeros(len(vector), np.int8),
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats:
        assert priced.risk is not None
        overlay: Overlay = priced.facts["overlay"]
        own = net(held.row, held.column, held.quantity, priced.risk.pnl)[:, : priced.risk.count]
        delta = row_sums(held.row, held.column, held.quantity, overlay.delta[:, None]).net
        return own - delta * overlay.pnl


def _first_least(vector: Floats) -> Any:
    """The first scenario of each row within 1e-12 of the least."""
    if not len(vector):
        return np.zeros(0, np.int64)
    least = vector.min(axis=1, keepdims=True)
    slack = np.where(np.isfinite(least), 1e-12 * np.abs(least), 0.0)
    return np.argmax(vector <= least + slack, axis=1)


def _parameters(name: str, values: dict[str, Any]) -> Parameters:
    return from_values(name, "1", values, "this test")


_SHARES = {"ltv": 0.7, "threshold": 0.8}

LENDING = Subject(
    LendingRatio(),
    _parameters("stub-lending", {"asset": dict.fromkeys(("USDC", "BTC", "ETH", "USD"), _SHARES)}),
    shipped=False,
)
INTEGER = Subject(
    IntegerPerpetual(),
    _parameters("stub-integer", {"ppm": {"im": 50_000, "mm": 30_000}}),
    shipped=False,
)
OVERLAY = Subject(
    DeltaHedged(),
    _parameters("stub-overlay", {"asset": {"BTC": {"known": 1.0}, "ETH": {"known": 1.0}}}),
    shipped=False,
)
STUBS = (LENDING, INTEGER, OVERLAY)
