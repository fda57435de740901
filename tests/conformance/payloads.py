"""Stand-ins for the payloads without which a model refuses: made up, of no venue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossmargin.margin import MarginModel, Parameters
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import from_values

_MOVES = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
_GRID = [[move, vol, 0.2 / max(abs(move), 0.2)] for move in _MOVES for vol in (0.45, 0.0, -0.3)]
_COIN = {"scenarios": _GRID, "roll_factor": 0.004, "option_factor": 0.01}
STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "thalex-pm": {"asset": {"BTC": _COIN, "ETH": _COIN}},
}


def completed(model: MarginModel, parameters: Parameters) -> Parameters:
    """The set with the stand-in of a model that refuses without a payload; else as it is."""
    spec = model.spec
    if spec.extent is not Extent.REFUSED:
        return parameters
    given = from_values(parameters.model, parameters.version, STAND_INS[spec.name], "stand-in")
    return replace(parameters, entries={**parameters.entries, **given.entries})
