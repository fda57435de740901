"""The terminal: numbers are never cut, what is left out is named, no colour in a pipe."""

from __future__ import annotations

import re

import pytest

import crossmargin as xm
from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.tables import drawn


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_screen(
    width: int,
    margined: xm.MarginResult,
    compared: xm.CompareResult,
    crossed: xm.MarginResult,
    market: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = [
        margined.explain().document(top=5),
        crossed.explain().document(top=5),
        compared.document(),
        xm.quality(market).document(),
        xm.models().document(),
        *(xm.models(each["model"]).document() for each in xm.models().figures["models"]),
    ]
    for document in shown:
        show(document, width=width)
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 160])
def test_every_essential_number_is_on_screen_in_full(
    width: int,
    margined: xm.MarginResult,
    compared: xm.CompareResult,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for document in (margined.explain().document(), compared.document()):
        show(document, width=width)
        out = capsys.readouterr().out
        for table in document.tables:
            shape = drawn(table)
            for row in shape.body:
                for text, right, essential in zip(row, shape.right, shape.essential, strict=True):
                    if right and essential and any(c.isdigit() for c in text):
                        assert re.sub(r"\s+.*", "", text) in out, (table.name, text)


def test_what_does_not_fit_is_named(
    margined: xm.MarginResult, capsys: pytest.CaptureFixture[str]
) -> None:
    show(margined.explain().document(), width=80)
    assert "not shown at this width: " in capsys.readouterr().out
    show(margined.explain().document(), width=200)
    assert "not shown at this width" not in capsys.readouterr().out


def test_colours_are_for_terminals_only(
    margined: xm.MarginResult,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    show(margined.explain().document(), width=120)
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    show(margined.explain().document(), width=120)
    assert "48;2;204;85;0" in capsys.readouterr().out


def test_nothing_is_written_where_no_one_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with working("a second's work"):
        pass
    found = capsys.readouterr()
    assert found.out == found.err == ""
