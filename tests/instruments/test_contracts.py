"""The table of contracts: order, codes, and one meaning for a name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.clock import NEVER_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import parse

NAMES = [
    ("deribit", "BTC-PERPETUAL"),
    ("deribit", "BTC-27MAR26-100000-C"),
    ("deribit", "BTC-27MAR26-100000-P"),
    ("deribit", "BTC-27MAR26-90000-P"),
    ("deribit", "BTC-26JUN26"),
    ("deribit", "SOL_USDC-27MAR26-150-C"),
    ("deribit", "BTC"),
    ("bybit", "BTC-27MAR26-100000-C"),
]
ITEMS = [parse(*name) for name in NAMES]


@given(items=st.permutations(ITEMS))
def test_the_table_is_the_same_whatever_the_order(items: list[object]) -> None:
    table = Instruments.of(items)  # type: ignore[arg-type] # a permutation of ITEMS
    assert table == Instruments.of(ITEMS)
    assert hash(table) == hash(Instruments.of(ITEMS))


def test_codes_point_back_at_the_contracts() -> None:
    table = Instruments.of(ITEMS + ITEMS)
    assert len(table) == len(NAMES)
    assert [item.order() for item in table.items] == sorted(item.order() for item in table.items)
    for row, item in enumerate(table.items):
        assert table.names[table.underlying[row]] == item.underlying
        assert table.names[table.settle[row]] == item.settle
        assert table.pairs[table.pair[row]] == (item.underlying, item.quote)
        code = int(table.expiry[row])
        assert (code == -1) == (item.expiry_ms == NEVER_MS)
        if code >= 0:
            assert table.expiries[code][3] == item.expiry_ms
            assert table.pairs[table.expiry_pair[code]] == (item.underlying, item.quote)
        assert table.index_of()[item.key] == row
    assert not table.strike.flags.writeable
    assert table.label(0) == f"{table.items[0].venue} {table.items[0].native_id}"


def test_contracts_of_one_pool_and_expiry_lie_together() -> None:
    table = Instruments.of(ITEMS)
    for by in (("settle",), ("settle", "underlying"), ("settle", "underlying", "expiry_ms")):
        inside = [row for row, item in enumerate(table.items) if item.venue == "deribit"]
        runs = table.runs(*by)[inside]
        changes = int(np.count_nonzero(np.diff(runs)))
        assert changes == len(set(runs.tolist())) - 1


def test_runs_number_groups_by_first_appearance() -> None:
    table = Instruments.of(ITEMS)
    runs = table.runs("underlying", "expiry_ms")
    first = list(dict.fromkeys(runs.tolist()))
    assert first == list(range(len(first)))


def test_one_name_for_two_contracts_is_refused() -> None:
    other = replace(ITEMS[0], multiplier=10.0)
    with pytest.raises(InputError, match="two different contracts"):
        Instruments.of([ITEMS[0], other])


def test_the_hash_sees_every_term() -> None:
    base = ITEMS[1]
    changes = [
        {"strike": 1.0},
        {"right": -1},
        {"expiry_ms": base.expiry_ms + 1},
        {"average_ms": 0},
        {"multiplier": 2.0},
        {"inverse": False},
        {"quote": "USDC"},
        {"settle": "USDC"},
        {"kind": Kind.FUTURE},
    ]
    hashes = {Instruments.of([replace(base, **change)]).sha256 for change in changes}  # type: ignore[arg-type] # a table of fields
    hashes.add(Instruments.of([base]).sha256)
    assert len(hashes) == len(changes) + 1
