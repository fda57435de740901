"""Orders that contradict themselves or the book, one table, through every door.

Whoever sends a negative size, a limit of zero, a side that is none, a reduce-only order that would
increase, or an order on an expired contract is told code, place, value, limit and remedy: from a
CSV file, a JSON file, rows and objects of the library, a leg of a what-if, and the command line.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.interfaces.cli import main

HELD, EXPIRED = "BTC-10JUL26-72000-C", "BTC-26JUN26-72000-C"
POSITION = {"account": "a", "venue": "deribit", "instrument": HELD, "quantity": 1.0}
BALANCE = {"account": "a", "venue": "deribit", "currency": "BTC", "amount": 5.0}
ORDER = {"account": "a", "venue": "deribit", "instrument": HELD, "side": "buy", "remaining": 2.0,
         "limit_price": 0.01}  # fmt: skip

# What is wrong; the code; what the value shows.
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "negative size": ({"remaining": -2.0}, "order_invalid", "-2"),
    "size of zero": ({"remaining": 0.0}, "order_invalid", "0"),
    "limit of zero": ({"limit_price": 0.0}, "order_invalid", "0"),
    "negative limit": ({"limit_price": -0.01}, "order_invalid", "-0.01"),
    "limit in dollars": ({"limit_price": 300.0}, "unit_wrong", "300"),
    "unknown side": ({"side": "hold"}, "order_invalid", "hold"),
    "reduce-only that increases": ({"reduce_only": True}, "order_invalid", "2"),
    "expired contract": ({"instrument": EXPIRED}, "instrument_expired", "2026-06-26"),
}  # fmt: skip


def told(error: CrossMarginError, code: str, value: str) -> None:
    """Every field of the error is there."""
    assert error.code == code
    assert error.place, "place"
    assert error.value is not None, "value"
    assert value in error.value, error.value
    assert error.limit, "limit"
    assert error.remedy, "remedy"
    assert "\n" not in error.text()


def rows(change: dict[str, Any]) -> list[dict[str, Any]]:
    order = {**ORDER, **change}
    order["quantity"] = order.pop("remaining")
    balance = {"type": "balance", "account": "a", "venue": "deribit", "currency": "BTC",
               "quantity": 5.0}  # fmt: skip
    return [{"type": "position", **POSITION}, balance, {"type": "order", **order}]


def csv_file(change: dict[str, Any], folder: Path) -> Path:
    path = folder / "book.csv"
    _, _, order = rows(change)
    order = {name: str(value).lower() if value is True else value for name, value in order.items()}
    with path.open("w", newline="") as target:
        names = ["type", *ORDER, "quantity", "reduce_only"]
        names.remove("remaining")
        writer = csv.DictWriter(target, names)
        writer.writeheader()
        writer.writerows([{"type": "position", **POSITION}, order])
    return path


def json_file(change: dict[str, Any], folder: Path) -> Path:
    path = folder / "book.json"
    content = {"schema": "margin-statement/1", "book": [POSITION], "balances": [BALANCE],
               "orders": [{**ORDER, **change}]}  # fmt: skip
    path.write_text(json.dumps(content))
    return path


def typed(change: dict[str, Any]) -> Book:
    """The same as objects; a side is a number here."""
    order = {**ORDER, **change}
    items = [parse("deribit", HELD), parse("deribit", EXPIRED)]
    table = Instruments.of(items)
    place = table.index_of()
    side = {"buy": 1, "sell": -1}.get(order["side"], 0)
    return Book.of(
        table,
        [Line("a", place[items[0].key], 1.0)],
        [Order("a", place["deribit", order["instrument"]], side, order["remaining"],
               order["limit_price"], reduce_only=bool(order.get("reduce_only")))],
    )  # fmt: skip


DOORS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "CSV": csv_file,
    "JSON": json_file,
    "rows": lambda change, folder: rows(change),
    "objects": lambda change, folder: typed(change),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_order_of_a_book(bad: str, door: str, market: str, tmp_path: Path) -> None:
    change, code, value = BAD[bad]
    if door == "objects" and bad == "unknown side":
        value = "0"
    with pytest.raises(CrossMarginError) as caught:
        xm.margin(DOORS[door](change, tmp_path), market, "deribit-spm")
    told(caught.value, code, value)


@pytest.mark.parametrize("door", DOORS)
def test_the_order_itself_is_good(door: str, market: str, tmp_path: Path) -> None:
    """What the rows above change is all that is wrong with them."""
    for change in ({}, BEYOND):
        found = xm.margin(DOORS[door](change, tmp_path), market, "deribit-spm")
        assert found.figures["book"]["open_orders"] == 1


def leg(change: dict[str, Any]) -> dict[str, Any]:
    """The order as a leg of a what-if."""
    order = {**ORDER, **change}
    out = {"instrument": order["instrument"], "side": order["side"], "size": order["remaining"],
           "price": order["limit_price"]}  # fmt: skip
    return {**out, "reduce_only": True} if change.get("reduce_only") else out


# A resting order beyond the position is cut to it; a leg that fills in full would turn it.
BEYOND: dict[str, Any] = {"reduce_only": True, "side": "sell"}
BAD_LEGS = {**BAD, "reduce-only beyond the position": (BEYOND, "order_invalid", "-2")}


@pytest.mark.parametrize("bad", BAD_LEGS)
def test_a_bad_leg_of_a_what_if(bad: str, market: str) -> None:
    change, code, value = BAD_LEGS[bad]
    book = rows({})[:2]
    with pytest.raises(CrossMarginError) as caught:
        xm.whatif(book, market, "deribit-spm", leg(change))
    told(caught.value, code, value)


@pytest.mark.parametrize("bad", BAD_LEGS)
def test_a_bad_order_of_a_check(bad: str, market: str) -> None:
    """An order that comes to rest is as strict as a leg: one that would turn a position is none."""
    change, code, value = BAD_LEGS[bad]
    with pytest.raises(CrossMarginError) as caught:
        xm.check(rows({})[:2], market, "deribit-spm", leg(change))
    told(caught.value, code, value)


@pytest.mark.parametrize(
    ("words", "code", "value"),
    [
        (f"{HELD}:0@0.01", "order_invalid", "0"),
        (f"{HELD}:-0@0.01", "order_invalid", "0"),
        (f"{HELD}:1@0", "order_invalid", "0"),
        (f"{HELD}:1@-0.01", "order_invalid", "-0.01"),
        (f"{HELD}:1@300", "unit_wrong", "300"),
        (f"{HELD}:hold@0.01", "number_unreadable", "hold"),
        (f"{HELD}:nan@0.01", "number_not_finite", "nan"),
        (f"{HELD}:1e30@0.01", "order_invalid", "1e+30"),
        (f"{HELD}", "order_invalid", HELD),
        (f"{EXPIRED}:1@0.01", "instrument_expired", "2026-06-26"),
        ("BTC-10JUL26-1-C:1@0.01", "instrument_unknown", "BTC-10JUL26-1-C"),
    ],
)
def test_a_bad_leg_on_the_command_line(
    words: str, code: str, value: str, retail: str, market: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with pytest.raises(CrossMarginError) as caught:
        xm.whatif(retail, market, "deribit-spm", words)
    told(caught.value, code, value)
    assert main(["whatif", retail, "--market", market, "--model", "deribit-spm",
                 "--add", words]) == 2  # fmt: skip
    found = capsys.readouterr()
    assert found.out == ""
    assert " ".join(found.err.split()).endswith(" ".join(caught.value.text().split()))
    assert main(["check", retail, "--market", market, "--model", "deribit-spm",
                 "--order", words]) == 2  # fmt: skip
    found = capsys.readouterr()
    assert found.out == "" and f"{code}: " in found.err


def test_a_wrong_entry_price_is_refused_before_a_trade(market: str) -> None:
    """As the margin refuses it, with the same words."""
    book = [{**rows({})[0], "entry_price": 812.0}, rows({})[1]]
    good = leg({})
    found = []
    for ask in (
        lambda: xm.margin(book, market, "deribit-spm"),
        lambda: xm.whatif(book, market, "deribit-spm", good),
        lambda: xm.check(book, market, "deribit-spm", good),
    ):
        with pytest.raises(CrossMarginError) as caught:
            ask()
        told(caught.value, "unit_wrong", "812")
        found.append(caught.value.text())
    assert len(set(found)) == 1


def test_a_book_of_several_accounts_names_them(market: str) -> None:
    book = [{**row, "account": name} for name in ("a", "b") for row in rows({})[:2]]
    with pytest.raises(CrossMarginError) as caught:
        xm.compare(book, market, ["deribit-spm"])
    told(caught.value, "option_unknown", "2 accounts")
    for ask in (xm.whatif, xm.check):
        with pytest.raises(CrossMarginError) as caught:
            ask(book, market, "deribit-spm", leg({}))
        told(caught.value, "option_unknown", "2 accounts")
        assert "one of a, b" in caught.value.text()
        assert ask(book, market, "deribit-spm", leg({}), account="b").figures["account"] == "b"


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_row_of_candidates(
    bad: str, market: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of ``--rank`` is the form of the command that has sides and flags."""
    change, code, value = BAD[bad]
    book, ranked = csv_file({}, tmp_path), tmp_path / "candidates.csv"
    wanted = {"reduce_only": "", **leg(change)}
    with ranked.open("w", newline="") as target:
        writer = csv.DictWriter(target, list(wanted))
        writer.writeheader()
        writer.writerow({k: str(v).lower() if v is True else v for k, v in wanted.items()})
    with pytest.raises(CrossMarginError) as caught:
        xm.whatif(book, market, "deribit-spm", rank=ranked)
    told(caught.value, code, value)
    assert main(["whatif", str(book), "--market", market, "--model", "deribit-spm",
                 "--rank", str(ranked)]) == 2  # fmt: skip
    assert f"{code}: " in capsys.readouterr().err
    assert main(["margin", str(csv_file(change, tmp_path)), "--market", market]) == 2
    assert f"{code}: " in capsys.readouterr().err
