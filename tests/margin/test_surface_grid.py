"""The surface against direct runs on markets that were shifted by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin.model import Requirement
from crossmargin.margin.register import model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.surface_grid import (
    PEGGED,
    equity_minus_mm,
    grid,
    shifted_book,
    shifted_view,
)
from crossmargin.margin.totals import account_totals
from crossmargin.market.snapshot import Snapshot
from crossmargin.sample import BOOKS, book_path, market_path
from tests.conformance.takers import SAMPLE_TAKERS

YEAR_MS = 365 * 86_400_000
SPOTS, VOLS = (0.6, 0.85, 1.0, 1.3), (0.7, 1.0, 1.5)


@pytest.fixture(scope="module")
def market() -> Snapshot:
    return xm.read_market(market_path())


def sample(name: str) -> Book:
    return xm.read_book(str(book_path(name)))


def black(forward: float, strike: float, years: float, vol: float, right: int) -> float:
    """The price that the kernels are not asked for."""
    spread = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2.0
    n1, n2 = (0.5 * math.erfc(-right * d / math.sqrt(2.0)) for d in (d1, d1 - spread))
    return right * (forward * n1 - strike * n2)


def shifted_by_hand(
    snapshot: Snapshot, book: Book, spot: float, vol: float
) -> tuple[Snapshot, Book]:
    """The market row by row at the moved prices, and the book with settled profit as cash."""
    view = snapshot.view(book.instruments)
    rows = []
    marks: dict[str, float] = {}
    for row in snapshot.rows():
        coin = row.subject.partition("/")[0]
        if row.field in ("index", "forward", "usd") and coin not in PEGGED:
            rows.append(row._replace(value=row.value * spot))
        elif row.field == "mark_iv":
            rows.append(row._replace(value=row.value * vol))
    for k, item in enumerate(book.instruments.items):
        subject = f"{item.venue}|{item.native_id}"
        if item.kind == Kind.ASSET:
            continue
        if item.kind != Kind.OPTION:
            marks[subject] = float(view.mark[k]) * spot
            continue
        e = int(book.instruments.expiry[k])
        years = (item.expiry_ms - snapshot.as_of_ms) / YEAR_MS
        forward, paid = float(view.forward[e]), math.exp(-float(view.rate[e]) * years)
        before = black(forward, item.strike, years, float(view.vol[k]), item.right) * paid
        after = black(forward * spot, item.strike, years, float(view.vol[k]) * vol, item.right)
        after *= paid
        if item.inverse:
            before, after = before / forward, after / (forward * spot)
        marks[subject] = max(float(view.mark[k]) + after - before, 0.0)
    rows += [
        row._replace(value=marks[row.subject])
        for row in snapshot.rows()
        if row.field == "mark" and row.subject in marks
    ]
    gained: dict[str, float] = {}
    for j, column in enumerate(book.column.tolist()):
        item = book.instruments.items[column]
        if item.kind not in (Kind.PERPETUAL, Kind.FUTURE):
            continue
        old, new = float(view.mark[column]), marks[f"{item.venue}|{item.native_id}"]
        unit = 1.0 / old - 1.0 / new if item.inverse else new - old
        gain = float(book.quantity[j]) * item.multiplier * unit
        gained[item.settle] = gained.get(item.settle, 0.0) + gain
    quantity = book.quantity.copy()
    for j, column in enumerate(book.column.tolist()):
        item = book.instruments.items[column]
        if item.kind == Kind.ASSET:
            quantity[j] += gained.get(item.underlying, 0.0)
    return snapshot.with_rows(rows), replace(book, quantity=quantity)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("model", ["deribit-spm", "deribit-xpm", "deribit-sm", "fixed-rate"])
def test_every_cell_is_a_direct_run_on_a_market_shifted_by_hand(
    model: str, name: str, market: Snapshot
) -> None:
    book, rules = sample(name), model_named(model)
    parameters = parameters_for(rules, market.as_of_ms)
    view = market.view(book.instruments)
    spots, vols = (0.65, 1.3), (0.7, 1.5)
    found = equity_minus_mm(book, view, rules, parameters, spots, vols)
    for r, spot in enumerate(spots):
        for c, vol in enumerate(vols):
            moved, held = shifted_by_hand(market, book, spot, vol)
            direct = run(held, moved.view(book.instruments), rules, parameters)
            totals = account_totals(direct)
            expected = left(direct, "mm")
            scale = abs(float(totals.equity_usd[0])) + float(totals.mm_usd[0])
            assert found[r, c] == pytest.approx(expected, abs=1e-9 * scale), (spot, vol)


@pytest.mark.parametrize("model", SAMPLE_TAKERS)
def test_no_move_is_the_plain_run_to_the_bit(model: str) -> None:
    result = xm.margin(str(book_path("market-maker")), str(market_path()), model)
    need = result.requirement
    found = grid(need.book, need.view, need.via, need.parameters, [1.0], [1.0])
    totals = account_totals(need)
    assert found.im_usd[0, 0] == totals.im_usd[0]
    assert found.mm_usd[0, 0] == totals.mm_usd[0]
    assert found.equity_usd[0, 0] == totals.equity_usd[0]
    assert found.over_mm_usd()[0, 0] == left(need, "mm")
    assert found.over_im_usd()[0, 0] == left(need, "im")
    entry = result.accounts[0]
    assert found.over_mm_usd()[0, 0] == entry["room_mm_usd"]
    assert found.over_im_usd()[0, 0] == entry["room_im_usd"]


def left(need: Requirement, level: str) -> float:
    """Dollars that count beyond the requirement: of settlement currencies the one with least."""
    totals = account_totals(need)
    if need.model.currency != "settle":
        return float(
            getattr(totals, f"counted_{level}_usd")[0] - getattr(totals, f"{level}_usd")[0]
        )
    own = []
    for row, priced in enumerate(need.priced):
        required, counts = (float(need.sheet[k][row]) for k in (level, f"counted_{level}"))
        if required > 0.0 or counts < 0.0:
            own.append(counts * priced.usd_per_unit - required * priced.usd_per_unit)
    return min(own)


def test_a_surplus_of_one_coin_pays_for_no_other(market: Snapshot) -> None:
    """Ten idle coins beside a dollar account that is short: the map is that of the dollars."""
    rows = [
        {"venue": "deribit", "instrument": "BTC_USDC-PERPETUAL", "quantity": -1.0},
        {"type": "balance", "venue": "deribit", "instrument": "USDC", "quantity": 500.0},
        {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 10.0},
    ]
    result = xm.margin(rows, str(market_path()), "deribit-spm")
    entry = result.accounts[0]
    usdc = next(pool for pool in entry["pools"] if pool["currency"] == "USDC")
    short = (usdc["counted_mm"] - usdc["mm"]) * usdc["usd_per_unit"]
    assert entry["status"] == "below MM" and short < 0.0
    assert entry["room_mm_usd"] == pytest.approx(short)
    need = result.requirement
    found = grid(need.book, need.view, need.via, need.parameters, [0.99, 1.0], [1.0])
    assert found.over_mm_usd()[1, 0] == pytest.approx(short)
    # The short future gains a hundredth of the index into the dollars, and needs less.
    assert short < found.over_mm_usd()[0, 0] < 0.0
    assert (found.counted_mm_usd > found.mm_usd).all()


def test_reported_equity_moves_like_the_balance_that_it_stands_for(market: Snapshot) -> None:
    book, rules = sample("retail-short-vol"), model_named("deribit-spm")
    parameters = parameters_for(rules, market.as_of_ms)
    view = market.view(book.instruments)
    plain = run(book, view, rules, parameters)
    equity_btc = float(plain.sheet["equity"][0])
    told = replace(book, reported=Reported(equity={("retail", "BTC"): equity_btc}))
    by_balance = grid(book, view, rules, parameters, SPOTS, VOLS)
    by_report = grid(told, view, rules, parameters, SPOTS, VOLS)
    assert np.allclose(by_report.over_mm_usd(), by_balance.over_mm_usd(), rtol=1e-9)
    assert by_balance.equity_usd[0, 1] < by_balance.equity_usd[2, 1]  # short vol, long coin


def _without_cash(book: Book, *, entries: bool) -> Book:
    table = book.instruments
    return Book.of(
        table,
        [
            Line("a", int(column), float(quantity), float(price) if entries else None)
            for column, quantity, price in zip(
                book.column, book.quantity, book.entry_price, strict=True
            )
            if table.kind[column] != Kind.ASSET
        ],
    )


@pytest.mark.parametrize("entries", [True, False])
def test_profit_is_counted_once_whatever_the_equity_comes_from(
    entries: bool, market: Snapshot
) -> None:
    book, rules = sample("inverse-perp-basis"), model_named("deribit-spm")
    parameters = parameters_for(rules, market.as_of_ms)
    view = market.view(book.instruments)
    bare = _without_cash(book, entries=entries)
    found = grid(bare, view, rules, parameters, SPOTS, [1.0]).equity_usd[:, 0]
    for spot, equity_usd in zip(SPOTS, found.tolist(), strict=True):
        expected = 0.0
        for j, column in enumerate(bare.column.tolist()):
            item, mark = book.instruments.items[column], float(view.mark[column])
            index = float(view.usd[book.instruments.names.index(item.settle)])
            start = float(bare.entry_price[j]) if entries else mark
            coins = float(bare.quantity[j]) * item.multiplier * (1 / start - 1 / (mark * spot))
            expected += coins * index * spot
        assert equity_usd == pytest.approx(expected, rel=1e-9, abs=1e-6), spot


def test_a_model_that_counts_a_perpetual_since_its_entry_is_not_paid_twice(
    market: Snapshot,
) -> None:
    perpetual, cash = parse("derive", "BTC-PERP"), asset("derive", "USDC")
    table = Instruments.of([perpetual, cash])
    place = table.index_of()
    lines = [
        Line("a", place[perpetual.key], 2.0, 60_000.0),
        Line("a", place[cash.key], 50_000.0),
    ]
    book, rules = Book.of(table, lines), model_named("derive-pm2")
    view = market.view(table)
    found = grid(book, view, rules, parameters_for(rules, market.as_of_ms), SPOTS, [1.0])
    mark = float(view.mark[place[perpetual.key]])
    base = found.equity_usd[SPOTS.index(1.0), 0]
    usdc = float(view.usd[table.names.index("USDC")])
    for k, spot in enumerate(SPOTS):
        gained = 2.0 * mark * (spot - 1.0) * usdc
        assert found.equity_usd[k, 0] - base == pytest.approx(gained, abs=1e-6)


def test_pegged_money_and_the_settled_part_stand_still(market: Snapshot) -> None:
    book = sample("market-maker")
    view = market.view(book.instruments)
    half = replace(view, forward=view.forward / 2.0, forward_settled=view.forward / 2.0)
    moved = shifted_view(half, 1.2, 0.9)
    names = book.instruments.names
    for k, name in enumerate(names):
        factor = 1.0 if name in PEGGED else 1.2
        assert moved.usd[k] == view.usd[k] * factor
    assert (moved.forward_settled == half.forward_settled).all()
    assert np.allclose(moved.forward, half.forward * 1.2)
    assert (moved.vol == view.vol * 0.9).all()
    assert not moved.has_bid.any()
    assert (moved.mark >= 0.0).all()
    dated = book.instruments.kind == Kind.FUTURE
    assert np.allclose(moved.mark[dated], view.mark[dated] * 1.1)  # half of it is fixed
    assert shifted_view(view, 1.0, 1.0) is view


def test_the_book_is_left_alone_where_nothing_moves(market: Snapshot) -> None:
    book = sample("retail-short-vol")
    view = market.view(book.instruments)
    nothing = np.zeros(len(book.column), np.bool_)
    assert shifted_book(book, view, view, nothing) == (book, 0.0)


def test_steps_are_counted_and_bad_factors_refused(market: Snapshot) -> None:
    book, rules = sample("retail-short-vol"), model_named("fixed-rate")
    parameters = parameters_for(rules, market.as_of_ms)
    view = market.view(book.instruments)
    steps: list[int] = []
    grid(book, view, rules, parameters, SPOTS, VOLS, lambda: steps.append(1))
    assert len(steps) == len(SPOTS) * len(VOLS)
    with pytest.raises(InputError, match="number_out_of_range"):
        grid(book, view, rules, parameters, [0.0], [1.0])
    with pytest.raises(InputError, match="number_not_finite"):
        grid(book, view, rules, parameters, [1.0], [math.nan])


def test_one_account_at_a_time(market: Snapshot, tmp_path: Path) -> None:
    text = book_path("retail-short-vol").read_text()
    twice = text + text.replace("retail", "other").partition("\n")[2]
    path = tmp_path / "two.csv"
    path.write_text(twice)
    book, rules = xm.read_book(str(path)), model_named("fixed-rate")
    parameters = parameters_for(rules, market.as_of_ms)
    with pytest.raises(InputError, match="option_unknown"):
        grid(book, market.view(book.instruments), rules, parameters, [1.0], [1.0])
    one = grid(book.rows(1, 2), market.view(book.instruments), rules, parameters, SPOTS, VOLS)
    alone = sample("retail-short-vol")
    same = grid(alone, market.view(alone.instruments), rules, parameters, SPOTS, VOLS)
    assert np.array_equal(one.over_mm_usd(), same.over_mm_usd())
