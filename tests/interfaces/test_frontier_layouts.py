"""What is shown: only what the figures have, every column with its unit."""

from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.tables import plain_text


def test_without_extras_only_the_plain_tables() -> None:
    found = xm.frontier(history="sample:market", last=50)
    document = found.document()
    assert [table.name for table in document.tables] == ["assets", "portfolios", "frontier"]
    shown = plain_text(document)
    assert "risk-free 0 % a year" in shown and "turning points" in shown
    assert "resampled" not in shown and "held" not in shown.split("note")[0]


def test_a_portfolio_that_is_not_there_says_why() -> None:
    found = xm.frontier(history="sample:market", method="min-variance", risk_free=5.0)
    (absent,) = (e for e in found.figures["portfolios"] if e["portfolio"] == "max-sharpe")
    assert absent["return_fraction"] is None
    assert "earns more than the risk-free return" in absent["why"]
