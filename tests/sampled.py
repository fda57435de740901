"""Models that take the sample books: Deribit's options and perpetuals, as they are or mapped."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS

SAMPLED = tuple(
    model.spec.name
    for model in ALL_MODELS
    if {Kind.PERPETUAL, Kind.OPTION} <= set(model.spec.kinds)
    and (model.spec.venue in ("", "deribit") or "deribit" in model.spec.maps_from)
)
