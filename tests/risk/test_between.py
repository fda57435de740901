from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.risk.between import (
    MARKET_PARTS,
    alike,
    books_between,
    over,
    view_between,
    without_expired,
)
from tests.risk.sample_books import book, market
from tests.risk.two_days import moved


def views():  # type: ignore[no-untyped-def] # two views
    table = book("market-maker").instruments
    later = moved(market(), {"index": 1.03, "forward": 1.03, "mark_iv": 1.1})
    pair = market().view(table), later.view(table, market().as_of_ms + 600_000)
    return alike(*pair)


def test_the_ends_are_the_days_themselves() -> None:
    first, second, notes = views()
    assert view_between(first, second, dict.fromkeys(MARKET_PARTS, False)) is first
    assert view_between(first, second, dict.fromkeys(MARKET_PARTS, True)) is second
    assert notes == ()


def test_each_part_comes_from_its_day() -> None:
    first, second, _ = views()
    option = first.instruments.kind == Kind.OPTION
    for flags in product((False, True), repeat=4):
        new = dict(zip(MARKET_PARTS, flags, strict=True))
        mixed = view_between(first, second, new)
        assert mixed.index.tolist() == (second if new["spot"] else first).index.tolist()
        assert mixed.vol.tolist() == (second if new["vol"] else first).vol.tolist()
        assert mixed.life_ms.tolist() == (second if new["time"] else first).life_ms.tolist()
        assert mixed.as_of_ms == (second if new["time"] else first).as_of_ms
        assert mixed.rate.tolist() == (second if new["other"] else first).rate.tolist()
        own = (second if new["spot"] else first).mark
        assert mixed.mark[~option].tolist() == own[~option].tolist()
        assert np.isfinite(mixed.mark).all()
        assert (mixed.mark >= 0.0).all()


def test_a_mark_between_moves_with_its_formula() -> None:
    """Volatility alone up: every option's mark is up or the same."""
    first, second, _ = views()
    new = dict.fromkeys(MARKET_PARTS, False) | {"vol": True}
    mixed = view_between(first, second, new)
    option = first.instruments.kind == Kind.OPTION
    assert (mixed.mark[option] >= first.mark[option] - 1e-15).all()
    assert (mixed.mark[option] > first.mark[option]).any()


def test_a_contract_without_a_price_takes_the_other_days() -> None:
    whole, _, _ = views()
    lost = 3
    ok, mark = whole.ok.copy(), whole.mark.copy()
    ok[lost], mark[lost] = False, 0.0
    first, second, notes = alike(replace(whole, ok=ok, mark=mark), whole)
    assert first.ok.all()
    assert first.mark[lost] == second.mark[lost] == whole.mark[lost]
    assert notes == (
        f"{whole.instruments.label(lost)} has no price before: that of after is taken on both",
    )


def test_books_between_take_each_part_from_its_day() -> None:
    start = book("market-maker")
    later = start.instruments.expiry_ms.min() + 1
    live = without_expired(start, int(later))
    assert len(live.column) < len(start.column)
    table = start.instruments
    first = over(start, table, "a")
    second = over(Book.of(table, live.lines[1:], live.orders.items[:3], None, live.account),
                  table, "a")  # fmt: skip
    flags = np.array(list(product((False, True), repeat=3)))
    made = books_between(first, second, flags)
    assert made.rows(0, 1).quantity.tolist() == first.quantity.tolist()
    assert made.rows(7, 8).quantity.tolist() == second.quantity.tolist()
    assert made.rows(7, 8).column.tolist() == second.column.tolist()
    counts = np.diff(made.orders.row)
    assert counts.tolist() == [40, 3] * 4
    trades_alone = made.rows(4, 5)
    cash = table.kind[trades_alone.column] == Kind.ASSET
    old_cash = table.kind[first.column] == Kind.ASSET
    assert trades_alone.quantity[cash].tolist() == first.quantity[old_cash].tolist()
