"""844 quotes on the BTC chain of the calm evening of 2026-01-28, read as a market maker would.

One contract bid and one offered, at the chain's own best prices, in each option with a bid and an
ask whose delta lies between 3 and 97 %: 422 options. The book is flat and holds 10 BTC.

What to expect, and why:

- no instrument fills on both sides: bid and offer of one option never both lose;
- the worst fill is about half of the sum of stand-alone, which counts both sides of each option;
- it is above by side: the worst market takes the offers of one right and the bids of the other;
- at Deribit the fall with rising volatility is the worst: it buys calls, above all those in the
  money, sells the calls far out of it, whose volatility gains more than the fall loses, and sells
  every put. Derive and Paradex count dollars, not coins, so the rise weighs more: every call is
  sold, puts are bought and the far ones sold;
- cross mode needs less coin than segregated for the same fills: it counts the dollars that coins
  are worth after the fall, 0.84 of them;
- what the worst set needs is below the bound by what roll shock, contingencies and fees add at
  fills of their own;
- under the rules position by position one side of each option is the worst: the premium that the
  bid pays or the charge of the short; the set is exact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crossmargin.core.clock import YEAR_MS, parse_ms
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.mapping import map_book
from crossmargin.margin.order_rules import OrderRules, order_rules
from crossmargin.market.fields import split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.venues.market_import import import_market
from tests.margin.sense import DAYS
from tests.oracle.black import delta as black_delta

MODELS = ("deribit-spm", "deribit-xpm", "derive-pm2", "paradex-pm", "deribit-sm", "fixed-rate")
DELTA_LEAST = 0.03


@dataclass(frozen=True)
class Quotes:
    """The quoted chain and its book at Deribit."""

    market: Snapshot
    view: View
    book: Book

    def requirement(self, name: str) -> Requirement:
        """Under a model; as linear equivalents where its venue settles in dollars."""
        model = model_named(name)
        if model.spec.venue in ("", "deribit"):
            return run(self.book, self.view, model)
        mapped = map_book(self.book, self.view, model.spec.venue)
        return run(mapped.book, mapped.view, model)


@pytest.fixture(scope="module")
def quotes(market_dir: Path) -> Quotes:
    time, stamp = DAYS["calm"]
    path = market_dir / "deribit" / f"deribit_options_snapshot_{stamp}.csv.gz"
    market = import_market([path], at_ms=parse_ms(time))
    bids, asks = market.values("bid"), market.values("ask")
    items = [parse(*split_contract(subject)) for subject in bids if subject in asks]
    options = [i for i in items if i.kind == Kind.OPTION and i.settle == "BTC"]
    whole = Instruments.of(options)
    view = market.view(whole)
    years = view.life_ms / YEAR_MS
    chosen = []
    for k, item in enumerate(whole.items):
        e = whole.expiry[k]
        forward = float(view.forward[e] + view.forward_settled[e])
        delta = black_delta(item.right, forward, item.strike, float(view.vol[k]), float(years[e]))
        if DELTA_LEAST <= abs(delta) <= 1.0 - DELTA_LEAST:
            chosen.append(item)
    cash = asset("deribit", "BTC")
    table = Instruments.of([*chosen, cash])
    place = table.index_of()
    orders = []
    for item in chosen:
        subject, row = f"deribit|{item.native_id}", place[item.key]
        orders.append(Order("maker", row, 1, 1.0, bids[subject]))
        orders.append(Order("maker", row, -1, 1.0, asks[subject]))
    book = Book.of(table, [Line("maker", place[cash.key], 10.0)], orders)
    return Quotes(market, market.view(table), book)


def coins(quotes: Quotes, found: Requirement, row: int) -> float:
    """BTC at the index per unit of a row's currency."""
    return found.priced[int(found.sheet.pool[row])].usd_per_unit / float(quotes.view.index[0])


def read(quotes: Quotes, name: str) -> tuple[Requirement, int, OrderRules]:
    found = quotes.requirement(name)
    assert found.failures == ()
    made = [(row, order_rules(found, row)) for row in range(len(found.sheet))]
    there = [(row, rules) for row, rules in made if rules is not None]
    assert len(there) == 1
    return found, *there[0]


# BTC at the index: worst fill, by side, stand-alone, what the worst set itself needs.
FIGURES = {
    "deribit-spm": (53.5196, 41.8287, 103.8130, 52.5036),
    "deribit-xpm": (46.1357, 35.7277, 102.0467, 45.1197),
    "derive-pm2": (40.8037, 28.5555, 91.2222, 38.9237),
    "paradex-pm": (34.0502, 30.9336, 84.0772, 34.0500),
    "deribit-sm": (86.9281, 59.7273, 113.7370, 86.9281),
    "fixed-rate": (95.4979, 62.8225, 122.5498, 95.4979),
}
# The worst scenario; calls bid, calls offered, puts bid, puts offered of the worst set; and the
# options of which neither side loses there: the move and the volatility cancel inside the spread.
Found = tuple[str, tuple[int, int, int, int], tuple[str, ...]]
SETS: dict[str, Found] = {
    "deribit-spm": ("-16 %, vol up", (159, 51, 0, 211), ("BTC-27MAR26-120000-C",)),
    "deribit-xpm": ("-16 %, vol up", (159, 51, 0, 211), ("BTC-27MAR26-120000-C",)),
    "derive-pm2": (
        "+18 %, vol up",
        (0, 211, 187, 22),
        ("BTC-20260227-70000-P", "BTC-20260327-70000-P"),
    ),
    "paradex-pm": (
        "+16 %, vol +40 %",
        (0, 211, 189, 20),
        ("BTC-USD-25DEC26-90000-P", "BTC-USD-25SEP26-80000-P"),
    ),
    "deribit-sm": ("—", (37, 174, 74, 137), ()),
    "fixed-rate": ("—", (32, 179, 71, 140), ()),
}


