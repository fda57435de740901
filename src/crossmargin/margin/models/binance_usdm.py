"""Binance futures by leverage tiers, USD-M and COIN-M, each position alone.

    MM = N r_k - cum_k             IM = N / min(L, L_k)          N = |q| mark, in coin for COIN-M

The bracket tables (``fapi/v1/leverageBracket``, or ccxt's leverage tiers) are the venue's and are
given by the user: the model is refused without the table of every contract that is held.
Source: Binance futures API and FAQ (leverage and margin).
"""

from __future__ import annotations

from typing import final

from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.binance_tiers import require_brackets, tiers_of
from crossmargin.margin.families.standard_options import by_settlement
from crossmargin.margin.families.tiered_positions import TieredPositions
from crossmargin.margin.families.tiers import Tier
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Plan, Rule, ScaleLaw
from crossmargin.margin.parameter_files import Parameters

__all__ = ["BinanceUSDM"]

_API = "Binance futures API (leverageBracket) and FAQ"

SPEC = ModelSpec(
    name="binance-usdm",
    title="Binance futures by leverage tiers (USD-M and COIN-M)",
    family="tiers",
    venue="binance",
    version="2024-10",
    folder="binance-usdm",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE),
    currency="settle",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="margin balance: wallet balance and unrealised profit, a pool an asset",
    rules=(
        Rule(
            "tier_im",
            "notional / leverage: the holder's, at most the bracket's",
            _API,
            Fidelity.STATED,
        ),
        Rule("tier_mm", "notional x rate of the bracket - cum", _API, Fidelity.STATED),
        Rule(
            "order_margin",
            "each contract at its larger open size, and every open loss: an upper bound",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "wallet balance and unrealised profit", _API, Fidelity.STATED),
    ),
    standard="binance-usdm",
    unknown=(
        "the brackets: to be given, they change by contract and date",
        "a position above the last bracket's cap: the last rate is used, a lower bound",
    ),
    extent=Extent.REFUSED,
)


@final
class BinanceUSDM(TieredPositions):
    """One pool a settlement currency."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per settlement currency; every contract must have its brackets."""
        require_brackets(instruments, parameters)
        return by_settlement(instruments, parameters)

    def tiers(self, item: Instrument, parameters: Parameters) -> list[Tier]:
        """The brackets of one contract."""
        return tiers_of(item, parameters)
