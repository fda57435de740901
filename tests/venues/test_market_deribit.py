from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Kind
from crossmargin.venues.market_deribit import SHAPES, Reading, read_deribit, recognise

AT_MS = parse_ms("2026-02-28T12:00:00Z")


def read(market_dir: Path, name: str, at: str = "", currency: str | None = None) -> Reading:
    at_ms = parse_ms(at) if at else None
    return read_deribit(market_dir / "deribit" / name, at_ms=at_ms, currency=currency)


@pytest.mark.parametrize(
    ("name", "at", "currency", "count", "iv_high"),
    [
        ("book_summary_BTC_20260313_raw.json", "", None, 964, 1.5),
        ("book_summary_ETH_20240108.csv", "", None, 684, None),
        ("book_summary_ETH_20251122_with_implied_r.csv", "", None, 830, 1.7991),
        ("deribit_options_snapshot_20260205T212937Z.csv.gz", "", None, 1840, 3.2056),
        ("full_ticker_BTC_options_raw_20260120.csv.gz", "", None, 648, 1.5),
        ("full_ticker_BTC_futures_raw_20260120.csv.gz", "", None, 8, None),
        ("chain_btc_2021_full_ticker.csv", "", None, 976, 2.6),
        ("chain_BTC_20260227_full_greeks.csv", "2026-02-28T12:00:00Z", None, 166, 0.6329),
        ("chain_BTC_20240524_min.csv", "2024-05-24T12:00:00Z", "BTC", 578, 1.0),
        ("chain_ETH_20240524_min.csv", "2024-05-24T12:00:00Z", "ETH", 502, 1.3152),
        ("ui_export/BTC-26APR24-export.csv", "2024-04-20T12:00:00Z", None, 128, None),
        ("perpetual_futures_prices.csv", "", None, 838, None),
        ("term_futures_marks.csv.gz", "", None, 5854, None),
    ],
)
def test_every_recorded_shape_is_read(
    market_dir: Path, name: str, at: str, currency: str | None, count: int, iv_high: float | None
) -> None:
    quotes = read(market_dir, name, at, currency).quotes
    assert len(quotes) == count
    vols = [quote.mark_iv for quote in quotes if quote.mark_iv is not None]
    if iv_high is None:
        assert not vols
    else:
        assert min(vols) > 0.05
        assert max(vols) == pytest.approx(iv_high, abs=0.6 if iv_high == 1.5 else 1e-9)


def test_ticker_row_value_by_value(market_dir: Path) -> None:
    quotes = {
        q.instrument.native_id: q
        for q in read(market_dir, "full_ticker_BTC_options_raw_20260120.csv.gz").quotes
    }
    put, call = quotes["BTC-21JAN26-100000-P"], quotes["BTC-21JAN26-100000-C"]
    assert (put.event_ms, put.mark, put.mark_iv) == (1768912210362, 0.0978, 0.5784)
    assert (put.bid, put.ask, put.bid_size, put.ask_size) == (0.096, 0.0995, 51.9, 51.9)
    assert (put.forward, put.index_price, put.rate) == (91092.4303, 91084.53, 0.0)
    assert (call.mark, call.bid, call.bid_size, call.ask) == (0.0, None, None, 0.0001)


def test_funding_and_futures(market_dir: Path) -> None:
    quotes = read(market_dir, "full_ticker_BTC_futures_raw_20260120.csv.gz").quotes
    perpetual = next(q for q in quotes if q.instrument.kind == Kind.PERPETUAL)
    assert (perpetual.mark, perpetual.funding_8h) == (91086.17, 6.94e-06)
    assert all(q.mark_iv is None and q.forward is None for q in quotes)


def test_page_export_with_two_size_columns(market_dir: Path) -> None:
    quotes = {
        q.instrument.native_id: q
        for q in read(
            market_dir, "ui_export/nov2025-ETH-19NOV25-export.csv", "2025-11-18T12:00:00Z"
        ).quotes
    }
    put = quotes["ETH-19NOV25-2800-P"]
    assert (put.bid, put.mark, put.ask) == (0.0002, 0.0003, 0.0004)
    assert (put.bid_size, put.ask_size, put.open_interest) == (1119.0, 21.0, 1827.0)
    assert quotes["ETH-19NOV25-2800-C"].bid is None


def test_ticker_reply_of_one_instrument(tmp_path: Path) -> None:
    ticker = {
        "instrument_name": "BTC-13MAR26-61000-C",
        "timestamp": AT_MS,
        "mark_price": 0.0951,
        "mark_iv": 63.29,
        "index_price": 66742.5,
        "underlying_price": 66342.3,
        "best_bid_price": 0.0,
        "best_bid_amount": 0.0,
        "best_ask_price": 0.101,
        "best_ask_amount": 3.0,
        "greeks": {"delta": 0.78695},
    }
    path = tmp_path / "ticker.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": ticker}), encoding="utf-8")
    (quote,) = read_deribit(path).quotes
    assert (quote.mark_iv, quote.bid, quote.ask) == (0.6329, None, 0.101)


def test_shapes_are_told_apart() -> None:
    for shape in SHAPES:
        assert recognise(shape.requires | {"more"}, "x") is shape


def summary(**change: object) -> dict[str, object]:
    return {
        "instrument_name": "BTC-13MAR26-61000-C",
        "creation_timestamp": AT_MS,
        "mark_price": 0.0951,
        "mark_iv": 63.29,
        "underlying_price": 66342.3,
        "estimated_delivery_price": 66300.0,
        "bid_price": None,
        "ask_price": 0.1,
        "mid_price": None,
        "volume_usd": 0.0,
        "open_interest": 0.0,
        **change,
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "file_unreadable"),
        ('{"result": 3}', "file_unreadable"),
        ('{"result": [3]}', "file_unreadable"),
        ('{"result": []}', "file_unreadable"),
        ("[" * 100_000, "file_unreadable"),
        ('{"result": [{"a": 1}]}', "column_unknown"),
        ('{"error": {"code": -32602}}', "file_unreadable"),
        ([summary(mark_price="0x10")], "number_unreadable"),
        ([summary(mark_price=True)], "number_unreadable"),
        ([summary(mark_price="inf")], "number_not_finite"),
        ([summary(instrument_name="BTC-30FEB26-1-C")], "instrument_unknown"),
        ([summary(instrument_name=None)], "instrument_unknown"),
        ([summary(instrument_name=["BTC"])], "instrument_unknown"),
        ([summary(creation_timestamp=None)], "time_unreadable"),
        ([summary(creation_timestamp=AT_MS // 1000)], "time_unreadable"),
        ([summary(creation_timestamp={})], "time_unreadable"),
        ([summary(mark_iv=0.6329)], "unit_wrong"),
    ],
)
def test_bad_replies(tmp_path: Path, content: object, code: str) -> None:
    path = tmp_path / "reply.json"
    text = content if isinstance(content, str) else json.dumps({"result": content})
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CrossMarginError) as caught:
        read_deribit(path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "at", "code"),
    [
        ("trades_BTC-28JUN24-70000-C.csv", "", "column_unknown"),
        ("deribit_index_at_snapshots.csv", "", "column_unknown"),
        ("chain_BTC_20260227_full_greeks.csv", "", "column_missing"),
        ("chain_BTC_20240524_min.csv", "2024-05-24T12:00:00Z", "column_missing"),
    ],
)
def test_what_a_file_lacks_is_said(market_dir: Path, name: str, at: str, code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        read(market_dir, name, at)
    assert caught.value.code == code
    assert caught.value.remedy
