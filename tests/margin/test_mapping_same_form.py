"""A book at a venue that lists its contracts in the same form: names and sizes change, no value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named, run
from crossmargin.margin.mapping import map_book
from crossmargin.margin.mapping_same_form import (
    counterparts,
    renamed_book,
    renamed_reads,
    renamed_view,
)
from crossmargin.margin.totals import account_totals
from tests.vectors.building import Dated, Facts, Instruments, Quote, asset, view_of

NAMES = ("BTC-PERPETUAL", "BTC-26JUN26", "BTC-26JUN26-70000-C", "BTC_USDC-PERPETUAL")
NOW_MS = 1_770_000_000_000


def market() -> tuple[Book, object]:
    items = [*(parse("deribit", name) for name in NAMES), asset("deribit", "BTC")]
    table = Instruments.of(items)
    expiry = next(item.expiry_ms for item in items if item.strike)
    quotes = {name: Quote(mark=68_000.0) for name in NAMES}
    quotes["BTC-26JUN26-70000-C"] = Quote(mark=0.05, vol=0.5)
    facts = Facts(
        NOW_MS,
        {("BTC", "USD"): 68_000.0, ("BTC", "USDC"): 68_010.0},
        {"BTC": 68_000.0, "USD": 1.0, "USDC": 0.9998},
        {expiry: Dated(68_500.0, expiry - NOW_MS)},
        quotes,
        {"funding_8h": {"deribit|BTC-PERPETUAL": 0.0002}},
    )
    place = {item.native_id: k for k, item in enumerate(table.items)}
    sizes = (20_000.0, -10_000.0, -0.3, 0.5)
    lines = [Line("a", place[n], q, 67_000.0) for n, q in zip(NAMES[:2], sizes, strict=False)]
    lines += [Line("a", place[n], q) for n, q in zip(NAMES[2:], sizes[2:], strict=True)]
    lines.append(Line("a", place["BTC"], 1.25))
    orders = [Order("a", place["BTC-PERPETUAL"], -1, 5_000.0, 69_000.0)]
    return Book.of(table, lines, orders), view_of(table, facts)


def test_quantities_count_the_other_venues_contracts() -> None:
    book, view = market()
    found = map_book(book, view, "okx")
    held = {
        found.book.instruments.items[c].native_id: float(q)
        for c, q in zip(found.book.column, found.book.quantity, strict=True)
    }
    assert held == {
        "BTC-USD-SWAP": 200.0,  # 100 dollars a contract
        "BTC-USD-260626": -100.0,
        "BTC-USD-260626-70000-C": -30.0,  # 0.01 coins a contract
        "BTC-USDC-SWAP": 0.5,  # its size is not known: that of the book
        "BTC": 1.25,
    }
    assert found.losses == ()
    assert found.book.orders.items[0].remaining == 50.0
    assert found.view.reads["funding_8h"] == {"okx|BTC-USD-SWAP": 0.0002}
    assert (found.origin[found.place] == np.arange(len(book.instruments))).all()


def test_value_profit_and_requirement_in_dollars_are_kept() -> None:
    """Under a model without scenarios of its own, book by book the same dollars."""
    book, view = market()
    found = map_book(book, view, "okx")
    model = model_named("fixed-rate")
    before, after = (
        account_totals(run(b, v, model)) for b, v in ((book, view), (found.book, found.view))
    )
    for name in ("im_usd", "mm_usd", "equity_usd", "cash_usd"):
        first, second = float(getattr(before, name)[0]), float(getattr(after, name)[0])
        assert abs(first - second) <= 1e-9 * abs(first), name


def test_one_contract_of_another_form_and_none_is_mapped_so() -> None:
    option = parse("deribit", "BTC-26JUN26-70000-C")
    linear = replace(option, native_id="BTC_USDC-26JUN26-70000-C", quote="USDC", settle="USDC")
    assert counterparts([option], "okx") is not None
    assert counterparts([option, replace(linear, inverse=False)], "okx") is None
    assert counterparts([option], "paradex") is None
    assert counterparts([asset("deribit", "BTC")], "okx") is None  # balances alone


def test_reports_and_choices_go_with_the_book() -> None:
    book, view = market()
    told = replace(
        book, reported=Reported(equity={("a", "BTC"): 2.0}), choices={"x": np.array([1.0])}
    )
    same = counterparts(book.instruments.items, "okx")
    assert same is not None
    table = Instruments.of(same)
    to_new = np.array([table.index_of()[item.key] for item in same], np.int32)
    made = renamed_book(told, table, to_new, np.ones(len(same)))
    assert made.reported.equity == {("a", "BTC"): 2.0}
    assert made.choices["x"].tolist() == [1.0]
    origin = np.argsort(to_new).astype(np.int32)
    seen = renamed_view(view, table, origin)
    assert sorted(seen.mark.tolist()) == sorted(view.mark.tolist())
    assert renamed_reads(view, table, origin) == dict(seen.reads)
