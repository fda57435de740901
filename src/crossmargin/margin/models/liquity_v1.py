"""Liquity v1: one trove of ETH against LUSD, liquidated under 110 %, in recovery under TCR.

Recovery mode is a state of the whole system: where its collateral and debt are not given
(``trove.ETH.system_collateral``, ``system_debt``) normal mode is taken, which needs less, and the
result is at least that. The debt of the book includes the gas reserve. Rules and liquidations:
``families.lending_liquity``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks
from crossmargin.margin.families.lending_liquity import Branch, LiquityAccount
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    lending_rules,
    only_one,
    wad_of,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["LIQUITY_V1"]

_COIN = "LUSD"

SPEC = ModelSpec(
    name="liquity-v1",
    title="Liquity v1 trove ratio",
    family="lending",
    venue="liquity",
    version="v1",
    folder="liquity-v1",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral at the feed less LUSD owed, a LUSD at one dollar",
    rules=lending_rules("liquity/dev at 39f1f7f8, TroveManager", Fidelity.STATED),
    standard="liquity-v1",
    quantum=1e-18,
    unknown=(
        "whether the system is in recovery mode: its collateral and debt change by the block; "
        "without them normal mode is taken",
        "whether the Stability Pool covers a trove in recovery mode: taken to do so",
    ),
    extent=Extent.AT_LEAST,
)


class _Rules(DollarRules):
    held_table, owed_table = "trove", "coin"

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        price = {name: ticks(value, -18) for name, value in usd.items()}
        price[_COIN] = 10**18
        branches = {name: _branch(name, parameters) for name in parameters.tables("trove")}
        unknown = any(branches[name].system_debt == 0 for name in branches if name in usd)
        return Market(price, {"branches": branches}, unknown)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> LiquityAccount:
        branches = cast("Mapping[str, Branch]", market.facts["branches"])
        name = only_one(collateral, SPEC.name, "collateral") or next(iter(branches))
        batch = choices.get("batch", 0.0) != 0.0
        return LiquityAccount(collateral, debt, market.price, branches[name], _COIN, batch)


def _branch(name: str, parameters: Parameters) -> Branch:
    table = f"trove.{name}"
    return Branch(
        name,
        wad_of(parameters, f"{table}.minimum_ratio"),
        wad_of(parameters, f"{table}.critical_ratio"),
        wad_of(parameters, f"{table}.least_debt"),
        wad_of(parameters, f"{table}.reserve"),
        wad_of(parameters, f"{table}.batch_addition"),
        True,
        wad_of(parameters, f"{table}.system_collateral"),
        wad_of(parameters, f"{table}.system_debt"),
    )


LIQUITY_V1 = LendingModel(SPEC, _Rules())
