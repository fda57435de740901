"""Errors name what, where, the value, the limit and the remedy, in one line."""

from __future__ import annotations

import pytest

from crossmargin.core import errors
from crossmargin.core.errors import CrossMarginError, InputError


def test_an_error_is_one_line_and_a_table_of_the_same() -> None:
    error = InputError(
        "number_not_finite",
        "quantity must be finite",
        place="book.csv:3",
        value=float("nan"),
        limit="finite numbers",
        remedy="Correct the line.",
    )
    assert str(error) == (
        "number_not_finite: quantity must be finite, at book.csv:3, was nan, "
        "accepted: finite numbers. Correct the line."
    )
    assert error.as_dict() == {
        "code": "number_not_finite",
        "message": "quantity must be finite",
        "place": "book.csv:3",
        "value": "nan",
        "limit": "finite numbers",
        "remedy": "Correct the line.",
    }


def test_values_are_cut_and_escaped() -> None:
    error = InputError("number_unreadable", "not a number", value="x\n" * 10_000)
    assert len(str(error)) < 300
    assert "\n" not in str(error)
    assert InputError("book_empty", "nothing").as_dict()["value"] is None


def test_a_code_outside_the_catalogue_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="catalogue"):
        InputError("no_such_code", "x")


def test_the_catalogue_and_the_tree_are_complete() -> None:
    for code, line in errors.CODES.items():
        assert code == code.lower()
        assert line
        assert not line.endswith(".")
    for name in ("InputError", "MarketDataError", "ModelError", "SolverError", "StateError"):
        assert issubclass(getattr(errors, name), CrossMarginError)


def test_a_failure_is_a_value() -> None:
    failure = errors.Failure("alice", "vol_missing", "no vol")
    assert failure == errors.Failure("alice", "vol_missing", "no vol")
