"""Derive standard margin on small numbers: spots of 50,000 and 2,000, December 2025."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import available, overlay
from tests.margin.models.test_derive_pm2 import AS_OF_MS, CASH, PERPETUAL, VOL, call, numbers
from tests.oracle.black import price as black
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, view_of

NEWEST = available("derive-sm")[-1]
ETHER, COIN = asset("derive", "ETH"), asset("derive", "BTC")
ETH_PERP = delta_one("derive", "ETH-PERP", underlying="ETH", settle="USDC")
SPOT = {"BTC": 50_000.0, "ETH": 2_000.0, "DOGE": 0.1}
MARKS = {"BTC-PERP": 51_000.0, "ETH-PERP": 2_010.0}
YEAR_MS = 31_536_000_000


def value(item: Instrument) -> float:
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
    return black(item.right, 50_000.0, item.strike, VOL, years)


def margined(
    held: dict[Instrument, float],
    *,
    changes: dict[str, Any] | None = None,
    stable: float = 1.0,
    entry: float | None = None,
    reads: dict[str, dict[str, float]] | None = None,
    orders: tuple[tuple[Instrument, float, float], ...] = (),
) -> Requirement:
    items = {i.key: i for i in [*held, CASH, PERPETUAL, *(o[0] for o in orders)]}
    table = Instruments.of(items.values())
    place = table.index_of()
    lines = [
        Line("a", place[item.key], size, entry if item is PERPETUAL else None)
        for item, size in held.items()
    ]
    facts = Facts(
        AS_OF_MS,
        {(coin, "USD"): price for coin, price in SPOT.items()},
        {**SPOT, "USDC": stable, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        {
            i.native_id: Quote(value(i) if i.right else MARKS.get(i.native_id, 0.0), VOL)
            for i in table.items
        },
        reads or {},
    )
    made = [Order("a", place[i.key], 1 if x > 0 else -1, abs(x), p) for i, x, p in orders]
    chosen = overlay(NEWEST, changes, "test") if changes else NEWEST
    book = Book.of(table, lines, made, accounts=("a",))
    return run(book, view_of(table, facts), model_named("derive-sm@v1"), chosen)


def test_a_perpetual_pays_on_its_own_price() -> None:
    """6.6 % and 5 % of 2 x 51,000, whichever way; its profit counts at both levels."""
    for size in (2.0, -2.0):
        sheet = numbers(margined({PERPETUAL: size}, entry=50_500.0))
        assert sheet["im"] == pytest.approx(0.066 * 102_000.0, rel=1e-13)
        assert sheet["mm"] == pytest.approx(0.05 * 102_000.0, rel=1e-13)
        assert sheet["counted_im"] == sheet["counted_mm"] == pytest.approx(size * 500.0)


def test_coins_back_by_their_factor_not_divided_by_the_stablecoin() -> None:
    """0.75 x 50,000 a coin, 0.93 of it for the initial side; mark-to-market is in USDC."""
    sheet = numbers(margined({COIN: 2.0}, stable=0.8))
    assert sheet["counted_mm"] == pytest.approx(75_000.0, rel=1e-13)
    assert sheet["counted_im"] == pytest.approx(0.93 * 75_000.0, rel=1e-13)
    assert sheet["equity"] == pytest.approx(125_000.0, rel=1e-13)
    assert sheet["im"] == 0.0


def test_markets_stand_beside_each_other_on_one_balance() -> None:
    sheet = numbers(margined({PERPETUAL: 1.0, ETH_PERP: -10.0, ETHER: 3.0, CASH: 100.0}))
    assert sheet["im_perp"] == pytest.approx(0.066 * (51_000.0 + 20_100.0), rel=1e-13)
    assert sheet["counted_mm"] == pytest.approx(100.0 + 0.8 * 6_000.0, rel=1e-13)


def test_a_broken_peg_costs_perpetuals_and_shorts_of_the_initial_side() -> None:
    """2 x (0.99 - 0.94) of the spot for 2 perpetuals and 3 short options; longs are not charged."""
    held = {PERPETUAL: -2.0, call(): -3.0, call(60.0): 5.0, COIN: 1.0}
    par, broken = (numbers(margined(held, stable=s)) for s in (0.99, 0.94))
    assert par["depeg"] == 0.0
    assert broken["depeg"] == pytest.approx(0.1 * 5.0 * 50_000.0, rel=1e-12)
    assert broken["mm"] == par["mm"]


def test_a_market_that_the_manager_does_not_have_is_refused() -> None:
    """DOGE has a perpetual and neither options nor collateral."""
    doge = delta_one("derive", "DOGE-PERP", underlying="DOGE", settle="USDC")
    assert len(margined({doge: 1.0}).sheet) == 1
    with pytest.raises(ModelError) as caught:
        margined({asset("derive", "DOGE"): 1.0})
    assert caught.value.code == "parameter_missing"
    assert "DOGE base" in str(caught.value)


def test_a_debt_in_coin_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({COIN: -1.0})
    assert caught.value.code == "parameter_out_of_bounds"


def test_the_47_markets_of_the_dump() -> None:
    markets = NEWEST.tables("market")
    assert len(markets) == 47
    assert sum(f"market.{m}.perp.im_share" in NEWEST for m in markets) == 26
    assert sum(f"market.{m}.option.offset_scale" in NEWEST for m in markets) == 6
    assert all(NEWEST.number(f"market.{m}.oracle.factor") == 1.0 for m in markets)
