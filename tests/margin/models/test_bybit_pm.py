"""Bybit portfolio margin: moves by date, contingencies, spot hedging, the account's rates."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest

from crossmargin.core.clock import DAY_MS, utc_ms
from crossmargin.margin import Requirement
from crossmargin.margin.model import Bound, Extent
from crossmargin.margin.models.bybit_pm import BYBIT_PM
from tests.margin.models.scan_books import column, margined, vector
from tests.oracle.black import delta, price

NOW = utc_ms(2026, 3, 24, 2)
SPOT = {"BTC": 70_000.0, "ETH": 2_000.0}
CALL = "BTC-25SEP26-80000-C-USDT"
LATER = "BTC-25DEC26-80000-C-USDT"
EXPIRY, NEXT = utc_ms(2026, 9, 25, 8), utc_ms(2026, 12, 25, 8)


def found(held: dict[str, float], now: int = NOW, **more: Any) -> Requirement:
    return margined("bybit-pm", held, now_ms=now, spot=SPOT, **more)


@pytest.mark.parametrize(
    ("now", "reach"),
    [
        (utc_ms(2025, 1, 10, 8) - 1, 0.15),
        (utc_ms(2025, 1, 10, 8), 0.10),
        (NOW, 0.10),
    ],
)
def test_the_moves_change_on_the_hour(now: int, reach: float) -> None:
    pnl = vector(found({"BTCUSDT": 1.0}, now))
    assert len(pnl) == 33
    steps = [reach * k / 5.0 for k in range(-5, 6)]
    assert pnl[::3] == pytest.approx([70_000.0 * step for step in steps], abs=1e-8)
    assert pnl[1::3] == pytest.approx(pnl[::3])


def test_vols_scale_with_whole_days_and_start_from_the_mark() -> None:
    mark = 3_000.0
    pnl = vector(found({CALL: 1.0}, marks={CALL: mark}))
    years = (EXPIRY - NOW) / (365.0 * DAY_MS)
    days = ceil((EXPIRY - NOW) / DAY_MS)
    scale = (30.0 / days) ** 0.3
    for place, shock in enumerate((0.24, 0.0, -0.2)):
        vol = 0.5 * (1.0 + shock * scale)
        wanted = price(1, 63_000.0, 80_000.0, vol, years) - mark
        assert pnl[place] == pytest.approx(wanted, abs=1e-8)


def test_contingencies_of_a_futures_book() -> None:
    """0.03 % of each leg; 25 % a year on the delta of the dated one alone."""
    ours = found({"BTCUSDT": 2.0, "BTC-25SEP26": -3.0})
    assert column(ours, "futures_contingency") == pytest.approx(5.0 * 0.0003 * 70_000.0)
    days = ceil((EXPIRY - NOW) / DAY_MS)
    basis = 3.0 * 0.25 * days / 365.0 * 70_000.0
    assert column(ours, "basis") == pytest.approx(basis, rel=1e-12)
    changes = {"reading.basis": "hedged"}
    hedged = found({"BTCUSDT": 2.0, "BTC-25SEP26": -3.0}, changes=changes)
    assert column(hedged, "basis") == pytest.approx(basis * 2.0 / 3.0, rel=1e-12)
    assert column(ours, "mm") == pytest.approx(
        column(ours, "scan_risk") + basis + 5.0 * 21.0, rel=1e-12
    )
    assert column(ours, "im") == pytest.approx(1.2 * column(ours, "mm"), rel=1e-13)


def test_a_calendar_of_options_is_charged_for_its_days() -> None:
    ours = found({CALL: 2.0, LATER: -1.5}, marks={CALL: 3_000.0, LATER: 4_000.0})
    apart = ceil((NEXT - NOW) / DAY_MS) - ceil((EXPIRY - NOW) / DAY_MS)
    assert column(ours, "vega_spread") == pytest.approx(apart * 1.5 * 0.0003 * 70_000.0)
    deltas = 0.0
    for when, size in ((EXPIRY, 2.0), (NEXT, -1.5)):
        unit = delta(1, 70_000.0, 80_000.0, 0.5, (when - NOW) / (365.0 * DAY_MS))
        deltas += abs(size) * unit * ceil((when - NOW) / DAY_MS)
    assert column(ours, "basis") == pytest.approx(deltas * 0.25 / 365.0 * 70_000.0, rel=1e-10)


@pytest.mark.parametrize(
    ("held", "doubt"),
    [
        ({"BTCUSDT": 1.0}, False),
        ({CALL: 1.0}, False),
        ({CALL: -1.0}, True),  # the factor of net short options is not published
        ({CALL: -1.0, LATER: 1.0}, False),  # no net short
        ({"BTCUSDT": 1.0, "BTCPERP": -1.0}, True),  # hedged between USDT and USDC
        ({"ETHUSDT": 1.0}, True),  # the futures factor of ETH
        ({"USDT": 5.0, "BTCUSDT": 1.0}, False),
        ({"BTC": 1.0, "BTCUSDT": 1.0}, True),  # its haircut
        ({"USDT": -5.0, "BTCUSDT": 1.0}, True),  # what is borrowed is margined by another rule
    ],
)
def test_at_least_where_a_number_is_not_published(held: dict[str, float], doubt: bool) -> None:
    ours = found(held)
    assert bool(ours.at_least.any()) is doubt
    assert (ours.bound is Bound.AT_LEAST) is doubt
    assert BYBIT_PM.spec.extent is Extent.AT_LEAST


def test_spot_hedges_where_it_is_switched_on() -> None:
    held = {"BTCUSDT": -2.0, "BTC": 1.5}
    changes = {"form.coins": "hedge_gains"}
    alone, hedged = found(held), found(held, changes=changes)
    assert column(alone, "scan_risk") == pytest.approx(14_000.0)
    assert column(hedged, "scan_risk") == pytest.approx(3_500.0)
    assert vector(hedged)[0] == pytest.approx(14_000.0)  # a fall of the spot is not counted


def test_an_inverse_contract_is_in_the_same_unit() -> None:
    """70,000 dollars of it are a coin; worth the shocked index it loses what a coin does."""
    ours = found({"BTCUSD": 70_000.0, "BTCUSDT": -1.0})
    assert column(ours, "scan_risk") == pytest.approx(0.0, abs=1e-8)


def test_orders_cost_initial_margin_and_lower_what_it_is_held_against() -> None:
    ours = found({"USDT": 9_000.0}, orders=[("BTCUSDT", 1, 1.0, 70_100.0)])
    assert column(ours, "order_loss") == pytest.approx(100.0)
    assert column(ours, "counted_im") == column(ours, "counted_mm") == pytest.approx(8_900.0)
    assert column(ours, "im") == pytest.approx(1.2 * (7_000.0 + 21.0) + 100.0)
    assert column(ours, "mm") == 0.0
