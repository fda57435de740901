"""Which short stands with which long."""

from __future__ import annotations

import numpy as np

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin.families.exact_opyn import ONE, Prices
from crossmargin.margin.families.exact_opyn_vaults import (
    naked_product,
    otokens,
    vault_needs,
    vaults_of,
)
from crossmargin.margin.pools import cut, make_pool

PUTS = [f"oWETHUSDC/USDC-05NOV21-{strike}P" for strike in (200, 250, 300)]
CALL = "oWETHUSDC/USDC-05NOV21-200C"
E8 = 10**8


def vaults(held: dict[str, float], *, paired: bool = True, naked: bool = False) -> list[object]:
    items = Instruments.of(parse("opyn", name) for name in (*PUTS, CALL))
    place = items.index_of()
    book = Book.of(items, [Line("a", place["opyn", name], q) for name, q in held.items()])
    pool = make_pool(items, np.arange(len(items), dtype=np.int32), "USDC", "USDC", ("USDC",))
    return [*vaults_of(cut(book, pool, 0), 0, otokens(items), paired=paired, naked=naked)]


def shape(found: list[object]) -> list[tuple[list[int], list[int]]]:
    return [
        ([t.strike // E8 for t in v.shorts], [t.strike // E8 for t in v.longs])  # type: ignore[attr-defined] # vaults
        for v in found
    ]


def test_the_k_th_short_stands_with_the_k_th_long_of_its_series() -> None:
    held = {PUTS[0]: -1.0, PUTS[1]: 1.0, PUTS[2]: -2.0, CALL: 1.0}
    assert sorted(shape(vaults(held))) == [([], [200]), ([200], [250]), ([300], [])]
    alone = sorted(shape(vaults(held, paired=False)))
    assert alone == [([], [200]), ([], [250]), ([200], []), ([300], [])]
    assert shape(vaults({PUTS[0]: 1e-18})) == []


def test_a_naked_vault_has_no_long() -> None:
    found = vaults({PUTS[0]: -1.0, PUTS[1]: 1.0}, naked=True)
    assert sorted(shape(found)) == [([], [250]), ([200], [])]
    assert sorted(v.naked for v in found) == [False, True]  # type: ignore[attr-defined] # vaults


def test_each_vault_is_rounded_by_itself() -> None:
    found = vaults({PUTS[0]: -0.00000001, PUTS[2]: -0.00000001})
    when = found[0].shorts[0].expiry_ms  # type: ignore[attr-defined] # vaults
    prices = {when: Prices({})}
    needs = vault_needs(found, prices, {"USDC": 0}, {}, 0)  # type: ignore[arg-type] # vaults
    assert needs == (2, 0)
    itm = {when: Prices({"WETH": 150 * E8, "USDC": E8}, True)}
    paid = vault_needs(vaults({PUTS[0]: 3.0}), itm, {"USDC": 6}, {}, when)  # type: ignore[arg-type] # vaults
    assert paid == (0, 150_000_000)


def test_a_naked_table_is_sorted_by_time() -> None:
    made = naked_product(0.75, 3, [[20.0, 0.5], [10.0, 0.25]])
    assert (made.spot_shock, made.dust) == (ONE * 3 // 4, 3)
    assert (made.times_s, made.bounds) == ((10, 20), (ONE // 4, ONE // 2))
