from __future__ import annotations

from typing import Any

from crossmargin.interfaces.parameters_layouts import check_document, diff_document, set_document
from crossmargin.interfaces.tables import plain_text

NAMED: dict[str, Any] = {
    "set": "m/old",
    "announced_at": None,
    "effective_from": "2025-01-10T08:00:00Z",
    "observed": "2025-01-11T00:00:00Z",
    "effective_for": "all",
}
CHANGES: list[dict[str, Any]] = [
    {"name": "a.b", "before": 0.16, "after": 0.14, "unit": "fraction", "share": -0.125},
    {
        "name": "a.rows",
        "before": [[1], [2], [3]],
        "after": [[1], [5], [6], [7]],
        "unit": "",
        "share": None,
    },
    {"name": "a.new", "before": None, "after": [[1]], "unit": "", "share": None},
]


def test_numbers_lists_and_accounts() -> None:
    accounts = [
        {"account": "x", "before_usd": 1.0, "after_usd": 3.0, "change_usd": 2.0, "error": None},
        {"account": "y", "error": "mark_missing: no price"},
    ]
    figures = {
        "before": NAMED,
        "after": {**NAMED, "set": "m/new"},
        "changes": CHANGES,
        "accounts": accounts,
        "model": "m",
        "as_of": "2025-02-01T00:00:00Z",
    }
    text = plain_text(diff_document(figures))
    assert "3 numbers differ" in text
    assert "-12.5" in text
    assert "2: [5]; 3: [6]; and 1 rows" in text
    assert "effective_from 2025-01-10T08:00:00Z" in text
    assert "mark_missing" in text
    good = plain_text(diff_document({**figures, "accounts": accounts[:1]}))
    assert "why there is no number" not in good


def test_an_imported_set_names_what_was_carried_on() -> None:
    figures = {
        "venue": "v",
        "set": NAMED,
        "base": NAMED,
        "changes": CHANGES[:1],
        "carried": ["a.c"],
        "notes": [],
    }
    assert "carried on: a.c" in plain_text(set_document(figures))


def test_a_check_says_which_numbers_are_not_the_venues() -> None:
    figures = {
        "venue": "v",
        "as_of": "2025-02-01T00:00:00Z",
        "set": NAMED,
        "changes": [],
        "carried": [],
        "age_days": 70.2,
        "notes": [],
    }
    assert "70 days old" in plain_text(check_document(figures))
    assert "is that of the set" in plain_text(check_document(figures))
    wrong = plain_text(check_document({**figures, "changes": CHANGES[:1]}))
    assert "1 numbers differ" in wrong
