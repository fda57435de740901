"""The register of models: one line a member. Every door and the conformance suite read it."""

from __future__ import annotations

from crossmargin.core.errors import InputError
from crossmargin.margin.model import MarginModel
from crossmargin.margin.models.deribit_pm import DeribitPM
from crossmargin.margin.models.deribit_sm import DeribitSM
from crossmargin.margin.models.derive_pm1 import DerivePM1
from crossmargin.margin.models.derive_pm2 import DerivePM2
from crossmargin.margin.models.derive_sm import DeriveSM
from crossmargin.margin.models.drift_v2 import DriftV2
from crossmargin.margin.models.dydx_v4 import DydxV4
from crossmargin.margin.models.fixed_rate import FixedRate
from crossmargin.margin.models.lyra_v1 import LyraV1
from crossmargin.margin.models.mango_v4 import MangoV4
from crossmargin.margin.models.opyn_gamma import OpynGamma
from crossmargin.margin.models.paradex_pm import ParadexPM
from crossmargin.margin.models.synthetix_v3 import SynthetixV3
from crossmargin.margin.models.vertex import Vertex
from crossmargin.margin.models.zeta import Zeta

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
    FixedRate(),
    DydxV4(),
    DriftV2(),
    OpynGamma(),
    SynthetixV3(),
    MangoV4(),
    Vertex(),
    Zeta(),
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
