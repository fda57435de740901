"""The weights of an account, traded in whole lots."""

from __future__ import annotations

import pytest

import crossmargin as xm

BOOK, MARKET = "sample:market-maker", "sample:market"


def test_weights_of_a_book_go_to_their_targets_in_whole_lots() -> None:
    found = xm.rebalance(BOOK, MARKET, targets={"BTC": 0.5, "ETH": 0.3})
    rows = {row["asset"]: row for row in found.figures["assets"]}
    assert rows["BTC"]["outside"]
    assert not rows["ETH"]["outside"]
    assert rows["ETH"]["trade_usd"] == 0.0
    assert rows["BTC"]["after_fraction"] == pytest.approx(0.5)
    (trade,) = found.intents.trades
    assert trade.instrument == "BTC-PERPETUAL"
    assert trade.size == pytest.approx(rows["BTC"]["trade_usd"], abs=10.0)
    assert trade.size % 10.0 == 0.0
    value = found.figures["value_after_usd"] + found.figures["cost_usd"]
    assert value == pytest.approx(found.figures["value_before_usd"])
