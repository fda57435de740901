"""Two parameter sets side by side: which numbers changed, and what that costs each account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crossmargin.core.errors import Failure, InputError
from crossmargin.instruments.book import Book
from crossmargin.margin.comparison import cash_needed
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.market.view import View

__all__ = ["CashChange", "Change", "cash_changes", "changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One name: its value in each set, None where a set does not have it."""

    name: str
    before: Any
    after: Any
    unit: str

    @property
    def share(self) -> float | None:
        """``after / before - 1`` of two numbers; None where that says nothing."""
        numbers = all(
            isinstance(x, int | float) and not isinstance(x, bool)
            for x in (self.before, self.after)
        )
        return self.after / self.before - 1.0 if numbers and self.before else None


@dataclass(frozen=True, slots=True)
class CashChange:
    """Dollars of cash that one account must hold under each set; a failure where one has none."""

    account: str
    before_usd: float = 0.0
    after_usd: float = 0.0
    failure: Failure | None = None

    @property
    def change_usd(self) -> float:
        """More cash to hold under the second set, positive."""
        return self.after_usd - self.before_usd


def changes(before: Parameters, after: Parameters) -> tuple[Change, ...]:
    """Names whose values differ, in the order of the first set, then what only the second has.

    Raises InputError ``option_unknown`` for sets of two models.
    """
    if before.model != after.model:
        raise InputError(
            "option_unknown",
            "the sets are of two models",
            place=f"{before.label}, {after.label}",
            value=f"{before.model}, {after.model}",
            limit="two sets of one model",
            remedy="Compare sets of one model.",
        )
    names = dict.fromkeys((*before.entries, *after.entries))
    found = []
    for name in names:
        one, other = before.entries.get(name), after.entries.get(name)
        old, new = (None if each is None else each.value for each in (one, other))
        if old != new:
            either = one or other
            assert either is not None  # the name is of one of them
            found.append(Change(name, old, new, either.unit))
    return tuple(found)


def cash_changes(
    accounts: Iterable[tuple[Book, View]],
    model: MarginModel,
    before: Parameters,
    after: Parameters,
) -> tuple[CashChange, ...]:
    """Cash to hold of each account (a book of one with its view) under both sets.

    Largest increase first, accounts that cannot be margined last.
    """
    found = []
    for book, view in accounts:
        name = book.account[0]
        made = [run(book, view, model, chosen) for chosen in (before, after)]
        failures = [failure for each in made for failure in each.failures]
        if failures:
            found.append(CashChange(name, failure=failures[0]))
            continue
        old, new = (cash_needed(each, "im") for each in made)
        found.append(CashChange(name, old, new))
    return tuple(
        sorted(found, key=lambda each: (each.failure is not None, -each.change_usd, each.account))
    )
