"""The tables of a snapshot: spreads with their unit, doubtful items gravest first."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.market.fields import Row, contract_subject
from tests.interfaces.test_layouts import named


@pytest.fixture(scope="module")
def doubtful(market: str) -> xm.Snapshot:
    """The sample market with a stale mark and an incoherent index."""
    snapshot = xm.read_market(market)
    index = snapshot.row(snapshot.places("index")["BTC/USD"])
    mark = snapshot.row(snapshot.places("mark")[contract_subject("deribit", "BTC-PERPETUAL")])
    rows: list[Row] = [
        index._replace(verdict="incoherent", confidence=0.5),
        mark._replace(verdict="stale", confidence=0.5),
    ]
    changed = snapshot.with_rows(rows)
    assert isinstance(changed, xm.Snapshot)
    return changed


def test_pairs_and_expiries_are_shown(market: str) -> None:
    document = xm.quality(market).document()
    pairs, expiries = named(document, "pairs"), named(document, "expiries")
    assert {row[0] for row in pairs.rows} >= {"BTC/USD", "ETH/USD"}
    assert all(row[2] > 0.0 for row in expiries.rows), "lives are positive"
    headers = [column.header for column in pairs.columns]
    assert sum("bp" in header for header in headers) == 2


def test_a_good_market_says_so(market: str) -> None:
    assert xm.quality(market).document(check=True).title == "market snapshot: good"


def test_a_bad_market_says_what_is_wrong_gravest_first(doubtful: xm.Snapshot) -> None:
    result = xm.quality(doubtful)
    assert result.bad == {"stale": 1, "incoherent": 1}
    document = result.document(check=True)
    assert document.title == "market snapshot: bad: 1 stale, 1 incoherent"
    items = named(document, "items")
    assert [row[0] for row in items.rows[:2]] == ["incoherent", "stale"]
    verdicts = {row[0]: row[3] for row in named(document, "verdicts").rows}
    assert verdicts["stale"] is True
    assert verdicts["ok"] is False


def test_an_incoherent_market_is_admitted_in_the_margin(doubtful: xm.Snapshot, retail: str) -> None:
    notes = xm.margin(retail, doubtful).figures["notes"]
    assert any("rows fetched at different instants disagree" in note for note in notes)
