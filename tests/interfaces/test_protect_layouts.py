"""What is shown of protection: every table, cut where it is long."""

from __future__ import annotations

from crossmargin.interfaces.protect_layouts import protect_document
from crossmargin.interfaces.tables import csv_text, plain_text
from tests.interfaces.test_protect import result


def test_every_part_has_its_table() -> None:
    shown = protect_document(result().figures)
    assert [table.name for table in shown.tables] == [
        "hedges", "floors", "margins", "compared", "tail", "crashes", "missing",
    ]  # fmt: skip
    for table in shown.tables[:6]:
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert "BTC-31JUL26-90000-P" in csv_text(shown)


def test_top_cuts_the_hedges_and_says_so() -> None:
    shown = protect_document(result().figures, 3)
    assert [len(table.rows) for table in shown.tables[:3]] == [3, 3, 3]
    assert "more in --json" in shown.tables[0].notes[0]
    assert "80.0 % of the equity" in plain_text(shown)


def test_an_answer_without_hedges_still_says_where_the_floor_stands() -> None:
    figures = {
        **result().figures, "candidates": [], "compared": None, "tail": None, "missing": [],
        "needed": False, "floor_unit": "coin",
    }  # fmt: skip
    shown = protect_document(figures)
    assert shown.tables == ()
    assert "floor 8.0000 BTC" in shown.lines[1]
    assert "holds at every price" in shown.lines[2]
    low = protect_document({**result().figures, "bare_holds_to_usd": 90_000.0})
    assert "below 54,388 and above 90,000 USD" in low.lines[2]
