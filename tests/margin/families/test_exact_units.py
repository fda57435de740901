from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import ModelError
from crossmargin.margin.families import exact_units as eu
from crossmargin.margin.parameter_files import from_values

WHOLE = st.integers(-(10**40), 10**40)
PART = st.integers(1, 10**30)


@given(WHOLE, PART)
def test_quotients_round_as_they_say(number: int, divisor: int) -> None:
    ratio = Fraction(number, divisor)
    assert eu.quotient_to_zero(number, divisor) == trunc(ratio)
    assert eu.quotient_to_zero(-number, -divisor) == trunc(ratio)
    assert eu.quotient_up(number, divisor) == ceil(ratio)
    assert eu.quotient_down(number, divisor) == floor(ratio)


@given(st.integers(-(10**14), 10**14))
def test_a_decimal_is_counted_as_it_was_written(number: int) -> None:
    assert eu.units(float(f"{number}e-6"), 6) == number
    assert eu.ticks(float(f"{abs(number)}e-5"), -5) == abs(number)


def test_what_is_no_whole_unit_is_cut_off_toward_zero() -> None:
    assert [eu.units(x, 2) for x in (1.239, -1.239, 1e-18, -0.0)] == [123, -123, 0, 0]
    assert eu.units(1234.0, -2) == 12
    assert [eu.ticks(x, -1) for x in (0.25, 0.35, 0.151)] == [2, 4, 2]


def test_an_entry_is_a_cost_rounded_against_the_holder() -> None:
    # 3 units of 0.01 coin at 1.0001 dollars cost 0.030003 dollars: in units of 0.0001, 300.03
    assert eu.entry_quote(3, 1.0001, 2) == -301
    assert eu.entry_quote(-3, 1.0001, 2) == 300
    assert eu.entry_quote(-3, 1.0, 2) == 300


def test_a_float_is_rounded_once() -> None:
    assert eu.as_float(10**30 + 1, 30) == 1.0
    assert eu.as_float(-123456789, 6) == -123.456789


def test_a_count_that_is_no_whole_number_is_refused() -> None:
    made = from_values("m", "1", {"a": 3.0, "b": 0.5}, "test")
    assert eu.whole(made, "a") == 3
    with pytest.raises(ModelError) as caught:
        eu.whole(made, "b")
    assert caught.value.code == "parameter_out_of_bounds"
    assert isinstance(eu.whole(made, "a"), int)


def test_exact_counts_go_before_floats() -> None:
    from tests.margin.families.books import pool_book

    held = pool_book([[1.5, 2.0]])
    assert eu.held_units(held, 0, 1) == 15
    held = pool_book([[1.5, 2.0]], exact=(16, 20))
    assert eu.held_units(held, 0, 1) == 16
    assert np.diff(held.row).tolist() == [2]
