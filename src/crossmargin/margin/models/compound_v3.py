"""Compound v3 (Comet): collateral at its factors against one borrowed base asset, in integers.

A set is one Comet: ``base.TOKEN`` and ``asset.TOKEN``. A positive balance of the base asset is
supplied and is no collateral of a debt: it is the same balance. Rules: ``families.lending_comet``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, units
from crossmargin.margin.families.lending_comet import CometAccount, CometAsset
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["COMPOUND_V3"]

_CODE = "compound-finance/comet at d5a30b0a and its tests"

SPEC = ModelSpec(
    name="compound-v3",
    title="Compound v3 (Comet) collateralisation",
    family="lending",
    venue="compound",
    version="v3",
    folder="compound-v3",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="base balance and collateral at the feeds",
    rules=lending_rules(_CODE, Fidelity.EXACT),
    standard="compound-v3",
    quantum=1e-8,
    unknown=(
        "collateral factors of a Comet: set on chain; give them with --params FILE",
        "the least amount that can be borrowed: not asked",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    owed_table = "base"
    holds_owed = True

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        (base,) = parameters.tables("base")
        assets = {n: _asset(n, parameters) for n in usd if n in parameters.tables("asset")}
        facts = {"base": base, "assets": assets, "decimals": self.decimals(base, parameters)}
        return Market({name: ticks(value, -8) for name, value in usd.items()}, facts)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> CometAccount:
        facts = market.facts
        return CometAccount(
            collateral,
            debt,
            market.price,
            cast("Mapping[str, CometAsset]", facts["assets"]),
            str(facts["base"]),
            cast("int", facts["decimals"]),
        )


def _asset(name: str, parameters: Parameters) -> CometAsset:
    factors = (
        units(parameters.number(f"asset.{name}.{field}"), 18)
        for field in ("borrow_factor", "liquidate_factor", "liquidation_factor")
    )
    return CometAsset(decimals_of(parameters, "asset", name), *factors)


COMPOUND_V3 = LendingModel(SPEC, _Rules())
