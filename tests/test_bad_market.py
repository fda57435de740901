"""Bad market input, one line a case: every one ends in a named error or a visible verdict."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import CODES, CrossMarginError
from crossmargin.market.quality import report
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.market_file import write_snapshot
from crossmargin.venues.market_import import import_market, read_market
from tests.market.markets import AS_OF_MS, FEB_MS, least, least_rows, option, row, table

CALL = option("BTC-13FEB26-60000-C")
PUT = option("BTC-13FEB26-60000-P")
FORWARD = f"BTC/USD@{FEB_MS}"

# name, field, subject, value, unit, what else the row says, code
ROWS: list[tuple[str, str, str, float, str, dict[str, Any], str]] = [
    ("index zero", "index", "ETH/USD", 0.0, "USD", {}, "price_not_positive"),
    ("index negative", "index", "ETH/USD", -1.0, "USD", {}, "price_not_positive"),
    ("index NaN", "index", "ETH/USD", math.nan, "USD", {}, "number_not_finite"),
    ("index infinite", "index", "ETH/USD", math.inf, "USD", {}, "number_not_finite"),
    ("index absurd", "index", "ETH/USD", 1e13, "USD", {}, "number_out_of_range"),
    ("forward zero", "forward", f"ETH/USD@{FEB_MS}", 0.0, "USD", {}, "price_not_positive"),
    ("forward negative", "forward", f"ETH/USD@{FEB_MS}", -5.0, "USD", {}, "price_not_positive"),
    ("stablecoin zero", "usd", "USDC", 0.0, "USD", {}, "price_not_positive"),
    ("mark negative", "mark", PUT, -1e-4, "BTC", {}, "number_out_of_range"),
    ("mark NaN", "mark", PUT, math.nan, "BTC", {}, "number_not_finite"),
    ("iv zero", "mark_iv", PUT, 0.0, "fraction", {}, "vol_out_of_bounds"),
    ("iv 900 %", "mark_iv", PUT, 9.0, "fraction", {}, "vol_out_of_bounds"),
    ("iv percent as fraction", "mark_iv", PUT, 57.8, "fraction", {}, "vol_out_of_bounds"),
    ("iv fraction as percent", "mark_iv", PUT, 0.00578, "fraction", {}, "vol_out_of_bounds"),
    ("iv in percent", "mark_iv", PUT, 57.8, "percent", {}, "unit_wrong"),
    ("iv NaN", "mark_iv", PUT, math.nan, "fraction", {}, "number_not_finite"),
    ("bid zero is none", "bid", PUT, 0.0, "BTC", {}, "number_out_of_range"),
    ("bid negative", "bid", PUT, -0.1, "BTC", {}, "number_out_of_range"),
    ("size negative", "bid_size", PUT, -1.0, "amount", {}, "number_out_of_range"),
    ("funding in percent", "funding_8h", PUT, 1.2, "fraction", {}, "number_out_of_range"),
    ("rate in percent", "rate", FORWARD, 5.5, "per year", {}, "number_out_of_range"),
    ("index in coin", "index", "ETH/USD", 1900.0, "ETH", {}, "unit_wrong"),
    ("forward in other quote", "forward", f"ETH/USD@{FEB_MS}", 1900.0, "USDC", {}, "unit_wrong"),
    ("mark without unit", "mark", PUT, 0.1, "", {}, "unit_wrong"),
    ("event in seconds", "usd", "USDC", 1.0, "USD", {"event_ms": AS_OF_MS // 1000}, "unit_wrong"),
    ("event in micros", "usd", "USDC", 1.0, "USD", {"event_ms": AS_OF_MS * 1000}, "unit_wrong"),
    ("receive in seconds", "usd", "USDC", 1.0, "USD", {"receive_ms": 1770000000}, "unit_wrong"),
    (
        "from the future",
        "usd",
        "USDC",
        1.0,
        "USD",
        {"event_ms": AS_OF_MS + 3_600_000},
        "number_out_of_range",
    ),
    ("confidence above one", "usd", "USDC", 1.0, "USD", {"confidence": 1.1}, "number_out_of_range"),
    ("confidence NaN", "usd", "USDC", 1.0, "USD", {"confidence": math.nan}, "number_out_of_range"),
    ("unknown verdict", "usd", "USDC", 1.0, "USD", {"verdict": "fine"}, "option_unknown"),
    ("unknown field", "price", "BTC/USD", 1.0, "USD", {}, "column_unknown"),
    ("subject of another field", "index", CALL, 1.0, "USD", {}, "column_unknown"),
    ("expiry in seconds", "forward", "ETH/USD@1770969600", 1900.0, "USD", {}, "column_unknown"),
    ("name with a line break", "mark", "deribit|A\nB", 0.1, "BTC", {}, "column_unknown"),
    ("same row twice", "index", "BTC/USD", 64000.0, "USD", {}, "market_duplicate"),
    ("two values of one", "mark", CALL, 0.2, "BTC", {}, "market_duplicate"),
]


@pytest.mark.parametrize(
    ("field", "subject", "value", "unit", "other", "code"),
    [case[1:] for case in ROWS],
    ids=[case[0] for case in ROWS],
)
def test_bad_row_is_refused(
    field: str, subject: str, value: float, unit: str, other: dict[str, Any], code: str
) -> None:
    with pytest.raises(CrossMarginError) as caught:
        Snapshot.of([*least_rows(), row(field, subject, value, unit, **other)], AS_OF_MS)
    error = caught.value
    assert error.code == code
    assert error.code in CODES
    assert error.place
    assert error.limit
    assert error.remedy
    assert len(str(error)) < 600


@pytest.mark.parametrize("as_of", [AS_OF_MS // 1000, AS_OF_MS * 1000, 0, -1])
def test_time_of_the_snapshot_in_another_unit(as_of: int) -> None:
    with pytest.raises(CrossMarginError) as caught:
        Snapshot.of(least_rows(), as_of)
    assert caught.value.code == "unit_wrong"


def without(field: str) -> Snapshot:
    return Snapshot.of([r for r in least_rows() if r.field != field], AS_OF_MS)


@pytest.mark.parametrize(
    ("snapshot", "native_id", "code"),
    [
        (without("index"), "BTC-13FEB26-60000-C", "index_missing"),
        (without("forward"), "BTC-13FEB26-60000-C", "forward_missing"),
        (without("mark_iv"), "BTC-13FEB26-200000-P", "mark_missing"),
        (least(), "BTC-30JAN26-60000-C", "instrument_expired"),
        (least(), "SOL_USDC-PERPETUAL", "index_missing"),
    ],
)
def test_what_is_absent_fails_the_row_by_name(
    snapshot: Snapshot, native_id: str, code: str
) -> None:
    view = snapshot.view(table(native_id))
    assert not view.ok[0]
    assert [failure.code for failure in view.failures] == [code]
    assert (view.mark[0], view.vol[0]) == (0.0, 0.0)


# -- files ---------------------------------------------------------------------------------------

HEADER = [
    "instrument_name",
    "timestamp",
    "mark_price",
    "mark_iv",
    "index_price",
    "underlying_price",
    "best_bid_price",
    "best_ask_price",
]


def line(name: str, **change: object) -> dict[str, object]:
    """A row of a ticker export; the mark fits the volatility."""
    return {
        "instrument_name": name,
        "timestamp": AS_OF_MS,
        "mark_price": 0.0812,
        "mark_iv": 72.0,
        "index_price": 64000.0,
        "underlying_price": 64100.0,
        "best_bid_price": 0.08,
        "best_ask_price": 0.083,
        **change,
    }


def ticker_csv(path: Path, *lines: dict[str, object]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, HEADER)
        writer.writeheader()
        writer.writerows(lines)
    return path


GOOD = [line("BTC-13FEB26-60000-C"), line("BTC-13FEB26-61000-C")]

FILES: list[tuple[str, dict[str, object], str]] = [
    ("index zero", {"index_price": 0}, "price_not_positive"),
    ("index negative", {"index_price": -64000}, "price_not_positive"),
    ("forward zero", {"underlying_price": 0}, "price_not_positive"),
    ("forward negative", {"underlying_price": -1}, "price_not_positive"),
    ("iv zero", {"mark_iv": 0}, "vol_out_of_bounds"),
    ("iv 900 %", {"mark_iv": 900}, "vol_out_of_bounds"),
    ("mark infinite", {"mark_price": "Infinity"}, "number_not_finite"),
    ("mark overflows", {"mark_price": "1e999"}, "number_not_finite"),
    ("mark with separators", {"mark_price": "1_000"}, "number_unreadable"),
    ("mark in other digits", {"mark_price": "０.１"}, "number_unreadable"),
    ("seconds", {"timestamp": AS_OF_MS // 1000}, "time_unreadable"),
    ("no time", {"timestamp": ""}, "time_unreadable"),
    ("no such day", {"instrument_name": "BTC-30FEB26-60000-C"}, "instrument_unknown"),
    ("lower case", {"instrument_name": "btc-13feb26-60000-c"}, "instrument_unknown"),
    ("Cyrillic", {"instrument_name": "ВТС-13FEB26-60000-C"}, "instrument_unknown"),
    ("spreadsheet formula", {"instrument_name": '=HYPERLINK("x")'}, "instrument_unknown"),
    ("no name", {"instrument_name": ""}, "instrument_unknown"),
    ("same contract twice", {"instrument_name": "BTC-13FEB26-61000-C"}, "market_duplicate"),
]


@pytest.mark.parametrize(("change", "code"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_bad_line_of_a_chain_is_refused(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    bad = {**line("BTC-13FEB26-62000-C"), **change}
    with pytest.raises(CrossMarginError) as caught:
        import_market(ticker_csv(tmp_path / "chain.csv", *GOOD, bad))
    assert caught.value.code == code
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("unit", "factor"), [("fractions in a percent column", 0.01), ("basis points", 100.0)]
)
def test_whole_column_in_another_unit(tmp_path: Path, unit: str, factor: float) -> None:
    lines = [{**good, "mark_iv": 72.0 * factor} for good in GOOD]
    with pytest.raises(CrossMarginError) as caught:
        import_market(ticker_csv(tmp_path / "chain.csv", *lines))
    assert caught.value.code in {"unit_wrong", "vol_out_of_bounds"}, unit


VERDICTS: list[tuple[str, dict[str, object], tuple[str, str]]] = [
    ("crossed", {"best_bid_price": 0.09, "best_ask_price": 0.08}, ("bid", "crossed")),
    ("mark over the ask", {"mark_price": 0.0831}, ("mark", "outside_touch")),
    ("mark under the bid", {"mark_price": 0.0799}, ("mark", "outside_touch")),
    ("mark under intrinsic", {"mark_price": 0.01, "best_bid_price": 0}, ("mark", "outside_bounds")),
    ("mark over the coin", {"mark_price": 1.01, "best_ask_price": 0}, ("mark", "outside_bounds")),
    ("mark absent", {"mark_price": ""}, ("mark", "missing")),
    ("iv absent, mark speaks", {"mark_iv": ""}, ("mark_iv", "implied")),
    ("both absent", {"mark_iv": "", "mark_price": ""}, ("mark_iv", "estimated")),
]


@pytest.mark.parametrize(
    ("change", "expected"), [c[1:] for c in VERDICTS], ids=[c[0] for c in VERDICTS]
)
def test_doubt_that_is_no_error_is_a_verdict(
    tmp_path: Path, change: dict[str, object], expected: tuple[str, str]
) -> None:
    doubtful = {**line("BTC-13FEB26-60000-C"), **change}
    others = [line(f"BTC-13FEB26-{k}-P", mark_price=0.03) for k in range(61000, 64000, 1000)]
    snapshot = import_market(ticker_csv(tmp_path / "chain.csv", doubtful, *others))
    field, verdict = expected
    assert snapshot.verdict[snapshot.places(field)[CALL]] == verdict
    items = {
        (item["field"], item["subject"]): item["verdict"] for item in report(snapshot)["items"]
    }
    assert items[field, CALL] == verdict


def damaged(path: Path, change: Callable[[bytes], bytes]) -> Path:
    write_snapshot(least(), path)
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"",
        lambda content: content[:1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[:4] + bytes(len(content) - 8) + content[-4:],
    ],
    ids=["empty", "one byte", "half", "last byte", "zeros"],
)
def test_truncated_parquet(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = damaged(tmp_path / "s.parquet", change)
    with pytest.raises(CrossMarginError) as caught:
        read_market(path)
    assert caught.value.code == "file_unreadable"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "file_unreadable"),
        ("a.csv", b"\x00" * 100, "file_unreadable"),
        ("a.csv", "instrument_name".encode("utf-16"), "file_unreadable"),
        ("a.csv", b"a,b\n1,2\n", "column_unknown"),
        ("a.csv", b"a" * 100_000_000, "line_too_long"),
        ("a.json", b"", "file_unreadable"),
        ("a.json", b'{"result": [{"mark_price": NaN}]}', "number_not_finite"),
        ("a.json", b'{"result": 1, "result": 2}', "file_unreadable"),
        ("a.json", b"\x1f\x8b\x08", "file_unreadable"),
    ],
)
def test_files_that_are_no_market(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CrossMarginError) as caught:
        read_market(path)
    assert caught.value.code == code
    assert len(str(caught.value)) < 700


def test_folder_and_absent_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json", tmp_path / "none.parquet"):
        with pytest.raises(CrossMarginError) as caught:
            read_market(path)
        assert caught.value.code == "file_unreadable"


def test_zero_mark_is_a_quote(tmp_path: Path) -> None:
    """A far wing rounds to zero; the row is good and keeps its volatility."""
    wing = line("BTC-13FEB26-200000-C", mark_price=0.0, best_bid_price=0, best_ask_price=0.0001)
    snapshot = import_market(ticker_csv(tmp_path / "chain.csv", *GOOD, wing))
    view = snapshot.view(table("BTC-13FEB26-200000-C"))
    assert view.ok.all()
    assert (view.mark[0], view.vol[0]) == (0.0, 0.72)
    text = json.dumps(report(snapshot), allow_nan=False)
    assert "200000" not in text
