"""Gearbox v3: a credit account of tokens at thresholds and quotas against one borrowed token.

A set is one credit manager: its ``underlying.TOKEN`` and the other ``token.TOKEN``. The quota of an
account is its own choice (``quota.TOKEN``, in units of the underlying token), else the set's. The
debt of the book is the total debt, interest and fees included. Rules: ``families.lending_gearbox``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, units, whole
from crossmargin.margin.families.lending_gearbox import GearboxAccount, GearboxToken
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

__all__ = ["GEARBOX_V3"]

_CODE = "Gearbox-protocol/core-v3 at 510fc654, CollateralLogic, CreditLogic and their tests"

SPEC = ModelSpec(
    name="gearbox-v3",
    title="Gearbox v3 credit account health",
    family="lending",
    venue="gearbox",
    version="v3",
    folder="gearbox-v3",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="all tokens of the account at the oracle less the total debt",
    rules=lending_rules(_CODE, Fidelity.EXACT),
    standard="gearbox-v3",
    quantum=1e-8,
    unknown=(
        "thresholds and quotas of a credit manager: set on chain; give them with --params FILE",
        "safe prices (the lower of two feeds) that some withdrawals are judged at",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table, owed_table = "token", "underlying"
    holds_owed = True

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        (underlying,) = parameters.tables("underlying")
        decimals = decimals_of(parameters, "underlying", underlying)
        tokens = {underlying: _token("underlying", underlying, parameters, None)}
        for name in parameters.tables("token"):
            quota = units(parameters.number(f"token.{name}.quota"), decimals)
            tokens[name] = _token("token", name, parameters, quota)
        facts = {"tokens": tokens, "underlying": underlying, "decimals": decimals}
        return Market({name: ticks(value, -8) for name, value in usd.items()}, facts)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> GearboxAccount:
        facts = market.facts
        decimals = cast("int", facts["decimals"])
        quotas = {
            name.removeprefix("quota."): units(value, decimals)
            for name, value in choices.items()
            if name.startswith("quota.")
        }
        return GearboxAccount(
            collateral,
            debt,
            market.price,
            cast("Mapping[str, GearboxToken]", facts["tokens"]),
            str(facts["underlying"]),
            quotas,
        )


def _token(table: str, name: str, parameters: Parameters, quota: int | None) -> GearboxToken:
    return GearboxToken(
        decimals_of(parameters, table, name), whole(parameters, f"{table}.{name}.threshold"), quota
    )


GEARBOX_V3 = LendingModel(SPEC, _Rules())
