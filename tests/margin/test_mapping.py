"""A coin-settled book as linear contracts: same dollar payoff, and what is lost is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import Failure, InputError
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin.mapping import Mapped, map_book
from crossmargin.market.view import View
from tests.vectors.building import Dated, Facts, Quote, view_of

AS_OF_MS = 1_770_240_000_000
CALL = parse("deribit", "BTC-27MAR26-60000-C")
FUTURE = parse("deribit", "BTC-27MAR26")
SWAP = parse("deribit", "BTC-PERPETUAL")
LINEAR = parse("deribit", "BTC_USDC-PERPETUAL")
CASH = parse("deribit", "BTC")
LIFE_MS = CALL.expiry_ms - AS_OF_MS
INDEX, FORWARD = 50_000.0, 50_500.0


def market(items: dict[Instrument, float]) -> tuple[Instruments, View]:
    table = Instruments.of(items)
    quotes = {
        CALL.native_id: Quote(0.02, 0.6),
        FUTURE.native_id: Quote(50_600.0),
        SWAP.native_id: Quote(50_050.0),
        LINEAR.native_id: Quote(50_060.0),
    }
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): INDEX, ("BTC", "USDC"): INDEX},
        {"BTC": INDEX, "USD": 1.0, "USDC": 0.99},
        {CALL.expiry_ms: Dated(FORWARD, LIFE_MS)},
        quotes,
        {"usd": {"USDC": 0.99}},
    )
    return table, view_of(table, facts)


def mapped(items: dict[Instrument, float], venue: str = "paradex", **more: Any) -> Mapped:
    table, view = market(items)
    place = table.index_of()
    lines = [Line("a", place[item.key], size) for item, size in items.items()]
    return map_book(Book.of(table, lines, **more), view, venue)


def held(found: Mapped) -> dict[str, float]:
    names = [found.book.instruments.items[c].native_id for c in found.book.column.tolist()]
    return dict(zip(names, found.book.quantity.tolist(), strict=True))


@pytest.mark.parametrize(
    ("venue", "call", "swap"),
    [
        ("paradex", "BTC-USD-27MAR26-60000-C", "BTC-USD-PERP"),
        ("derive", "BTC-20260327-60000-C", "BTC-PERP"),
    ],
)
def test_contracts_and_sizes(venue: str, call: str, swap: str) -> None:
    """An option keeps its coins; 100,100 dollars at 50,050 are 2 coins; 2 BTC are cash."""
    found = mapped({CALL: -3.0, SWAP: 100_100.0, CASH: 2.0}, venue)
    assert held(found) == {
        call: -3.0,
        swap: pytest.approx(2.0, rel=1e-15),
        "USDC": pytest.approx(100_000.0 / 0.99, rel=1e-15),
    }
    for item in found.book.instruments.items:
        assert (item.venue, item.settle, item.inverse) == (venue, "USDC", False)


def test_the_dollar_payoff_is_the_same() -> None:
    """2 (1 - 1 / (1 + m)) coins at the shocked index are 2 m times the index."""
    found = mapped({SWAP: 100_100.0})
    size = held(found)["BTC-USD-PERP"]
    for move in (-0.5, 0.1, 3.0):
        coins = 100_100.0 / 50_050.0 * (1.0 - 1.0 / (1.0 + move))
        assert coins * INDEX * (1.0 + move) == pytest.approx(size * INDEX * move, rel=1e-12)


def test_the_market_is_carried_over() -> None:
    """An option's mark in coin becomes dollars at its forward: 0.02 x 50,500."""
    found = mapped({CALL: 1.0, SWAP: 100.0})
    view, table = found.view, found.book.instruments
    marks = dict(zip([i.native_id for i in table.items], view.mark.tolist(), strict=True))
    assert marks["BTC-USD-27MAR26-60000-C"] == pytest.approx(1_010.0, rel=1e-15)
    assert marks["BTC-USD-PERP"] == 50_050.0
    assert view.forward.tolist() == [FORWARD]
    assert view.life_ms.tolist() == [LIFE_MS]
    assert dict(zip(table.pairs, view.index.tolist(), strict=True))[("BTC", "USD")] == INDEX
    assert float(view.usd[table.names.index("USDC")]) == 0.99
    assert view.ok.all()
    vols = dict(zip([i.native_id for i in table.items], view.vol.tolist(), strict=True))
    assert vols["BTC-USD-27MAR26-60000-C"] == 0.6


