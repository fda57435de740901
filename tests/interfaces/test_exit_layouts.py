"""How an exit is drawn where something is missing."""

from __future__ import annotations

from typing import Any

from crossmargin.interfaces.exit_layouts import exit_document
from crossmargin.interfaces.tables import plain_text

LEG: dict[str, Any] = {
    "instrument": "BTC-31JUL26-80000-C",
    "quantity": -2.0,
    "kind": "option",
    "side": "buy",
    "mark": 0.002,
    "touch": 0.004,
    "bound": "vol 60%",
    "depth_source": "none",
    "shown": None,
    "worth_usd": -240.0,
    "touch_usd": 260.0,
    "depth_usd": 260.0,
    "parts_usd": {"spread": 240.0, "walk": 0.0, "fee": 20.0},
    "days_usd": 260.0,
    "days_to_close": None,
    "left": None,
    "waiting_risk_usd": 30.0,
    "run_off": None,
    "way": "wait",
}
FIGURES: dict[str, Any] = {
    "account": "a",
    "as_of": "2026-06-30T08:00:00Z",
    "model": {"name": "m", "title": "Model"},
    "days": 5.0,
    "days_to_close": None,
    "unquoted": ["BTC-31JUL26-80000-C"],
    "legs": [LEG],
    "standings": [],
    "notes": ["a note"],
}


def test_a_bounded_line_says_by_what() -> None:
    text = plain_text(exit_document(FIGURES))
    for words in ("bounded by", "vol 60%", "no quote: 1 of 1 lines", "unknown for some lines"):
        assert words in text
    assert "hedging to expiry" not in text
    quoted = {**FIGURES, "legs": [{**LEG, "bound": ""}], "unquoted": []}
    assert "bounded by" not in plain_text(exit_document(quoted))


def test_nothing_to_close() -> None:
    document = exit_document({**FIGURES, "legs": [], "unquoted": [], "days_to_close": 0.0})
    assert "nothing to close" in document.lines
    assert [table.name for table in document.tables] == ["account"]
