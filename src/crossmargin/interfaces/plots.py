"""A plot as a file: one place that knows the kinds, so that every command writes the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.interfaces.report_page import (
    escape,
    figure,
    notes,
    page,
    paragraph,
    section,
    table_html,
)
from crossmargin.interfaces.tables import Document

__all__ = ["ENDINGS", "NARROW", "WIDE", "drawn_page", "standalone", "write_plot"]

ENDINGS = (".html", ".svg", ".png")
WIDE, NARROW = 1040.0, 350.0
Picture = Callable[[float], str]  # an SVG of that width


def write_plot(
    path: str | Path, picture: Picture, document: Callable[[], Document], heading: str
) -> Path:
    """The picture as FILE.svg or FILE.png, or with the tables under it as a page FILE.html.

    ``heading`` names the picture on the page. Raises InputError ``option_unknown`` for another
    ending, before anything is drawn, and ``file_unreadable`` where the file cannot be written.
    """
    place = Path(path)
    ending = place.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            "option_unknown",
            "a plot is an HTML page, an SVG picture or a PNG picture",
            place="--plot",
            value=place.name,
            limit=", ".join(f"FILE{each}" for each in ENDINGS),
            remedy="Choose one of these endings.",
        )
    if ending == ".html":
        content = drawn_page(picture, document(), heading).encode()
    elif ending == ".svg":
        content = standalone(picture(WIDE)).encode()
    else:
        from crossmargin.interfaces.svg_png import png_of  # only when one is asked for

        content = png_of(picture(WIDE))
    try:
        place.write_bytes(content)
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"the plot cannot be written ({cause.strerror})",
            place=str(place),
            remedy="Give a file in a folder that exists.",
        ) from None
    return place


def standalone(svg: str) -> str:
    """The SVG as a file of its own: with its namespace and a face for the letters."""
    if "xmlns=" in svg.partition(">")[0]:
        return svg
    return svg.replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1
    )


def drawn_page(picture: Picture, shown: Document, heading: str) -> str:
    """One self-contained page: the picture in two widths and the tables under it."""
    parts = [figure(standalone(picture(WIDE)), standalone(picture(NARROW)))]
    body = [f"<h1>{escape(shown.title)}</h1>", *(paragraph(each) for each in shown.lines)]
    body.append(section("plot", heading, parts))
    for table in shown.tables:
        if table.for_machines:
            continue
        title = table.title or table.name.replace("_", " ")
        bare = replace(table, title="")
        body.append(section(table.name, title[:1].upper() + title[1:], [table_html(bare)]))
    body.append(notes(shown.notes))
    return page(shown.title, body)
