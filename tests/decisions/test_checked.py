"""The borders of the decisions refuse by name."""

from __future__ import annotations

import math

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number, refused, vector


@pytest.mark.parametrize(
    ("value", "bounds", "above", "code"),
    [
        (math.nan, (), False, "number_not_finite"),
        (math.inf, (), False, "number_not_finite"),
        (-1.0, (0.0,), False, "number_out_of_range"),
        (2.0, (0.0, 1.0), False, "number_out_of_range"),
        (0.0, (0.0,), True, "number_out_of_range"),
    ],
)
def test_a_number_outside_is_refused(
    value: float, bounds: tuple[float, ...], above: bool, code: str
) -> None:
    with pytest.raises(InputError) as wrong:
        number("width", value, *bounds, above=above)
    assert (wrong.value.code, wrong.value.place) == (code, "width")


def test_a_number_inside_is_itself() -> None:
    assert number("width", 0.0, 0.0) == 0.0
    assert number("width", 1, 0.0, 1.0) == 1.0


def test_lists_have_their_length_and_are_finite() -> None:
    assert vector("w", [1.0, 2.0], 2).tolist() == [1.0, 2.0]
    for values, code in (([1.0], "shape_wrong"), ([[1.0, 2.0]], "shape_wrong")):
        with pytest.raises(InputError) as wrong:
            vector("w", values, 2)
        assert wrong.value.code == code
    with pytest.raises(InputError) as wrong:
        vector("w", [1.0, math.nan])
    assert wrong.value.code == "number_not_finite"


def test_a_refusal_says_the_limit() -> None:
    assert "at least 1" in refused("n", 0, "at least 1").text()
