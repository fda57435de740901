"""Promises about numbers find a model that breaks them: see also `test_canaries.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from crossmargin.conformance import checks
from crossmargin.conformance.world import Subject, random_book, subject_of
from crossmargin.core.errors import InputError
from crossmargin.margin import model_named

FIXED = subject_of(model_named("fixed-rate"))


@dataclass(frozen=True)
class Spoiled:
    """A model whose sheets have one column changed."""

    right: Any
    column: str
    change: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.right, name)

    def margin(self, *given: Any) -> Any:
        answer = self.right.margin(*given)
        sheet = answer.sheet
        values = tuple(
            self.change(v) if c.name == self.column else v
            for c, v in zip(sheet.columns, sheet.values, strict=True)
        )
        return replace(answer, sheet=replace(sheet, values=values))


def spoiled(column: str, change: Any) -> Subject:
    return replace(FIXED, model=Spoiled(FIXED.model, column, change))


def test_answers_hold_every_bit() -> None:
    found = checks.margined(FIXED, random_book(FIXED, 3, 4))
    other = checks.margined(
        spoiled("im", lambda v: np.nextafter(v, 2 * v)), random_book(FIXED, 3, 4)
    )
    assert checks.answers(found) == checks.answers(checks.margined(FIXED, random_book(FIXED, 3, 4)))
    assert checks.answers(found) != checks.answers(other)


def test_another_error_is_not_the_one_that_was_asked_for() -> None:
    def call() -> None:
        raise InputError("unit_wrong", "x")

    assert checks.refused("unit_wrong", call).code == "unit_wrong"
    with pytest.raises(AssertionError, match="unit_wrong"):
        checks.refused("model_unknown", call)
    with pytest.raises(AssertionError, match="not refused"):
        checks.refused("model_unknown", lambda: None)


@pytest.mark.parametrize(
    ("column", "change", "check"),
    [
        ("mm", lambda v: v + 1.0, checks.empty_book),
        ("mm", lambda v: -v, checks.sane_numbers),
        ("im", lambda v: np.cumsum(v), checks.neighbours),
        ("im", lambda v: np.sqrt(np.abs(v)), checks.scale_law),
        ("im", lambda v: v + 1.0, checks.offsetting_lots),
    ],
)
def test_a_spoiled_column_is_found(column: str, change: Any, check: Any) -> None:
    check(FIXED)
    with pytest.raises(AssertionError):
        check(spoiled(column, change))
