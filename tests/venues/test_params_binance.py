"""Bracket tables from both forms, and what is wrong with a damaged one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import model_named
from crossmargin.venues.params_binance import leverage_tiers, with_leverage_tiers
from tests.margin.families.worked import both, newest, worked

FIELDS = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage")
ROWS = [[0.0, 1_000.0, 0.01, 50.0, 0.0], [1_000.0, 5_000.0, 0.02, 25.0, 10.0]]
RAW = [
    {
        "symbol": "BTCUSD_PERP",
        "brackets": [
            {
                "bracket": 1,
                "initialLeverage": 125,
                "qtyCap": 5,
                "qtyFloor": 0,
                "maintMarginRatio": "0.004",
                "cum": "0.0",
            },
            {
                "bracket": 2,
                "initialLeverage": 100,
                "qtyCap": 10,
                "qtyFloor": 5,
                "maintMarginRatio": 0.005,
                "cum": 0.005,
            },
        ],
    }
]


def ccxt(rows: list[list[float]] = ROWS, symbol: str = "BTC/USDT:USDT") -> dict[str, Any]:
    listed = [
        {**dict(zip(FIELDS, row, strict=False)), "info": {"cum": str(row[4])}} for row in rows
    ]
    return {symbol: listed}


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USDT:USDT", "tier.BTC_USDT"),
        ("BTC/USDT:USDT-241227", "tier.BTC_USDT_241227"),
        ("BTC/USD:BTC", "tier.BTC_BTC"),
        ("1000PEPE/USDC:USDC", "tier.1000PEPE_USDC"),
    ],
)
def test_ccxts_names(symbol: str, name: str) -> None:
    assert leverage_tiers(ccxt(symbol=symbol)) == {name: ROWS}


def test_the_venues_own_reply() -> None:
    found = leverage_tiers(RAW)
    assert found == {
        "tier.BTC_BTC": [[0.0, 5.0, 0.004, 125.0, 0.0], [5.0, 10.0, 0.005, 100.0, 0.005]]
    }
    assert leverage_tiers(json.dumps(RAW).encode()) == found


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (ROWS[1:], "number_out_of_range"),  # does not begin at 0
        ([ROWS[0], [1_500.0, 5_000.0, 0.02, 25.0, 10.0]], "number_out_of_range"),  # a gap
        ([ROWS[0], [1_000.0, 5_000.0, 0.005, 25.0, 10.0]], "number_out_of_range"),  # a falling rate
        ([ROWS[0], [1_000.0, 5_000.0, 0.02, 25.0, 15.0]], "number_out_of_range"),  # a jump
        ([], "number_out_of_range"),
    ],
)
def test_a_damaged_table_is_refused(rows: list[list[float]], code: str) -> None:
    with pytest.raises(InputError) as caught:
        leverage_tiers(ccxt(rows))
    assert caught.value.code == code
    assert "BTC/USDT:USDT" in caught.value.place


def test_what_is_no_table_is_refused() -> None:
    for bad, code in (
        ({}, "file_unreadable"),
        ({"BTCUSDT": []}, "instrument_unknown"),
        ({"BTC/USDT:USDT": [{"minNotional": 0}]}, "file_unreadable"),
        ([{"symbol": "BTCUSDT"}], "file_unreadable"),
        ([*RAW, *RAW], "file_unreadable"),
    ):
        with pytest.raises(InputError) as caught:
            leverage_tiers(bad)
        assert caught.value.code == code, bad
    with pytest.raises(ModelError) as refused:
        with_leverage_tiers(newest("binance-usdm"), ccxt([[0.0, 1e3, 1.5, 50.0, 0.0]]), "x")
    assert refused.value.code == "parameter_out_of_bounds"


def test_a_file_of_tables_is_a_parameter_file(tmp_path: Path) -> None:
    """2,000 at 40,000 a coin: 25 times at most, 2 % less 10."""
    place = tmp_path / "tiers.json"
    place.write_text(json.dumps(ccxt()), "utf-8")
    from crossmargin.interfaces.sources import parameters_of

    found, made = parameters_of(model_named("binance-usdm"), 0, place)
    assert made == {}
    perp = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
    margined = worked("binance-usdm", [(perp, 0.05)], price={"BTC": 40_000.0}, parameters=found)
    assert both(margined) == pytest.approx((80.0, 30.0))
    with pytest.raises(InputError) as caught:
        parameters_of(model_named("fixed-rate"), 0, place)
    assert caught.value.code == "option_unknown"
    assert xm.__version__


def test_a_recorded_table_of_349_contracts(market_dir: Path) -> None:
    """Every table of a client's copy of the venue's brackets is without gap or jump."""
    folder = market_dir / "params"
    place = folder / "binance_usdm_leverage_tiers_freqtrade.json.gz"
    if not place.is_file():
        pytest.skip(f"no {place.name} in the --market folder")
    found = leverage_tiers(gzip.decompress(place.read_bytes()))
    assert len(found) == 349
    given = with_leverage_tiers(newest("binance-usdm"), gzip.decompress(place.read_bytes()), "x")
    perp = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
    for lower, cap, rate, leverage, less in found["tier.BTC_USDT"]:
        for notional in (lower + 1.0, (lower + cap) / 2.0):
            margined = worked(
                "binance-usdm", [(perp, -notional)], price={"BTC": 1.0}, parameters=given
            )
            wanted = notional / leverage, notional * rate - less
            assert both(margined) == pytest.approx(wanted, rel=1e-12)
