"""Margin of sensitivity files (CRIF): SIMM-style aggregation under numbers that the user gives.

    IM = sum of product classes + fixed add-ons + notional add-ons + surcharge of multipliers

ISDA SIMM is a licensed standard: this package ships none of its numbers and is not endorsed. With
the numbers of a version the recorded totals of that version are reproduced. Amounts are taken as
they stand: what their holder collects. ``general.side = "post"`` turns their sign, for what he
posts; only curvature differs. See ``sensitivity_forms`` and ``sensitivity_totals``.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.factors import (
    MARGIN_TYPES,
    PRODUCT_CLASSES,
    RISK_CLASSES,
    Factor,
    factor_of,
)
from crossmargin.margin.families.sensitivity_entries import set_from
from crossmargin.margin.families.sensitivity_parameters import NOTICE
from crossmargin.margin.families.sensitivity_totals import (
    SensitivityTable,
    Totals,
    add_on_faults,
    table_of,
    totals,
)
from crossmargin.margin.families.whole_account import equity_columns
from crossmargin.margin.model import (
    Detail,
    Extent,
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
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["SensitivitiesCrif"]

_TEXT = "published methodology of sensitivity models for uncleared derivatives"
_PARTS = ("delta", "vega", "curvature", "base_correlation")
_PRODUCTS = ("rates_fx", "credit", "equity_products", "commodity")

SPEC = ModelSpec(
    name="sensitivities-crif",
    title="Sensitivity files (CRIF): SIMM-style aggregation, not endorsed",
    family="sensitivity",
    venue="",
    version="1",
    folder="sensitivities-crif",
    kinds=(Kind.ASSET, Kind.FACTOR),
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="cash and coins posted, at their dollar price",
    rules=(
        Rule(
            "margin_types",
            "delta, vega, curvature, base correlation",
            _TEXT,
            Fidelity.EXACT,
        ),
        Rule("aggregation", "across risk classes by correlation", _TEXT, Fidelity.EXACT),
        Rule("add_on", "fixed, notional factors, multipliers", _TEXT, Fidelity.EXACT),
        Rule("levels", "IM and MM as shares of it", "this project's own choice", Fidelity.STATED),
        Rule(
            "balance_side",
            "collateral at its dollar price, without haircut",
            "this project's own choice",
            Fidelity.STATED,
        ),
    ),
    standard="sensitivities-crif",
    extent=Extent.REFUSED,
    unknown=("weights, correlations and thresholds: a licensed standard, given by the user",),
)


@final
class SensitivitiesCrif:
    """One pool of dollars: the netting set."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The whole aggregation follows from factors and numbers; there are no prices."""
        days = int(parameters.get("general.horizon_days"))
        found = set_from(parameters, days)
        table = table_of(
            [_factor(item) for item in instruments.items],
            found,
            str(parameters.get("general.calculation_currency")),
            posted=parameters.get("general.side") == "post",
        )
        rows = np.arange(len(instruments), dtype=np.int32)
        money = tuple({i.underlying: None for i in instruments.items if i.kind == Kind.ASSET})
        pool = make_pool(instruments, rows, "netting set", "USD", money, {"table": table})
        side = parameters.get("general.side")
        span = f"{days} day{'s' if days > 1 else ''}"
        return Plan((pool,), parameters, (NOTICE, f"version {found.version}, {span}, to {side}"))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Nothing is priced."""
        part = pool.instruments
        zero = np.zeros(len(part))
        facts = {"settle_usd": view.usd[part.settle], "table": pool.facts["table"]}
        return Priced(pool, view, 1.0, None, None, {}, zero, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        for refusal in self.refusals(priced, held):
            raise refusal.error
        found = _totals(priced, held)
        accounts = len(held.row) - 1
        sheet = SheetBuilder(accounts)
        for k, name in enumerate(_PARTS):
            sheet.leaf(name, _sum(found.part[..., k]), "margin_types")
        for k, name in enumerate(_PRODUCTS):
            sheet.leaf(name, found.product_class[:, k], "aggregation")
        sheet.sum("sensitivity_margin", *_PRODUCTS)
        sheet.leaf("fixed_add_on", found.fixed, "add_on")
        sheet.leaf("notional_add_on", found.notional, "add_on")
        sheet.leaf("multiplier_add_on", found.multiplier, "add_on")
        sheet.sum(
            "requirement",
            "sensitivity_margin",
            "fixed_add_on",
            "notional_add_on",
            "multiplier_add_on",
        )
        equity = equity_columns(sheet, priced, held)
        sheet.sum("counted_im", "equity")
        sheet.scale("im", "requirement", parameters.number("level.im_factor"), "levels")
        sheet.sum("counted_mm", "equity")
        sheet.scale("mm", "requirement", parameters.number("level.mm_factor"), "levels")
        none = frozen(np.full(accounts, -1), np.int32)
        zero = frozen(np.zeros(accounts), np.float64)
        return PoolAnswer(sheet.build(held.account, 0), none, none, zero, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """None: nobody orders a sensitivity; an account that does is refused."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """None: the model has no scenarios."""
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts whose parameter lines are not sane, or that have open orders."""
        table: SensitivityTable = priced.facts["table"]
        faults = dict(add_on_faults(table, held.row, held.column, held.quantity))
        for row in np.flatnonzero(np.diff(held.book.orders.row)).tolist():
            faults.setdefault(row, _no_orders(str(held.book.account[row])))
        return tuple(Refusal(row, faults[row]) for row in sorted(faults))

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Margin of each product class and risk class by margin type, and the licence notice."""
        found = _totals(priced, held)
        rows: list[tuple[str | float, ...]] = [
            (
                product,
                risk_class,
                *(float(x) for x in found.part[0, i, j]),
                float(found.risk_class[0, i, j]),
            )
            for i, product in enumerate(PRODUCT_CLASSES)
            for j, risk_class in enumerate(RISK_CLASSES)
            if found.part[0, i, j].any()
        ]
        kinds = zip(_PARTS, MARGIN_TYPES, strict=True)
        columns = tuple((f"{name}_usd", title, "amount") for name, title in kinds)
        words = (("product_class", "product class", "name"), ("risk_class", "risk class", "name"))
        total = (("total_usd", "total", "amount"),)
        title = "Margin by product class and risk class"
        return (Detail("risk_classes", title, (*words, *columns, *total), tuple(rows), (NOTICE,)),)


def _factor(item: Instrument) -> Factor:
    """What a row is; collateral is no factor and loads on nothing."""
    return factor_of(item.native_id) if item.kind == Kind.FACTOR else Factor("", "")


def _no_orders(account: str) -> ModelError:
    return ModelError(
        "order_invalid",
        "a sensitivity file has no orders",
        place=f"account {account}",
        limit="sensitivities",
        remedy="Remove the orders.",
    )


def _totals(priced: Priced, held: PoolBook) -> Totals:
    return totals(priced.facts["table"], held.row, held.column, held.quantity)


def _sum(values: Floats) -> Floats:
    """[A] sum over product and risk classes, in their order."""
    out = np.zeros(len(values))
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            out += values[:, i, j]
    return out
