"""The dated numbers of an exit: impact, pace, bounds of what has no quote, hedging to run off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.parameter_files import Parameters, load, overlay

__all__ = ["ExitTerms"]

_TURNOVER = {Kind.OPTION: "option", Kind.FUTURE: "future", Kind.PERPETUAL: "perpetual"}


@dataclass(frozen=True, slots=True)
class ExitTerms:
    """The set ``execution`` in force; every number with its unit, bounds and source in the file."""

    parameters: Parameters

    @staticmethod
    def at(as_of_ms: int, changes: Mapping[str, Any] | None = None) -> ExitTerms:
        """The set in force at a time, with changes by dotted name inside their bounds.

        Raises ModelError: ``parameter_missing``, ``parameter_out_of_bounds``.
        """
        found = load("execution", as_of_ms)
        return ExitTerms(overlay(found, changes, "changed by hand") if changes else found)

    def number(self, name: str) -> float:
        """A number by its dotted name."""
        return self.parameters.number(name)

    def volume_day(self, item: Instrument, known: float | None, interest: float | None) -> float:
        """Units that trade in a day: as known, else open interest times turnover; 0 if neither."""
        if known is not None:
            return known
        if interest is None:
            return 0.0
        return interest * self.number(f"volume.{_TURNOVER[item.kind]}_turnover")

    def pace_day(self, volume_day: float, interest: float | None) -> float:
        """Units that may be closed in a day: a share of volume, and of open interest if known."""
        pace = self.number("participation.volume_share") * volume_day
        if interest is not None:
            pace = min(pace, self.number("participation.interest_share") * interest)
        return pace
