"""Bybit cross margin of options (unified account), position by position.

    short put   MM = max(m I, m mark) + mark + f I
                IM = max(max(s I - OTM, l I) + mark, MM)
    short call  the same with the call's amount out of the money: inferred, not stated
    long        premium only

s, l, m, f: 0.15, 0.10, 0.03 and a liquidation fee of 0.002 (BTC). The venue takes the larger of
mark and order price; a position is margined at its mark here.
Source: help center, the worked example of a short put.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.standard_options import (
    Charges,
    StandardOptions,
    floored,
    of_underlying,
)
from crossmargin.margin.model import (
    Fidelity,
    ModelSpec,
    Plan,
    PoolBook,
    Priced,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["BybitSM"]

_HELP = "bybit help center, option margin in cross margin mode"

SPEC = ModelSpec(
    name="bybit-sm",
    title="Bybit cross margin of options (unified account)",
    family="standard-options",
    venue="bybit",
    version="uta",
    folder="bybit-sm",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="margin balance: an option's value backs nothing",
    rules=(
        Rule(
            "short_put",
            "share of the index by moneyness, plus the mark; maintenance with a liquidation fee",
            f"{_HELP}: the formula and its worked example",
            {Kind.OPTION: Fidelity.EXACT},
        ),
        Rule(
            "short_call",
            "the formula of the put with the call's amount out of the money",
            f"{_HELP} states the put alone; mirrored by this project",
            Fidelity.INFERRED,
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill, premium paid or received",
            "this project's; of the venue's form one clause is known: the larger of order price "
            "and mark",
            Fidelity.INFERRED,
        ),
        Rule(
            "balance_side",
            "wallet and unrealised profit, without option value",
            "glossary, Unified Trading Account",
            Fidelity.STATED,
        ),
    ),
    standard="bybit-sm",
    unknown=(
        "the text for short calls: the formula of the put is mirrored",
        "shares of coins other than BTC: option.COIN.* must be given",
        "whether a resting sale's order margin counts the premium that it will receive: it does",
        "one balance of all currencies and its haircuts: each currency stands alone here",
        "perpetuals and futures: their tiers are not held here",
    ),
)


@final
class BybitSM(StandardOptions):
    """One pool a settlement currency."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool a settlement currency; every coin must have its shares."""
        of_underlying(instruments, parameters, "option", "mm_share")
        return super().plan(instruments, parameters)

    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """Charges of one short option."""
        share, least, mm_share, fee = (
            of_underlying(part, parameters, "option", name)
            for name in ("im_itm_share", "im_least_share", "mm_share", "liquidation_fee")
        )
        im, mm = floored(part, view, share, least, mm_share, fee)
        return np.maximum(im, mm), mm

    def charge(self, sheet: SheetBuilder, priced: Priced, held: PoolBook) -> None:
        """Adds ``option_im`` and ``option_mm``, puts and calls apart: they are not known alike."""
        right = priced.pool.instruments.right
        for name, sign in (("put", -1), ("call", 1)):
            chosen = right == sign
            columns = [np.where(chosen, priced.columns[f"short_{k}"], 0.0) for k in ("im", "mm")]
            stack = np.stack(columns, axis=1)
            total = row_sums(held.row, held.column, held.quantity, stack, trusted=True)
            sheet.leaf(f"{name}_im", -total.short[:, 0], f"short_{name}")
            sheet.leaf(f"{name}_mm", -total.short[:, 1], f"short_{name}")
        sheet.sum("option_im", "put_im", "call_im")
        sheet.sum("option_mm", "put_mm", "call_mm")
