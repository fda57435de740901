"""Which models take the books of the sample: those of its venue, and those that it is mapped to."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS
from crossmargin.margin.model import Extent, ModelSpec

__all__ = ["SAMPLE_TAKERS"]

_VENUE = "deribit"


_HOLDS = {Kind.PERPETUAL, Kind.OPTION}  # every book of the sample, once mapped


def _takes(spec: ModelSpec) -> bool:
    here = _VENUE in (spec.venue, *spec.maps_from)
    return here and set(spec.kinds) >= _HOLDS and spec.extent is not Extent.REFUSED


SAMPLE_TAKERS = tuple(model.spec.name for model in ALL_MODELS if _takes(model.spec))
