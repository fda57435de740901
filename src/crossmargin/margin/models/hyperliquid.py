"""Hyperliquid cross margin of perpetuals, by margin tiers.

    IM = N / min(L, L_k)           L the leverage that the holder chose
    MM = N r_k - d_k,  r_k = 1 / (2 L_k),  d_k = d_(k-1) + lower_k (r_k - r_(k-1))

Source: hyperliquid.gitbook.io, margining and margin tiers.
"""

from __future__ import annotations

from typing import final

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.collateral import one_pool
from crossmargin.margin.families.hyperliquid_tiers import require_margin_tables, tiers_of
from crossmargin.margin.families.tiered_positions import TieredPositions
from crossmargin.margin.families.tiers import Tier
from crossmargin.margin.model import Fidelity, ModelSpec, Plan, Rule, ScaleLaw
from crossmargin.margin.parameter_files import Parameters

__all__ = ["Hyperliquid"]

CASH = "USDC"
_DOCS = "hyperliquid.gitbook.io, margining and margin tiers"

SPEC = ModelSpec(
    name="hyperliquid",
    title="Hyperliquid cross margin of perpetuals",
    family="tiers",
    venue="hyperliquid",
    version="mainnet",
    folder="hyperliquid",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency=CASH,
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="account value: USDC and unrealised profit",
    rules=(
        Rule(
            "tier_im",
            "notional / leverage: the holder's, at most the tier's",
            _DOCS,
            Fidelity.STATED,
        ),
        Rule(
            "tier_mm",
            "half the smallest initial share of the tier, continuous in size",
            f"{_DOCS}: the formula",
            Fidelity.STATED,
        ),
        Rule(
            "order_margin",
            "each perpetual at its larger open size, and every open loss: an upper bound",
            "this project's; the matching code is closed",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "account value", _DOCS, Fidelity.STATED),
    ),
    standard="hyperliquid",
    unknown=("what open orders hold: an upper bound of their worst fill",),
)


@final
class Hyperliquid(TieredPositions):
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; spot balances but USDC stand outside of it."""
        require_margin_tables(instruments, parameters)
        for item in instruments.items:
            if item.kind == Kind.ASSET and item.underlying != CASH:
                raise ModelError(
                    "kind_not_accepted",
                    "cross margin of perpetuals takes no collateral but USDC",
                    place=f"{item.venue} {item.native_id}",
                    value=item.underlying,
                    limit=CASH,
                    remedy="Remove the balance, or choose hyperliquid-pm.",
                )
        return one_pool(instruments, parameters, CASH)

    def tiers(self, item: Instrument, parameters: Parameters) -> list[Tier]:
        """The tiers of one perpetual."""
        return tiers_of(item, parameters)
