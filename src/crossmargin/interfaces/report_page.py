"""The page of a report: one HTML text with its style inside, no script, every text escaped.

The content security policy allows the one style by its hash and nothing else: the page cannot load
anything, run anything or send anything, whatever an account or a tag is called.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources

from crossmargin.interfaces.tables import Table, drawn

__all__ = [
    "details",
    "escape",
    "figure",
    "meta",
    "notes",
    "page",
    "paragraph",
    "section",
    "spoken",
    "table_html",
    "tiles",
]


def escape(shown: object) -> str:
    """A text as it may stand in an element or in a quoted attribute."""
    return html.escape(str(shown), quote=True)


@cache
def _style() -> str:
    folder = resources.files("crossmargin.interfaces") / "report_assets"
    return (folder / "report.css").read_text(encoding="utf-8")


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document."""
    style, body = _style(), "\n".join(parts)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def section(name: str, title: str, parts: Iterable[str]) -> str:
    """A section that the contents can point to."""
    body = "\n".join(parts)
    return f'<section id="{escape(name)}"><h2>{escape(title)}</h2>\n{body}</section>'


def paragraph(shown: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    role = f' class="{escape(kind)}"' if kind else ""
    return f"<p{role}>{escape(shown)}</p>"


def meta(entries: Sequence[tuple[str, str]]) -> str:
    """Names and values below each other."""
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entries)
    return f'<dl class="meta">{body}</dl>'


def tiles(entries: Sequence[tuple[str, str, str, bool]]) -> str:
    """Key figures: name, number, unit or remark, and whether it is a breach."""
    body = "".join(
        f'<div class="tile{" bad" if bad else ""}"><span>{escape(name)}</span>'
        f"<b>{escape(number)} <small>{escape(unit)}</small></b></div>"
        for name, number, unit, bad in entries
    )
    return f'<div class="tiles">{body}</div>'


def notes(texts: Sequence[str]) -> str:
    """Remarks as a list; empty where there is none."""
    if not texts:
        return ""
    return f'<ul class="notes">{"".join(f"<li>{escape(each)}</li>" for each in texts)}</ul>'


def figure(wide: str, narrow: str) -> str:
    """A chart in the two layouts of which the page shows one."""
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>'


def details(summary: str, parts: Iterable[str], kind: str = "") -> str:
    """Content that is shown on request; ``kind`` model is printed open."""
    role = f' class="{escape(kind)}"' if kind else ""
    return f"<details{role}><summary>{escape(summary)}</summary>\n{''.join(parts)}</details>"


_WORDS = {"im": "initial margin (IM)", "mm": "maintenance margin (MM)"}
_LEVELS = re.compile(r"\b(im|mm|mmp)\b")


def spoken(table: Table, *keys: str) -> Table:
    """The table with the machine names of the named columns in words: no underscores, IM and MM."""
    chosen = {k for k, column in enumerate(table.columns) if column.key in keys}
    rows = tuple(
        tuple(
            _WORDS.get(cell, _LEVELS.sub(_upper, cell.replace("_", " ")))
            if k in chosen and isinstance(cell, str)
            else cell
            for k, cell in enumerate(row)
        )
        for row in table.rows
    )
    return replace(table, rows=rows)


def _upper(found: re.Match[str]) -> str:
    return found.group().upper()


def table_html(table: Table) -> str:
    """A table with units in its heads; columns that are not essential go on a narrow page."""
    shape = drawn(table)
    marks = [
        " ".join(
            name
            for name, wanted in (
                ("n", right),
                ("x", not essential),
                ("f", folds and not right),
                ("w", not folds and not right),
            )
            if wanted
        )
        for right, essential, folds in zip(shape.right, shape.essential, shape.folds, strict=True)
    ]
    head = "".join(
        f'<th class="{mark}" scope="col">{escape(shown)}</th>'
        for mark, shown in zip(marks, shape.heads, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td class="{mark}">{escape(shown)}</td>'
            for mark, shown in zip(marks, row, strict=True)
        )
        + "</tr>"
        for row in shape.body
    )
    title = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    remarks = notes(table.notes)
    return (
        f'<div class="scroll"><table class="{escape(table.kind)}">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>{remarks}"
    )
