"""Documents as HTML for a notebook, every text escaped, no script; the colours of a grid."""

from __future__ import annotations

import html
import math

from crossmargin.interfaces.tables import Document, Table, drawn

__all__ = ["heat_colours", "html_text"]

# Blue for gains and orange for losses: told apart by every common kind of colour vision.
_GAIN, _LOSS, _ZERO = (33, 102, 172), (204, 85, 0), (247, 247, 247)


def html_text(document: Document) -> str:
    """The document as one HTML fragment."""
    parts = [f"<div class='crossmargin'><h4>{html.escape(document.title)}</h4>"]
    parts += [f"<p>{html.escape(line)}</p>" for line in document.lines]
    parts += [_table(table) for table in document.tables if not table.for_machines]
    parts += [f"<p>note: {html.escape(note)}</p>" for note in document.notes]
    return "".join(parts) + "</div>"


def _table(table: Table) -> str:
    shape, colours = drawn(table), heat_colours(table)
    head = "".join(f"<th>{html.escape(text).replace(chr(10), '<br>')}</th>" for text in shape.heads)
    body = []
    for texts, places in zip(shape.body, shape.source, strict=True):
        cells = []
        for text, place, right in zip(texts, places, shape.right, strict=True):
            styles = ["text-align:right" if right else "text-align:left;white-space:pre"]
            if place in colours:
                back, fore = colours[place]
                styles.append(f"background:{back};color:{fore}")
            cells.append(f"<td style='{';'.join(styles)}'>{html.escape(text)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    title = f"<caption>{html.escape(table.title)}</caption>" if table.title else ""
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{notes}"
    )


def heat_colours(table: Table) -> dict[tuple[int, int], tuple[str, str]]:
    """(row, column) -> background and text colour of the cells of heat columns."""
    chosen = [k for k, column in enumerate(table.columns) if column.style == "heat"]
    cells = {
        (r, c): float(row[c])
        for r, row in enumerate(table.rows)
        for c in chosen
        if row[c] is not None
    }
    largest = max((abs(value) for value in cells.values()), default=0.0)
    out = {}
    for key, value in cells.items():
        # The square root shows the small numbers around the money beside the far scenarios.
        share = math.sqrt(abs(value) / largest) if largest else 0.0
        end = _GAIN if value >= 0.0 else _LOSS
        mixed = [round(z + share * (e - z)) for z, e in zip(_ZERO, end, strict=True)]
        dark = 0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2] < 140
        out[key] = ("#{:02x}{:02x}{:02x}".format(*mixed), "#ffffff" if dark else "#000000")
    return out
