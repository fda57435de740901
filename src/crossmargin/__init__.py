"""Margin for crypto-derivative books under the venues' own rules, with the reason for every number.

    import crossmargin as xm
    result = xm.margin("book.csv", "market.parquet", model="deribit-xpm")
    result.im_usd, result.accounts, result.explain(), result.receipt

Names are imported when they are first used, so that importing the package costs almost nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crossmargin.core.version import __version__

if TYPE_CHECKING:
    from crossmargin.core.errors import CrossMarginError, InputError, MarketDataError, ModelError
    from crossmargin.instruments.book import Book
    from crossmargin.interfaces.account import AccountResult, account
    from crossmargin.interfaces.allocate import AllocateResult, allocate
    from crossmargin.interfaces.attribute import (
        AttributeResult,
        ChangeResult,
        attribute,
        explain_change,
    )
    from crossmargin.interfaces.calibrate import CalibrateResult, calibrate
    from crossmargin.interfaces.check import CheckResult, check
    from crossmargin.interfaces.collateral import CollateralResult, collateral
    from crossmargin.interfaces.conform import conform
    from crossmargin.interfaces.exit import ExitResult, exit_value
    from crossmargin.interfaces.frontier import FrontierResult, frontier
    from crossmargin.interfaces.hedge_cost import HedgeCostResult, hedge_cost
    from crossmargin.interfaces.liquidate import LiquidateResult, liquidate
    from crossmargin.interfaces.liquidation import LiquidationResult, liquidation
    from crossmargin.interfaces.listing import models
    from crossmargin.interfaces.netting import NettingResult, netting
    from crossmargin.interfaces.optimise import OptimiseResult, optimise
    from crossmargin.interfaces.probe import fit, probe
    from crossmargin.interfaces.protect import ProtectResult, protect
    from crossmargin.interfaces.rank import RankResult, rank
    from crossmargin.interfaces.rebalance import RebalanceResult, rebalance
    from crossmargin.interfaces.report import report
    from crossmargin.interfaces.results import CompareResult, MarginResult
    from crossmargin.interfaces.span import SpanRequirement, span_file, span_requirement
    from crossmargin.interfaces.unified import UnifiedResult, unified
    from crossmargin.interfaces.verbs import compare, margin, quality
    from crossmargin.interfaces.verify import VerifyResult, verify
    from crossmargin.interfaces.watch import watch
    from crossmargin.interfaces.whatif import WhatIfResult, prepare, whatif
    from crossmargin.margin.families.span_terms import SpanFile
    from crossmargin.margin.register import model_named
    from crossmargin.margin.run import parameters_for, run
    from crossmargin.market.snapshot import Snapshot
    from crossmargin.venues.books import from_ccxt, from_deribit, read_book, write_book
    from crossmargin.venues.crif import read_crif, write_crif
    from crossmargin.venues.crif_book import crif_book, regulated_book
    from crossmargin.venues.crif_out import crif_of
    from crossmargin.venues.market_file import write_snapshot
    from crossmargin.venues.market_import import import_market, read_market

__all__ = [
    "AccountResult",
    "AllocateResult",
    "AttributeResult",
    "Book",
    "CalibrateResult",
    "ChangeResult",
    "CheckResult",
    "CollateralResult",
    "CompareResult",
    "CrossMarginError",
    "ExitResult",
    "FrontierResult",
    "HedgeCostResult",
    "InputError",
    "LiquidationResult",
    "LiquidateResult",
    "MarginResult",
    "MarketDataError",
    "ModelError",
    "NettingResult",
    "RebalanceResult",
    "ProtectResult",
    "OptimiseResult",
    "RankResult",
    "Snapshot",
    "SpanFile",
    "SpanRequirement",
    "UnifiedResult",
    "VerifyResult",
    "WhatIfResult",
    "__version__",
    "account",
    "allocate",
    "attribute",
    "calibrate",
    "check",
    "collateral",
    "compare",
    "conform",
    "crif_book",
    "crif_of",
    "exit_value",
    "explain_change",
    "fit",
    "from_ccxt",
    "from_deribit",
    "frontier",
    "hedge_cost",
    "import_market",
    "liquidation",
    "liquidate",
    "margin",
    "model_named",
    "models",
    "netting",
    "optimise",
    "parameters_for",
    "prepare",
    "probe",
    "protect",
    "quality",
    "rank",
    "read_book",
    "read_crif",
    "read_market",
    "regulated_book",
    "rebalance",
    "report",
    "run",
    "span_file",
    "span_requirement",
    "unified",
    "verify",
    "watch",
    "whatif",
    "write_book",
    "write_crif",
    "write_snapshot",
]

# Where each public name lives; the same table as the imports for type checkers above.
_HOMES = {
    "core.errors": ("CrossMarginError", "InputError", "MarketDataError", "ModelError"),
    "instruments.book": ("Book",),
    "interfaces.account": ("AccountResult", "account"),
    "interfaces.allocate": ("AllocateResult", "allocate"),
    "interfaces.attribute": (
        "AttributeResult",
        "ChangeResult",
        "attribute",
        "explain_change",
    ),
    "interfaces.calibrate": ("CalibrateResult", "calibrate"),
    "interfaces.check": ("CheckResult", "check"),
    "interfaces.collateral": ("CollateralResult", "collateral"),
    "interfaces.conform": ("conform",),
    "interfaces.exit": ("ExitResult", "exit_value"),
    "interfaces.hedge_cost": ("HedgeCostResult", "hedge_cost"),
    "interfaces.liquidation": ("LiquidationResult", "liquidation"),
    "interfaces.liquidate": ("LiquidateResult", "liquidate"),
    "interfaces.listing": ("models",),
    "interfaces.frontier": ("FrontierResult", "frontier"),
    "interfaces.netting": ("NettingResult", "netting"),
    "interfaces.optimise": ("OptimiseResult", "optimise"),
    "interfaces.probe": ("fit", "probe"),
    "interfaces.rebalance": ("RebalanceResult", "rebalance"),
    "interfaces.protect": ("ProtectResult", "protect"),
    "interfaces.rank": ("RankResult", "rank"),
    "interfaces.report": ("report",),
    "interfaces.results": ("CompareResult", "MarginResult"),
    "interfaces.span": ("SpanRequirement", "span_file", "span_requirement"),
    "interfaces.unified": ("UnifiedResult", "unified"),
    "interfaces.verbs": ("compare", "margin", "quality"),
    "interfaces.verify": ("VerifyResult", "verify"),
    "interfaces.watch": ("watch",),
    "interfaces.whatif": ("WhatIfResult", "prepare", "whatif"),
    "margin.families.span_terms": ("SpanFile",),
    "margin.register": ("model_named",),
    "margin.run": ("parameters_for", "run"),
    "market.snapshot": ("Snapshot",),
    "venues.books": ("from_ccxt", "from_deribit", "read_book", "write_book"),
    "venues.crif": ("read_crif", "write_crif"),
    "venues.crif_book": ("crif_book", "regulated_book"),
    "venues.crif_out": ("crif_of",),
    "venues.market_file": ("write_snapshot",),
    "venues.market_import": ("import_market", "read_market"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, imported on first use."""
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """The package as a module whose ``margin`` is the verb, also after the room was imported.

    Python sets each imported submodule as an attribute of its package. Here the room keeps its
    place in ``sys.modules`` (``from crossmargin.margin import …``) and the name stays the verb's.
    """

    def _verb(self) -> Any:
        return import_module(f"{__name__}.interfaces.verbs").margin

    def _room(self, module: Any) -> None:
        """What the import of the room sets; the verb stays."""

    margin = property(_verb, _room)


sys.modules[__name__].__class__ = _Package
