"""How a liquidation is shown."""

from __future__ import annotations

from typing import Any

from crossmargin.interfaces.liquidate_layouts import liquidate_document
from crossmargin.interfaces.tables import plain_text

STANDING = {"equity_usd": 100.0, "counted_usd": 90.0, "mm_usd": 120.0}


def figures(**more: Any) -> dict[str, Any]:
    found = {
        "model": {"name": "fixed-rate"},
        "as_of": "2026-01-01T00:00:00Z",
        "account": "a",
        "mechanics": "house",
        "ended": "buffer restored",
        "before": STANDING,
        "after": STANDING,
        "order": "largest",
        "why": "as asked for",
        "steps": [],
        "covers": [],
        "purses": [],
        "attempts": [],
        "trades": [],
        "notes": [],
    }
    return {**found, **more}


STEP = {"step": 1, "what": "BTC-PERP", "share": 0.25, "cost_usd": 1.0, "equity_usd": 99.0}
TRADE = {"step": 1, "instrument": "BTC-PERP", "size": -1.0, "mark": 2.0, "price": 1.0}


def test_nothing_to_do_is_lines_alone() -> None:
    found = liquidate_document(figures(ended="not liquidatable"))
    assert found.tables == ()
    assert "ended: not liquidatable" in found.lines
    assert not any(line.startswith("order") for line in found.lines)


def test_columns_without_a_value_are_left_out() -> None:
    (table,) = liquidate_document(figures(steps=[STEP])).tables
    assert [column.key for column in table.columns] == [
        "step",
        "what",
        "share",
        "cost_usd",
        "equity_usd",
    ]


def test_trades_are_shown_where_a_step_has_several() -> None:
    one = liquidate_document(figures(steps=[STEP], trades=[TRADE]))
    assert [table.name for table in one.tables] == ["steps"]
    several = liquidate_document(figures(steps=[STEP], trades=[TRADE, TRADE]))
    assert [table.name for table in several.tables] == ["steps", "trades"]


def test_the_order_that_was_used_is_marked() -> None:
    attempts = [
        {"order": "largest", "used": True, "steps": 2},
        {"order": "pro_rata", "used": False, "steps": 3},
    ]
    text = plain_text(liquidate_document(figures(steps=[STEP], attempts=attempts)))
    assert "order largest: as asked for" in text
    assert [
        line.split()[:2] for line in text.splitlines() if line.startswith(("largest", "pro"))
    ] == [
        ["largest", "yes"],
        ["pro_rata", "no"],
    ]


def test_thousands_of_steps_are_cut_on_screen_and_say_so() -> None:
    steps = [{**STEP, "step": number} for number in range(1, 101)]
    whole = liquidate_document(figures(steps=steps)).tables[0]
    assert len(whole.rows) == 100
    assert whole.notes == ()
    cut = liquidate_document(figures(steps=steps), top=10).tables[0]
    assert [row[0] for row in cut.rows] == [*range(1, 10), 100]
    assert cut.notes == ("90 more before the last, in --json and --csv",)
