"""The terminal: numbers are never cut, what is left out is named, no colour in a pipe."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.interfaces import screen
from crossmargin.interfaces.cli import main
from crossmargin.interfaces.report_cases import CELLS
from crossmargin.interfaces.screen import counting, show, working
from crossmargin.interfaces.tables import Column, Document, Table, drawn

CALL = "BTC-10JUL26-72000-C"


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


class Terminal(io.StringIO):
    """An error stream at which someone looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a status line is told, in the order in which it is."""
    heard: list[str] = []

    class Spy:
        def __init__(self, what: str, console: object) -> None:
            heard.append(what)

        def start(self) -> None:
            heard.append("shown")

        def update(self, what: str) -> None:
            heard.append(what)

        def stop(self) -> None:
            heard.append("gone")

    monkeypatch.setattr(screen, "Status", Spy)
    return heard


LONG = {
    "population": (["margin", "BOOK", "--model", "fixed-rate"], "margining the book: 3 of 3"),
    "ranking": (
        ["whatif", "BOOK", "--account", "retail", "--rank", "RANK"],
        "ranking the candidates: 2 of 2",
    ),
    "watching": (["watch", "BOOK", "--account", "retail"], "waiting for the next snapshot"),
    "report": (
        ["margin", "BOOK", "--account", "retail", "--report", "PAGE"],
        f"margining at other spots and volatilities: {CELLS} of {CELLS}",
    ),
    "page of a what-if": (
        ["whatif", "BOOK", "--account", "retail", "--add", f"{CALL}:-1", "--report", "PAGE"],
        f"margining at other spots and volatilities: {2 * CELLS} of {2 * CELLS}",
    ),
}


@pytest.fixture
def command(tmp_path: Path, retail: str, market: str) -> Callable[[str], list[str]]:
    """The words of a long command over three accounts."""
    text = Path(retail).read_text()
    rows = text.partition("\n")[2]
    book, ranked = tmp_path / "three.csv", tmp_path / "candidates.csv"
    book.write_text(text + rows.replace("retail", "second") + rows.replace("retail", "third"))
    ranked.write_text(f"instrument,size\n{CALL},-1\n{CALL},-2\n")
    files = {"BOOK": str(book), "RANK": str(ranked), "PAGE": str(tmp_path / "page.html")}
    return lambda name: [files.get(word, word) for word in LONG[name][0]] + ["--market", market]


@pytest.mark.parametrize("name", LONG)
def test_long_work_says_how_far_it_is_on_a_terminal(
    name: str,
    command: Callable[[str], list[str]],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(command(name)) == 0
    assert LONG[name][1] in said
    assert said[-1] == "gone"
    assert said[0] not in capsys.readouterr().out


@pytest.mark.parametrize("name", LONG)
def test_long_work_is_silent_elsewhere(
    name: str,
    command: Callable[[str], list[str]],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command(name)) == 0
    assert said == []
    assert "of 3" not in capsys.readouterr().err
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main([*command(name), "--json"]) == 0
    assert said == []


def test_short_work_shows_nothing(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with working("a moment's work"), counting("as short") as progress:
        progress(1, 2)
    assert said == ["a moment's work", "as short", "as short: 1 of 2", "gone", "gone"]
    monkeypatch.setattr(screen, "_PATIENCE_S", 0.0)
    with working("a longer one"):
        time.sleep(0.2)
    assert said[-3:] == ["a longer one", "shown", "gone"]


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_a_number_without_room_is_named_and_never_cut(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seven essential columns of 9 digits do not fit 80: those that stay stand in full."""
    columns = (
        Column("who", "who", "name"),
        *(Column(f"n{k}", f"number {k}", "usd") for k in range(7)),
    )
    row = ("somebody", *(1_234_567.0 + k for k in range(7)))
    show(Document("wide", (), (Table("t", "", columns, (row,)),), ()), width=width)
    out = capsys.readouterr().out
    found = re.findall(r"[\d,]{5,}", out)
    assert found and all(re.fullmatch(r"1,234,5\d\d", each) for each in found)
    assert len(found) == 7 or "not shown at this width: number" in " ".join(out.split())
