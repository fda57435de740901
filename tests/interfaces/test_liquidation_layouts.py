"""What the tables of a liquidation show, and what they leave out."""

from __future__ import annotations

from typing import Any

from crossmargin.interfaces.liquidation_layouts import liquidation_document


def figures(**changes: Any) -> dict[str, Any]:
    jump = {
        "kind": "jump", "side": "above", "at": 1.5, "broken": "above", "over_low_usd": 40.0,
        "over_high_usd": -10.0, "over_usd": -10.0, "need_mm_usd": 500.0, "coin": "BTC",
        "price_usd": 90_000.0, "percent": 0.5, "sigmas": 16.0, "sigma_daily": 0.025,
        "touch": [{"hours": 1.0, "probability": 0.001, "how": "counted", "windows": 900,
                   "apart": 900}],
    }  # fmt: skip
    base: dict[str, Any] = {
        "account": "a", "as_of": "2026-01-01T00:00:00Z", "bound": "value", "says": "",
        "model": {"name": "m", "title": "M"}, "counted_mm_usd": 1000.0, "mm_usd": 400.0,
        "over_mm_usd": 600.0, "crossings": [jump], "late_marks": [],
        "path": {"title": "spot", "says": "volatilities stay", "unit": "factor", "from": 0.05,
                 "to": 20.0, "nodes": 4000},
        "quotes": {"quoted": 0, "crossings": [], "cost_usd": 0.0, "unquoted": []},
        "on": {"basis": "mark", "cost_usd": 0.0, "cost_at_crossings_usd": []},
        "terms": {"oracle_lag_s": 0.0, "penalty_fraction": 0.0, "source": "not stated"},
        "notes": [],
    }  # fmt: skip
    return {**base, **changes}


def test_a_jump_says_both_its_values() -> None:
    document = liquidation_document(figures())
    table = document.tables[0]
    assert table.rows[0][0] == "jump above"
    assert "40.00 to -10.00 USD" in table.notes[0]
    both = [column.key for column in table.columns].index("over_low_usd")
    assert table.rows[0][both : both + 2] == (40.0, -10.0)
    (jump,) = figures()["crossings"]
    root = liquidation_document(figures(crossings=[{**jump, "kind": "root"}])).tables[0]
    assert root.rows[0][both : both + 2] == (None, None)  # the search's last bracket is no value
    assert "counted" in " ".join(document.tables[1].notes)
    assert not any(each.name in ("quotes", "late_marks", "terms") for each in document.tables)
    quotes = {"quoted": 3, "crossings": [], "cost_usd": 7.0, "unquoted": []}
    shown = liquidation_document(figures(quotes=quotes)).tables[-1]
    assert shown.title.endswith("none on this path")
    assert not shown.columns  # no heads over nothing


def test_time_shows_hours_and_nothing_of_prices() -> None:
    entry = {
        "kind": "root", "side": "above", "at": 7.2e6, "broken": "above", "over_low_usd": 0.0,
        "over_high_usd": 0.0, "over_usd": 0.0, "need_mm_usd": 5.0, "hours": 2.0,
        "time": "2026-01-01T02:00:00Z",
    }  # fmt: skip
    path = {"title": "time", "says": "x", "unit": "ms", "from": 0.0, "to": 3.6e7, "nodes": 10}
    document = liquidation_document(figures(crossings=[entry], path=path))
    assert "to 10.0 h" in document.lines[2]
    assert [column.key for column in document.tables[0].columns][2:4] == ["time", "hours"]
    assert len(document.tables) == 1


def test_a_lower_bound_and_silence_are_said() -> None:
    document = liquidation_document(
        figures(bound="at_least", says="not liquidated on this path", crossings=[])
    )
    assert any("may come earlier" in line for line in document.lines)
    assert document.lines[-1] == "not liquidated on this path" and document.tables == ()
