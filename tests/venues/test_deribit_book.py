"""Deribit's replies to a book: sizes, signs, equity as reported, and what does not rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.books import read_book
from crossmargin.venues.deribit_book import from_deribit

POSITIONS: list[dict[str, Any]] = [
    {
        "instrument_name": "BTC-PERPETUAL",
        "kind": "future",
        "size": -5000.0,
        "size_currency": -0.05,
        "direction": "sell",
        "average_price": 100000.0,
    },
    {
        "instrument_name": "BTC-27MAR26-100000-C",
        "kind": "option",
        "size": 2.5,
        "direction": "buy",
        "average_price": 0.035,
    },
    {
        "instrument_name": "ETH_USDC-PERPETUAL",
        "kind": "future",
        "size": 3.0,
        "direction": "buy",
        "average_price": 2000.0,
    },
    {
        "instrument_name": "ETH-PERPETUAL",
        "kind": "future",
        "size": 0.0,
        "direction": "zero",
        "average_price": 0.0,
    },
]
ORDER: dict[str, Any] = {
    "order_id": "1",
    "instrument_name": "BTC-27MAR26-100000-C",
    "order_state": "open",
    "order_type": "limit",
    "direction": "sell",
    "amount": 0.3,
    "filled_amount": 0.1,
    "price": 0.05,
    "reduce_only": True,
    "mmp": True,
    "mmp_group": "g7",
    "label": "quote",
    "creation_timestamp": 1770326977000,
}
WAITING = {**ORDER, "order_state": "untriggered", "price": "market_price"}
SUMMARY: dict[str, Any] = {
    "currency": "BTC",
    "balance": 3.0,
    "equity": 3.25,
    "margin_balance": 3.25,
    "initial_margin": 0.5,
    "maintenance_margin": 0.4,
    "portfolio_margining_enabled": True,
    "margin_model": "segregated_pm",
    "initial_margin_details": {"mmp_margin": 0.06, "spot_margin": 0, "risk_matrix_margin": 0.4},
}


def test_sizes_are_usd_for_inverse_futures_and_coin_elsewhere() -> None:
    book = from_deribit({"jsonrpc": "2.0", "result": POSITIONS}, account="a")
    names = [book.instruments.items[c].native_id for c in book.column]
    held = dict(zip(names, book.quantity.tolist(), strict=True))
    assert held == {
        "BTC-PERPETUAL": -5000.0,
        "BTC-27MAR26-100000-C": 2.5,
        "ETH_USDC-PERPETUAL": 3.0,
    }
    perp = book.instruments.items[book.column[names.index("BTC-PERPETUAL")]]
    assert (perp.inverse, perp.multiplier) == (True, 1.0)
    assert abs(held["BTC-PERPETUAL"]) * perp.multiplier / 1e5 == abs(POSITIONS[0]["size_currency"])


def test_the_remaining_part_of_an_order_rests_and_a_waiting_trigger_does_not() -> None:
    book = from_deribit(POSITIONS, [ORDER, WAITING])
    (order,) = book.orders.items
    assert (order.side, order.remaining, order.limit_price) == (-1, 0.2, 0.05)
    assert (order.reduce_only, order.mmp, order.group) == (True, True, "g7")
    assert (order.tags, order.time_ms) == ((("label", "quote"),), 1770326977000)


def test_equity_is_the_venues_own_and_holds_only_where_given() -> None:
    book = from_deribit(summaries={"result": {"summaries": [SUMMARY]}}, account="a")
    assert (book.quantity.tolist(), book.reported.equity) == ([3.0], {("a", "BTC"): 3.25})
    assert book.reported.holds == {("a", "BTC"): {"mmp_margin": 0.06, "spot_margin": 0.0}}
    fields = book.reported.fields[("a", "BTC")]
    assert fields["margin_balance"] == 3.25
    assert "margin_model" not in fields
    assert "portfolio_margining_enabled" not in fields
    bare = from_deribit(summaries=[{**SUMMARY, "initial_margin_details": None}])
    assert bare.reported.holds == {}


def test_the_recorded_account_summaries_are_read(market_dir: Path) -> None:
    folder = market_dir / "payloads" / "nautilus" / "deribit"
    path = folder / "http_get_account_summaries.json"
    book = from_deribit(summaries=path)
    raw = {s["currency"]: s for s in json.loads(path.read_bytes())["result"]["summaries"]}
    assert set(raw) == {currency for _, currency in book.reported.equity}
    for (account, currency), fields in book.reported.fields.items():
        assert account == "main"
        assert book.reported.equity[account, currency] == raw[currency]["equity"]
        numbers = {k for k, v in raw[currency].items() if type(v) in (int, float)}
        assert set(fields) == numbers
        left = fields["available_funds"] - (fields["margin_balance"] - fields["initial_margin"])
        assert abs(left) < 1e-6
    amounts = {
        book.instruments.items[c].native_id: q
        for c, q in zip(book.column, book.quantity, strict=True)
    }
    assert amounts == {name: each["balance"] for name, each in raw.items()}
    assert read_book(path).positions_sha256() == book.positions_sha256()


def test_a_cross_account_keeps_what_each_currency_repeats(market_dir: Path) -> None:
    folder = market_dir / "payloads" / "nautilus" / "deribit"
    book = from_deribit(summaries=folder / "http_get_account_summaries_cross_margin.json")
    totals = {each["total_equity_usd"] for each in book.reported.fields.values()}
    assert len(book.reported.equity) > 1
    assert len(totals) == 1  # the whole account, said again in every currency


@pytest.mark.parametrize(
    ("positions", "code"),
    [
        ([{**POSITIONS[0], "size": 5.0, "direction": "zero"}], "number_out_of_range"),
        ([{**POSITIONS[1], "size": -5.0}], "number_out_of_range"),
        ([{**POSITIONS[0], "direction": "long"}], "number_out_of_range"),
        ([{**POSITIONS[0], "size": True}], "number_unreadable"),
        ([{**POSITIONS[0], "size": float("nan")}], "number_not_finite"),
        ([{**POSITIONS[0], "instrument_name": "BTC-CS-27MAR26-1_2"}], "instrument_unknown"),
        ([{"size": 1.0}], "column_missing"),
        ({"jsonrpc": "2.0", "error": {"code": 13009}}, "file_unreadable"),
        ({"jsonrpc": "2.0"}, "file_unreadable"),
        ({"result": {"a": 1}}, "file_unreadable"),
        (b"[{]", "file_unreadable"),
        ([], "book_empty"),
    ],
    ids=str,
)
def test_a_reply_that_contradicts_itself_is_refused(positions: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        from_deribit(positions)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"order_state": "filled"}, "order_invalid"),
        ({"direction": "long"}, "order_invalid"),
        ({"price": "market_price"}, "order_invalid"),
        ({"filled_amount": 0.3}, "order_invalid"),
        ({"amount": -1}, "order_invalid"),
        ({"price": 0}, "order_invalid"),
        ({"direction": "buy"}, "order_invalid"),  # reduce-only, but adds to the long
        ({"mmp": "true"}, "option_unknown"),
        ({"amount": None}, "column_missing"),
    ],
    ids=str,
)
def test_an_order_that_contradicts_itself_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        from_deribit(POSITIONS, [{**ORDER, **change}])
    assert caught.value.code == code
