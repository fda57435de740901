"""Maker: one urn of one collateral type against DAI, in wad, ray and rad.

The Vat knows one ratio: both levels are ``ink spot >= art rate``. The debt of the book is what is
owed in DAI, stability fee included. Rules, auctions and their prices: ``families.lending_maker``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, units
from crossmargin.margin.families.lending_maker import Ilk, MakerAccount
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
    only_one,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["MAKER"]

SPEC = ModelSpec(
    name="maker",
    title="Maker vault safety",
    family="lending",
    venue="maker",
    version="dss",
    folder="maker",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral at the feed less DAI owed, a DAI at its par",
    rules=lending_rules("makerdao/dss at fa4f6630, Vat and Spotter", Fidelity.STATED),
    standard="maker",
    quantum=1e-18,
    unknown=(
        "liquidation ratios and dust of the ilks: set on chain; give them with --params FILE",
        "the feed's delay of an hour: the view's price is taken as the feed's",
        "debt ceilings: room under them is not asked",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table, owed_table = "ilk", "dai"

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        par = units(parameters.number("spotter.par"), 27)
        ilks = {name: _ilk(name, par, parameters) for name in parameters.tables("ilk")}
        price = {name: ticks(value, -18) for name, value in usd.items()}
        (dai,) = parameters.tables("dai")
        price[dai] = par // 10**9
        return Market(price, {"ilks": ilks, "dai": dai})

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> MakerAccount:
        ilks = cast("Mapping[str, Ilk]", market.facts["ilks"])
        name = only_one(collateral, "maker", "collateral") or next(iter(ilks))
        return MakerAccount(collateral, debt, market.price, ilks[name], str(market.facts["dai"]))


def _ilk(name: str, par: int, parameters: Parameters) -> Ilk:
    table = f"ilk.{name}"
    return Ilk(
        name,
        decimals_of(parameters, "ilk", name),
        units(parameters.number(f"{table}.liquidation_ratio"), 27),
        par,
        units(parameters.number(f"{table}.dust"), 45),
    )


MAKER = LendingModel(SPEC, _Rules())
