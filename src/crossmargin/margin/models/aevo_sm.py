"""Aevo standard margin of options: in USDC, with several kinds of collateral.

    short call  IM = max(0.15 - OTM, 0.10) S + mark           MM = 0.10 S + mark
    short put   IM = max(max(0.15 - OTM, 0.10) S + mark, MM)  MM = max(0.10 S, 0.10 mark) + mark

Collateral counts at its ratio (USDC 1, USDT 0.99, ETH and WBTC 0.90); a debt counts in full.
Source: docs.aevo.xyz, standard margin and collateral.
"""

from __future__ import annotations

from typing import final

from crossmargin.core.arrays import Bytes
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.families.collateral import (
    haircut_of,
    one_pool,
    require_weights,
    usd_of,
    weights_of,
    worth_of,
)
from crossmargin.margin.families.standard_options import Charges, StandardOptions, floored
from crossmargin.margin.model import (
    Fidelity,
    ModelSpec,
    Plan,
    Pool,
    PoolBook,
    Priced,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["AevoSM"]

_DOCS = "docs.aevo.xyz, standard margin"

SPEC = ModelSpec(
    name="aevo-sm",
    title="Aevo standard margin of options",
    family="standard-options",
    venue="aevo",
    version="2024",
    folder="aevo-sm",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="USDC",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="collateral at its ratio; an option's value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "share of the index by moneyness, plus the mark of a short",
            _DOCS,
            Fidelity.STATED,
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill",
            "this project's; the venue's own form is not known",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "cash and collateral", _DOCS, Fidelity.STATED),
        Rule(
            "collateral_ratio",
            "what each kind of collateral counts less than its price",
            "docs.aevo.xyz, collateral",
            Fidelity.STATED,
        ),
    ),
    standard="aevo-sm",
    unknown=(
        "perpetuals: their standard margin is not held here",
        "whether a long option's value backs anything: it backs nothing here",
    ),
)


@final
class AevoSM(StandardOptions):
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; every asset must have a ratio."""
        held = tuple(i.underlying for i in instruments.items if i.kind == Kind.ASSET)
        require_weights(parameters, "collateral", "ratio", held)
        return one_pool(instruments, parameters, "USDC")

    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """Charges of one short option."""
        share, least, mm_share = (
            parameters.number(f"option.{name}")
            for name in ("im_itm_share", "im_least_share", "mm_share")
        )
        return floored(part, view, share, least, mm_share)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one short option; worth and ratio of the collateral."""
        part = pool.instruments
        im, mm = self.charges(part, view, parameters)
        stable = usd_of(part, view, "USDC")
        columns = {
            "short_im": im,
            "short_mm": mm,
            "worth": worth_of(part, view, stable),
            "ratio": weights_of(part, parameters, "collateral", "ratio"),
        }
        return Priced(pool, view, stable, None, None, columns, mark_value(part, view))

    def balance(
        self, sheet: SheetBuilder, priced: Priced, held: PoolBook
    ) -> tuple[Bytes, tuple[str, ...]]:
        """Collateral at market and what its ratios take off."""
        columns = priced.columns
        equity = equity_of(priced, held, columns["worth"])
        lost = haircut_of(priced, held, columns["worth"], columns["ratio"])
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        sheet.leaf("collateral_haircut", -lost, "collateral_ratio")
        return equity.source, ("cash", "unrealised", "collateral_haircut")
