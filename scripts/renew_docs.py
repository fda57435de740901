"""Writes what the documents copy from a run: the output in README.md, and a page a model.

    python scripts/renew_docs.py

tests/test_readme.py fails where a document no longer says what the program says.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "src"))

WIDTH = 100
# A console block under this mark holds a command and its output, copied from a run.
MARK = "<!-- output of a run -->"
_BLOCK = re.compile(
    rf"(?<={re.escape(MARK)}\n```console\n)\$ (?P<command>[^\n]+)\n.*?(?=```)", re.S
)


def output_of(command: str) -> str:
    """What a command prints on a screen of 100 columns, up to its receipt."""
    from crossmargin.interfaces.cli import main

    stream = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(WIDTH)
    try:
        with contextlib.redirect_stdout(stream):
            status = main(shlex.split(command)[1:])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    if status != 0:
        raise SystemExit(f"{command}: exit status {status}")
    # The receipt names the build, which every change of a source changes.
    text = stream.getvalue().split("\nreceipt  ")[0]
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def renewed(text: str) -> str:
    """A document with the output of its marked blocks as the program prints it now."""

    def block(match: re.Match[str]) -> str:
        return f"$ {match['command']}\n{output_of(match['command'])}\n"

    return _BLOCK.sub(block, text)


def model_page(name: str) -> str:
    """The page of a model: rules, readings, what is unknown, sets and numbers."""
    import crossmargin as xm
    from crossmargin.interfaces.tables import drawn

    document = xm.models(name).document()
    parts = [f"# {document.title}", "", f"What `crossmargin models {name}` prints.", ""]
    parts += [f"- {line}" for line in document.lines]
    for table in document.tables:
        shape = drawn(table)
        if table.title:
            parts += ["", f"## {table.title[0].upper()}{table.title[1:]}"]
        parts += ["", _row(shape.heads), _row(["---:" if r else "---" for r in shape.right])]
        parts += [_row(row) for row in shape.body]
    return "\n".join(parts) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def documents() -> dict[Path, str]:
    """Every document that copies from a run, as it should be."""
    from crossmargin.margin.register import ALL_MODELS

    readme = REPOSITORY / "README.md"
    found: dict[Path, Any] = {readme: renewed(readme.read_text("utf-8"))}
    for model in ALL_MODELS:
        name = model.spec.name
        found[REPOSITORY / "docs" / "models" / f"{name}.md"] = model_page(name)
    return found


if __name__ == "__main__":
    for path, text in documents().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"renewed {path.relative_to(REPOSITORY)}")
