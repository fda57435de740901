"""marginfi v2: assets and liabilities at init and maintenance weights, prices biased by confidence.

Assets at the price less its confidence, liabilities at the price more it; the init level at a
time-weighted price. A deposit beyond its cap is discounted at init, a reduce-only one counts zero
there, an isolated one counts nothing. An e-mode entry of every borrowed bank raises a weight; the
least favourable is taken. Stated, not exact. Rules: ``families.lending_weighted``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exact_units import ticks, units, whole
from crossmargin.margin.families.lending import WAD
from crossmargin.margin.families.lending_model import (
    DollarRules,
    LendingModel,
    Market,
    decimals_of,
    lending_rules,
    wad_of,
)
from crossmargin.margin.families.lending_weighted import (
    EModeEntry,
    WeightedAccount,
    WeightedToken,
    discounted_weight,
    least_favourable,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["MARGINFI"]

SPEC = ModelSpec(
    name="marginfi",
    title="marginfi v2 account health",
    family="lending",
    venue="marginfi",
    version="v2",
    folder="marginfi",
    kinds=(Kind.ASSET, Kind.DEBT),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="deposits less debts at the oracle",
    rules=lending_rules("mrgnlabs/marginfi-v2 at 3031ba3b", Fidelity.STATED),
    standard="marginfi",
    quantum=1e-18,
    unknown=(
        "bank weights, caps and e-mode entries: set on chain; give them with --params FILE",
        "oracle confidence and time-weighted price: where the snapshot holds none the price stands "
        "for them, and the requirement is a lower bound",
        "rounding inside the program: values are cut down, debts up",
    ),
    extent=Extent.REFUSED,
)


class _Rules(DollarRules):
    held_table = owed_table = "bank"

    def market(self, view: View, usd: Mapping[str, float], parameters: Parameters) -> Market:
        facts = {
            "tokens": {name: _token(name, usd[name], view, parameters) for name in usd},
            "emode": {name: _entries(name, parameters) for name in parameters.tables("bank")},
        }
        unknown = any(
            view.read(field, name, -1.0) < 0.0
            for name in usd
            for field in ("oracle_confidence", "usd_twap")
        )
        return Market({n: ticks(x, -18) for n, x in usd.items()}, facts, unknown)

    def account(
        self,
        market: Market,
        collateral: Mapping[str, int],
        debt: Mapping[str, int],
        choices: Mapping[str, float],
    ) -> WeightedAccount:
        tokens = dict(cast("Mapping[str, WeightedToken]", market.facts["tokens"]))
        banks = cast("Mapping[str, Mapping[str, EModeEntry]]", market.facts["emode"])
        for name, entry in least_favourable([banks[owed] for owed in debt]).items():
            if name in collateral:
                terms = tokens[name]
                tokens[name] = replace(
                    terms,
                    asset_im=max(terms.asset_im, entry.asset_im),
                    asset_mm=max(terms.asset_mm, entry.asset_mm),
                )
        return WeightedAccount(collateral, debt, market.price, tokens)


def _token(name: str, usd: float, view: View, parameters: Parameters) -> WeightedToken:
    table = f"bank.{name}"
    init, maint = (wad_of(parameters, f"{table}.asset_weight_{x}") for x in ("init", "maint"))
    deposits = units(parameters.number(f"{table}.deposits") * usd, 18)
    init = discounted_weight(init, deposits, wad_of(parameters, f"{table}.init_limit"))
    if whole(parameters, f"{table}.reduce_only"):
        init = 0
    if whole(parameters, f"{table}.isolated"):
        init = maint = 0
    spread = units(max(view.read("oracle_confidence", name, 0.0), 0.0), 18)
    average = view.read("usd_twap", name, usd)
    share = units(average / usd, 18) if usd > 0.0 else WAD
    low, high = max(WAD - spread, 0), WAD + spread
    return WeightedToken(
        decimals_of(parameters, "bank", name),
        init,
        maint,
        wad_of(parameters, f"{table}.liability_weight_init"),
        wad_of(parameters, f"{table}.liability_weight_maint"),
        low * share // WAD,
        low,
        high * share // WAD,
        high,
    )


def _entries(name: str, parameters: Parameters) -> Mapping[str, EModeEntry]:
    table = f"bank.{name}.emode"
    return {
        other: EModeEntry(
            wad_of(parameters, f"{table}.{other}.asset_weight_init"),
            wad_of(parameters, f"{table}.{other}.asset_weight_maint"),
        )
        for other in parameters.tables(table)
    }


MARGINFI = LendingModel(SPEC, _Rules())
