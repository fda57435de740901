"""Aave v3: collateral at LTV and threshold against debt, in the protocol's own integers.

Two arithmetics of the health factor, as a reading: the present code (origin) and v3-core, which
rounds the average threshold to a basis point first. The e-mode category is a choice of the book
(``emode``) or of the set; so is what is supplied but not used (``collateral_off.TOKEN``). Rules:
``families.lending_aave``. Reserve parameters are set on chain: give them with --params FILE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, whole
from crossmargin.margin.families.lending_aave import (
    BASE_DECIMALS,
    AaveAccount,
    AaveAsset,
    Arithmetic,
    EMode,
)
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
    optional,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["AAVE_V3"]

_CODE = "aave-dao/aave-v3-origin at fd1fbd91 and aave/aave-v3-core at 782f5191"
_READING = "reading.arithmetic"

SPEC = ModelSpec(
    name="aave-v3",
    title="Aave v3 health factor",
    family="lending",
    venue="aave",
    version="v3",
    folder="aave-v3",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="what is supplied less what is owed, at the oracle",
    rules=lending_rules(_CODE, Fidelity.EXACT, (_READING,)),
    readings={_READING: tuple(Arithmetic)},
    standard="aave-v3",
    quantum=10.0**-BASE_DECIMALS,
    unknown=(
        "reserve and e-mode parameters: set on chain; give them with --params FILE",
        "borrow and supply caps of the pool: room under them is not asked",
        "a price of its own for an e-mode category (v3-core): the asset's own is taken",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        price = {name: ticks(value, -BASE_DECIMALS) for name, value in usd.items()}
        facts = {
            "assets": {name: _asset(name, parameters) for name in usd},
            "emode": {name: _emode(name, parameters) for name in parameters.tables("emode")},
            "category": optional(parameters, "user.emode", 0),
            "arithmetic": Arithmetic(parameters.choice(_READING, Arithmetic.ORIGIN)),
        }
        return Market(price, facts)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> AaveAccount:
        facts = market.facts
        category = int(choices.get("emode", cast("int", facts["category"])))
        modes = cast("Mapping[str, EMode]", facts["emode"])
        if category and str(category) not in modes:
            raise ModelError(
                "parameter_missing",
                "no such e-mode category in the set",
                place="aave-v3 emode",
                value=category,
                limit=", ".join(("0", *modes)),
                remedy="Give the category with --params FILE.",
            )
        off = {t for t in collateral if choices.get(f"collateral_off.{t}", 0.0) != 0.0}
        return AaveAccount(
            collateral,
            debt,
            market.price,
            cast("Mapping[str, AaveAsset]", facts["assets"]),
            modes[str(category)] if category else None,
            frozenset(off),
            cast("Arithmetic", facts["arithmetic"]),
        )


def _asset(name: str, parameters: Parameters) -> AaveAsset:
    table = f"asset.{name}"
    return AaveAsset(
        decimals_of(parameters, "asset", name),
        whole(parameters, f"{table}.ltv"),
        whole(parameters, f"{table}.liquidation_threshold"),
        whole(parameters, f"{table}.liquidation_bonus"),
        whole(parameters, f"{table}.protocol_fee"),
        optional(parameters, f"{table}.debt_ceiling", 0),
        optional(parameters, f"{table}.isolation_debt", 0),
        bool(optional(parameters, f"{table}.borrowable_in_isolation", 0)),
    )


def _emode(name: str, parameters: Parameters) -> EMode:
    table = f"emode.{name}"

    def flagged(flag: str) -> frozenset[str]:
        known = parameters.tables(f"{table}.{flag}")
        return frozenset(t for t in known if whole(parameters, f"{table}.{flag}.{t}"))

    return EMode(
        whole(parameters, f"{table}.ltv"),
        whole(parameters, f"{table}.liquidation_threshold"),
        whole(parameters, f"{table}.liquidation_bonus"),
        flagged("collateral"),
        flagged("ltv_zero"),
        bool(optional(parameters, f"{table}.isolated", 0)),
    )


AAVE_V3 = LendingModel(SPEC, _Rules())
