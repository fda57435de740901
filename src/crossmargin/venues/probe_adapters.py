"""Which venues' models can be probed, and how each asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues import probe_deribit
from crossmargin.venues.assemble import Row

__all__ = ["PROBERS", "Prober", "prober_of"]


@dataclass(frozen=True, slots=True)
class Prober:
    """Candidate books of a coin as requests and as rows, one account each; what replies print."""

    model: str
    columns: tuple[str, ...]
    candidates: Callable[[Snapshot, str], tuple[list[dict[str, float]], list[Row]]]
    request: Callable[[dict[str, float], str], dict[str, Any]]


PROBERS: dict[str, Prober] = {
    "deribit": Prober(
        probe_deribit.MODEL,
        probe_deribit.COLUMNS,
        probe_deribit.candidates,
        probe_deribit.request_of,
    ),
}


def prober_of(venue: str) -> Prober:
    """How a venue is probed; InputError ``option_unknown`` where it is not."""
    found = PROBERS.get(venue)
    if found is None:
        raise InputError(
            "option_unknown",
            "no probes are known for that venue",
            place="venue",
            value=venue,
            limit=", ".join(PROBERS),
            remedy="Choose one of those.",
        )
    return found
