"""The protocol carries what comes later: a ratio, integers, a leg that the account sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.suite import CHECKS, Check
from crossmargin.conformance.world import Subject, one_account, view_of, world_of
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.pools import cut
from tests.conformance.stubs import INTEGER, LENDING, OVERLAY, STUBS


@pytest.mark.parametrize("subject", STUBS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_promise(check: Check, subject: Subject) -> None:
    check(subject)


def test_lending_counts_collateral_twice_and_needs_the_debt_at_both_levels() -> None:
    book, _ = one_account(LENDING, {"BTC": 2.0, "debt USDC": -50_000.0})
    sheet = margined(LENDING, book).sheet
    # 2 x 64,000 = 128,000; x 0.7 = 89,600; x 0.8 = 102,400; debt 50,000 x 0.9995 = 49,975
    assert sheet["counted_im"].tolist() == pytest.approx([89_600.0], rel=1e-15)
    assert sheet["counted_mm"].tolist() == pytest.approx([102_400.0], rel=1e-15)
    assert sheet["im"].tolist() == sheet["mm"].tolist() == [49_975.0]
    assert sheet["equity"].tolist() == [128_000.0 - 49_975.0]


def test_integers_decide_where_floats_tie() -> None:
    """One unit in 10**28 too little: the floats are equal, the exact surplus is negative."""
    world = view_of([i for i in world_of(INTEGER).instruments.items if i.underlying != "ETH"])
    world = replace(world, view=replace(world.view, mark=np.where(world.view.mark > 0, 1e5, 0.0)))
    kinds = [item.kind for item in world.instruments.items]
    cash, perpetual = kinds.index(Kind.ASSET), kinds.index(Kind.PERPETUAL)
    coins = 10**19  # in units of 1e-10: a requirement of 3 % of 1e14 dollars
    needs = coins * 10**10 * 30_000 // 1_000_000  # smallest units of price and coin
    lines = [Line("a", cash, 3e12), Line("a", perpetual, 1e9)]
    book = Book.of(world.instruments, lines)
    order = book.column.tolist()
    for short, sign in ((0, 0.0), (1, -1.0)):
        have = needs // 10**5 - short
        exact = tuple(have if column == cash else coins for column in order)
        sheet = margined(INTEGER, replace(book, exact=exact), world).sheet
        assert sheet["counted_mm"].tolist() == sheet["mm"].tolist() == [3e12]
        assert np.sign(sheet["surplus_mm"]).tolist() == [sign]


def test_exact_quantities_follow_their_positions() -> None:
    """Through blocks, pools and accounts that fail."""
    world = world_of(INTEGER)
    rows = range(len(world.instruments))
    lines = [Line(name, row, 1.0) for name in ("a", "b", "c") for row in rows]
    exact = tuple(100 * a + row for a in range(3) for row in rows)
    book = replace(Book.of(world.instruments, lines), exact=exact)
    assert book.rows(1, 3).exact == exact[len(rows) :]
    pool = OVERLAY.model.plan(world.instruments, OVERLAY.parameters).pools[1]
    assert pool.label == "ETH"
    held = cut(book, pool, 0)
    items = world.instruments.items  # assets stand with the first pool that their holder is in
    own = [row for row in pool.columns.tolist() if items[row].kind is not Kind.ASSET]
    assert held.exact == tuple(100 * a + row for a in range(3) for row in own)
    blind = replace(world, view=replace(world.view, ok=np.array([row != 1 for row in rows])))
    part = [line for line in lines if line.account != "b" or line.column != 1]
    part = [line for line in part if line.account == "b" or line.column != 2]
    book = Book.of(world.instruments, part)
    book = replace(book, exact=tuple(range(len(part))))
    found = margined(INTEGER, book, blind)
    assert [failure.subject for failure in found.failures] == ["a", "c"]
    low, high = (int(book.row[k]) for k in (1, 2))
    assert found.book.exact == tuple(range(low, high))
    assert book.positions_sha256() != replace(book, exact=None).positions_sha256()


def test_the_overlay_hedges_the_account_before_the_worst_is_taken() -> None:
    """A long call beside its delta hedge loses less than naked, and in another scenario."""
    name = "BTC_USDC-30-64000-C"
    book, world = one_account(OVERLAY, {name: 1.0})
    found = margined(OVERLAY, book)
    pool = next(k for k, p in enumerate(found.priced) if p.pool.label == "BTC")
    row = found.sheet.pool.tolist().index(pool)
    risk, overlay = found.priced[pool].risk, found.priced[pool].facts["overlay"]
    assert risk is not None
    column = found.priced[pool].pool.instruments.index_of()[("deribit", name)]
    own, delta = risk.scenario_pnl()[column], float(overlay.delta[column])
    assert 0.5 < delta < 0.6
    by_hand = own - delta * np.array([0.1, 0.1, 0.0, -0.1, -0.1]) * 64_000.0
    assert found.sheet["im"][row] == pytest.approx(max(-by_hand.min(), 0.0), rel=1e-12)
    assert own.min() < by_hand.min() <= 0.0
    assert world.instruments.items[0].venue == "deribit"
