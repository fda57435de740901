"""The document: the binding number first, every table drawn, absent parts left out."""

from __future__ import annotations

import copy
from typing import Any

from crossmargin.interfaces.tables import plain_text
from crossmargin.interfaces.unified_layouts import unified_document
from tests.interfaces.unified_case import sample
from tests.tidy.source import REPOSITORY


def figures(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(sample().to_dict())
    found.update(changes)
    return found


def test_the_binding_number_comes_before_the_net() -> None:
    text = plain_text(unified_document(figures()))
    assert text.index("this binds") < text.index("economic net")
    assert "about to be liquidated locally" in text
    names = [table.name for table in unified_document(figures()).tables]
    assert names[:2] == ["totals", "accounts"]
    assert {"dangers", "after", "transfers", "waterfall", "leg_losses", "failures"} <= set(names)


def test_nothing_is_credited_before_it_is_enforced() -> None:
    table = next(t for t in unified_document(figures()).tables if t.name == "waterfall")
    assert table.rows[0][-1] is None
    assert table.rows[1][-1] == 0.0


def test_calm_and_blocked_say_so() -> None:
    calm = unified_document(figures(dangers=[], leg_losses=[]))
    assert "no account is about to be liquidated" in calm.lines[-1]
    assert not {"dangers", "transfers", "leg_losses"} & {table.name for table in calm.tables}
    blocked = unified_document(figures(dangers=[], blocked=["perp"]))
    assert "no decision: perp" in blocked.lines[-1]


def test_the_words_of_a_danger() -> None:
    found = figures()
    danger = found["dangers"][0]
    danger["in_time"] = False
    assert "perhaps too late" in unified_document(found).lines[-1]
    danger["whole_is_healthy"] = False
    assert "not healthy either" in unified_document(found).lines[-1]
    danger["cured"] = False
    assert "no transfer cures it" in unified_document(found).lines[-1]
    danger["move_fraction"] = None
    assert "below its maintenance margin" in unified_document(found).lines[-1]
    danger.update(cured=True, late_probability=0.034)
    assert "3.4 %" in unified_document(found).lines[-1]


def test_top_cuts_the_stresses() -> None:
    assert len(unified_document(figures(), 2).tables[-1].rows) == 2
    assert len(unified_document(figures()).tables[-1].rows) == len(figures()["failures"])


def test_the_documents_say_what_is_printed() -> None:
    """Every line of the page's outputs is a line of the sample's document."""
    page = (REPOSITORY / "docs" / "unified.md").read_text("utf-8")
    quoted = [line for block in page.split("```text\n")[1:] for line in _lines(block)]
    printed = plain_text(unified_document(figures(), 10)).splitlines()
    assert len(quoted) > 20
    assert [line for line in quoted if line not in printed] == []


def _lines(block: str) -> list[str]:
    return block.split("```", maxsplit=1)[0].splitlines()
