"""A user's numbers as entries of a parameter set, and back to the same numbers."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.families.sensitivity_entries import set_from, with_numbers
from crossmargin.margin.families.sensitivity_parameters import HORIZONS, set_of
from crossmargin.margin.parameter_files import available, overlay, read_parameters
from crossmargin.margin.parameter_text import parameter_text
from tests.margin.families.simm_made_up import VERSION, rows

(BASE,) = available("sensitivities-crif")


@pytest.mark.parametrize("days", HORIZONS)
def test_round_trip(days: int) -> None:
    made = with_numbers(BASE, rows(), VERSION, "file.csv")
    known, found = set_of(rows(), VERSION, days, "file.csv"), set_from(made, days)
    assert dict(found.numbers) == dict(known.numbers)
    assert {k: dict(v) for k, v in found.groups.items()} == {
        k: dict(v) for k, v in known.groups.items()
    }
    assert found.version == VERSION


def test_a_written_set_is_read_back() -> None:
    made = with_numbers(BASE, rows(), VERSION, "file.csv")
    again = read_parameters(parameter_text(made, "Numbers of nobody."), "again.toml")
    assert dict(set_from(again, 10).numbers) == dict(set_from(made, 10).numbers)


def test_a_change_keeps_matrices_symmetric_and_inside_bounds() -> None:
    made = with_numbers(BASE, rows(), VERSION, "file.csv")
    name = "number.Commodity.Correlations.InterBucket.||1|16"
    changed = set_from(overlay(made, {name: 0.5}, "hand"), 10).numbers
    for pair in (("1", "16"), ("16", "1")):
        assert changed["Commodity", "Correlations", "InterBucket", "", *pair] == 0.5
    with pytest.raises(ModelError) as caught:
        overlay(made, {name: 1.5}, "hand")
    assert caught.value.code == "parameter_out_of_bounds"


def test_no_numbers_and_no_such_version() -> None:
    with pytest.raises(ModelError) as caught:
        set_from(BASE, 10)
    assert caught.value.code == "parameter_missing"
    assert "not endorsed" in caught.value.remedy
    with pytest.raises(InputError, match="no such version"):
        with_numbers(BASE, rows(), "9", "file.csv")
