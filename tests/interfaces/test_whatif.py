"""The verb: prepared or not, its result's faces, its receipt, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.interfaces.whatif import WhatIfResult

CALL, PUT = "BTC-10JUL26-72000-C", "BTC-10JUL26-59000-P"
LEGS = [f"{CALL}:-1@0.0045", f"{PUT}:-2"]


@pytest.fixture(scope="module")
def found(retail: str, market: str) -> WhatIfResult:
    return xm.whatif(retail, market, "deribit-spm", LEGS)


def test_prepared_is_the_same(retail: str, market: str, found: WhatIfResult) -> None:
    prepared = xm.prepare(retail, market, "deribit-spm")
    again = prepared.whatif(LEGS)
    assert again.figures == found.figures
    assert again.receipt.to_dict() == found.receipt.to_dict()
    tuples = prepared.whatif([(CALL, -1.0, 0.0045), (PUT, -2.0)])
    assert tuples.figures == found.figures
    assert prepared.whatif([{"instrument": CALL, "side": "sell", "size": 1, "price": 0.0045},
                            f"deribit|{PUT}:-2"]).after == found.after  # fmt: skip


def test_before_is_the_margin_of_the_book(retail: str, market: str, found: WhatIfResult) -> None:
    margin = xm.margin(retail, market, "deribit-spm")
    assert found.before.im_usd == margin.im_usd
    assert found.before.mm_usd == margin.mm_usd
    entry = margin.accounts[0]
    assert found.figures["before"]["equity_usd"] == entry["equity_usd"]
    assert found.figures["before"]["im_usage"] == entry["im_usage"]


def test_every_face_shows_the_same(found: WhatIfResult) -> None:
    told = json.loads(found.to_json())
    assert told == json.loads(json.dumps(found.to_dict()))
    assert told["after"]["im_usd"] == found.after.im_usd
    assert told["verdict"]["status"] == found.verdict.status == "passes"
    text = repr(found)
    for word in ("the venue would take it", CALL, PUT, "equity", "day-one P&L", "vega"):
        assert word in text
    assert f"{found.after.im_usd:,.0f}" in text
    html = found._repr_html_()
    assert "<table" in html and "<script" not in html and CALL in html
    assert repr(found.after.im_usd) in found.to_csv()


def test_the_receipt_reproduces_it(found: WhatIfResult) -> None:
    receipt = found.receipt
    assert f"--add {CALL}:-1@0.0045" in receipt.command
    assert "--model deribit-spm" in receipt.command
    assert set(receipt.parameters) == {"deribit-spm", "trading"}
    assert found.to_dict()["receipt"]["book_sha256"] == receipt.book


def test_without_files_there_is_no_command(retail: str, market: str) -> None:
    book = xm.read_book(retail)
    found = xm.whatif(book, market, "deribit-spm", (CALL, -1.0))
    assert found.receipt.command == ""


def test_legged_fit_and_ranking(retail: str, market: str, tmp_path: Path) -> None:
    legged = xm.whatif(retail, market, "deribit-spm", LEGS, atomic=False)
    shown = legged.figures["legged"]
    assert shown["im_usd"] >= legged.after.im_usd
    assert "--legged" in legged.receipt.command
    fit = xm.whatif(retail, market, "deribit-spm", f"{CALL}:-0.1", size_to_fit=True, fee=0.0)
    assert fit.figures["fit"]["one_more"]["status"] == "fails"
    assert "--size-to-fit" in fit.receipt.command and "--fee 0.0" in fit.receipt.command
    assert "one step more" in repr(fit)
    path = tmp_path / "c.csv"
    path.write_text(f"instrument,size\n{CALL},-1\n{PUT},-1\n{CALL},1\n", "utf-8")
    ranked = xm.whatif(retail, market, "deribit-spm", rank=path)
    rooms = [row["room_im_usd"] for row in ranked.ranking]
    assert rooms == sorted(rooms, reverse=True) and len(rooms) == 3
    assert ranked.figures["legs"][0]["instrument"] in ranked.ranking[0]["candidate"]
    assert ranked.after.im_usd == ranked.ranking[0]["im_usd"]
    assert "--rank" in ranked.receipt.command
    on_top = xm.whatif(retail, market, "deribit-spm", LEGS[1:], rank=[f"{CALL}:1", f"{CALL}:2"])
    assert [row["rank"] for row in on_top.ranking] == [1, 2]
    assert len(on_top.figures["legs"]) == 2
    assert on_top.receipt.command == ""  # the candidates came from no file


def test_an_account_without_balances(market: str) -> None:
    rows = [{"type": "position", "account": "a", "venue": "deribit", "instrument": CALL,
             "quantity": -1.0}]  # fmt: skip
    found = xm.whatif(rows, market, "deribit-spm", f"{CALL}:-1@0.005")
    assert found.verdict.status == "cash_unknown"
    assert found.figures["before"]["equity_usd"] is None
    assert found.figures["after"]["im_usd"] > found.figures["before"]["im_usd"] > 0.0
    assert "must be there before the trade" in repr(found)
    assert any("no balance" in note for note in found.figures["notes"])
    assert any("a larger size walks" in note for note in found.figures["notes"])


def test_a_mapped_book_says_what_is_lost(retail: str, market: str) -> None:
    found = xm.whatif(retail, market, "derive-pm2", LEGS)
    assert any("mapped to derive" in note for note in found.figures["notes"])
    assert found.figures["fees"]["fidelity"] == {"derive": "inferred"}
    assert found.figures["legs"][0]["venue"] == "derive"


@pytest.mark.parametrize(
    ("legs", "code"),
    [
        ([], "order_invalid"),
        ([f"{CALL}:0"], "order_invalid"),
        ([f"{CALL}:-1@0"], "order_invalid"),
        ([f"{CALL}:-1@-0.1"], "order_invalid"),
        ([{"instrument": CALL, "side": "hold", "size": 1}], "order_invalid"),
        ([{"instrument": CALL, "side": "sell", "size": -1}], "order_invalid"),
        ([{"instrument": CALL, "size": -1, "reduce_only": True}], "order_invalid"),
        (["BTC-26JUN26-72000-C:1"], "instrument_expired"),
        (["BTC-10JUL26-72001-C:1"], "instrument_unknown"),
        (["BTC:1@1"], "order_invalid"),
    ],
)
def test_bad_legs(retail: str, market: str, legs: list[object], code: str) -> None:
    with pytest.raises(CrossMarginError) as told:
        xm.whatif(retail, market, "deribit-spm", legs)
    assert told.value.code == code
    assert told.value.remedy


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"side": "hold"}, "order_invalid"),
        ({"quantity": -1.0}, "order_invalid"),
        ({"limit_price": 0.0}, "order_invalid"),
        ({"reduce_only": "true"}, "order_invalid"),  # nothing is held
        ({"instrument": "BTC-26JUN26-72000-C"}, "instrument_expired"),
    ],
)
def test_bad_orders_of_the_book(market: str, change: dict[str, object], code: str) -> None:
    position = {"type": "position", "account": "a", "venue": "deribit",
                "instrument": "BTC-PERPETUAL", "quantity": 10.0}  # fmt: skip
    order = {"type": "order", "account": "a", "venue": "deribit", "instrument": CALL,
             "side": "buy", "quantity": 1.0, "limit_price": 0.01, **change}  # fmt: skip
    with pytest.raises(CrossMarginError) as told:
        xm.whatif([position, order], market, "deribit-spm", f"{CALL}:1")
    assert told.value.code == code


def test_what_excludes_or_lacks(retail: str, maker: str, market: str) -> None:
    with pytest.raises(InputError):
        xm.whatif(retail, market, "deribit-spm", LEGS, size_to_fit=True, rank=[LEGS])
    prepared = xm.prepare(retail, market, "deribit-spm", [CALL])
    with pytest.raises(InputError) as told:
        prepared.whatif([f"{PUT}:1", "BTC-10JUL26-59500-P:1"])
    assert told.value.code == "instrument_unknown"
    assert "candidates" in told.value.remedy
    everything = xm.prepare(maker, market, "deribit-xpm")
    assert everything.whatif(["ETH-PERPETUAL:100"]).verdict.status == "passes"


def test_a_leg_that_no_venue_would_fill_like_this_is_named(retail: str, market: str) -> None:
    def notes(model: str, leg: str) -> str:
        return " ".join(xm.whatif(retail, market, model, leg).figures["notes"])

    call = "BTC-10JUL26-72000-C"
    assert f"the size of {call}, 0.15, is no whole lot of 0.1" in notes(
        "deribit-spm", f"{call}:0.15@0.0045"
    )
    assert "whole lot" not in notes("deribit-spm", f"{call}:0.3@0.0045")
    assert "whole lot" not in notes("paradex-pm", "BTC-PERPETUAL:-10@64000")
    assert f"the price of {call}, 0.45, is far from its mark" in notes(
        "deribit-spm", f"{call}:-1@0.45"
    )
    assert "far from its mark" in notes("deribit-spm", "BTC-PERPETUAL:-10@6400")
    assert "far from its mark" not in notes("deribit-spm", f"{call}:-1")


def test_a_lot_without_a_size_to_fit_is_refused(retail: str, market: str) -> None:
    with pytest.raises(InputError) as caught:
        xm.whatif(retail, market, "deribit-spm", "BTC-10JUL26-72000-C:-1", lot=0.1)
    assert (caught.value.code, caught.value.place) == ("option_unknown", "--lot")
