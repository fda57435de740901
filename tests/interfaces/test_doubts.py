"""Doubts of the market reach every result, and only those of what the book uses."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.core.errors import MarketDataError
from crossmargin.interfaces.doubts import age_notes, market_figures, verdict_notes
from crossmargin.interfaces.sources import snapshot_of
from crossmargin.market.snapshot import Snapshot

NAME = "BTC-31JUL26-60000-C"
BOOK = [{"venue": "deribit", "instrument": NAME, "quantity": 1.0}]


def doubtful(market: str, field: str, subject: str, verdict: str) -> Snapshot:
    """The sample market with another verdict on one row."""
    snapshot = snapshot_of(market)
    row = snapshot.row(snapshot.places(field)[subject])
    return snapshot.with_rows([row._replace(verdict=verdict)])


@pytest.mark.parametrize("verdict", ["stale", "outside_bounds", "crossed", "implied"])
def test_a_verdict_of_what_is_held_is_said_everywhere(market: str, verdict: str) -> None:
    subject = next(
        s for s in snapshot_of(market).places("mark_iv") if s.startswith("deribit|BTC-31JUL26-")
    )
    book = [{**BOOK[0], "instrument": subject.partition("|")[2]}]
    snapshot = doubtful(market, "mark_iv", subject, verdict)
    for result in (xm.margin(book, snapshot), xm.compare(book, snapshot, ["deribit-spm"])):
        said = {v["verdict"]: v for v in result.to_dict()["market"]["verdicts"]}
        assert said[verdict]["count"] == 1
        assert said[verdict]["fails_check"] == (verdict != "implied")
        notes = [note for note in result.figures["notes"] if f"is {verdict} (" in note]
        assert len(notes) == 1
        assert subject.partition("|")[2] in notes[0]


@pytest.mark.parametrize("model", ["deribit-spm", "paradex-pm"])
def test_before_a_trade_the_same_doubts_are_said_as_of_the_margin(market: str, model: str) -> None:
    """Of what is held and of the leg; under the name that the book's venue gives it."""
    leg = "BTC-10JUL26-72000-C"
    book = [
        {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0},
        {"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 1.0},
    ]
    snapshot = doubtful(market, "mark_iv", f"deribit|{leg}", "crossed")
    plain = xm.margin(book, snapshot, model).figures
    assert not plain["market"]["verdicts"]
    found = xm.whatif(book, snapshot, model, f"{leg}:1@0.01").figures
    (said,) = found["market"]["verdicts"]
    assert (said["verdict"], said["items"]) == ("crossed", [f"mark_iv of {leg}"])
    assert any("is crossed (" in note and leg in note for note in found["notes"])
    idle = xm.prepare(book, snapshot, model).whatif(["BTC-10JUL26-59000-P:1@0.01"])
    assert not idle.figures["market"]["verdicts"]
    ranked = xm.whatif(
        book, snapshot, model, rank=[("BTC-10JUL26-59000-P", 1.0, 0.01), (leg, 1.0, 0.01)]
    )
    assert ranked.figures["market"]["verdicts"]
    late = xm.whatif(book, market, model, f"{leg}:1@0.01", as_of="2026-07-03T09:00:00Z").figures
    assert any(note.startswith("stale: the market") for note in late["notes"])
    with pytest.raises(MarketDataError) as caught:
        xm.check(book, snapshot, model, f"{leg}:1@0.01")
    assert caught.value.code == "market_doubtful" and leg in str(caught.value.place)


def test_a_verdict_of_another_contract_is_not_said(market: str) -> None:
    snapshot = doubtful(market, "index", "ETH/USD", "incoherent")
    bitcoin = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}]
    result = xm.margin(bitcoin, snapshot)
    assert not any("ETH" in note for note in result.figures["notes"])


def test_age_against_the_as_of_time_is_said(market: str) -> None:
    bitcoin = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}]
    late = xm.margin(bitcoin, market, as_of="2026-07-03T09:00:00Z")
    assert late.figures["market"]["time"] == "2026-07-03T06:00:00Z"
    assert any(n.startswith("stale: the market") and "3.0 h" in n for n in late.figures["notes"])
    assert "as-of 2026-07-03T09:00:00Z" in repr(late)
    early = xm.margin(bitcoin, market, as_of="2026-07-03T05:00:00Z")
    assert any("later than as-of" in note for note in early.figures["notes"])
    near = xm.margin(bitcoin, market, as_of="2026-07-03T06:30:00Z")
    assert not any("as-of" in note for note in near.figures["notes"])


def test_rows_of_another_time_are_said(market: str) -> None:
    snapshot = snapshot_of(market)
    base = snapshot.row(snapshot.places("index_spread")["BTC/USD"])
    row = base._replace(field="rows_ignored", value=107.0, unit="rows")
    seen = snapshot.with_rows([row])
    instruments = xm.margin(BOOK_PERP, market).book.instruments
    figures = market_figures(seen, seen.view(instruments))
    assert figures["rows_ignored"] == 107
    assert age_notes(figures) == ["107 rows of another time in the market's file were not taken"]
    assert verdict_notes(figures) == []


BOOK_PERP = [{"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}]
