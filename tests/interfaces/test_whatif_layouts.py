"""What a what-if shows on a screen of eighty columns."""

from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.tables import csv_text, plain_text
from crossmargin.interfaces.whatif_layouts import whatif_document

CALL, PUT = "BTC-10JUL26-72000-C", "BTC-10JUL26-59000-P"


def test_the_verdict_comes_first_and_units_stand_beside(retail: str, market: str) -> None:
    found = xm.whatif(retail, market, "deribit-spm", [f"{CALL}:-1", f"{PUT}:-1"], atomic=False)
    document = whatif_document(found.figures)
    assert document.lines[1].startswith("the venue would")
    names = [table.name for table in document.tables]
    assert names == ["account", "usage", "legs", "pools", "greeks", "legged"]
    text = plain_text(document)
    for word in ("USD", "coins/USD", "USD/point", "marginal", "best order"):
        assert word in text
    wide = [column for table in document.tables for column in table.columns if column.essential]
    assert all(column.title is not None for column in wide)


def test_a_lower_bound_is_marked(maker: str, market: str) -> None:
    found = xm.whatif(maker, market, "deribit-xpm", [f"{CALL}:-1"])
    account = found.document().tables[0]
    assert set(account.marks.values()) == {"≥"}
    assert any(note.startswith("≥") for note in found.document().notes)


def test_the_ranking_is_cut_on_screen_alone(retail: str, market: str) -> None:
    tried = [f"{CALL}:{size}" for size in range(1, 31)]
    found = xm.whatif(retail, market, "deribit-spm", rank=tried)
    short = whatif_document(found.figures, 5).tables[0]
    assert len(short.rows) == 5 and "25 more" in short.notes[0]
    assert csv_text(found.document()).count(f"{CALL}:") >= 30


def test_what_does_not_fit_and_what_always_fits(retail: str, market: str) -> None:
    found = xm.whatif(retail, market, "deribit-sm", f"{CALL}:-0.1", size_to_fit=True)
    fit = next(table for table in found.document().tables if table.name == "fit")
    figures = dict(found.figures)
    assert "one step more" in fit.notes[0]
    for change, words in (
        ({"steps": 0, "sizes": [0.0]}, "not even one step"),
        ({"unlimited": True}, "up to the largest size"),
    ):
        figures["fit"] = {**found.figures["fit"], **change}
        table = next(t for t in whatif_document(figures).tables if t.name == "fit")
        assert words in table.notes[0]
