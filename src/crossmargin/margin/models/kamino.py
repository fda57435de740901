"""Kamino lend: deposits at LTV and threshold against debt times its borrow factor.

An elevation group (choice ``elevation_group``) takes the place of LTV and threshold of its tokens.
What may be borrowed is also capped by the market. Stated, not exact: rounding was not checked
against recorded numbers. Rules: ``families.lending_weighted``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, whole
from crossmargin.margin.families.lending import WAD
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
    wad_of,
)
from crossmargin.margin.families.lending_weighted import WeightedAccount, WeightedToken
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["KAMINO"]

_PERCENT = WAD // 100

SPEC = ModelSpec(
    name="kamino",
    title="Kamino lend obligation",
    family="lending",
    venue="kamino",
    version="klend",
    folder="kamino",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="deposits less debts at the oracle",
    rules=lending_rules("Kamino-Finance/klend at edd5ff50", Fidelity.STATED),
    standard="kamino",
    quantum=1e-18,
    unknown=(
        "reserve numbers and groups: set on chain; give them with --params FILE",
        "rounding inside the program: values are cut down, debts up",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table = owed_table = "reserve"

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        facts = {
            "tokens": {name: _token(name, parameters) for name in usd},
            "groups": {name: _group(name, parameters) for name in parameters.tables("group")},
            "cap": wad_of(parameters, "market.borrow_cap"),
        }
        return Market({name: ticks(value, -18) for name, value in usd.items()}, facts)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> WeightedAccount:
        facts = market.facts
        tokens = cast("Mapping[str, WeightedToken]", facts["tokens"])
        groups = cast("Mapping[str, Mapping[str, tuple[int, int]]]", facts["groups"])
        chosen = int(choices.get("elevation_group", 0.0))
        if chosen and str(chosen) not in groups:
            raise ModelError(
                "parameter_missing",
                "no such elevation group in the set",
                place="kamino elevation_group",
                value=chosen,
                limit=", ".join(("0", *groups)),
                remedy="Give the group with --params FILE.",
            )
        raised = groups[str(chosen)] if chosen else {}
        own = {
            name: replace(terms, asset_im=raised[name][0], asset_mm=raised[name][1])
            if name in raised
            else terms
            for name, terms in tokens.items()
        }
        cap = cast("int", facts["cap"])
        return WeightedAccount(collateral, debt, market.price, own, cap or None)


def _token(name: str, parameters: Parameters) -> WeightedToken:
    table = f"reserve.{name}"
    factor = whole(parameters, f"{table}.borrow_factor") * _PERCENT
    return WeightedToken(
        decimals_of(parameters, "reserve", name),
        whole(parameters, f"{table}.ltv") * _PERCENT,
        whole(parameters, f"{table}.liquidation_threshold") * _PERCENT,
        factor,
        factor,
    )


def _group(name: str, parameters: Parameters) -> Mapping[str, tuple[int, int]]:
    table = f"group.{name}"
    shares = tuple(
        whole(parameters, f"{table}.{field}") * _PERCENT
        for field in ("ltv", "liquidation_threshold")
    )
    members = parameters.tables(f"{table}.token")
    return {t: (shares[0], shares[1]) for t in members if whole(parameters, f"{table}.token.{t}")}


KAMINO = LendingModel(SPEC, _Rules())
