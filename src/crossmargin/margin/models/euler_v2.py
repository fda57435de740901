"""Euler v2: collateral vaults at two LTVs against the debt of one controller, in integers.

Collateral at the bid, debt at the ask: observations ``usd_bid`` and ``usd_ask``, else the mid, as
most oracle adapters give. Health is strict: weighted collateral must exceed the debt. A ramp of
the liquidation LTV is in the set as its present value. Rules: ``families.lending_euler``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, units, whole
from crossmargin.margin.families.lending_euler import EulerAccount, EulerCollateral
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

__all__ = ["EULER_V2"]

SPEC = ModelSpec(
    name="euler-v2",
    title="Euler v2 account health",
    family="lending",
    venue="euler",
    version="v2",
    folder="euler-v2",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral less debt at mid",
    rules=lending_rules("euler-xyz/euler-vault-kit at 5b98b420, LiquidityUtils", Fidelity.STATED),
    standard="euler-v2",
    quantum=1e-18,
    unknown=(
        "LTVs of a vault: set on chain; give them with --params FILE",
        "bid and ask of the oracle where it has them: the mid stands for both",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table, owed_table = "vault", "debt"

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        vaults = parameters.tables("vault")
        facts = {
            "vaults": {n: _vault(n, parameters) for n in usd if n in vaults},
            "decimals": {n: decimals_of(parameters, "debt", n) for n in parameters.tables("debt")},
            "bid": {n: units(view.read("usd_bid", n, x) / x, 18) for n, x in usd.items() if x > 0},
            "ask": {n: units(view.read("usd_ask", n, x) / x, 18) for n, x in usd.items() if x > 0},
        }
        return Market({name: ticks(value, -18) for name, value in usd.items()}, facts)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> EulerAccount:
        only_one(debt, "euler-v2", "borrowed asset")
        facts = market.facts
        return EulerAccount(
            collateral,
            debt,
            market.price,
            cast("Mapping[str, EulerCollateral]", facts["vaults"]),
            *(cast("Mapping[str, int]", facts[name]) for name in ("decimals", "bid", "ask")),
        )


def _vault(name: str, parameters: Parameters) -> EulerCollateral:
    table = f"vault.{name}"
    return EulerCollateral(
        decimals_of(parameters, "vault", name),
        whole(parameters, f"{table}.borrow_ltv"),
        whole(parameters, f"{table}.liquidation_ltv"),
    )


EULER_V2 = LendingModel(SPEC, _Rules())
