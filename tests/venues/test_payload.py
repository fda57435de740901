"""Replies at hand in three forms, and their fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues import payload


def test_a_reply_is_decoded_given_or_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "reply.json"
    path.write_bytes(b'{"result": []}')
    for given, place in ((path, str(path)), (str(path), str(path)), (b'{"result": []}', "reply")):
        assert payload.load(given, "reply") == ({"result": []}, place)
    assert payload.load({"result": []}, "reply") == ({"result": []}, "reply")


def test_fields_are_there_or_named() -> None:
    item = {"a": "1.5", "b": "", "c": None, "d": True, "t": 1770326977000}
    assert payload.required(item, "a", "x") == 1.5
    assert (payload.optional(item, "b", "x"), payload.optional(item, "c", "x")) == (None, None)
    assert (payload.time_of(item, "t"), payload.time_of(item, "d")) == (1770326977000, None)
    assert payload.text_of(item, "a", "x") == "1.5"
    for name in ("b", "z"):
        with pytest.raises(InputError, match="column_missing"):
            payload.required(item, name, "x")
        with pytest.raises(InputError, match="column_missing"):
            payload.text_of(item, name, "x")
    with pytest.raises(InputError, match="number_unreadable"):
        payload.required(item, "d", "x")


def test_a_list_of_objects_is_that() -> None:
    assert payload.items_of([{"a": 1}], "x") == [{"a": 1}]
    for bad in ({}, "ab", [1], None):
        with pytest.raises(InputError, match="file_unreadable"):
            payload.items_of(bad, "x")


def test_decimals_are_subtracted_as_decimals() -> None:
    assert payload.difference(0.3, 0.1) == 0.2