def test_what_is_lost_is_said() -> None:
    found = mapped({CALL: 1.0, FUTURE: 100.0, SWAP: 100.0, CASH: 1.0})
    said = " | ".join(found.losses)
    assert "BTC-settled contracts stand as USDC contracts" in said
    assert "BTC-27MAR26" in said
    assert "+10 USD of value" in said  # 0.02 x (50,500 - 50,000)
    assert "balances in BTC become USDC" in said
    assert mapped({LINEAR: 1.0}).losses == ()
    dated = parse("deribit", "BTC_USDC-27MAR26")
    assert "BTC_USDC-27MAR26" in " ".join(mapped({dated: 1.0}).losses)


def test_two_contracts_never_net_by_being_mapped_to_one() -> None:
    """A dated future, a coin-settled and a linear perpetual are lines of their own."""
    found = mapped({FUTURE: 50_600.0, SWAP: -50_050.0, LINEAR: 1.0})
    assert sorted(held(found).values()) == pytest.approx([-1.0, 1.0, 1.0], rel=1e-14)
    kinds = {item.kind for item in found.book.instruments.items} - {Kind.ASSET}
    assert kinds == {Kind.PERPETUAL}
    origin = [found.book.instruments.items[k].native_id for k in np.flatnonzero(found.origin >= 0)]
    assert len(origin) == 3


def test_reported_equity_is_what_becomes_cash() -> None:
    """Equity 3, of which 5 calls at 0.02 are 0.1: 2.9 BTC, whatever the balance says."""
    reported = Reported(equity={("a", "BTC"): 3.0})
    found = mapped({CALL: 5.0, CASH: 1.0}, reported=reported)
    assert held(found)["USDC"] == pytest.approx(2.9 * INDEX / 0.99, rel=1e-14)
    without_line = mapped({CALL: 5.0}, reported=reported)
    assert held(without_line)["USDC"] == pytest.approx(2.9 * INDEX / 0.99, rel=1e-14)
    with pytest.raises(InputError) as caught:
        mapped({CALL: 5.0}, reported=Reported(equity={("a", "ETH"): 3.0}))
    assert caught.value.code == "currency_unknown"


def test_no_balance_is_not_a_balance_of_nothing() -> None:
    found = mapped({CALL: 5.0})
    assert "USDC" not in held(found)


def test_what_cannot_be_priced_stays_so() -> None:
    table, view = market({CALL: 1.0, SWAP: 1.0})
    row = table.index_of()[CALL.key]
    ok = np.ones(2, np.bool_)
    ok[row] = False
    failures = (Failure(table.label(row), "vol_missing", "why"),)
    book = Book.of(table, [Line("a", row, 1.0)])
    found = map_book(book, replace(view, ok=ok, failures=failures), "paradex")
    place = found.book.instruments.index_of()[("paradex", "BTC-USD-27MAR26-60000-C")]
    assert not found.view.ok[place]
    assert [f.subject for f in found.view.failures] == ["paradex BTC-USD-27MAR26-60000-C"]


def test_orders_are_carried_in_the_units_of_the_positions() -> None:
    """100,100 dollars are 2 coins at the mark; a limit of 0.03 coins is 0.03 x 50,500 dollars."""
    table, view = market({SWAP: 1.0, CALL: 1.0})
    place = table.index_of()
    orders = [
        Order("a", place[SWAP.key], 1, 100_100.0, 49_000.0, mmp=True, group="g"),
        Order("a", place[CALL.key], -1, 3.0, 0.03),
    ]
    lines = [Line("a", place[SWAP.key], 10.0)]
    found = map_book(Book.of(table, lines, orders), view, "paradex").book
    carried = {found.instruments.items[o.column].native_id: o for o in found.orders.items}
    swap, call = carried["BTC-USD-PERP"], carried["BTC-USD-27MAR26-60000-C"]
    assert (swap.side, swap.limit_price, swap.mmp, swap.group) == (1, 49_000.0, True, "g")
    assert swap.remaining == pytest.approx(2.0, rel=1e-15)
    assert (call.side, call.remaining) == (-1, 3.0)
    assert call.limit_price == pytest.approx(1_515.0, rel=1e-15)


def test_a_kind_without_counterpart_is_refused() -> None:
    debt = replace(CASH, native_id="owed", kind=Kind.DEBT)
    table, view = market({debt: 1.0})
    with pytest.raises(InputError) as caught:
        map_book(Book.of(table, [Line("a", 0, -1.0)]), view, "paradex")
    assert (caught.value.code, caught.value.value) == ("instrument_unknown", "'debt'")


def test_the_price_of_usdc_may_be_given_or_is_par() -> None:
    table, view = market({CASH: 1.0})
    book = Book.of(table, [Line("a", 0, 1.0)])
    given = map_book(book, view, "paradex", usdc_usd=0.5)
    assert held(given)["USDC"] == 100_000.0
    blind = map_book(book, replace(view, reads={}), "paradex")
    assert held(blind)["USDC"] == 50_000.0
    assert any("par" in loss for loss in blind.losses)
