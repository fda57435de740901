"""The shell of the page and its pieces."""

from __future__ import annotations

import base64
import hashlib
import re

from crossmargin.interfaces.report_page import (
    details,
    figure,
    meta,
    notes,
    page,
    paragraph,
    section,
    spoken,
    table_html,
    tiles,
)
from crossmargin.interfaces.tables import Column, Table

EVIL = "<i onload=x>&\"'"
SAFE = "&lt;i onload=x&gt;&amp;&quot;&#x27;"


def test_every_piece_escapes_what_it_is_given() -> None:
    table = Table(EVIL, EVIL, (Column(EVIL, EVIL, "name"),), ((EVIL,),), (EVIL,))
    pieces = [
        page(EVIL, []),
        section(EVIL, EVIL, []),
        paragraph(EVIL, EVIL),
        meta([(EVIL, EVIL)]),
        tiles([(EVIL, EVIL, EVIL, True)]),
        notes([EVIL]),
        details(EVIL, []),
        table_html(table),
    ]
    for piece in pieces:
        assert "<i" not in piece
        assert SAFE in piece


def test_the_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    text = page("a", ["<p>b</p>"])
    found = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found.group(1).encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert "<p>b</p>" in text


def test_a_figure_has_both_layouts() -> None:
    drawn = figure("<svg>1</svg>", "<svg>2</svg>")
    assert '<div class="wide"><svg>1</svg></div>' in drawn
    assert '<div class="narrow"><svg>2</svg></div>' in drawn


def test_notes_without_texts_are_nothing() -> None:
    assert notes([]) == ""


def test_names_of_the_sheet_are_read_as_words() -> None:
    columns = (Column("node", "node", "name"), Column("other", "other", "name"))
    table = Table("t", "", columns, (("im", "im"), ("mm_span", "mm_span"), ("mmp_margin", "a_b")))
    assert spoken(table, "node").rows == (
        ("initial margin (IM)", "im"),
        ("MM span", "mm_span"),
        ("MMP margin", "a_b"),
    )


def test_tables_keep_units_and_mark_numbers_and_what_a_narrow_page_drops() -> None:
    columns = (
        Column("a", "name", "name"),
        Column("b", "amount", "usd", essential=False),
        Column("c", "words"),
    )
    text = table_html(Table("t", "title", columns, (("x", 12_345.6, "a b"),)))
    assert '<th class="n x" scope="col">amount\nUSD</th>' in text
    assert '<td class="n x">12,346</td>' in text
    assert '<td class="w">x</td>' in text
    assert '<td class="f">a b</td>' in text
    assert "<caption>title</caption>" in text
