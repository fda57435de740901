"""Which models take the books of the sample: those of its venue, and those that it is mapped to."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS
from crossmargin.margin.listings import sources_of
from crossmargin.margin.model import Extent, ModelSpec

__all__ = ["SAMPLE_TAKERS"]

_VENUE = "deribit"


def _takes(spec: ModelSpec) -> bool:
    listed = {Kind.PERPETUAL, Kind.OPTION} <= set(spec.kinds)
    known = spec.extent is not Extent.REFUSED
    return listed and known and _VENUE in (spec.venue or _VENUE, *sources_of(spec))


SAMPLE_TAKERS = tuple(model.spec.name for model in ALL_MODELS if _takes(model.spec))
