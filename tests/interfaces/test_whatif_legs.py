"""Legs in every form, candidates from a file, and names that are looked up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Trade
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.whatif_legs import (
    Candidate,
    Wanted,
    candidates_of,
    find_instrument,
    wanted,
)

NOW = 1_783_000_000_000  # 2 July 2026
CALL = "BTC-10JUL26-72000-C"


@pytest.mark.parametrize(
    ("leg", "found"),
    [
        (f"{CALL}:-3@0.0125", Wanted(CALL, -3.0, 0.0125)),
        (f"{CALL}:2", Wanted(CALL, 2.0)),
        (f"{CALL}:+2@1e-3", Wanted(CALL, 2.0, 0.001)),
        (f"deribit|{CALL}:2", Wanted(f"deribit|{CALL}", 2.0)),
        ((CALL, 2), Wanted(CALL, 2.0)),
        ((CALL, -2.5, 0.01), Wanted(CALL, -2.5, 0.01)),
        ((CALL, -2.5, None), Wanted(CALL, -2.5)),
        ({"instrument": CALL, "size": 2}, Wanted(CALL, 2.0)),
        (
            {"instrument": CALL, "size": "2", "side": "sell", "price": "0.1"},
            Wanted(CALL, -2.0, 0.1),
        ),
        ({"instrument": CALL, "size": 2, "reduce_only": True}, Wanted(CALL, 2.0, None, True)),
        (Trade(CALL, -2.0), Wanted(CALL, -2.0)),
        (
            Trade(CALL, 2.0, 0.0125, reduce_only=True, venue="deribit"),
            Wanted(f"deribit|{CALL}", 2.0, 0.0125, True),
        ),
    ],
)
def test_every_form(leg: Any, found: Wanted) -> None:
    assert wanted(leg) == found
    assert wanted(found) is found
    if not found.reduce_only:
        assert wanted(found.text()) == found


@pytest.mark.parametrize(
    ("leg", "code"),
    [
        (CALL, "order_invalid"),
        (f"{CALL}:", "order_invalid"),
        (f"{CALL}:1@", "order_invalid"),
        (":1", "order_invalid"),
        (f"{CALL}:one", "number_unreadable"),
        (f"{CALL}:--1", "number_unreadable"),
        (f"{CALL}:nan", "number_not_finite"),
        (f"{CALL}:1@inf", "number_not_finite"),
        ((CALL,), "order_invalid"),
        (7.0, "order_invalid"),
        ((CALL, 1, 2, 3), "order_invalid"),
        ({"size": 1}, "column_missing"),
        ({"instrument": CALL}, "column_missing"),
        ({"instrument": CALL, "size": 1, "side": "hold"}, "order_invalid"),
        ({"instrument": CALL, "size": -1, "side": "sell"}, "order_invalid"),
        ({"instrument": CALL, "size": 1, "reduce_only": "maybe"}, "order_invalid"),
        ({"instrument": CALL, "size": 1, "limit": 3}, "column_unknown"),
    ],
)
def test_bad_legs(leg: Any, code: str) -> None:
    with pytest.raises(InputError) as told:
        wanted(leg)
    assert told.value.code == code
    assert told.value.place


def test_candidates_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("instrument,size,price\nA,1,\nA,1,\nB,-2,0.5\n", "utf-8")
    found = candidates_of(path)
    assert [each.name for each in found] == ["A:1", "A:1", "B:-2@0.5"]  # equal rows stay two
    path.write_text("candidate,instrument,side,size\nx,A,buy,1\ny,B,sell,2\nx,C,sell,3\n", "utf-8")
    assert candidates_of(str(path)) == (
        Candidate("x", (Wanted("A", 1.0), Wanted("C", -3.0))),
        Candidate("y", (Wanted("B", -2.0),)),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("instrument,price\nA,1\n", "column_missing"),
        ("", "column_missing"),
        ("instrument,size,colour\nA,1,red\n", "column_unknown"),
        ("instrument,size,size\nA,1,1\n", "column_unknown"),
        ("instrument,size\nA,1,2\n", "order_invalid"),
        ("instrument,size\nA,x\n", "number_unreadable"),
        ("candidate,instrument,size\n,A,1\n", "order_invalid"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as told:
        candidates_of(path)
    assert told.value.code == code
    assert "c.csv" in told.value.place


def test_candidates_from_a_sequence() -> None:
    found = candidates_of(["A:1", ("B", -2.0), ["A:1", ("B", 2.0)], {"instrument": "C", "size": 1}])
    assert [len(each.legs) for each in found] == [1, 1, 2, 1]
    assert found[2].name == "A:1 B:2"


def test_names_are_looked_up_in_the_book_and_then_in_the_snapshot() -> None:
    held = [parse("deribit", CALL)]
    quoted = {f"deribit|{CALL}": 0, "deribit|BTC-PERPETUAL": 1}
    assert find_instrument(CALL, held, {}, NOW, "leg") is held[0]
    assert find_instrument("BTC-PERPETUAL", held, quoted, NOW, "leg").native_id == "BTC-PERPETUAL"
    assert find_instrument("BTC-PERPETUAL", [], quoted, NOW, "leg").venue == "deribit"
    assert find_instrument(f"deribit|{CALL}", held, {}, NOW, "leg") is held[0]
    for name, code in (
        ("BTC-10JUL26-72500-C", "instrument_unknown"),  # no such strike
        ("BTC-26JUN26-72000-C", "instrument_expired"),
        ("nonsense", "instrument_unknown"),
    ):
        with pytest.raises(InputError) as told:
            find_instrument(name, held, quoted, NOW, "leg")
        assert told.value.code == code
    both = [*held, parse("bybit", "BTC-10JUL26-72000-C-USDT")]
    with pytest.raises(InputError) as told:
        find_instrument("BTC-PERPETUAL", both, quoted, NOW, "leg")
    assert "venue|NAME" in told.value.remedy


def test_a_file_without_candidates_says_so(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("candidate,instrument,size\n", "utf-8")
    with pytest.raises(InputError) as told:
        candidates_of(path)
    assert (told.value.code, told.value.place) == ("order_invalid", str(path))


def test_trades_of_a_decision_are_one_candidate(tmp_path: Path) -> None:
    place = tmp_path / "hedge.json"
    trade = {
        "account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL", "size": -10.0,
        "price": None, "reduce_only": True, "cost_usd": 1.0, "reason": "x",
    }  # fmt: skip
    other = {"venue": "", "instrument": "BTC-27MAR26-100000-C", "size": 2.0, "price": 0.01}
    place.write_text(json.dumps({"trades": [trade, other], "transfers": []}), encoding="utf-8")
    (only,) = candidates_of(place)
    assert only.name == "hedge"
    assert [(leg.name, leg.size, leg.price, leg.reduce_only) for leg in only.legs] == [
        ("deribit|BTC-PERPETUAL", -10.0, None, True),
        ("BTC-27MAR26-100000-C", 2.0, 0.01, False),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "file_unreadable"),
        ("[]", "order_invalid"),
        ('{"trades": []}', "order_invalid"),
        ('{"trades": [3]}', "order_invalid"),
        ('{"groups": [{"candidate": "x"}]}', "order_invalid"),
        ('{"groups": 3}', "order_invalid"),
        ('{"trades": [{"size": 3}]}', "column_missing"),
        ('{"trades": [{"instrument": "X", "venue": "v", "size": "x"}]}', "number_unreadable"),
    ],
)
def test_bad_trades_of_a_decision(text: str, code: str, tmp_path: Path) -> None:
    place = tmp_path / "bad.json"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        candidates_of(place)
    assert refused.value.code == code
