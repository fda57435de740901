"""Rows with positions changed and put in, against rows that are built anew."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Orders
from crossmargin.margin.whatif_rows import Changes, Row, repeated


def row() -> Row:
    return Row(
        np.array([1, 4, 7], np.int32),
        np.array([1.0, -2.0, 3.0]),
        np.array([10.0, 0.0, 30.0]),
        np.array([True, False, True]),
        9,
    )


Entry = tuple[int, float, float, bool]  # column, quantity, entry price, whether it is known


def changes(*variants: list[Entry]) -> Changes:
    out = Changes(len(variants))
    for v, own in enumerate(variants):
        for entry in own:
            out.add(v, *entry)
    return out


def plain(own: list[Entry], entries: bool) -> dict[int, tuple[float, float, bool]]:
    out = {1: (1.0, 10.0, True), 4: (-2.0, 0.0, False), 7: (3.0, 30.0, True)}
    out |= {column: (quantity, price, known) for column, quantity, price, known in own}
    return out if entries else {k: (q, 0.0, False) for k, (q, _, _) in out.items()}


@pytest.mark.parametrize("entries", [True, False])
def test_variants_are_the_rows_that_would_be_built(entries: bool) -> None:
    variants: list[list[Entry]] = [
        [(0, 5.0, 1.0, True), (4, 8.0, 2.0, True), (8, 9.0, 3.0, True)],
        [(2, 1.5, 4.0, False), (3, 2.5, 5.0, True)],
        [(7, 0.0, 0.0, False)],
    ]
    found = row().with_changes(changes(*variants), entries)
    for v, own in enumerate(variants):
        span = slice(int(found.row[v]), int(found.row[v + 1]))
        wanted = plain(own, entries)
        assert found.column[span].tolist() == sorted(wanted)
        cells = zip(
            found.quantity[span].tolist(),
            found.entry_price[span].tolist(),
            found.entry_known[span].tolist(),
            strict=True,
        )
        assert list(cells) == [wanted[k] for k in sorted(wanted)]
    alone = row().with_changes(changes(variants[0]), entries)
    assert alone.column.tolist() == found.column[: int(found.row[1])].tolist()


def test_the_row_itself_is_not_touched() -> None:
    mine = row()
    mine.with_changes(changes([(1, 99.0, 0.0, False)]), True)
    assert mine.quantity.tolist() == [1.0, -2.0, 3.0]


def test_some_variants_are_numbered_anew() -> None:
    some = changes([(1, 5.0, 0.0, False)], [(4, 6.0, 1.0, True)], [(0, 7.0, 0.0, False)]).only(
        [0, 2]
    )
    assert (some.variants, some.variant, some.column) == (2, [0, 1], [1, 0])
    assert some.quantity == [5.0, 7.0]
    untouched = row().with_changes(Changes(2), True)
    assert untouched.row.tolist() == [0, 3, 6]


def test_orders_are_repeated_for_every_variant() -> None:
    none = repeated(Orders.none(1), 3)
    assert none.row.tolist() == [0, 0, 0, 0]
    one = Orders(
        np.array([0, 2]), np.array([3, 5], np.int32), np.array([1.0, 0.0]), np.array([0.0, 2.0]),
        np.array([9.0, 8.0]), np.array([False, True]), np.array([False, False]), ("", "g"),
    )  # fmt: skip
    three = repeated(one, 3)
    assert three.row.tolist() == [0, 2, 4, 6]
    assert three.column.tolist() == [3, 5] * 3
    assert three.group == ("", "g") * 3
