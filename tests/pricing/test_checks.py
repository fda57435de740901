"""Guards name the first bad cell and let good arrays through untouched."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.pricing.checks import codes, offsets, positions, reals, rights, shocked, tables


def test_reals_name_the_first_bad_cell() -> None:
    good = np.arange(6.0).reshape(2, 3)
    assert reals(good, "x") is good
    assert reals([], "x").size == 0
    for value, low, code in [
        (np.nan, -np.inf, "number_not_finite"),
        (-1.0, 0.0, "number_out_of_range"),
    ]:
        bad = good.copy()
        bad[1, 1] = value
        with pytest.raises(InputError) as caught:
            reals(bad, "x", low=low)
        assert (caught.value.code, caught.value.place) == (code, "x[1, 1]")


def test_codes_are_checked_before_they_are_narrowed() -> None:
    assert codes([0, 2], "c", shape=(2,), low=0, below=3).dtype == np.int32
    for bad in ([0, 3], [0, -1], [0, 2**32], [0, 2.0**40]):
        with pytest.raises(InputError, match=r"c\[1\]"):
            codes(bad, "c", shape=(2,), low=0, below=3)


def test_fractional_codes_are_refused() -> None:
    with pytest.raises(InputError, match=r"c\[0\]"):
        codes([0.5, 1.0], "c", shape=(2,), low=0, below=3)


@pytest.mark.parametrize("bad", [[], [0], [0, 1], [1, 2], [0, 2, 1, 2], [[0, 2]]])
def test_offsets_start_rise_and_end(bad: list[int]) -> None:
    assert offsets([0, 1, 1, 2], 2).tolist() == [0, 1, 1, 2]
    with pytest.raises(InputError):
        offsets(bad, 2)


def test_shapes() -> None:
    for call in (
        lambda: tables([1.0], "t"),
        lambda: tables(np.ones((2, 0)), "t"),
        lambda: shocked(np.ones((2, 7)), 7, trusted=True),
        lambda: shocked(np.ones((2, 8)), 9, trusted=True),
        lambda: positions([0, 1], [0], [1.0, 2.0], 1, trusted=True),
        lambda: rights([1.0], 2),
    ):
        with pytest.raises(InputError, match="shape_wrong"):
            call()
