"""Binance European options (eapi), standard margin: each short option alone.

    IM = (max(0.15 - OTM, 0.10) I + mark) q        MM = (max(0.075 - OTM, 0.05) I + mark) q

The shares are fields of ``exchangeInfo`` (``initialMargin``, ``minInitialMargin``,
``maintenanceMargin``, ``minMaintenanceMargin``); the formula is a reading of their names.
Source: Binance options API, ``exchangeInfo`` and ``marginAccount``.
"""

from __future__ import annotations

from typing import final

from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.standard_options import Charges, StandardOptions, sloped
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.view import View

__all__ = ["BinanceOptions"]

_API = "Binance options API (eapi), exchangeInfo and marginAccount"

SPEC = ModelSpec(
    name="binance-options",
    title="Binance European options, standard margin",
    family="standard-options",
    venue="binance",
    version="eapi-v1",
    folder="binance-options",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="margin balance: cash alone; an option's value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "share of the index less the amount out of the money, at least a smaller share, plus "
            "the mark of a short",
            f"{_API}: names of four fields; the formula's text is not published there",
            Fidelity.INFERRED,
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill",
            "this project's; the venue's own form is not known",
            Fidelity.INFERRED,
        ),
        Rule(
            "balance_side",
            "margin balance; long options that qualify would raise it",
            f"{_API}: adjustedEquity = margin balance + qualified long option value",
            Fidelity.INFERRED,
        ),
    ),
    standard="binance-options",
    unknown=(
        "text of the formula: the shares are the venue's, their use is read from their names",
        "which long options qualify as equity: none is counted",
    ),
    extent=Extent.COMPLETE,
)


@final
class BinanceOptions(StandardOptions):
    """One pool a settlement currency."""

    spec = SPEC

    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """Charges of one short option."""
        names = (
            "initial_margin",
            "min_initial_margin",
            "maintenance_margin",
            "min_maintenance_margin",
        )
        share, least, mm_share, mm_least = (parameters.number(f"option.{name}") for name in names)
        return sloped(part, view, (share, least), (mm_share, mm_least))
