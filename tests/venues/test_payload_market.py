from __future__ import annotations

from crossmargin.instruments.symbology import parse
from crossmargin.venues.payload_market import PayloadMarket

AS_OF_MS = 1_718_619_740_501
CALL = parse("deribit", "BTC-28JUN24-70000-C")
PERPETUAL = parse("deribit", "BTC-PERPETUAL")


def made() -> PayloadMarket:
    market = PayloadMarket(AS_OF_MS, "reply")
    market.index("BTC", "USD", 65_000.0)
    market.mark(CALL, 0.02)
    market.mark(PERPETUAL, 65_010.0)
    market.vol(CALL, 0.5)
    market.forward(CALL, 65_500.0)
    return market


def test_rows_have_time_source_and_unit() -> None:
    snapshot = made().snapshot()
    assert snapshot.get("usd", "BTC") == 65_000.0
    units = {row.field + row.subject: row.unit for row in snapshot.rows()}
    assert units["markderibit|BTC-28JUN24-70000-C"] == "BTC"
    assert units["markderibit|BTC-PERPETUAL"] == "USD"
    assert {row.source for row in snapshot.rows()} == {"reply"}
    assert {row.event_ms for row in snapshot.rows()} == {AS_OF_MS}


def test_the_first_that_is_said_stands() -> None:
    market = made()
    market.vol(CALL, 0.9)
    assert market.snapshot().get("mark_iv", "deribit|BTC-28JUN24-70000-C") == 0.5


def test_a_snapshot_beside_fills_and_does_not_replace() -> None:
    later = PayloadMarket(AS_OF_MS + 5_000, "file")
    later.index("BTC", "USD", 1.0)
    later.index("ETH", "USD", 3_000.0)
    found = made().snapshot(later.snapshot())
    assert found.get("index", "BTC/USD") == 65_000.0
    assert found.get("index", "ETH/USD") == 3_000.0
    assert found.as_of_ms == AS_OF_MS
