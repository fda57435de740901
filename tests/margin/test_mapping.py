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
from crossmargin.margin.model import Listed
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


def test_the_index_is_in_the_quote_currency_whatever_else_is_held() -> None:
    """Beside a contract in USDC those in USD keep the index in USD, and the other its own."""
    table, view = market({SWAP: 100_100.0, LINEAR: 1.0})
    prices = {("BTC", "USD"): 50_000.0, ("BTC", "USDC"): 50_505.0}
    index = np.array([prices.get(pair, 1.0) for pair in table.pairs])
    lines = [Line("a", 0, 1.0), Line("a", 1, 1.0)]
    wanted = {"derive": {"USD": 50_000.0}, "bybit": {"USD": 50_000.0, "USDC": 50_505.0}}
    for venue, by_quote in wanted.items():
        found = map_book(Book.of(table, lines), replace(view, index=index), venue)
        pairs = zip(found.book.instruments.pairs, found.view.index.tolist(), strict=True)
        assert {pair[1]: price for pair, price in pairs if pair[0] == "BTC"} == by_quote


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


# ---------------------------------------------------------------- venues with forms of their own


def worth(found: Mapped, move: float = 0.0) -> float:
    """Dollars of the positions at their marks, of options, and of cash at the moved index."""
    table, view = found.book.instruments, found.view
    total = 0.0
    for column, quantity in zip(found.book.column, found.book.quantity, strict=True):
        item, mark = table.items[column], float(view.mark[column])
        if item.kind is Kind.ASSET:
            rate = (
                INDEX * (1.0 + move)
                if item.underlying == "BTC"
                else float(view.usd[table.names.index(item.underlying)])
            )
            total += float(quantity) * rate
        elif item.kind is Kind.OPTION:
            total += float(quantity) * item.multiplier * mark * (FORWARD if item.inverse else 1.0)
        elif item.inverse:
            coins = float(quantity) * item.multiplier / mark
            total += coins * (1.0 - 1.0 / (1.0 + move)) * INDEX * (1.0 + move)
        else:
            total += float(quantity) * item.multiplier * INDEX * move
    return total


@pytest.mark.parametrize("venue", ["okx", "bybit", "binance", "derive", "paradex", "deribit"])
@pytest.mark.parametrize("move", [-0.4, 0.0, 0.25])
def test_dollars_stay_whatever_the_venue_settles_in(venue: str, move: float) -> None:
    """Futures of 2, 1 and 3 coins, options of -3 coins at 0.02 BTC, wherever they stand."""
    found = mapped({CALL: -3.0, SWAP: 100_100.0, FUTURE: 50_600.0, LINEAR: 3.0}, venue)
    futures = (2.0 + 1.0 + 3.0) * INDEX * move
    assert worth(found, move) == pytest.approx(-3.0 * 0.02 * FORWARD + futures, rel=1e-12)
    assert {item.venue for item in found.book.instruments.items} == {venue}


def test_coin_stays_coin_where_contracts_settle_in_it() -> None:
    found = mapped({CALL: -3.0, SWAP: 100_100.0, CASH: 2.0}, "okx")
    assert held(found) == {
        "BTC-USD-260327-60000-C": pytest.approx(-300.0),  # of 0.01 BTC
        "BTC-USD-SWAP": pytest.approx(1_001.0),  # of 100 USD
        "BTC": 2.0,
    }
    assert found.losses == ()
    marks = {
        item.native_id: mark
        for item, mark in zip(found.book.instruments.items, found.view.mark.tolist(), strict=True)
    }
    assert marks["BTC-USD-260327-60000-C"] == 0.02


def test_coin_that_backs_no_contract_of_the_venue_becomes_its_main_currency() -> None:
    forms = (Listed((Kind.OPTION, Kind.PERPETUAL), "USDT", "USDT"),)
    table, view = market({CALL: 1.0, CASH: 2.0})
    place = table.index_of()
    lines = [Line("a", place[CALL.key], 1.0), Line("a", place[CASH.key], 2.0)]
    view = replace(view, reads={"usd": {"USDT": 0.998}})
    found = map_book(Book.of(table, lines), view, "binance", forms=forms)
    assert held(found)["USDT"] == pytest.approx(2.0 * INDEX / 0.998, rel=1e-15)
    said = " | ".join(found.losses)
    assert "BTC-settled contracts stand as USDT contracts" in said
    assert "USDT, which is 0.998 USD: -0.20% of every dollar" in said
    assert "balances in BTC become USDT" in said


