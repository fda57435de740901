"""Morpho Blue: one isolated market of a collateral and a loan token, in integers of the loan.

A set names one loan token and its markets by collateral; each account is one position in one of
them. Figures are in the loan token. Rules: ``families.lending_morpho``.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
    only_one,
    wad_of,
)
from crossmargin.margin.families.lending_morpho import MorphoAccount, MorphoMarket
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["MORPHO_BLUE"]

SPEC = ModelSpec(
    name="morpho-blue",
    title="Morpho Blue position health",
    family="lending",
    venue="morpho",
    version="blue",
    folder="morpho-blue",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="settle",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral in the loan token less what is owed",
    rules=lending_rules("morpho-org/morpho-blue at 3085651a", Fidelity.STATED),
    standard="morpho-blue",
    quantum=1e-18,
    unknown=(
        "LLTV and oracle of a market: chosen when it is made; give them with --params FILE",
        "the market's oracle: the ratio of both dollar prices stands for it",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table, owed_table = "market", "loan"

    def currency(self, parameters: Parameters) -> str:
        return parameters.tables("loan")[0]

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        loan = self.currency(parameters)
        decimals = decimals_of(parameters, "loan", loan)
        markets = {
            name: MorphoMarket(
                name,
                loan,
                decimals_of(parameters, "market", name),
                decimals,
                wad_of(parameters, f"market.{name}.lltv"),
            )
            for name in parameters.tables("market")
        }
        price = {loan: 1}
        for name, market in markets.items():
            if name in usd:
                scale = Fraction(10) ** (36 + decimals - market.collateral_decimals)
                worth = Fraction(repr(usd[name])) / Fraction(repr(usd[loan]))
                price[name] = floor(worth * scale)
        return Market(price, {"markets": markets})

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> MorphoAccount:
        markets = cast("Mapping[str, MorphoMarket]", market.facts["markets"])
        name = only_one(collateral, "morpho-blue", "collateral") or next(iter(markets))
        return MorphoAccount(collateral, debt, market.price, markets[name])


MORPHO_BLUE = LendingModel(SPEC, _Rules())
