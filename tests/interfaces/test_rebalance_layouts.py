"""What is shown of a rebalancing."""

from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.rebalance_layouts import rebalance_document

BOOK, MARKET = "sample:market-maker", "sample:market"


def test_the_document_says_every_mode() -> None:
    hedged = xm.rebalance(BOOK, MARKET, delta_band=50_000.0)
    shown = rebalance_document(hedged.figures)
    assert [table.name for table in shown.tables] == ["bands", "contracts", "fills"]
