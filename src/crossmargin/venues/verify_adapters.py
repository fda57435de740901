"""Which venue's replies can be held against ours: one adapter a venue, by its name."""

from __future__ import annotations

from collections.abc import Callable

from crossmargin.core.errors import InputError
from crossmargin.margin.verification import Case
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.payload import Payload
from crossmargin.venues.payload_bundle import Bundle, bundle_of
from crossmargin.venues.verify_bybit import bybit_case
from crossmargin.venues.verify_deribit import deribit_case
from crossmargin.venues.verify_derive import derive_case
from crossmargin.venues.verify_gate import gate_case
from crossmargin.venues.verify_okx import okx_case
from crossmargin.venues.verify_paradex import paradex_case

__all__ = ["ADAPTERS", "Adapter", "adapter_of", "case_of"]

Adapter = Callable[[Bundle, int | None, Snapshot | None], Case]

ADAPTERS: dict[str, Adapter] = {
    "bybit": bybit_case,
    "deribit": deribit_case,
    "derive": derive_case,
    "gate": gate_case,
    "okx": okx_case,
    "paradex": paradex_case,
}


def adapter_of(venue: str) -> Adapter:
    """The adapter of a venue; InputError ``option_unknown`` where there is none."""
    found = ADAPTERS.get(venue)
    if found is None:
        raise InputError(
            "option_unknown",
            "replies of that venue cannot be read",
            place="venue",
            value=venue,
            limit=", ".join(ADAPTERS),
            remedy="Choose one of those.",
        )
    return found


def case_of(
    venue: str, payload: Payload, at_ms: int | None = None, beside: Snapshot | None = None
) -> Case:
    """The case of a payload (decoded, bytes, or the path of a file)."""
    adapter = adapter_of(venue)
    return adapter(bundle_of(payload, f"{venue} reply"), at_ms, beside)
