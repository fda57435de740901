"""The verb verify: a venue's reply against ours, from the same book, market and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import MarketLike, moment_of, snapshot_of
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verify_layouts import verify_document
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.register import model_named
from crossmargin.margin.verification import Verification, verify_case
from crossmargin.venues.payload import Payload
from crossmargin.venues.verify_adapters import case_of
from crossmargin.venues.verify_scrub import scrubbed

__all__ = ["VerifyResult", "verify"]


@dataclass(frozen=True, slots=True, repr=False)
class VerifyResult(Shown):
    """Ours beside theirs. ``holds`` is what the exit status says."""

    verification: Verification
    figures: Mapping[str, Any]

    @property
    def holds(self) -> bool:
        """Whether every component and every scenario that is known agrees."""
        return self.verification.holds

    def document(self, scenarios: bool = False) -> Document:
        """Components, and scenario by scenario the vectors that part; or every vector."""
        return verify_document(self.figures, scenarios)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def contribution(self, scale: float) -> dict[str, Any]:
        """The case without ids and names, sizes times ``scale``, in the form of shared cases."""
        return scrubbed(self.verification.case, scale)


def verify(
    venue: str,
    payload: Payload,
    *,
    market: MarketLike | None = None,
    at: str | int | None = None,
    changes: Mapping[str, Any] | None = None,
    tolerance: float = 0.0,
) -> VerifyResult:
    """What the venue says of an account, and what our model makes of the same inputs.

    ``payload``: the venue's reply (decoded, bytes, or a file), alone or with ``request``,
    ``tickers`` and what else its endpoint needs. ``market``: a snapshot that fills what the payload
    does not hold. ``at``: its time where it carries none. ``changes``: parameters or readings to
    change. ``tolerance``: share by which every number may differ, where the reply mixes instants.
    Raises InputError or ModelError for a payload that is refused.
    """
    if not 0.0 <= tolerance < 1.0:
        raise InputError(
            "number_out_of_range",
            "a tolerance is a share of the number",
            place="tolerance",
            value=tolerance,
            limit="0 to below 1",
            remedy="Give 0.001 for a tenth of a per cent.",
        )
    beside = None if market is None else snapshot_of(market)
    case = case_of(venue, payload, moment_of(at, "--at"), beside)
    if changes:
        case = replace(case, parameters=overlay(case.parameters, changes, "changed by hand"))
    case = replace(case, room_fraction=max(case.room_fraction, tolerance))
    found = verify_case(case)
    return VerifyResult(found, plain.checked(_figures(found, payload, dict(changes or {}))))


def _figures(found: Verification, payload: Payload, changes: Mapping[str, Any]) -> dict[str, Any]:
    case = found.case
    spec = model_named(case.model).spec
    rules = {rule.name: rule for rule in spec.rules}
    rule = rules.get(found.first)
    return {
        "verb": "verify",
        "venue": case.venue,
        "endpoint": case.endpoint,
        "payload": str(payload) if isinstance(payload, str | Path) else "",
        "model": case.model,
        "as_of": format_ms(case.as_of_ms),
        "holds": found.holds,
        "first": {
            "rule": found.first,
            "place": found.first_place,
            "text": rule.text if rule else "",
            "source": rule.source if rule else "",
        },
        "scenario": found.scenario,
        "components": [
            {
                "component": each.name,
                "ours": each.ours,
                "theirs": each.theirs,
                "difference": each.difference,
                "own": each.own,
                "room": each.room,
                "status": each.status.value,
                "rule": each.rule,
                "fidelity": each.fidelity,
            }
            for each in found.findings
        ],
        "vectors": [
            {
                "vector": each.name,
                "numbers": len(each.theirs),
                "largest_difference": each.largest,
                "room": each.room,
                "holds": each.holds,
                "first": each.label[each.first] if each.first >= 0 else "",
                "rule": each.rule,
                "scenarios": [
                    {"scenario": label, "ours": ours, "theirs": theirs}
                    for label, ours, theirs in zip(each.label, each.ours, each.theirs, strict=True)
                ],
            }
            for each in found.vectors
        ],
        "parameters": plain.parameter_figures(case.parameters, case.as_of_ms, changes),
        "notes": [*case.notes, *found.requirement.notes],
    }
