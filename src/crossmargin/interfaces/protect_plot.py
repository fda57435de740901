"""The account before and after a hedge over the coin's price: at expiry and marked today."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.protection import Candidate, Protection
from crossmargin.interfaces.report_page import figure, notes, page, paragraph, section, table_html
from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    LINE_DASHES,
    line,
    picture,
    scale_of,
    text,
    ticks,
)
from crossmargin.interfaces.tables import Document

__all__ = ["curves", "protect_page", "protect_svg", "write_png"]

_WIDTH, _HEIGHT = 900.0, 520.0
_LEFT, _RIGHT, _TOP, _FOOT = 90.0, 880.0, 50.0, 420.0
_RANGE = (0.3, 1.7)


def curves(found: Protection, chosen: Candidate | None) -> tuple[Floats, list[tuple[str, Floats]]]:
    """Prices, and what is drawn over them: before, after at expiry, after marked today, floor."""
    field = found.field
    low, high = (share * field.lines.price for share in _RANGE)
    prices = field.grid([])
    prices = prices[(prices >= low) & (prices <= high)]
    years = found.ask.days / 365.0 if chosen is None else chosen.found.years
    out = [
        ("without a hedge, at expiry", field.book.at(prices, years, field.response)),
        ("without a hedge, marked today", field.book.at(prices, 0.0, field.response)),
    ]
    if chosen is not None:
        for name, at in (("hedged, at its expiry", years), ("hedged, marked today", 0.0)):
            value = field.book.at(prices, at, field.response)
            hedge = chosen.found.value(field.lines, prices, at, field.response)
            out.append((name, value + hedge))
    out.append(("floor", field.floor(prices)))
    return prices, out


def protect_svg(found: Protection, chosen: Candidate | None) -> str:
    """The picture; it says its title, axes and lines in words too."""
    prices, drawn = curves(found, chosen)
    largest = max(float(np.abs(values).max()) for _, values in drawn)
    scale = scale_of([largest], "USD")
    values = np.concatenate([each for _, each in drawn])
    marks = ticks(float(values.min()), float(values.max()), 7)
    low, high = marks[0], marks[-1]

    def x(price: float) -> float:
        return float(_LEFT + (price - prices[0]) / (prices[-1] - prices[0]) * (_RIGHT - _LEFT))

    def y(value: float) -> float:
        return float(_TOP + (high - value) / (high - low) * (_FOOT - _TOP))

    name = "no hedge" if chosen is None else f"{chosen.found.family}: {' '.join(chosen.names)}"
    title = f"Equity over the price of {found.ask.underlying}, {name}"
    parts = [text(_LEFT, 24, title, 15, weight="bold")]
    for mark in marks:
        parts.append(line(_LEFT, y(mark), _RIGHT, y(mark), stroke="#ddd"))
        parts.append(text(_LEFT - 8, y(mark) + 4, scale.text(mark), 12, anchor="end"))
    for mark in ticks(float(prices[0]), float(prices[-1]), 7):
        if prices[0] <= mark <= prices[-1]:
            parts.append(line(x(mark), _FOOT, x(mark), _FOOT + 5, stroke="#555"))
            parts.append(text(x(mark), _FOOT + 20, f"{mark:,.0f}", 12, anchor="middle"))
    now = x(found.field.lines.price)
    parts.append(line(now, _TOP, now, _FOOT, stroke="#777", dash="2 3"))
    parts.append(text(now + 4, _TOP + 12, "today", 12))
    parts.append(text(_LEFT, _TOP - 8, f"equity, {scale.unit}", 12))
    foot = f"price of {found.ask.underlying}, USD"
    parts.append(text((_LEFT + _RIGHT) / 2, _FOOT + 40, foot, 12, anchor="middle"))
    for k, (label, each) in enumerate(drawn):
        colour, dash = LINE_COLOURS[k % len(LINE_COLOURS)], LINE_DASHES[k % len(LINE_DASHES)]
        # one line through all points: the dashes of many short ones would run together
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(prices, each, strict=True))
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{broken}/>'
        )
        at, down = _LEFT + 270.0 * (k % 3), _FOOT + 62 + 20.0 * (k // 3)
        parts.append(line(at, down, at + 30, down, stroke=colour, width=2, dash=dash))
        parts.append(text(at + 36, down + 4, label, 12))
    svg = picture(_WIDTH, _HEIGHT, f"{title}: before, at expiry and marked today", parts)
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" '
    return svg.replace("<svg ", head, 1) + "\n"


def protect_page(svg: str, shown: Document) -> str:
    """One self-contained page: the picture and every table under it."""
    import html

    body = [f"<h1>{html.escape(shown.title)}</h1>", *(paragraph(each) for each in shown.lines)]
    body.append(section("plot", "Before and after", [figure(svg, svg)]))
    body += [
        section(table.name, table.title.capitalize(), [table_html(table)])
        for table in shown.tables
        if table.name != "missing"
    ]
    body.append(notes(shown.notes))
    return page(shown.title, body)


def write_png(found: Protection, chosen: Candidate | None, place: Path) -> None:
    """The same picture as PNG; it needs matplotlib, which the package does not install.

    Raises InputError ``extra_missing`` without it.
    """
    try:
        made = import_module("matplotlib.figure").Figure(figsize=(9.0, 5.2))
    except ImportError:
        raise InputError(
            "extra_missing",
            "a PNG is drawn with matplotlib",
            place="--plot",
            value=str(place),
            limit="SVG and HTML need nothing",
            remedy="Install matplotlib, or write FILE.svg.",
        ) from None
    prices, drawn = curves(found, chosen)
    axes = made.subplots()
    for (label, each), colour in zip(drawn, LINE_COLOURS, strict=False):
        axes.plot(prices, each, label=label, color=colour)
    axes.set_xlabel(f"price of {found.ask.underlying}, USD")
    axes.set_ylabel("equity, USD")
    axes.legend()
    made.savefig(place)
