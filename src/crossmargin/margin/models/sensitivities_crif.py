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
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.factors import MARGIN_TYPES, PRODUCT_CLASSES, RISK_CLASSES, factor_of
from crossmargin.margin.families.sensitivity_entries import set_from
from crossmargin.margin.families.sensitivity_parameters import NOTICE
from crossmargin.margin.families.sensitivity_totals import (
    SensitivityTable,
    Totals,
    add_on_faults,
    table_of,
    totals,
)
from crossmargin.margin.families.whole_account import equity_columns, level_columns
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
    venue="crif",
    version="1",
    folder="sensitivities-crif",
    kinds=(Kind.FACTOR,),
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="none: a sensitivity file has no balances",
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
        Rule("order_margin", "orders are not taken", "this project's own choice", Fidelity.STATED),
        Rule("balance_side", "no equity", "this project's own choice", Fidelity.STATED),
    ),
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
            [factor_of(item.native_id) for item in instruments.items],
            found,
            str(parameters.get("general.calculation_currency")),
            posted=parameters.get("general.side") == "post",
        )
        rows = np.arange(len(instruments), dtype=np.int32)
        pool = make_pool(instruments, rows, "netting set", "USD", (), {"table": table})
        side = parameters.get("general.side")
        span = f"{days} day{'s' if days > 1 else ''}"
        return Plan((pool,), parameters, (NOTICE, f"version {found.version}, {span}, to {side}"))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Nothing is priced."""
        zero = np.zeros(len(pool.instruments))
        facts = {"settle_usd": np.ones(len(zero)), "table": pool.facts["table"]}
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
        level_columns(sheet, "requirement", parameters, np.zeros(accounts))
        none = frozen(np.full(accounts, -1), np.int32)
        zero = frozen(np.zeros(accounts), np.float64)
        return PoolAnswer(sheet.build(held.account, 0), none, none, zero, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """None: nobody orders a sensitivity."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """None: the model has no scenarios."""
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts whose parameter lines are not sane."""
        table: SensitivityTable = priced.facts["table"]
        faults = add_on_faults(table, held.row, held.column, held.quantity)
        return tuple(Refusal(row, error) for row, error in faults)

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


def _totals(priced: Priced, held: PoolBook) -> Totals:
    return totals(priced.facts["table"], held.row, held.column, held.quantity)


def _sum(values: Floats) -> Floats:
    """[A] sum over product and risk classes, in their order."""
    out = np.zeros(len(values))
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            out += values[:, i, j]
    return out
