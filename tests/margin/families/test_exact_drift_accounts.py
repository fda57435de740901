"""Lines of an account: what the entry prices leave of them, and orders beside or without them."""

from __future__ import annotations

from crossmargin.conformance.world import subject_of, view_of
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin.families.exact_drift import Level
from crossmargin.margin.families.exact_drift_accounts import (
    averages_missing,
    drift_account,
    drift_balances,
    drift_lines,
)
from crossmargin.margin.models.drift_v2 import DriftV2
from crossmargin.margin.pools import cut
from tests.margin.families.books import at_index

MODEL = DriftV2()
SET = subject_of(MODEL).parameters


def test_lines_carry_entries_and_orders() -> None:
    items = Instruments.of(parse("drift", name) for name in ("USDC", "BTC", "BTC-PERP", "ETH-PERP"))
    place = items.index_of()
    perp, other = place["drift", "BTC-PERP"], place["drift", "ETH-PERP"]
    lines = [Line("a", perp, 0.5, 60_000.0), Line("a", place["drift", "USDC"], 10.0)]
    orders = [Order("a", other, -1, 3.0, 1_900.0), Order("a", other, -1, 1.0, 1_950.0)]
    book = Book.of(items, lines, orders)
    view = at_index(view_of(items.items)).view
    pool = MODEL.plan(items, SET).pools[0]
    priced = MODEL.price(pool, view, SET)
    held = cut(book, pool, 0)
    with_profit = drift_lines(priced, held, 0, True)
    by_column = {line.perp.price: line for line in with_profit if line.perp is not None}
    assert by_column[64_000_000_000].future.quote == -30_000_000_000
    resting = by_column[1_900_000_000].future
    assert (resting.base, resting.asks, resting.orders) == (0, -4 * 10**9, 2)
    settled = drift_lines(priced, held, 0, False)
    quote = priced.facts["quote"]
    assert drift_balances(settled, 10_000_000, quote) == [9_995_000, 0, 0, 20_000]
    assert drift_balances(with_profit, 0, quote)[2] == 2_000_000_000 * 9995 // 10_000
    have, need = drift_account(settled, 0, quote, Level.MAINTENANCE, 0, False)
    assert have == 0
    assert need > 0
    assert averages_missing(settled, 0, quote)
    assert not averages_missing([], 0, quote)
