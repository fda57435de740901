"""Order books: the walk against a plain loop, real captures, and tables that cannot be."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.costs import TradeCost
from crossmargin.market.depth import Depth, delta_to_liquidity, loss_a_unit, walk_parts
from crossmargin.market.fees import FeeTerms, fee_of_trade

FEES = FeeTerms(0.0005, 0.125, 0.0)
INVERSE = parse("deribit", "BTC-PERPETUAL")
OPTION = parse("deribit", "BTC-10JUL26-72000-C")
LINEAR = Instrument("x", "L", Kind.PERPETUAL, "BTC", "USDT", "USDT", multiplier=0.01)
LEVELS = st.lists(st.tuples(st.integers(1, 400), st.floats(0.01, 50.0)), min_size=1, max_size=12)


def cost_of(item: Instrument, depth: Depth, mark: float, index: float, usd: float) -> TradeCost:
    return TradeCost(walk_parts(item, depth, FEES, mark=mark, index=index, usd=usd, endless=False))


def plain(item: Instrument, depth: Depth, size: float, mark: float, index: float) -> float:
    """A loop that fills level by level; settlement currency."""
    left, cost = abs(size), 0.0
    way = 1.0 if size > 0 else -1.0
    price, shown = depth.side(way)
    for p, s in zip(price.tolist(), shown.tolist(), strict=True):
        took = min(left, s)
        amount = took * item.multiplier
        if item.inverse and item.kind != Kind.OPTION:
            cost += way * amount * (1.0 / mark - 1.0 / p)
        else:
            cost += way * amount * (p - mark)
        cost += fee_of_trade(
            FEES,
            option=item.kind == Kind.OPTION,
            inverse=item.inverse,
            amount=amount,
            price=p,
            index=index,
        )
        left -= took
    return cost


@pytest.mark.parametrize(
    ("item", "mark", "tick"),
    [(INVERSE, 60_000.0, 2.5), (OPTION, 0.1, 0.0002), (LINEAR, 60_000.0, 1.0)],
    ids=("inverse", "coin option", "linear"),
)
@given(bids=LEVELS, asks=LEVELS, share=st.floats(0.0, 1.0))
def test_the_walk_is_a_plain_loop_and_convex(
    item: Instrument,
    mark: float,
    tick: float,
    bids: list[tuple[int, float]],
    asks: list[tuple[int, float]],
    share: float,
) -> None:
    depth = Depth.of(
        [(mark - tick * n, s) for n, s in bids], [(mark + tick * n, s) for n, s in asks], "x"
    )
    cost = cost_of(item, depth, mark, 60_000.0, 2.0)
    for way in (1.0, -1.0):
        size = way * share * float(np.cumsum(depth.side(way)[1])[-1])
        want = 2.0 * plain(item, depth, size, mark, 60_000.0)
        assert cost.at(size) == pytest.approx(want, rel=1e-9, abs=1e-9)
    assert cost.convex


def test_signs_of_a_loss() -> None:
    for item in (INVERSE, OPTION, LINEAR):
        assert loss_a_unit(item, 101.0, 100.0, 1.0) > 0.0  # bought above the mark
        assert loss_a_unit(item, 99.0, 100.0, -1.0) > 0.0  # sold below it
        assert loss_a_unit(item, 99.0, 100.0, 1.0) < 0.0


def test_equal_prices_are_one_level_and_a_side_may_be_empty() -> None:
    depth = Depth.of([(1.0, 2.0), (1.0, 3.0), (0.9, 0.0)], [], "x")
    assert depth.bid_price.tolist() == [1.0]
    assert depth.bid_size.tolist() == [5.0]
    cost = cost_of(LINEAR, depth, 1.0, 1.0, 1.0)
    assert float(cost.at(-5.0)) > 0.0
    assert depth.within(-1.0, 1.0, 100.0) == 5.0
    assert depth.within(1.0, 1.0, 100.0) == 0.0


@pytest.mark.parametrize(
    ("bids", "asks", "volume", "code"),
    [
        ([(float("nan"), 1.0)], [], None, "number_not_finite"),
        ([(1.0, float("inf"))], [], None, "number_not_finite"),
        ([(0.0, 1.0)], [], None, "price_not_positive"),
        ([(1.0, -1.0)], [], None, "number_out_of_range"),
        ([(2.0, 1.0)], [(1.0, 1.0)], None, "market_doubtful"),
        ([(1.0, 1.0)], [], -1.0, "number_out_of_range"),
    ],
)
def test_levels_that_cannot_be(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], volume: object, code: str
) -> None:
    with pytest.raises(MarketDataError) as told:
        Depth.of(bids, asks, "x", volume)  # type: ignore[arg-type] # wrong on purpose
    assert told.value.code == code


def test_delta_to_liquidity() -> None:
    assert delta_to_liquidity(-2e6, 8e6) == 0.25
    assert delta_to_liquidity(1.0, 0.0) is None


def test_a_recorded_book_of_five_hundred_levels(market_dir: Path) -> None:
    place = market_dir / "orderbooks" / "bybit_xrpusdt_ob500.data.zip"
    if not place.exists():
        pytest.skip("no recorded order book")
    with zipfile.ZipFile(place) as archive:
        data = archive.read(archive.namelist()[0]).decode().splitlines()
    first = json.loads(data[0])["data"]
    levels = [[(float(p), float(s)) for p, s in first[side]] for side in ("b", "a")]
    depth = Depth.of(*levels, "bybit XRPUSDT")
    mid = 0.5 * float(depth.bid_price[0] + depth.ask_price[0])
    item = Instrument("bybit", "XRPUSDT", Kind.PERPETUAL, "XRP", "USDT", "USDT")
    cost = cost_of(item, depth, mid, mid, 1.0)
    assert cost.convex
    assert cost.rises
    total = float(np.cumsum(depth.bid_size)[-1])
    sizes = -total * np.array([0.0, 0.01, 0.1, 0.5, 1.0])
    found = cost.at(sizes)
    for size, each in zip(sizes.tolist(), found.tolist(), strict=True):
        assert each == pytest.approx(plain(item, depth, size, mid, mid), rel=1e-9)
    bp = 1e4 * found[1:] / (np.abs(sizes[1:]) * mid)
    assert (np.diff(bp) > 0.0).all()


def test_recorded_books_of_coin_options(market_dir: Path) -> None:
    place = market_dir / "orderbooks" / "cryptofeed_DERIBIT.ws.1.0.gz"
    if not place.exists():
        pytest.skip("no recorded order books")
    seen = 0
    for line in gzip.decompress(place.read_bytes()).decode().splitlines():
        body = json.loads(line.partition(": ")[2]) if ": {" in line else {}
        data = body.get("params", {}).get("data", {})
        if not isinstance(data, dict) or data.get("type") != "snapshot":
            continue
        book = [[(p, s) for _, p, s in data[side]] for side in ("bids", "asks")]
        depth = Depth.of(*book, data["instrument_name"])
        item = parse("deribit", data["instrument_name"])
        for way in (1.0, -1.0):
            price, size = depth.side(way)
            if not len(price):
                continue
            cost = cost_of(item, depth, float(price[0]), 32_000.0, 32_000.0)
            whole = way * float(np.cumsum(size)[-1])
            want = 32_000.0 * plain(item, depth, whole, float(price[0]), 32_000.0)
            assert cost.at(whole) == pytest.approx(want, rel=1e-9)
            assert cost.convex
            seen += 1
    assert seen >= 10
