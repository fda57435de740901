"""An account as a liquidation sees it: equity stays where it was, whatever the cash stands on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.liquidation_account import Judge, is_cash, on_own_lines, with_cash_rows
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Order, Orders, Reported
from crossmargin.margin import model_named, parameters_for, run
from crossmargin.margin.surface_grid import grid, shifted_view
from crossmargin.margin.totals import account_totals
from crossmargin.market.view import View
from crossmargin.sample import market_path
from tests.accounts.broken_books import START_MS, perpetuals, sizes


def judge(book: Book, view: View, model: str = "fixed-rate") -> Judge:
    rules = model_named(model)
    return Judge(book, view, rules, parameters_for(rules, view.as_of_ms))


def sample(*lines: tuple[str, str, float, float | None]) -> tuple[Book, View]:
    """Rows of (type, instrument, quantity, entry price) on the sample market."""
    rows = [
        {"type": kind, "account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        | ({} if entry is None else {"entry_price": entry})
        for kind, name, size, entry in lines
    ]
    found = xm.margin(rows, "sample:market", "deribit-sm").requirement
    return found.book, found.view


def test_levels_of_variants_are_those_of_the_plain_run() -> None:
    book, view = perpetuals(1_000.0, {"BTC": 0.5, "ETH": -3.0})
    own = judge(book, view)
    halves = np.stack([book.quantity, book.quantity * 0.5])
    levels = own.levels(halves)
    for k, quantity in enumerate(halves):
        plain = run(
            replace(book, quantity=quantity), view, own.model, parameters_for(own.model, START_MS)
        )
        totals = account_totals(plain)
        assert levels.mm[k].sum() == totals.mm_usd[0]
        assert levels.equity[k].sum() == totals.equity_usd[0]
        assert levels.counted[k].sum() == totals.counted_mm_usd[0]


@pytest.mark.parametrize("model", ["deribit-sm", "deribit-xpm", "var-parametric", "house-example"])
def test_closing_at_the_mark_leaves_equity_alone(model: str) -> None:
    book, view = sample(
        ("balance", "BTC", 1.0, None),
        ("balance", "USDC", 5_000.0, None),
        ("position", "BTC-31JUL26-80000-C", -0.4, 0.0075),
        ("position", "BTC-PERPETUAL", -20_000.0, 60_000.0),
        ("position", "BTC-28AUG26-50000-P", 0.3, 0.006),
    )
    own = judge(book, view, model)
    assert len(own.lines) >= 3
    after = np.tile(book.quantity, (len(own.lines), 1))
    for v, j in enumerate(own.lines):
        after[v, j] = 0.5 * book.quantity[j]
    nothing = np.zeros((len(own.lines), len(own.names)))
    equity = own.levels(own.variants(after, nothing)).equity
    assert equity == pytest.approx(np.tile(own.now.equity, (len(own.lines), 1)), rel=1e-12)


def test_a_cost_leaves_its_own_pool_alone() -> None:
    book, view = perpetuals(1_000.0, {"BTC": 0.5, "ETH": 1.0}, settle={"ETH": "USDT"})
    own = judge(book, view)
    assert own.names == ("USDC", "USDT")
    cost = np.array([[10.0, 0.0]])
    after = own.levels(own.variants(book.quantity[None, :], cost)).equity[0]
    assert own.now.equity[0] - after == pytest.approx([10.0, 0.0])
    place = {own.items[int(c)].native_id: j for j, c in enumerate(book.column.tolist())}
    assert own.group_of(place["ETH-PERP"]) == 1


def test_what_is_rebuilt_from_entries_is_put_on_a_balance() -> None:
    book, view = sample(("position", "BTC-PERPETUAL", 20_000.0, 50_000.0))
    model = model_named("deribit-sm")
    parameters = parameters_for(model, view.as_of_ms)
    before = float(account_totals(run(book, view, model, parameters)).equity_usd[0])
    assert before > 1_000.0
    wide = with_cash_rows(book, True)
    assert [i.native_id for i in wide.instruments.items if is_cash(i)] == ["BTC"]
    seen = xm.read_market(str(market_path())).view(wide.instruments)
    own = on_own_lines(wide, seen, model, parameters)
    assert sizes(own)["BTC-PERPETUAL"] == 20_000.0
    assert float(judge(own, seen, "deribit-sm").now.equity[0].sum()) == pytest.approx(before)


def test_what_a_venue_reports_is_put_on_the_balance_and_orders_go() -> None:
    book, view = sample(
        ("balance", "BTC", 1.0, None), ("position", "BTC-31JUL26-80000-C", -0.4, None)
    )
    said = replace(
        book,
        reported=Reported(equity={("a", "BTC"): 0.7}),
        orders=Orders.of([Order("a", 1, -1, 0.1, 0.01)], ("a",)),
    )
    model = model_named("deribit-sm")
    own = on_own_lines(said, view, model, parameters_for(model, view.as_of_ms))
    assert len(own.orders.column) == 0
    assert own.reported.equity == {}
    usd = float(view.usd[view.instruments.names.index("BTC")])
    assert float(judge(own, view, "deribit-sm").now.equity[0].sum()) == pytest.approx(0.7 * usd)


def test_rows_of_cash_are_added_where_they_are_needed_alone() -> None:
    book, _ = perpetuals(1_000.0, {"BTC": 0.5})
    assert with_cash_rows(book, True) is book
    assert with_cash_rows(book, False) is book
    bare, _ = sample(("position", "BTC-PERPETUAL", 20_000.0, 50_000.0))
    assert len(with_cash_rows(bare, False).instruments) == 2


def test_what_is_refused() -> None:
    book, view = perpetuals(1_000.0, {"BTC": 0.5})
    two = replace(book, account=("a", "b"), row=np.array([0, 2, 2]), orders=Orders.none(2))
    with pytest.raises(InputError, match="shape_wrong"):
        judge(two, view)
    bare, seen = sample(("position", "BTC-PERPETUAL", 20_000.0, 50_000.0))
    with pytest.raises(InputError, match="currency_unknown"):
        judge(bare, seen, "deribit-sm")


@pytest.mark.parametrize(
    ("venue", "model", "lines"),
    [
        ("deribit", "deribit-sm", {"BTC": 1.0, "BTC-PERPETUAL": -20_000.0}),
        ("deribit", "deribit-xpm", {"BTC": 1.0, "BTC-31JUL26-80000-C": -0.4, "BTC-PERPETUAL": 9e3}),
        ("derive", "derive-pm2", {"USDC": 20_000.0, "ETH-PERP": 20.0}),
    ],
)
@pytest.mark.parametrize("factor", [0.8, 1.1])
def test_a_move_of_the_market_is_worth_what_the_shifted_account_is(
    venue: str, model: str, lines: dict[str, float], factor: float
) -> None:
    rows = [
        {"type": "position" if "-" in name else "balance", "account": "a", "venue": venue,
         "instrument": name, "quantity": size}
        | ({"entry_price": 1_500.0} if name == "ETH-PERP" else {})
        for name, size in lines.items()
    ]  # fmt: skip
    found = xm.margin(rows, "sample:market", model).requirement
    book, view, rules = found.book, found.view, found.via
    own = Judge(book, view, rules, found.parameters)
    moved = own.moved(shifted_view(view, factor, 1.0))
    table = grid(book, view, rules, found.parameters, [factor], [1.0])
    assert float(moved.now.equity.sum()) == pytest.approx(float(table.equity_usd[0, 0]), rel=1e-9)
    assert float(moved.now.mm.sum()) == pytest.approx(float(table.mm_usd[0, 0]), rel=1e-9)
