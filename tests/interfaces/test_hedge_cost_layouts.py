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


def test_formula_and_simulation_apart_are_explained() -> None:
    """A law of small steps: at a long step the distance is told, near it is not."""
    figures = xm.hedge_cost("sample:retail-short-vol", "sample:market", paths=100).figures
    notes = {}
    for factor in (1.01, 1.5):
        cost = figures["simulation"]["cost_usd"] * factor
        given = {**figures, "formula": {**figures["formula"], "cost_usd": cost}}
        (table,) = [t for t in hedge_cost_document(given).tables if t.name == "cost"]
        notes[factor] = " ".join(table.notes)
    assert "from the simulation" not in notes[1.01]
    assert "the formula is +50 % from the simulation: it is the law of small steps" in notes[1.5]
