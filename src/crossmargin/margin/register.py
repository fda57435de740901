"""The register of models: one line a member. Every door and the conformance suite read it.

A member's module is imported when the member is first asked for. A model of another package is
found by its entry point in the group ``crossmargin.models``: see `crossmargin.margin.outside`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import cast, overload

from crossmargin.core.errors import InputError
from crossmargin.margin.model import MarginModel
from crossmargin.margin.outside import found as found_outside
from crossmargin.margin.outside import model_named as outside_model
from crossmargin.margin.outside import names as outside_names

__all__ = ["ALL_MODELS", "Members", "every_model", "is_built_in", "model_named"]

# Name -> what makes it, by its module, and what that is called with.
_MEMBERS: dict[str, tuple[str, dict[str, bool]]] = {
    "deribit-spm": ("crossmargin.margin.models.deribit_pm:DeribitPM", {"cross": False}),
    "deribit-xpm": ("crossmargin.margin.models.deribit_pm:DeribitPM", {"cross": True}),
    "deribit-sm": ("crossmargin.margin.models.deribit_sm:DeribitSM", {}),
    "derive-pm1": ("crossmargin.margin.models.derive_pm1:DerivePM1", {}),
    "derive-pm2": ("crossmargin.margin.models.derive_pm2:DerivePM2", {}),
    "derive-sm": ("crossmargin.margin.models.derive_sm:DeriveSM", {}),
    "paradex-pm": ("crossmargin.margin.models.paradex_pm:ParadexPM", {}),
    "paradex-xm": ("crossmargin.margin.models.paradex_xm:ParadexXM", {}),
    "okx-pm": ("crossmargin.margin.models.okx_pm:OkxPM", {}),
    "okx-sm": ("crossmargin.margin.models.okx_sm:OkxSM", {}),
    "bybit-pm": ("crossmargin.margin.models.bybit_pm:BYBIT_PM", {}),
    "bybit-sm": ("crossmargin.margin.models.bybit_sm:BybitSM", {}),
    "binance-pm": ("crossmargin.margin.models.binance_pm:BinancePM", {}),
    "binance-usdm": ("crossmargin.margin.models.binance_usdm:BinanceUSDM", {}),
    "binance-options": ("crossmargin.margin.models.binance_options:BinanceOptions", {}),
    "hyperliquid-pm": ("crossmargin.margin.models.hyperliquid_pm:HyperliquidPM", {}),
    "hyperliquid": ("crossmargin.margin.models.hyperliquid:Hyperliquid", {}),
    "gmx-v2": ("crossmargin.margin.models.gmx_v2:GmxV2", {}),
    "dydx-v4": ("crossmargin.margin.models.dydx_v4:DydxV4", {}),
    "drift-v2": ("crossmargin.margin.models.drift_v2:DriftV2", {}),
    "synthetix-v3": ("crossmargin.margin.models.synthetix_v3:SynthetixV3", {}),
    "opyn-gamma": ("crossmargin.margin.models.opyn_gamma:OpynGamma", {}),
    "kraken-options-pm": ("crossmargin.margin.models.kraken_options_pm:KRAKEN_OPTIONS_PM", {}),
    "thalex-pm": ("crossmargin.margin.models.thalex_pm:THALEX_PM", {}),
    "gate-pm": ("crossmargin.margin.models.gate_pm:GATE_PM", {}),
    "gate-sm": ("crossmargin.margin.models.gate_sm:GateSM", {}),
    "bit-pm": ("crossmargin.margin.models.bit_pm:BIT_PM", {}),
    "bit-sm": ("crossmargin.margin.models.bit_sm:BitSM", {}),
    "aevo-pm": ("crossmargin.margin.models.aevo_pm:AEVO_PM", {}),
    "aevo-sm": ("crossmargin.margin.models.aevo_sm:AevoSM", {}),
    "coinbase-intl": ("crossmargin.margin.models.coinbase_intl:CoinbaseIntl", {}),
    "coincall-pm": ("crossmargin.margin.models.scan_dormant:COINCALL_PM", {}),
    "dederi-pm": ("crossmargin.margin.models.scan_dormant:DEDERI_PM", {}),
    "powertrade-pm": ("crossmargin.margin.models.scan_dormant:POWERTRADE_PM", {}),
    "grvt-pm": ("crossmargin.margin.models.scan_dormant:GRVT_PM", {}),
    "syndr-pm": ("crossmargin.margin.models.scan_dormant:SYNDR_PM", {}),
    "lyra-v1": ("crossmargin.margin.models.lyra_v1:LyraV1", {}),
    "mango-v4": ("crossmargin.margin.models.mango_v4:MangoV4", {}),
    "vertex": ("crossmargin.margin.models.vertex:Vertex", {}),
    "zeta": ("crossmargin.margin.models.zeta:Zeta", {}),
    "aave-v3": ("crossmargin.margin.models.aave_v3:AAVE_V3", {}),
    "compound-v3": ("crossmargin.margin.models.compound_v3:COMPOUND_V3", {}),
    "maker": ("crossmargin.margin.models.maker:MAKER", {}),
    "liquity-v1": ("crossmargin.margin.models.liquity_v1:LIQUITY_V1", {}),
    "liquity-v2": ("crossmargin.margin.models.liquity_v2:LIQUITY_V2", {}),
    "euler-v2": ("crossmargin.margin.models.euler_v2:EULER_V2", {}),
    "morpho-blue": ("crossmargin.margin.models.morpho_blue:MORPHO_BLUE", {}),
    "gearbox-v3": ("crossmargin.margin.models.gearbox_v3:GEARBOX_V3", {}),
    "kamino": ("crossmargin.margin.models.kamino:KAMINO", {}),
    "marginfi": ("crossmargin.margin.models.marginfi:MARGINFI", {}),
    "greeks": ("crossmargin.margin.models.greeks:GreeksMargin", {}),
    "delta": ("crossmargin.margin.models.delta:DeltaMargin", {}),
    "var-historical": ("crossmargin.margin.models.value_at_risk:VAR_HISTORICAL", {}),
    "es-historical": ("crossmargin.margin.models.value_at_risk:ES_HISTORICAL", {}),
    "var-filtered": ("crossmargin.margin.models.value_at_risk:VAR_FILTERED", {}),
    "es-filtered": ("crossmargin.margin.models.value_at_risk:ES_FILTERED", {}),
    "var-montecarlo": ("crossmargin.margin.models.value_at_risk:VAR_MONTECARLO", {}),
    "es-montecarlo": ("crossmargin.margin.models.value_at_risk:ES_MONTECARLO", {}),
    "var-parametric": ("crossmargin.margin.models.value_at_risk:VAR_PARAMETRIC", {}),
    "es-parametric": ("crossmargin.margin.models.value_at_risk:ES_PARAMETRIC", {}),
    "span": ("crossmargin.margin.models.span:Span", {}),
    "tims": ("crossmargin.margin.models.tims:Tims", {}),
    "reg-t": ("crossmargin.margin.models.reg_t:RegT", {}),
    "sensitivities": ("crossmargin.margin.models.sensitivities:Sensitivities", {}),
    "sensitivities-crif": ("crossmargin.margin.models.sensitivities_crif:SensitivitiesCrif", {}),
    "schedule-im": ("crossmargin.margin.models.schedule_im:ScheduleIM", {}),
    "sa-ccr": ("crossmargin.margin.models.sa_ccr:SaCcr", {}),
    "hybrid": ("crossmargin.margin.models.hybrid:Hybrid", {}),
    "correlated": ("crossmargin.margin.models.correlated:Correlated", {}),
    "house-example": ("crossmargin.margin.models.house:HOUSE", {}),
    "fixed-rate": ("crossmargin.margin.models.fixed_rate:FixedRate", {}),
}

# What goes round another model: ``NAME:MODEL`` is made by calling this with the model.
_WRAPPERS: dict[str, str] = {"dynamic": "crossmargin.margin.models.dynamic:Dynamic"}


class Members(Sequence[MarginModel]):
    """The built-in models in the register's order, each made when it is read."""

    def __len__(self) -> int:
        return len(_MEMBERS)

    @overload
    def __getitem__(self, place: int) -> MarginModel: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[MarginModel, ...]: ...
    def __getitem__(self, place: int | slice) -> MarginModel | tuple[MarginModel, ...]:
        names = tuple(_MEMBERS)
        if isinstance(place, slice):
            return tuple(_member(name) for name in names[place])
        return _member(names[place])

    def __iter__(self) -> Iterator[MarginModel]:
        return (_member(name) for name in _MEMBERS)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, without importing a member."""
        return tuple(_MEMBERS)


ALL_MODELS = Members()


@cache
def _member(name: str) -> MarginModel:
    place, choices = _MEMBERS[name]
    module, _, kind = place.partition(":")
    return cast("MarginModel", getattr(import_module(module), kind)(**choices))


def is_built_in(name: str) -> bool:
    """Whether a name is a member of this package, wrapped or not; no member is imported."""
    wrapper, sign, inner = name.partition(":")
    return name in _MEMBERS or (bool(sign) and wrapper in _WRAPPERS and inner in _MEMBERS)


@cache
def _wrapped(wrapper: str, inner: str) -> MarginModel:
    module, _, kind = _WRAPPERS[wrapper].partition(":")
    return cast("MarginModel", getattr(import_module(module), kind)(model_named(inner)))


def every_model() -> tuple[MarginModel, ...]:
    """The built-in models and those of other packages that can be used.

    What is wrong with the others is in ``crossmargin.margin.outside.found``.
    """
    return (*ALL_MODELS, *found_outside(ALL_MODELS.names).models)


def model_named(name: str) -> MarginModel:
    """A model by name, ``name@version`` checked; InputError ``model_unknown`` otherwise.

    ``WRAPPER:NAME`` is a model inside a wrapper (``dynamic:house-example``), never two.
    The name of a model of another package that cannot be used is refused with the reason:
    ModelError ``model_unusable``.
    """
    wanted, _, version = name.partition("@")
    wrapper, sign, inner = wanted.partition(":")
    model: MarginModel | None
    if sign and wrapper in _WRAPPERS and ":" not in inner:
        model = _wrapped(wrapper, inner)
    else:
        model = _member(wanted) if wanted in _MEMBERS else outside_model(wanted, tuple(_MEMBERS))
    if model is None:
        raise InputError(
            "model_unknown",
            "no such margin model",
            value=name,
            limit=", ".join((*_MEMBERS, *outside_names(tuple(_MEMBERS)))),
            remedy="Choose one of the models that `crossmargin models` lists, or one in a wrapper: "
            + ", ".join(f"{name}:MODEL" for name in _WRAPPERS)
            + ".",
        )
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
