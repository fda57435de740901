"""What is shown of hedging's cost."""

from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.hedge_cost_layouts import hedge_cost_document


def test_the_document_says_the_figures() -> None:
    result = xm.hedge_cost("sample:retail-short-vol", "sample:market", paths=100)
    shown = hedge_cost_document(result.figures)
    assert [table.name for table in shown.tables] == [
        "book",
        "liquidity",
        "cost",
        "components",
        "pace",
        "band",
    ]
    assert "breaks even" in shown.lines[-1]
    points = result.figures["break_even"]["margin_vol_points"]
    assert f"{abs(points):.2f} points {'above' if points > 0.0 else 'below'} it" in shown.lines[-1]
