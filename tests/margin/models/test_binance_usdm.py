"""Binance futures by brackets: both families, dated contracts, the holder's leverage."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Bound, Requirement
from crossmargin.margin.parameter_files import from_values
from tests.margin.families.worked import EXPIRY_MS, Held, both, cell, payload, worked
from tests.vectors.building import asset

PRICE = {"BTC": 40_000.0}
PERP = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
COIN = Instrument("binance", "BTCUSD_PERP", Kind.PERPETUAL, "BTC", "USD", "BTC", True, 100.0)
CASH = asset("binance", "USDT")


def margined(held: Held, **how: object) -> Requirement:
    return worked("binance-usdm", held, price=PRICE, parameters=payload("binance-usdm"), **how)  # type: ignore[arg-type] # keywords


def test_notional_times_rate_less_cum() -> None:
    """25 BTC are 1,000,000: 0.0065 of it less 950; the largest leverage there is 75."""
    im, mm = both(margined([(PERP, -25.0)]))
    assert im == pytest.approx(1e6 / 75.0)
    assert mm == pytest.approx(1e6 * 0.0065 - 950.0)


def test_the_holder_may_choose_less_leverage() -> None:
    found = margined([(PERP, 1.0)], choices={"leverage": 10.0})
    assert both(found) == pytest.approx((4_000.0, 160.0))


def test_coin_margined_contracts_are_charged_in_coin() -> None:
    """100 contracts of 100 dollars at 40,000 are 0.25 BTC."""
    im, mm = both(margined([(COIN, 100.0)]))
    assert (im, mm) == pytest.approx((0.25 / 125.0, 0.25 * 0.004))


def test_profit_since_entry_counts_beside_the_wallet() -> None:
    found = margined([(CASH, 5_000.0), (PERP, -0.05, 52_000.0)])
    assert cell(found, "unrealised") == pytest.approx(600.0)
    assert cell(found, "counted_mm") == pytest.approx(5_600.0)


def test_positions_do_not_net_between_contracts() -> None:
    dated = Instrument(
        "binance", "BTCUSDT_261231", Kind.FUTURE, "BTC", "USDT", "USDT", expiry_ms=EXPIRY_MS
    )
    name = "tier.BTC_USDT_" + "".join(_day().split("-"))[2:]
    rows = [[0.0, 1e9, 0.01, 50.0, 0.0]]
    parameters = from_values(
        "binance-usdm", "1", {"tier": {"BTC_USDT": rows, name.split(".")[1]: rows}}, "test"
    )
    found = worked("binance-usdm", [(PERP, 1.0), (dated, -1.0)], price=PRICE, parameters=parameters)
    assert both(found) == pytest.approx((1_600.0, 800.0))


def _day() -> str:
    from crossmargin.core.clock import format_ms

    return format_ms(EXPIRY_MS)[:10]


def test_above_the_last_cap_it_is_at_least() -> None:
    assert margined([(PERP, 20.0)]).bound is Bound.VALUE
    assert margined([(PERP, 30_000.0)]).bound is Bound.AT_LEAST


def test_it_is_refused_without_the_brackets() -> None:
    with pytest.raises(ModelError) as caught:
        worked("binance-usdm", [(PERP, 1.0)], price=PRICE)
    assert caught.value.code == "parameter_missing"
    assert caught.value.value == repr("tier.BTC_USDT")
    assert caught.value.remedy
