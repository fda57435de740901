"""Numbers of a market are one a copy of the table, and plain numbers of one copy."""

from __future__ import annotations

import numpy as np

from crossmargin.accounts.tiles import tiled_table
from crossmargin.margin.copies import (
    by_copy,
    copies_of,
    known_names,
    named_numbers,
    per_instrument,
)
from tests.accounts.random_books import random_account


def test_one_copy_gives_plain_numbers() -> None:
    table = random_account(17).book.instruments
    values = np.arange(len(table.names), dtype=np.float64)
    assert copies_of(table) == 1
    found = by_copy(table, values, 1)
    assert isinstance(found, float) and found == 1.0
    assert per_instrument(table, found) == 1.0


def test_each_copy_has_its_own() -> None:
    table = random_account(17).book.instruments
    many = tiled_table(table, 3)
    values = np.arange(len(many.names), dtype=np.float64)
    found = by_copy(many, values, 1)
    assert copies_of(many) == 3
    assert np.array_equal(found, 1.0 + len(table.names) * np.arange(3.0))
    assert np.array_equal(per_instrument(many, found), np.repeat(found, len(table)))


def test_a_name_is_asked_once_and_answers_for_its_rows() -> None:
    table = tiled_table(random_account(17).book.instruments, 2)
    asked: list[str] = []

    def says(name: str) -> bool:
        asked.append(name)
        return name == "BTC"

    found = known_names(table, says)
    assert len(asked) == len(set(asked))
    assert found.tolist() == [item.underlying == "BTC" for item in table.items]
    sizes = named_numbers(table, lambda name: float(len(name)))
    assert sizes.tolist() == [float(len(item.underlying)) for item in table.items]
