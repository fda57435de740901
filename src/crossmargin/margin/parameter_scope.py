"""For whom a parameter set is in force: all, listed accounts, or accounts one by one in a window.

    effective_for = "all"                                the default
    effective_for = { accounts = ["a", "b"] }            these alone
    effective_for = { until = "2025-01-21T08:00Z" }      phased in: accounts follow one by one from
                                                         ``effective_from`` on, all of them by then

In a phased window nobody but the venue knows which set an account has: the set before it stands,
with a verdict, unless the set is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.core.errors import InputError

__all__ = ["ALL", "Scope", "moment_of_head", "scope_of"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Listed accounts, or the end of a phased window; neither: all."""

    accounts: tuple[str, ...] = ()
    until_ms: int | None = None

    def covers(self, account: str | None, as_of_ms: int) -> bool:
        """Whether the set is surely that of the account, once its day has come."""
        if self.accounts:
            return account in self.accounts
        return self.until_ms is None or as_of_ms >= self.until_ms

    def lines(self) -> list[str]:
        """The line of a file's head."""
        if self.accounts:
            listed = ", ".join(json.dumps(name) for name in self.accounts)
            return [f"effective_for = {{ accounts = [{listed}] }}"]
        if self.until_ms is not None:
            return [f'effective_for = {{ until = "{format_ms(self.until_ms)}" }}']
        return ['effective_for = "all"']

    @property
    def text(self) -> str:
        """In words."""
        if self.accounts:
            return f"accounts {', '.join(self.accounts)}"
        if self.until_ms is not None:
            return f"phased in until {format_ms(self.until_ms)}"
        return "all"


ALL = Scope()


def scope_of(value: Any, place: str) -> Scope:
    """The scope that a head states. Raises InputError ``option_unknown``."""
    if value == "all":
        return ALL
    if isinstance(value, Mapping) and set(value) == {"accounts"}:
        names = value["accounts"]
        if isinstance(names, list) and names and all(isinstance(x, str) and x for x in names):
            return Scope(accounts=tuple(names))
    if isinstance(value, Mapping) and set(value) == {"until"}:
        return Scope(until_ms=moment_of_head(value["until"], place))
    raise InputError(
        "option_unknown",
        "not one for whom a set can be in force",
        place=f"{place} effective_for",
        value=value,
        limit='"all", { accounts = ["…"] }, { until = "2025-01-21T08:00Z" }',
        remedy="State one of them.",
    )


def moment_of_head(value: Any, place: str) -> int:
    """Milliseconds of a time to the minute with its zone, or of a date alone (00:00 UTC)."""
    text = str(value)
    plain_date = len(text) == len("2026-01-01") and text.count("-") == 2
    return parse_ms(f"{text}T00:00:00Z" if plain_date else text, place)
