"""Tiers, their deductions, and the open size of orders."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.families.tiers import (
    Tier,
    TierTable,
    brackets,
    deductions,
    require_tables,
)
from crossmargin.margin.parameter_files import from_values
from tests.margin.families.worked import both, cell, payload, worked

TABLE = TierTable.of(
    [
        [Tier(0.0, 0.01, 0.0, 50.0), Tier(1_000.0, 0.02, 10.0, 25.0, 5_000.0)],
        [],
        [Tier(0.0, 0.05, 0.0, 10.0)],
    ]
)
BTC = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
CASH = Instrument("binance", "USDT", Kind.ASSET, "USDT", "USD", "USDT")


def at(notional: float, column: int = 0, leverage: float = 0.0) -> tuple[float, float]:
    row, size = frozen([column], np.int32), np.array([notional])
    im = TABLE.initial(row, size, np.array([leverage]))
    return float(im[0]), float(TABLE.maintenance(row, size)[0])


@pytest.mark.parametrize(
    ("notional", "im", "mm"),
    [
        (0.0, 0.0, 0.0),
        (500.0, 10.0, 5.0),
        (999.0, 19.98, 9.99),
        (1_000.0, 40.0, 10.0),
        (4e3, 160.0, 70.0),
    ],
)
def test_a_position_is_charged_in_its_tier(notional: float, im: float, mm: float) -> None:
    """The charge at maintenance has no jump at 1,000; the initial one steps with the leverage."""
    assert at(notional) == pytest.approx((im, mm), rel=1e-13)


def test_the_holders_leverage_counts_up_to_the_tiers() -> None:
    assert at(500.0, leverage=5.0)[0] == pytest.approx(100.0)
    assert at(500.0, leverage=100.0)[0] == pytest.approx(10.0)
    assert at(4_000.0, leverage=50.0)[0] == pytest.approx(160.0)


def test_a_row_without_tiers_costs_nothing_and_has_no_cap() -> None:
    assert at(0.0, column=1) == (0.0, 0.0)
    size = np.array([5_000.0, 5_001.0, 1e12])
    beyond = TABLE.beyond(frozen([0, 0, 2], np.int32), size)
    assert beyond.tolist() == [False, True, False]


def test_a_deduction_above_the_charge_leaves_nothing() -> None:
    table = TierTable.of([[Tier(0.0, 0.01, 100.0, 50.0)]])
    assert table.maintenance(frozen([0], np.int32), np.array([50.0])).tolist() == [0.0]


def test_deductions_are_the_areas_under_the_steps() -> None:
    """Three tiers: 1,000 x 0.01, then 5,000 x 0.03 more."""
    assert deductions([0.0, 1_000.0, 5_000.0], [0.01, 0.02, 0.05]) == pytest.approx([0, 10, 160])


def test_rows_of_a_parameter_are_sorted_and_checked() -> None:
    rows = [[1_000.0, 5_000.0, 0.02, 25.0, 10.0], [0.0, 1_000.0, 0.01, 50.0, 0.0]]
    parameters = from_values("m", "1", {"tier": {"BTC_USDT": rows}}, "test")
    found = brackets(parameters, "tier.BTC_USDT")
    assert [tier.lower for tier in found] == [0.0, 1_000.0]
    assert found[1] == Tier(1_000.0, 0.02, 10.0, 25.0, 5_000.0)
    bad = from_values("m", "1", {"tier": {"BTC_USDT": [[0.0, 1.0, 1.5, 25.0, 0.0]]}}, "test")
    with pytest.raises(ModelError) as caught:
        brackets(bad, "tier.BTC_USDT")
    assert caught.value.code == "parameter_out_of_bounds"


def test_a_missing_table_is_named() -> None:
    parameters = from_values("m", "1", {"tier": {"BTC_USDT": 1.0}}, "test")
    require_tables(parameters, ["tier.BTC_USDT"], "Give it.")
    with pytest.raises(ModelError) as caught:
        require_tables(parameters, ["tier.BTC_USDT", "tier.ETH_USDT"], "Give it.")
    assert caught.value.code == "parameter_missing"
    assert "tier.ETH_USDT" in str(caught.value)


def test_an_instrument_is_charged_at_its_larger_open_size() -> None:
    """Short 1, buys of 3, sells of 2: |-3| against 2. Marks 40,000; brackets of 125 and 100."""
    held = [(CASH, 1e6), (BTC, -1.0)]
    orders = [(BTC, 3.0, 40_000.0), (BTC, -2.0, 40_000.0)]
    market = {"price": {"BTC": 40_000.0}, "parameters": payload("binance-usdm")}
    plain = worked("binance-usdm", held, **market)  # type: ignore[arg-type] # keywords
    resting = worked("binance-usdm", held, orders=orders, **market)  # type: ignore[arg-type] # keywords
    assert both(plain)[0] == pytest.approx(40_000.0 / 125.0)
    assert both(resting)[0] == pytest.approx(120_000.0 / 100.0)
    assert both(resting)[1] == both(plain)[1]
    losing = [(BTC, 3.0, 40_100.0), (BTC, -2.0, 39_950.0)]
    lost = worked("binance-usdm", held, orders=losing, **market)  # type: ignore[arg-type] # keywords
    assert cell(lost, "im") == pytest.approx(1_200.0 + 3 * 100.0 + 2 * 50.0)


def test_orders_in_what_is_not_held_count_from_nothing() -> None:
    eth = Instrument("binance", "ETHUSDT", Kind.PERPETUAL, "ETH", "USDT", "USDT")
    found = worked(
        "binance-usdm",
        [(CASH, 1e6), (BTC, 1.0)],
        orders=[(eth, -10.0, 2_000.0)],
        price={"BTC": 40_000.0, "ETH": 2_000.0},
        parameters=payload("binance-usdm"),
    )
    assert cell(found, "order_margin") == pytest.approx(20_000.0 / 125.0)
