"""The sample data: committed files are what the script makes, and a trader would believe them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from crossmargin import sample
from crossmargin.core.clock import DAY_MS, YEAR_MS, format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.fields import dated_subject, split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.venues.books import read_book
from crossmargin.venues.market_import import read_market
from tests.tidy.source import REPOSITORY

TICK = 1e-4
PAIRS = ("BTC/USD", "ETH/USD")
SMALL_BYTES = 400_000

Smile = dict[float, dict[int, tuple[float, float]]]  # strike -> right -> (mark, vol)


@pytest.fixture(scope="module")
def market() -> Snapshot:
    return read_market(sample.market_path())


@pytest.fixture(scope="module")
def smiles(market: Snapshot) -> dict[str, dict[int, Smile]]:
    """Pair -> expiry -> the marks and volatilities of the chain."""
    found: dict[str, dict[int, Smile]] = {pair: {} for pair in PAIRS}
    marks = market.values("mark")
    for subject, vol in market.values("mark_iv").items():
        item = parse(*split_contract(subject))
        smile = found[f"{item.underlying}/{item.quote}"].setdefault(item.expiry_ms, {})
        smile.setdefault(item.strike, {})[item.right] = (marks[subject], vol)
    return {
        pair: {expiry: dict(sorted(smile.items())) for expiry, smile in sorted(chain.items())}
        for pair, chain in found.items()
    }


@pytest.fixture(scope="module")
def books() -> dict[str, Book]:
    return {name: read_book(sample.book_path(name)) for name in sample.BOOKS}


def forward_at(market: Snapshot, pair: str, expiry_ms: int) -> float:
    forward = market.get("forward", dated_subject(*pair.split("/"), expiry_ms))
    assert forward is not None
    return forward


# -- files ---------------------------------------------------------------------------------------


def test_committed_files_are_what_the_script_makes() -> None:
    script = REPOSITORY / "scripts" / "make_sample_data.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_small() -> None:
    folder = sample.market_path().parent
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    assert sum(sizes.values()) < SMALL_BYTES, sizes


def test_a_book_is_found_by_its_name() -> None:
    assert sample.book_path("market-maker").suffix == ".csv"
    assert sample.book_path("market-maker.json").suffix == ".json"
    for name in ("hedge-fund", "", "market-maker.txt", "retail-short-vol.json", "../sample/x"):
        with pytest.raises(InputError) as caught:
            sample.book_path(name)
        assert caught.value.code == "option_unknown"


def test_both_forms_of_the_market_maker_are_one_book(books: dict[str, Book]) -> None:
    other = read_book(sample.book_path("market-maker.json"))
    assert other.positions_sha256() == books["market-maker"].positions_sha256()
    assert other.orders_sha256() == books["market-maker"].orders_sha256()
    assert [line.tags for line in other.lines] == [
        line.tags for line in books["market-maker"].lines
    ]


# -- the market ----------------------------------------------------------------------------------


def test_every_row_is_sound(market: Snapshot) -> None:
    assert format_ms(market.as_of_ms) == "2026-07-03T06:00:00Z"
    assert set(market.verdict) == {"ok"}
    assert market.get("usd", "USDC") == pytest.approx(1.0, abs=5e-4)
    for name in ("BTC-PERPETUAL", "ETH-PERPETUAL"):
        funding = market.get("funding_8h", f"deribit|{name}")
        assert funding is not None
        assert abs(funding) < 5e-4


@pytest.mark.parametrize("pair", PAIRS)
def test_surface_is_free_of_arbitrage(market: Snapshot, pair: str) -> None:
    surface = market.surface(pair)
    assert surface.free_of_arbitrage
    assert all(smile.kind == "svi" and smile.error_vol < 1e-4 for smile in surface.slices)


@pytest.mark.parametrize("pair", PAIRS)
def test_expiries_reach_from_today_to_a_year(
    market: Snapshot, smiles: dict[str, dict[int, Smile]], pair: str
) -> None:
    days = [(expiry - market.as_of_ms) / DAY_MS for expiry in smiles[pair]]
    assert len(days) >= 10
    assert days[0] < 1.0
    assert days[-1] > 350.0
    assert all(expiry % DAY_MS == 8 * 3_600_000 for expiry in smiles[pair])


@pytest.mark.parametrize("pair", PAIRS)
def test_basis_rises_along_the_curve(
    market: Snapshot, smiles: dict[str, dict[int, Smile]], pair: str
) -> None:
    index = market.get("index", pair)
    assert index is not None
    basis = [
        math.log(forward_at(market, pair, expiry) / index) / ((expiry - market.as_of_ms) / YEAR_MS)
        for expiry in smiles[pair]
    ]
    assert all(near < far for near, far in pairwise(basis))
    assert 0.0 < basis[0] < 0.02
    assert 0.03 < basis[-1] < 0.06


@pytest.mark.parametrize(("pair", "low", "high"), [("BTC/USD", 0.3, 0.5), ("ETH/USD", 0.42, 0.66)])
def test_volatility_at_the_money(
    market: Snapshot,
    smiles: dict[str, dict[int, Smile]],
    pair: str,
    low: float,
    high: float,
) -> None:
    surface = market.surface(pair)
    atm = {}
    for expiry in smiles[pair]:
        vol = surface.vol(expiry, 0.0)
        assert vol is not None
        assert low < vol < high
        atm[expiry] = vol
        put, call = surface.vol(expiry, -0.1), surface.vol(expiry, 0.1)
        assert put is not None
        assert call is not None
        assert put > vol
    dated = [vol for expiry, vol in atm.items() if expiry > market.as_of_ms + 2 * DAY_MS]
    assert all(near < far for near, far in pairwise(dated)), "contango beyond the weekend"
    variance = [vol**2 * (expiry - market.as_of_ms) for expiry, vol in atm.items()]
    assert all(near < far for near, far in pairwise(variance))


@pytest.mark.parametrize("pair", PAIRS)
def test_front_leans_to_puts_and_a_year_out_hardly(
    market: Snapshot, smiles: dict[str, dict[int, Smile]], pair: str
) -> None:
    surface = market.surface(pair)
    lean = []
    for expiry in (list(smiles[pair])[4], list(smiles[pair])[-1]):
        atm = surface.vol(expiry, 0.0)
        assert atm is not None
        reach = atm * math.sqrt((expiry - market.as_of_ms) / YEAR_MS)
        put, call = surface.vol(expiry, -reach), surface.vol(expiry, reach)
        assert put is not None
        assert call is not None
        lean.append((put - call) / atm)
    assert lean[0] > 0.12
    assert 0.0 <= lean[1] < 0.1


@pytest.mark.parametrize("pair", PAIRS)
def test_marks_keep_parity_order_and_convexity(
    market: Snapshot, smiles: dict[str, dict[int, Smile]], pair: str
) -> None:
    """On the rounded marks themselves: nothing is off by more than the rounding allows."""
    for expiry, smile in smiles[pair].items():
        forward = forward_at(market, pair, expiry)
        strikes = list(smile)
        call = np.array([smile[strike][1][0] for strike in strikes])
        put = np.array([smile[strike][-1][0] for strike in strikes])
        ratio = np.array(strikes) / forward
        assert np.abs(call - put - (1.0 - ratio)).max() <= TICK + 1e-12
        assert np.allclose(np.round(call / TICK) * TICK, call, atol=1e-12)
        assert (np.diff(call) <= 1e-12).all()
        assert (np.diff(put) >= -1e-12).all()
        slope = np.diff(call) / np.diff(ratio)
        slack = 2.0 * TICK / np.diff(ratio)
        assert (slope[1:] - slope[:-1] >= -(slack[1:] + slack[:-1])).all()
        assert (call >= np.maximum(1.0 - ratio, 0.0) - 0.5 * TICK - 1e-12).all()


def test_marks_lie_inside_the_touch_and_far_wings_have_no_bid(market: Snapshot) -> None:
    bid, ask = market.values("bid"), market.values("ask")
    marks = market.values("mark")
    assert all(price <= marks[subject] + 1e-12 for subject, price in bid.items())
    assert all(price >= marks[subject] - 1e-12 for subject, price in ask.items())
    options = market.values("mark_iv")
    without = [subject for subject in options if subject not in bid]
    assert 0.03 < len(without) / len(options) < 0.25
    worthless = [subject for subject in options if marks[subject] == 0.0]
    assert worthless
    assert not any(subject in bid for subject in worthless)


# -- the books -----------------------------------------------------------------------------------


def derivatives(book: Book) -> list[Instrument]:
    items = [book.instruments.items[column] for column in book.column.tolist()]
    return [item for item in items if item.kind != Kind.ASSET]


@pytest.mark.parametrize("name", sample.BOOKS)
def test_books_are_priced_whole(market: Snapshot, books: dict[str, Book], name: str) -> None:
    book = books[name]
    view = market.view(book.instruments)
    assert view.ok.all(), view.failures
    assert not view.reads["estimated"]
    assert book.lots_merged > 0, "several lots of one instrument"
    assert all(line.tags for line in book.lines if not _is_cash(book, line.column))
    assert all(line.time_ms is not None for line in book.lines)
    assert all(line.time_ms <= market.as_of_ms for line in book.lines if line.time_ms)
    held = ~np.isin(book.instruments.kind[book.column], [int(Kind.ASSET)])
    assert book.entry_known[held].all()


def _is_cash(book: Book, column: int) -> bool:
    return book.instruments.items[column].kind == Kind.ASSET


def test_retail_book(books: dict[str, Book]) -> None:
    book = books["retail-short-vol"]
    assert 5 <= len(derivatives(book)) <= 12
    option = book.instruments.kind[book.column] == Kind.OPTION
    assert (book.quantity[option] < 0.0).sum() > 2 * (book.quantity[option] > 0.0).sum()


def test_market_maker_book(market: Snapshot, books: dict[str, Book]) -> None:
    book = books["market-maker"]
    legs = derivatives(book)
    expiries = {(item.underlying, item.expiry_ms) for item in legs if item.kind == Kind.OPTION}
    assert len(legs) == 200
    assert len({expiry for underlying, expiry in expiries if underlying == "BTC"}) >= 8
    assert len({expiry for underlying, expiry in expiries if underlying == "ETH"}) >= 4
    assert len(book.orders.column) >= 30
    assert book.orders.mmp.all()
    assert set(book.orders.group) == {"btc-front", "btc-back", "eth"}
    view = market.view(book.instruments)
    for coin, small in (("BTC", 1.0), ("ETH", 20.0)):
        delta, gross, vega, vega_gross = greeks_of(book, view, coin)
        assert abs(delta) < small
        assert abs(delta) < 0.02 * gross
        assert abs(vega) < 0.05 * vega_gross


def greeks_of(book: Book, view: View, coin: str) -> tuple[float, float, float, float]:
    """Margin delta in coins, its gross, vega and its gross (in coin): plain Black-76."""
    deltas, vegas = [], []
    for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = book.instruments.items[column]
        if item.underlying != coin or item.kind == Kind.ASSET:
            continue
        if item.kind != Kind.OPTION:
            deltas.append(quantity / view.mark[column])
            continue
        e = int(book.instruments.expiry[column])
        spread = view.vol[column] * math.sqrt(view.life_ms[e] / YEAR_MS)
        d1 = math.log(view.forward[e] / item.strike) / spread + 0.5 * spread
        each = item.right * 0.5 * math.erfc(-item.right * d1 / math.sqrt(2.0))
        deltas.append(quantity * (each - view.mark[column]))
        vegas.append(quantity * math.exp(-0.5 * d1 * d1) * math.sqrt(view.life_ms[e] / YEAR_MS))
    return sum(deltas), sum(map(abs, deltas)), sum(vegas), sum(map(abs, vegas))


def test_basis_book(market: Snapshot, books: dict[str, Book]) -> None:
    """Long dated futures, short perpetuals for them and the coins: dollars, not coins, are held."""
    book = books["inverse-perp-basis"]
    view = market.view(book.instruments)
    for coin in ("BTC", "ETH"):
        dollars = coins = 0.0
        for column, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
            item = book.instruments.items[column]
            if item.underlying != coin:
                continue
            coins += quantity / view.mark[column] if item.kind != Kind.ASSET else quantity
            if item.kind != Kind.ASSET:
                assert (quantity > 0.0) == (item.kind == Kind.FUTURE)
                dollars += abs(quantity)
        index = market.get("index", f"{coin}/USD")
        assert index is not None
        assert abs(coins) * index < 0.05 * dollars