def test_a_dated_future_is_kept_where_it_is_listed() -> None:
    for venue, name in (("okx", "BTC-USD-260327"), ("binance", "BTCUSD_260327")):
        found = mapped({FUTURE: 50_600.0}, venue)
        (item,) = [i for i in found.book.instruments.items if i.kind is Kind.FUTURE]
        assert item.native_id == name
        assert not any("perpetual" in loss for loss in found.losses)
        assert held(found)[name] == pytest.approx(506.0)  # of 100 USD


def test_contracts_that_settle_alike_are_lines_of_their_own() -> None:
    """Two perpetuals whose counterpart is one contract do not net."""
    forms = (Listed((Kind.PERPETUAL,), "USDT", "USDT"),)
    table, view = market({SWAP: 1.0, LINEAR: 1.0})
    place = table.index_of()
    lines = [Line("a", place[SWAP.key], -50_050.0), Line("a", place[LINEAR.key], 1.0)]
    found = map_book(Book.of(table, lines), view, "binance", forms=forms)
    assert held(found) == {"BTCUSDT": 1.0, "BTCUSDT for BTC-PERPETUAL": pytest.approx(-1.0)}


@pytest.mark.parametrize("venue", ["okx", "bybit", "binance", "paradex"])
@pytest.mark.parametrize(
    ("item", "entry", "usd"),
    [
        (CALL, 0.03, (0.02 - 0.03) * INDEX),  # coins at the index
        (LINEAR, 49_000.0, 50_060.0 - 49_000.0),
        (SWAP, 40_000.0, (50_050.0 / 40_000.0 - 1.0) * INDEX / 50_050.0),
    ],
)
def test_profit_since_entry_is_the_same_in_dollars(
    venue: str, item: Instrument, entry: float, usd: float
) -> None:
    table, view = market({item: 1.0})
    found = map_book(Book.of(table, [Line("a", 0, 1.0, entry)]), view, venue)
    new = found.book.instruments.items[int(found.book.column[0])]
    mark = float(found.view.mark[found.book.column[0]])
    price, quantity = float(found.book.entry_price[0]), float(found.book.quantity[0])
    if new.kind is Kind.OPTION or not new.inverse:
        profit = quantity * new.multiplier * (mark - price)
    else:
        profit = quantity * new.multiplier * (1.0 / price - 1.0 / mark)
    assert profit * (INDEX if new.inverse else 1.0) == pytest.approx(usd, rel=1e-9)


def test_from_dollars_to_coin_and_back() -> None:
    """A linear call whose counterpart settles in coin: 1,010 dollars are 0.02 of the forward."""
    call = parse("paradex", "BTC-USD-27MAR26-60000-C")
    table = Instruments.of([call])
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): INDEX},
        {"BTC": INDEX, "USD": 1.0, "USDC": 1.0},
        {call.expiry_ms: Dated(FORWARD, LIFE_MS)},
        {call.native_id: Quote(1_010.0, 0.6)},
    )
    view = view_of(table, facts)
    forms = (Listed((Kind.OPTION,), "coin", "USD"),)
    there = map_book(Book.of(table, [Line("a", 0, 2.0, 900.0)]), view, "deribit", forms=forms)
    (column,) = there.book.column.tolist()
    assert there.book.instruments.items[column].native_id == "BTC-27MAR26-60000-C"
    assert float(there.view.mark[column]) == pytest.approx(0.02, rel=1e-15)
    assert (0.02 - float(there.book.entry_price[0])) * INDEX == pytest.approx(110.0, rel=1e-12)
    assert any("at the forward" in loss for loss in there.losses)
    back = map_book(there.book, there.view, "paradex")
    assert held(back)["BTC-USD-27MAR26-60000-C"] == 2.0
    assert float(back.book.entry_price[0]) == pytest.approx(900.0, rel=1e-12)
