"""What an account has agreed to: the model, the ladder of its statuses, the buffer, withdrawals.

    a rung fails    not counted >= multiple x requirement      (where the boundary itself passes)
                    not counted >  multiple x requirement      (where it fails and something is due)

A status is the gravest rung that fails. Nothing is rounded before the comparison. A multiple is at
least 1 and every ladder has a liquidation rung: an agreement can be stricter than the requirement
and never milder, and it names no account, so that it can exempt none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.model import ModelSpec
from crossmargin.margin.parameter_files import Parameters, load, overlay
from crossmargin.margin.parameter_rows import Column

__all__ = ["HOUSE", "Agreement", "Ladder", "Rung", "Status", "agreement_for"]

FOLDER = "crossmargin.accounts:parameters/agreements"
HOUSE = "house"
_COLUMNS = (
    Column("status", choices=("warning", "call", "liquidation")),
    Column("level", choices=("im", "mm")),
    Column("multiple", 1.0, 10.0),
    Column("boundary", choices=("passes", "fails")),
)


class Status(IntEnum):
    """Where an account stands, from harmless to grave; unknown where no cash is stated."""

    UNKNOWN = -1
    OK = 0
    WARNING = 1
    CALL = 2  # no new risk: what is missing must be added, or risk taken off
    LIQUIDATION = 3


@dataclass(frozen=True, slots=True)
class Rung:
    """What must count for a level, as a multiple of its requirement; else ``status``."""

    status: Status
    level: str  # im or mm
    multiple: float
    boundary_fails: bool = False  # whether exactly the multiple is too little

    def __post_init__(self) -> None:
        if self.level not in ("im", "mm") or not 1.0 <= self.multiple <= 10.0:
            raise ModelError(
                "parameter_out_of_bounds",
                "a rung asks for a multiple of a requirement",
                place=f"{self.status.name.lower()} {self.level}",
                value=self.multiple,
                limit="im or mm, 1 to 10",
                remedy="No rung may stand below the requirement itself.",
            )

    def fails(self, requirement: Floats, counted: Floats) -> Bools:
        """[R] where what counts is too little; unrounded. Nothing is due where both are 0."""
        needed = self.multiple * requirement
        if not self.boundary_fails:
            return np.asarray(~(counted >= needed))
        nothing = (requirement == 0.0) & (counted >= 0.0)
        return np.asarray(~((counted > needed) | nothing))


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of one venue or house, each a status; the gravest that fails stands."""

    name: str
    rungs: tuple[Rung, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if Status.LIQUIDATION not in {rung.status for rung in self.rungs}:
            raise ModelError(
                "rules_unknown",
                "a ladder without liquidation would exempt whoever stands on it",
                place=self.name,
                limit="a rung of status liquidation",
                remedy="State when the account is liquidated.",
            )

    def status(self, im: Floats, counted_im: Floats, mm: Floats, counted_mm: Floats) -> Bytes:
        """[R] codes of :class:`Status` of any rows."""
        out = np.zeros(len(im), np.int8)
        for rung in self.rungs:
            pair = (im, counted_im) if rung.level == "im" else (mm, counted_mm)
            out = np.where(rung.fails(*pair), np.maximum(out, rung.status), out).astype(np.int8)
        return out


@dataclass(frozen=True, slots=True)
class Agreement:
    """What decides about an account beside its requirement. It names no account.

    ``pools``: labels by number, empty for those of the plan. ``buffer``: fraction of IM kept over
    it. ``withdrawal_multiple``: times IM that must be covered after a withdrawal.
    ``unquoted_option``, ``unquoted_future``: cost to close a leg that nobody quotes, as a fraction
    of its mark value and of its notional.
    """

    model: str
    ladder: Ladder
    pools: Mapping[int, str] = field(default_factory=dict)
    buffer: float = 0.0
    withdrawal_multiple: float = 1.2
    unquoted_option: float = 1.0
    unquoted_future: float = 0.05
    auto_borrow: bool = True
    parameters: Parameters | None = None


def agreement_for(
    spec: ModelSpec,
    as_of_ms: int,
    changes: Mapping[str, Any] | None = None,
    *,
    ladder: str | None = None,
) -> Agreement:
    """The agreement in force: the model's own, else its venue's, else the house's.

    ``ladder`` names another one of the file. ``changes`` are short names (``buffer``), each inside
    its bounds. A number that a venue's table leaves out is the house's. Raises InputError
    ``option_unknown`` for a ladder that is not in the file.
    """
    found = load(FOLDER, as_of_ms)
    known = [name.split(".")[0] for name in found.entries if name.endswith(".rungs")]
    if ladder is not None and ladder not in known:
        raise InputError(
            "option_unknown",
            "no ladder of that name",
            value=ladder,
            limit=", ".join(known),
            remedy="Choose one of those.",
        )
    own = next((name for name in (spec.name, spec.venue) if name in known), HOUSE)
    table = ladder or own
    if changes:
        found = overlay(found, {_entry(found, table, n): v for n, v in changes.items()}, "user")

    def number(name: str) -> float:
        return found.number(_entry(found, table, name))

    source = found.entries[f"{table}.rungs"].source
    return Agreement(
        model=spec.name,
        ladder=Ladder(table, _rungs(found, table), source),
        buffer=number("buffer"),
        withdrawal_multiple=number("withdrawal_multiple"),
        unquoted_option=number("unquoted_option"),
        unquoted_future=number("unquoted_future"),
        auto_borrow=found.get(_entry(found, table, "auto_borrow")) == "yes",
        parameters=found,
    )


def _entry(found: Parameters, table: str, name: str) -> str:
    own = f"{table}.{name}"
    return own if own in found else f"{HOUSE}.{name}"


def _rungs(found: Parameters, table: str) -> tuple[Rung, ...]:
    rows = found.rows(f"{table}.rungs", _COLUMNS)
    return tuple(
        Rung(Status[status.upper()], level, float(multiple), boundary == "fails")
        for status, level, multiple, boundary in rows
    )
