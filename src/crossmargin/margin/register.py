"""The register of models: one line a member. Every door and the conformance suite read it."""

from __future__ import annotations

from crossmargin.core.errors import InputError
from crossmargin.margin.model import MarginModel
from crossmargin.margin.models.aevo_pm import AEVO_PM
from crossmargin.margin.models.aevo_sm import AevoSM
from crossmargin.margin.models.binance_options import BinanceOptions
from crossmargin.margin.models.binance_pm import BinancePM
from crossmargin.margin.models.binance_usdm import BinanceUSDM
from crossmargin.margin.models.bit_pm import BIT_PM
from crossmargin.margin.models.bit_sm import BitSM
from crossmargin.margin.models.bybit_pm import BYBIT_PM
from crossmargin.margin.models.coinbase_intl import CoinbaseIntl
from crossmargin.margin.models.deribit_pm import DeribitPM
from crossmargin.margin.models.deribit_sm import DeribitSM
from crossmargin.margin.models.derive_pm1 import DerivePM1
from crossmargin.margin.models.derive_pm2 import DerivePM2
from crossmargin.margin.models.derive_sm import DeriveSM
from crossmargin.margin.models.fixed_rate import FixedRate
from crossmargin.margin.models.gate_pm import GATE_PM
from crossmargin.margin.models.gate_sm import GateSM
from crossmargin.margin.models.gmx_v2 import GmxV2
from crossmargin.margin.models.house import HOUSE
from crossmargin.margin.models.hyperliquid import Hyperliquid
from crossmargin.margin.models.hyperliquid_pm import HyperliquidPM
from crossmargin.margin.models.lyra_v1 import LyraV1
from crossmargin.margin.models.okx_pm import OkxPM
from crossmargin.margin.models.okx_sm import OkxSM
from crossmargin.margin.models.paradex_pm import ParadexPM
from crossmargin.margin.models.paradex_xm import ParadexXM
from crossmargin.margin.models.scan_dormant import (
    COINCALL_PM,
    DEDERI_PM,
    GRVT_PM,
    POWERTRADE_PM,
    SYNDR_PM,
)
from crossmargin.margin.models.thalex_pm import THALEX_PM

__all__ = ["ALL_MODELS", "model_named"]

ALL_MODELS: tuple[MarginModel, ...] = (
    DeribitPM(cross=False),
    DeribitPM(cross=True),
    DeribitSM(),
    DerivePM1(),
    DerivePM2(),
    DeriveSM(),
    ParadexPM(),
    LyraV1(),
    OkxPM(),
    OkxSM(),
    BYBIT_PM(),
    BIT_PM(),
    THALEX_PM(),
    GATE_PM(),
    AEVO_PM(),
    COINCALL_PM(),
    DEDERI_PM(),
    POWERTRADE_PM(),
    GRVT_PM(),
    SYNDR_PM(),
    HOUSE(),
    ParadexXM(),
    BinanceUSDM(),
    BinancePM(),
    BinanceOptions(),
    AevoSM(),
    BitSM(),
    GateSM(),
    Hyperliquid(),
    HyperliquidPM(),
    GmxV2(),
    CoinbaseIntl(),
    FixedRate(),
)


def model_named(name: str) -> MarginModel:
    """A model by name, ``name@version`` checked; InputError ``model_unknown`` otherwise."""
    wanted, _, version = name.partition("@")
    for model in ALL_MODELS:
        if model.spec.name == wanted:
            if version and version != model.spec.version:
                raise InputError(
                    "version_unknown",
                    "the rules of that version are not known",
                    place=wanted,
                    value=version,
                    limit=model.spec.version,
                    remedy="Leave the version out, or name the one that is known.",
                )
            return model
    raise InputError(
        "model_unknown",
        "no such margin model",
        value=name,
        limit=", ".join(model.spec.name for model in ALL_MODELS),
        remedy="Choose one of the models that `crossmargin models` lists.",
    )
