"""BIT.com standard margin of options, position by position.

    short call  IM = max(s - OTM, l) I + mark              MM = m I + mark
    short put   IM = max(max(s - OTM, l) I + mark, MM)     MM = max(m I, m mark) + mark
    long        premium only

s, l, m by coin: BTC, ETH 0.15, 0.10, 0.075; BCH 0.25, 0.15, 0.125; TON 0.6, 0.5, 0.4. Coin-margined
contracts take the same shares of one coin.
Source: helpcenter.bit.com, margin rules of USDT-, USD- and coin-margined options.
"""

from __future__ import annotations

from typing import final

from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.standard_options import (
    Charges,
    StandardOptions,
    floored,
    of_underlying,
)
from crossmargin.margin.model import Fidelity, ModelSpec, Rule, ScaleLaw, Standing
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["BitSM"]

_HELP = "helpcenter.bit.com, margin rules of options"

SPEC = ModelSpec(
    name="bit-sm",
    title="BIT.com standard margin of options",
    family="standard-options",
    venue="bit",
    version="2023-11",
    folder="bit-sm",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash; an option's value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "share of the index by moneyness, plus the mark of a short",
            f"{_HELP}; a worked example of 2023-11",
            {Kind.OPTION: Fidelity.EXACT},
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill; a bid holds its premium",
            f"{_HELP} (buyer: premium and fees); the seller's order form is this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "cash after premium", _HELP, Fidelity.STATED),
    ),
    standard="bit-sm",
    unknown=(
        "fees that a bid holds beside its premium",
        "perpetuals and futures: their tiers are not held here",
    ),
    standing=Standing.DORMANT,
)


@final
class BitSM(StandardOptions):
    """One pool a settlement currency."""

    spec = SPEC

    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """Charges of one short option."""
        share, least, mm_share = (
            of_underlying(part, parameters, "option", name)
            for name in ("im_itm_share", "im_least_share", "mm_share")
        )
        return floored(part, view, share, least, mm_share)
