"""The doors of the room: what is refused, and where."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import checks


@pytest.mark.parametrize(
    ("code", "place", "call"),
    [
        ("number_not_finite", "x[1, 0]", lambda: checks.numbers([[1.0], [math.nan]], "x")),
        ("number_out_of_range", "x[1]", lambda: checks.numbers([1.0, 0.0], "x", above=0.0)),
        ("number_out_of_range", "x", lambda: checks.number(1.0, "x", below=1.0)),
        ("shape_wrong", "", lambda: checks.number([1.0], "x")),
        ("shape_wrong", "", lambda: checks.series(1.0, "x")),
        ("observations_too_few", "x", lambda: checks.series([], "x")),
        ("shape_wrong", "", lambda: checks.matrix([[1.0, 2.0]], "x")),
        ("shape_wrong", "", lambda: checks.matrix([[[1.0]]], "x")),
        ("number_out_of_range", "x", lambda: checks.matrix([[1.0, 2.0], [2.1, 1.0]], "x")),
        ("number_not_finite", "x[0, 0]", lambda: checks.matrices([[math.inf]], "x")),
    ],
)
def test_refusals(code: str, place: str, call: Any) -> None:
    with pytest.raises(CrossMarginError) as caught:
        call()
    assert (caught.value.code, caught.value.place) == (code, place)


def test_halves_that_differ_by_rounding_are_joined() -> None:
    given = np.array([[1.0, 2.0], [2.0 + 1e-15, 3.0]])
    found = checks.matrix(given, "x")
    assert (found == found.T).all()
    assert checks.probability(0.5) == 0.5
