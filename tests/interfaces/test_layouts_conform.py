from __future__ import annotations

from crossmargin.interfaces.layouts_conform import conform_document, vectors_table
from crossmargin.interfaces.tables import csv_text, plain_text

CARD = {
    "model": "m",
    "title": "A model",
    "venue": "deribit",
    "extent": "at_least",
    "standing": "dormant",
    "version": "2",
    "parameters": "2026-01-01",
    "rules": [{"rule": "r", "text": "t", "source": "s", "fidelity": {"all": "stated"}}],
    "promises": [
        {"promise": "kept_one", "text": "Says.", "fault": None},
        {"promise": "lost_one", "text": "Says too.", "fault": "f: assert x"},
    ],
    "broken": 1,
    "vectors": [],
    "sensitivity": [],
    "unmeasured": ["r"],
    "unknown": ["the rest"],
}


def test_a_card_says_what_was_kept_and_what_was_not() -> None:
    document = conform_document({"name": "p", "models": [CARD], "failures": []})
    text = plain_text(document)
    assert "promises: 1 of 2 kept" in text
    assert "standing dormant" in text
    assert "of unknown weight: r" in text
    assert [table.name for table in document.tables] == ["rules", "promises", "unknown"]
    assert "lost_one,broken" in csv_text(document)


def test_several_cards_are_told_apart_and_failures_named() -> None:
    failures = [{"subject": "bad of p", "code": "model_unusable", "reason": "no"}]
    figures = {"name": "p", "models": [CARD, {**CARD, "model": "n"}], "failures": failures}
    document = conform_document(figures)
    assert {table.title for table in document.tables} >= {"m: rules", "n: rules"}
    assert "model_unusable: no" in plain_text(document)


def test_faults_of_vectors_are_shown() -> None:
    row = {"kind": "ours", "file": "f", "cases": 2, "numbers": 3, "worst_error": 0.5}
    table = vectors_table([{**row, "failed": ["a: x", "b: y"], "run": "now"}], "vectors")
    assert table.rows[0] == ("ours", "f", 2, 3, 2, "5.0e-01", "now", "a: x; b: y")
