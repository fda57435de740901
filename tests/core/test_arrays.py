"""Arrays at a room's border: read-only, finite, hashed by content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.arrays import digest, finite, frozen, owned
from crossmargin.core.errors import InputError, MarketDataError


def test_frozen_is_read_only_and_leaves_the_original_writable() -> None:
    source = np.arange(3.0)
    view = frozen(source, np.float64)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    source[0] = 5.0
    assert view[0] == 5.0  # a view where no conversion is needed
    assert frozen([1, 2], np.int32).dtype == np.int32
    assert frozen(np.ones((4, 4))[:, ::2], np.float64).flags.c_contiguous


def test_owned_memory_is_no_callers() -> None:
    source = np.arange(4.0)
    view = source[1:]
    view.flags.writeable = False  # read-only, and yet the memory below it is not
    for given_array in (source, source[::2], view, source.data):
        taken = owned(given_array, np.float64)
        before = taken.tolist()
        source += 1.0
        assert taken.tolist() == before
        assert not taken.flags.writeable
    source.flags.writeable = False
    assert owned(source, np.float64) is source  # nobody can write: not copied
    assert owned([1, 2], np.int32).tolist() == [1, 2]
    assert owned(np.ones(2), np.int32).dtype == np.int32


def test_finite_names_the_first_bad_cell() -> None:
    good = np.array([1.0, -2.0])
    assert finite(good, "x") is good
    bad = np.array([[1.0, 2.0], [np.inf, np.nan]])
    with pytest.raises(InputError, match="number_not_finite") as caught:
        finite(bad, "price", lambda k: f"cell {k}")
    assert (caught.value.place, caught.value.value) == ("cell 2", "inf")
    with pytest.raises(MarketDataError):
        finite(np.array([np.nan]), "price", error=MarketDataError)
    assert finite(np.zeros(0), "x").size == 0


@given(st.lists(st.floats(allow_nan=False), max_size=5), st.integers(0, 4))
def test_the_hash_is_of_content(values: list[float], place: int) -> None:
    array = np.array(values)
    assert digest([array, "a"]) == digest([array.copy(), "a"])
    if place < len(values):
        other = array.copy()
        other[place] = np.nextafter(other[place], 0.0) if other[place] else 1.0
        assert digest([other, "a"]) != digest([array, "a"])


def test_the_hash_tells_types_shapes_and_borders_apart() -> None:
    zeros = np.zeros(4)
    parts: list[list[object]] = [
        [zeros],
        [zeros.reshape(2, 2)],
        [zeros.astype(np.int64)],
        [zeros[:2], zeros[2:]],
        ["ab"],
        ["a", "b"],
        [1],
        ["1"],
        [1.0],
        [],
    ]
    assert len({digest(part) for part in parts}) == len(parts)