def test_four_hundred_and_twenty_two_options_are_quoted(quotes: Quotes) -> None:
    assert len(quotes.book.instruments) == 422 + 1
    assert len(quotes.book.orders.items) == 844
    rights = Counter(int(right) for right in quotes.book.instruments.right)
    assert (rights[1], rights[-1]) == (211, 211)


@pytest.mark.parametrize("name", MODELS)
def test_the_figures(quotes: Quotes, name: str) -> None:
    found, row, rules = read(quotes, name)
    unit = coins(quotes, found, row)
    sums = (rules.worst_fill, rules.by_side, rules.stand_alone, rules.set_margin)
    figures = tuple(value * unit for value in sums)
    print(name, [round(value, 4) for value in figures], rules.scenario)
    worst, by_side, alone, whole = figures
    slack = 1e-8
    assert by_side <= whole + slack, "no model of these has its worst on one side alone"
    assert whole <= worst + slack, "the bound holds for the very set that it names"
    assert worst <= alone + slack, "losses of orders apart add up to more than together"
    assert rules.exact is (name in ("deribit-sm", "fixed-rate"))
    assert figures == pytest.approx(FIGURES[name], rel=5e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_worst_set(quotes: Quotes, name: str) -> None:
    """Every option fills on one side or not at all; the names are those of the list."""
    found, _, rules = read(quotes, name)
    orders, items = found.book.orders, found.book.instruments.items
    columns = [int(orders.column[k]) for k in rules.filled]
    assert len(columns) == len(set(columns)) >= 420
    kinds = Counter(
        (items[c].right, orders.bid[k] > 0.0) for k, c in zip(rules.filled, columns, strict=True)
    )
    sides = tuple(kinds[right, bid] for right in (1, -1) for bid in (True, False))
    options = {k for k, item in enumerate(items) if item.kind == Kind.OPTION}
    idle = tuple(sorted(items[c].native_id for c in options - set(columns)))
    print(f'"{name}": {(rules.scenario, sides, idle)!r},')
    for k in rules.filled:
        side = "bid" if orders.bid[k] > 0.0 else "offer"
        print(f"  {side} {items[int(orders.column[k])].native_id} at {orders.limit_price[k]:g}")
    assert (rules.scenario, sides, idle) == SETS[name]


def test_the_requirement_counts_them(quotes: Quotes) -> None:
    """Order margin is the worst fill; the balance needs nothing in coin, 16 % of it in dollars."""
    found, row, rules = read(quotes, "deribit-spm")
    assert found.sheet["open_orders_margin"][row] == pytest.approx(rules.worst_fill, rel=1e-12)
    assert found.sheet["im"][row] == pytest.approx(rules.worst_fill, rel=1e-9)
    assert found.sheet["mm"][row] == 0.0
    found, row, rules = read(quotes, "deribit-xpm")
    unit = coins(quotes, found, row)
    assert found.sheet["open_orders_margin"][row] == pytest.approx(rules.worst_fill, rel=1e-9)
    assert (found.sheet["im"][row] - rules.worst_fill) * unit == pytest.approx(1.6, rel=1e-9)
    assert found.sheet["mm"][row] * unit == pytest.approx(0.8 * 1.6, rel=1e-9)


def test_protected_quotes_are_held_for_by_quantity(quotes: Quotes) -> None:
    """All 844 in one maker-protection group: 3 % of 422 bids, and no worst fill beside it."""
    orders = [replace(order, mmp=True, group="g") for order in quotes.book.orders.items]
    book = Book.of(quotes.book.instruments, quotes.book.lines, orders)
    found = run(book, quotes.view, model_named("deribit-spm"))
    assert found.sheet["open_orders_margin"].tolist() == [0.0]
    assert found.sheet["mmp_margin"].tolist() == [pytest.approx(0.03 * 422.0, rel=1e-12)]


def test_each_half_of_the_quotes_needs_less(quotes: Quotes) -> None:
    """Cancelling either side lowers the worst fill to that of the other side alone, or further.

    Together they need less than the two halves apart: no market takes the worst of both.
    """
    items = quotes.book.orders.items
    half = {}
    for side in (1, -1):
        kept = [order for order in items if order.side == side]
        book = Book.of(quotes.book.instruments, quotes.book.lines, kept)
        rules = order_rules(run(book, quotes.view, model_named("deribit-spm")), 0)
        assert rules is not None
        half[side] = rules.worst_fill
    _, _, whole = read(quotes, "deribit-spm")
    print(half)
    assert max(half.values()) < whole.worst_fill < sum(half.values())
    assert min(half.values()) > 0.0
