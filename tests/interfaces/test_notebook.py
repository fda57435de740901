"""HTML of results: escaped, without script, colours that say gain and loss."""

from __future__ import annotations

from crossmargin.interfaces.notebook import heat_colours, html_text
from crossmargin.interfaces.results import MarginResult
from crossmargin.interfaces.tables import Column, Document, Table


def test_every_text_is_escaped() -> None:
    nasty = "<script>alert(1)</script>"
    columns = (Column("a", nasty),)
    table = Table("t", nasty, columns, ((nasty,),), (nasty,))
    text = html_text(Document(nasty, (nasty,), (table,), (nasty,)))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 7


def test_what_stands_in_csv_alone_is_not_shown() -> None:
    machine = Table("m", "", (Column("a", "secret", "machine"),), (("x",),))
    assert machine.for_machines
    text = html_text(Document("title", (), (machine,)))
    assert "secret" not in text and "<table" not in text


def test_gains_are_blue_losses_orange_and_the_middle_is_pale() -> None:
    table = Table("t", "", (Column("p", "P&L", "heat"),), ((5.0,), (-5.0,), (0.0,), (None,)))
    colours = heat_colours(table)
    assert colours[0, 0] == ("#2166ac", "#ffffff")
    assert colours[1, 0] == ("#cc5500", "#ffffff")
    assert colours[2, 0] == ("#f7f7f7", "#000000")
    assert (3, 0) not in colours


def test_a_result_shows_its_numbers(margined: MarginResult) -> None:
    text = margined.explain()._repr_html_()
    assert f"{margined.im_usd:,.0f}" in text
    assert text.count("<table>") == text.count("</table>") >= 6
    assert "#cc5500" in text
