"""Cells to rows: which columns a row takes, and which contradict each other."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.assemble import RowKind
from crossmargin.venues.table import COLUMNS, check_columns, row_of

POSITION = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": "1"}
ORDER = {**POSITION, "type": "order", "side": "buy", "limit_price": "10"}
BALANCE = {"type": "balance", "venue": "deribit", "currency": "BTC", "amount": "1"}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["venue", "instrument"], "column_missing"),
        (["venue", "quantity"], "column_missing"),
        (["instrument", "quantity"], "column_missing"),
        ([""], "column_unknown"),
        (["venue", "instrument", "quantity", "qty"], "column_unknown"),
        (["venue", "instrument", "quantity", "Quantity"], "column_unknown"),
        (["venue", "instrument", "quantity", " quantity"], "column_unknown"),
        (["venue", "instrument", "quantity", "quantity"], "column_unknown"),
        (["venue", "instrument", "quantity", "tag."], "column_unknown"),
    ],
    ids=str,
)
def test_a_header_is_complete_and_known(names: list[str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        check_columns(names, "f:1", venue=False)
    assert caught.value.code == code


def test_every_published_column_is_accepted() -> None:
    check_columns([*sorted(COLUMNS), "tag.desk", "hold.mmp_margin"], "f:1", venue=False)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({**POSITION, "type": "trade"}, "option_unknown"),
        ({**POSITION, "limit_price": "1"}, "column_unknown"),
        ({**POSITION, "equity": "1"}, "column_unknown"),
        ({**POSITION, "hold.mmp_margin": "1"}, "column_unknown"),
        ({**POSITION, "quantity": ""}, "column_missing"),
        ({**POSITION, "quantity": True}, "number_unreadable"),
        ({**POSITION, "quantity": "true"}, "number_unreadable"),
        ({**POSITION, "instrument": ""}, "column_missing"),
        ({**POSITION, "account": "a\nb"}, "option_unknown"),
        ({**POSITION, "tag.desk": "x\u202ey"}, "option_unknown"),
        ({**POSITION, "time": "2026-02-05T21:29:37"}, "time_unreadable"),
        ({**POSITION, "time": "1770326977"}, "time_unreadable"),
        ({**POSITION, "time": 1.7e12}, "time_unreadable"),
        ({**POSITION, "time": True}, "time_unreadable"),
        ({**ORDER, "side": "BUY"}, "order_invalid"),
        ({**ORDER, "side": "long"}, "order_invalid"),
        ({**ORDER, "side": ""}, "column_missing"),
        ({**ORDER, "limit_price": ""}, "column_missing"),
        ({**ORDER, "remaining": "1"}, "column_unknown"),
        ({**ORDER, "reduce_only": "yes"}, "option_unknown"),
        ({**ORDER, "mmp": "1"}, "option_unknown"),
        ({**ORDER, "entry_price": "1"}, "column_unknown"),
        ({**BALANCE, "amount": ""}, "column_missing"),
        ({**BALANCE, "quantity": "1"}, "column_unknown"),
        ({**BALANCE, "instrument": "BTC"}, "column_unknown"),
        ({**BALANCE, "side": "buy"}, "column_unknown"),
    ],
    ids=str,
)
def test_a_cell_out_of_place_is_refused(cells: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as caught:
        row_of(cells, "f:7", None, None)
    assert caught.value.code == code
    assert caught.value.place.startswith("f:7")


def test_cells_become_rows() -> None:
    row = row_of({**ORDER, "quantity": "", "remaining": "2", "mmp": "true"}, "f:2", None, "a")
    assert (row.kind, row.quantity, row.side, row.mmp, row.account) == (
        RowKind.ORDER,
        2.0,
        1,
        True,
        "a",
    )
    row = row_of({**BALANCE, "amount": None, "equity": "2"}, "f:2", None, None)
    assert (row.quantity, row.equity, row.name) == (None, 2.0, "BTC")
    row = row_of({"type": "balance", "instrument": "BTC", "quantity": 2.0}, "f", "deribit", None)
    assert (row.quantity, row.name, row.venue) == (2.0, "BTC", "deribit")
