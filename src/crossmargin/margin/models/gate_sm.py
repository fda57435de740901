"""Gate standard margin of options: the classic form of two shares.

    short call  (max(r1 S, r2 S - OTM) + mark) m q
    short put   (max(r1 S (1 + mark / S), r2 S - OTM) + mark) m q

Each level has its own r1 and r2. Their values are not published with the formula: the model is
refused unless they are given.
Source: Gate help, option margin.
"""

from __future__ import annotations

from typing import final

from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.standard_options import (
    Charges,
    StandardOptions,
    classic,
    of_underlying,
)
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["GateSM"]

_HELP = "gate help, option margin (article 28364)"

SPEC = ModelSpec(
    name="gate-sm",
    title="Gate standard margin of options",
    family="standard-options",
    venue="gate",
    version="2025",
    folder="gate-sm",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash; an option's value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "the larger of a share of the price and a larger share less the amount out of the "
            "money, plus the mark of a short",
            _HELP,
            Fidelity.STATED,
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill; a bid holds its premium",
            f"{_HELP} (buyer); the seller's order form is this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "cash after premium", _HELP, Fidelity.STATED),
    ),
    standard="gate-sm",
    unknown=("the shares of each coin at each level: to be given as option.COIN.*",),
    extent=Extent.REFUSED,
)


@final
class GateSM(StandardOptions):
    """One pool a settlement currency."""

    spec = SPEC

    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """Charges of one short option."""
        im, mm = (
            (
                of_underlying(part, parameters, "option", f"{level}_ratio_1"),
                of_underlying(part, parameters, "option", f"{level}_ratio_2"),
            )
            for level in ("im", "mm")
        )
        return classic(part, view, im, mm)
