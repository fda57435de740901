"""Which models take the books of the sample: those of its venue, and those that it is mapped to."""

from __future__ import annotations

from crossmargin.margin import ALL_MODELS
from crossmargin.margin.model import Extent, ModelSpec

__all__ = ["SAMPLE_TAKERS"]

_VENUE = "deribit"


def _takes(spec: ModelSpec) -> bool:
    return spec.extent is not Extent.REFUSED and _VENUE in (spec.venue, *spec.maps_from)


SAMPLE_TAKERS = tuple(model.spec.name for model in ALL_MODELS if _takes(model.spec))
