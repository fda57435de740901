from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import Failure
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.pools import by_row, cut, is_kind, make_pool, per_row, restrict
from tests.vectors.building import Dated, Facts, Quote, asset, book_of, delta_one, option, view_of

AS_OF_MS = 1_740_000_000_000
SOON_MS, LATE_MS = AS_OF_MS + 10_000_000, AS_OF_MS + 20_000_000
TABLE = Instruments.of(
    [
        asset("v", "BTC"),
        asset("v", "ETH"),
        delta_one("v", "B", underlying="BTC", settle="BTC", inverse=True),
        option("v", "C", 1, 100.0, SOON_MS, underlying="BTC", settle="BTC", inverse=True),
        option("v", "D", 1, 10.0, LATE_MS, underlying="ETH", settle="ETH", inverse=True),
        delta_one("v", "E", underlying="ETH", settle="ETH", inverse=True),
    ]
)
ETH = np.flatnonzero(TABLE.settle == TABLE.names.index("ETH")).astype(np.int32)


def ids(table: Instruments) -> list[str]:
    return [item.native_id for item in table.items]


def test_kinds() -> None:
    chosen = is_kind(TABLE, Kind.ASSET, Kind.OPTION)
    names = [name for name, yes in zip(ids(TABLE), chosen.tolist(), strict=True) if yes]
    assert sorted(names) == ["BTC", "C", "D", "ETH"]


def test_a_pool_keeps_the_canonical_order_and_names_its_cash() -> None:
    pool = make_pool(TABLE, ETH, "eth", "ETH", ("ETH",))
    assert ids(pool.instruments) == [ids(TABLE)[k] for k in pool.columns.tolist()]
    assert pool.cash.tolist() == [int(name == "ETH") for name in ids(pool.instruments)]
    assert make_pool(TABLE, ETH, "eth", "ETH", ()).cash.tolist() == [0, 0, 0]


def test_the_view_of_a_pool_has_its_own_codes() -> None:
    facts = Facts(
        as_of_ms=AS_OF_MS,
        index={("BTC", "USD"): 60_000.0, ("ETH", "USD"): 2_000.0},
        usd={"BTC": 60_001.0, "ETH": 2_001.0, "USD": 1.0},
        dated={
            SOON_MS: Dated(60_100.0, 10_000_000, 7.0, 0.01),
            LATE_MS: Dated(2_010.0, 20_000_000, 3.0, 0.02),
        },
        quotes={"D": Quote(0.05, 0.8), "E": Quote(2_002.0), "B": Quote(60_002.0)},
    )
    view = view_of(TABLE, facts)
    view = replace(view, failures=(Failure("v B", "a", "b"), Failure("v D", "c", "d")))
    pool = make_pool(TABLE, ETH, "eth", "ETH", ("ETH",))
    found = restrict(view, TABLE, pool)
    part = found.instruments
    assert part is pool.instruments
    assert dict(zip(part.pairs, found.index.tolist(), strict=True)) == {("ETH", "USD"): 2_000.0}
    assert dict(zip(part.names, found.usd.tolist(), strict=True)) == {"ETH": 2_001.0, "USD": 1.0}
    assert found.forward.tolist() == [2_010.0]
    assert found.forward_settled.tolist() == [3.0]
    assert found.rate.tolist() == [0.02]
    assert found.life_ms.tolist() == [20_000_000]
    marks = dict(zip(ids(part), found.mark.tolist(), strict=True))
    assert marks == {"ETH": 0.0, "D": 0.05, "E": 2_002.0}
    assert [failure.subject for failure in found.failures] == ["v D"]


def test_a_pool_of_everything_sees_the_view_as_it_is() -> None:
    facts = Facts(AS_OF_MS, {}, dated={SOON_MS: Dated(1.0, 1), LATE_MS: Dated(1.0, 1)})
    view = view_of(TABLE, facts)
    everything = make_pool(TABLE, np.arange(len(TABLE), dtype=np.int32), "all", "USD", ())
    assert restrict(view, TABLE, everything) is view


def test_a_cut_keeps_the_positions_of_the_pool_and_every_account() -> None:
    held = {
        "a": [("B", 1.0), ("E", 2.0), ("D", 3.0)],
        "b": [("B", 4.0)],
        "c": [],
        "d": [("E", 5.0)],
    }
    book = book_of(TABLE, held)
    pool = make_pool(TABLE, ETH, "eth", "ETH", ("ETH",))
    found = cut(book, pool, 10)
    assert np.diff(found.row).tolist() == [2, 0, 0, 1]
    names = [ids(pool.instruments)[c] for c in found.column.tolist()]
    sizes = dict(zip(names[:2], found.quantity.tolist()[:2], strict=True))
    assert sizes == {"E": 2.0, "D": 3.0}
    assert (names[2], found.quantity.tolist()[2]) == ("E", 5.0)
    assert found.account.tolist() == [10, 11, 12, 13]
    assert found.book is book
    everything = make_pool(TABLE, np.arange(len(TABLE), dtype=np.int32), "all", "USD", ())
    assert cut(book, everything, 0).quantity is book.quantity


def test_sums_by_account() -> None:
    row = np.array([0, 2, 2, 3], np.int64)
    assert per_row(row, np.array([1.0, 2.0, 4.0])).tolist() == [3.0, 0.0, 4.0]
    assert by_row(np.array([2, 0, 2]), np.array([1.0, 2.0, 4.0]), 4).tolist() == [
        2.0,
        0.0,
        5.0,
        0.0,
    ]
    assert per_row(row, np.array([0.1, 0.2, 0.3])).tolist() == pytest.approx([0.1 + 0.2, 0.0, 0.3])
