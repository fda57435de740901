"""Writes what the documents copy from a run: the output in README.md, and a page a model.

    python scripts/renew_docs.py

It also runs the conformance suite and records in ``src/crossmargin/conformance/recorded`` how many
promises each model keeps. Vectors are recorded by ``pytest tests/vectors --record-vectors``.
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
# The table of the models stands between these, one line a member of the register.
TABLE = ("<!-- models -->", "<!-- end of models -->")
_MODELS = re.compile(rf"{re.escape(TABLE[0])}\n.*?{re.escape(TABLE[1])}", re.S)
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

    return _MODELS.sub(lambda _: model_table(), _BLOCK.sub(block, text))


def model_table() -> str:
    """The register as a table with a link to each page; what no venue runs any more stands last."""
    from crossmargin.margin.model import Standing
    from crossmargin.margin.register import ALL_MODELS

    def row(spec: Any) -> str:
        known = spec.extent.value.replace("_", " ")
        return f"| [{spec.name}](docs/models/{spec.name}.md) | {spec.title} | {known} |"

    specs = sorted((m.spec for m in ALL_MODELS), key=lambda s: s.standing is not Standing.ACTIVE)
    heads = ["| model | what it is | rules known |", "|---|---|---|"]
    said = [
        row(s) if s.standing is Standing.ACTIVE else row(s)[:-1] + f"({s.standing.value}) |"
        for s in specs
    ]
    return "\n".join([TABLE[0], *heads, *said, TABLE[1]])


# What stands between these in a model's page is written by people; the rest is generated.
BY_HAND = ("<!-- by hand -->", "<!-- end -->")
_HAND = re.compile(rf"{re.escape(BY_HAND[0])}\n.*?{re.escape(BY_HAND[1])}\n", re.S)


def model_page(name: str, before: str = "") -> str:
    """The page of a model: what it prints of itself, and its validation card.

    ``before`` is the page as it stands: its hand-written part is kept. Vectors and promises are
    those that a run recorded; sensitivities are computed here.
    """
    import crossmargin as xm

    document = xm.models(name).document()
    hand = _HAND.search(before)
    parts = [f"# {document.title}", ""]
    parts += [hand[0]] if hand else []
    parts += [f"What `crossmargin models {name}` prints, and what checked it.", ""]
    parts += [f"- {line}" for line in document.lines]
    for table in document.tables[:1]:
        parts += _drawn(table)
    parts += _card(name)
    for table in document.tables[1:]:
        parts += _drawn(table)
    return "\n".join(parts) + "\n"


def _card(name: str) -> list[str]:
    """What `crossmargin conform` found: vectors, sensitivities, promises."""
    from crossmargin.conformance.recorded import read
    from crossmargin.conformance.sensitivity import sensitivity
    from crossmargin.conformance.world import subject_of
    from crossmargin.interfaces.conform import card_figures, recorded_vectors
    from crossmargin.interfaces.layouts_conform import (
        sensitivity_lines,
        sensitivity_table,
        vectors_table,
    )
    from crossmargin.margin.model import Extent
    from crossmargin.margin.register import model_named

    model, record = model_named(name), read(name)
    parts = ["", "## Validation", ""]
    kept = record.asked - len(record.broken)
    parts.append(f"- promises of `crossmargin conform {name}`: {kept} of {record.asked} kept")
    parts += [f"- broken: {each}" for each in record.broken]
    vectors = recorded_vectors(model)
    if not vectors:
        parts.append("- no numbers of independent origin are recorded for this model")
    if model.spec.extent is Extent.REFUSED:
        return parts
    subject = subject_of(model)
    card = card_figures(subject, sensitivity(subject))
    parts += [f"- {line}" for line in sensitivity_lines(card)]
    if vectors:
        parts += _drawn(vectors_table(vectors, "vectors"))
    if card["sensitivity"]:
        parts += _drawn(sensitivity_table(card["sensitivity"], "sensitivity to inferred rules"))
    return parts


def _drawn(table: Any) -> list[str]:
    from crossmargin.interfaces.tables import drawn

    shape = drawn(table)
    parts = ["", f"## {table.title[0].upper()}{table.title[1:]}"] if table.title else []
    parts += ["", _row(shape.heads), _row(["---:" if r else "---" for r in shape.right])]
    return parts + [_row(row) for row in shape.body]


def record_promises() -> list[Path]:
    """Run the suite over every model that needs no payload, and keep what it found."""
    from dataclasses import replace

    from crossmargin.conformance.recorded import read, text_of
    from crossmargin.conformance.suite import judge, promises_of
    from crossmargin.conformance.world import subject_of
    from crossmargin.margin.model import Extent
    from crossmargin.margin.register import ALL_MODELS

    folder = REPOSITORY / "src" / "crossmargin" / "conformance" / "recorded"
    folder.mkdir(exist_ok=True)
    renewed_ = []
    for model in ALL_MODELS:
        if model.spec.extent is Extent.REFUSED and not model.spec.formula_unknown:
            continue
        subject = subject_of(model)
        found = judge(subject, promises_of(subject))
        broken = tuple(each.name for each in found if not each.kept)
        text = text_of(replace(read(model.spec.name), asked=len(found), broken=broken))
        path = folder / f"{model.spec.name}.toml"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            renewed_.append(path)
    return renewed_


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
        page = REPOSITORY / "docs" / "models" / f"{name}.md"
        found[page] = model_page(name, page.read_text("utf-8") if page.exists() else "")
    return found


if __name__ == "__main__":
    for path in record_promises():
        print(f"recorded {path.relative_to(REPOSITORY)}")
    for path, text in documents().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"renewed {path.relative_to(REPOSITORY)}")
