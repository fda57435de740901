"""The heat map of a report as SVG, with its zero line, named cells and signed scale.

Each chart is drawn twice, for a page of about 1,000 pixels and for a telephone of 390: type keeps
its size and the layout changes, because a scaled picture cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crossmargin.interfaces.report_svg import (
    Scale,
    legend,
    line,
    picture,
    rect,
    scale_of,
    signed_colours,
    text,
    text_width,
)

__all__ = ["NARROW", "WIDE", "Heat", "heat", "zero_segments"]

WIDE, NARROW = 1040.0, 350.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Heat:
    """Cells ``values[row][column]`` (None: there is none), each with a printed number.

    Labels may have two lines. ``marks`` name cells: worst, runner-up, now. ``contour`` are
    segments between points (row, column) in fractional indices: where the value is zero.
    ``largest`` ends the colour scale; None: the largest value of the chart itself.
    """

    label: str
    row_title: str
    column_title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    unit: str
    words: tuple[str, str]
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    contour: tuple[tuple[Point, Point], ...] = ()
    largest: float | None = None

    def end(self) -> float:
        """The absolute value at which the colour scale ends."""
        own = max((abs(v) for row in self.values for v in row if v is not None), default=0.0)
        return own if self.largest is None else max(own, self.largest)

    def turned(self) -> Heat:
        """Rows as columns: what a narrow page can hold."""
        return Heat(
            self.label,
            self.column_title,
            self.row_title,
            self.columns,
            self.rows,
            tuple(zip(*self.values, strict=True)),
            self.unit,
            self.words,
            {(c, r): mark for (r, c), mark in self.marks.items()},
            tuple(((b, a), (d, c)) for (a, b), (c, d) in self.contour),
            self.largest,
        )


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the cells of a heat map stand."""

    left: float
    top: float
    width: float
    height: float

    def middle(self, row: float, column: float) -> Point:
        """Centre of a cell, or a point between centres."""
        return self.left + (column + 0.5) * self.width, self.top + (row + 0.5) * self.height


_KEYS = {
    "worst": "binding scenario",
    "runner-up": "runner-up",
    "now": "now (no move)",
}


def heat(chart: Heat, width: float) -> str:
    """The heat map with its legend."""
    wide = width > NARROW
    size = 12.0 if wide else 10.5
    scale = scale_of((v for row in chart.values for v in row if v is not None), chart.unit)
    heads = max(len(label.split("\n")) for label in chart.columns)
    left = max(text_width(_flat(label), size) for label in chart.rows) + 10
    cell = min((width - left - 2) / len(chart.columns), 96.0 if wide else 120.0)
    frame = _Frame(left, 26 + 14 * heads, cell, 30.0 if wide else 24.0)
    parts = _heat_axes(chart, frame, size)
    parts += _heat_cells(chart, frame, size, scale)
    below = frame.top + frame.height * len(chart.rows)
    keys, keyed = _heat_keys(chart, below + 10, width)
    parts += keys
    largest = chart.end()
    across = min(width - 4, 420.0)
    parts.append(text(2, keyed + 16, f"in {scale.unit}; colour goes with the square root", 11))
    parts += legend(2, keyed + 24, across, largest, scale, chart.words)
    return picture(width, keyed + 72, chart.label, parts)


def _heat_axes(chart: Heat, frame: _Frame, size: float) -> list[str]:
    """Titles and labels of both axes."""
    titles = f"down: {chart.row_title}; across: {chart.column_title}"
    parts = [text(2, 12, titles, size, weight="600")]
    longest = max(text_width(part, 1.0) for label in chart.columns for part in label.split("\n"))
    small = min(size, (frame.width - 3) / longest)
    for c, label in enumerate(chart.columns):
        x, _ = frame.middle(0, c)
        pieces = label.split("\n")
        for k, piece in enumerate(pieces):
            y = frame.top - 6 - 14 * (len(pieces) - 1 - k)
            parts.append(text(x, y, piece, small, anchor="middle"))
    for r, label in enumerate(chart.rows):
        _, y = frame.middle(r, 0)
        parts.append(text(frame.left - 6, y + size * 0.35, _flat(label), size, anchor="end"))
    return parts


def _heat_cells(chart: Heat, frame: _Frame, size: float, scale: Scale) -> list[str]:
    """Cells, the contour over them, then the frames of the named cells and every number on top."""
    largest = chart.end()
    crossed = {(round(r), round(c)) for segment in chart.contour for r, c in segment}
    parts: list[str] = []
    numbers: list[str] = []
    for r, row in enumerate(chart.values):
        for c, value in enumerate(row):
            if value is None:
                continue
            back, fore = signed_colours(value, largest)
            x, y = frame.left + c * frame.width, frame.top + r * frame.height
            shown = f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.6g}"
            tip = f"{_flat(chart.rows[r])}, {_flat(chart.columns[c])}: {shown} {chart.unit}"
            parts.append(rect(x, y, frame.width, frame.height, back, stroke="#ffffff", tip=tip))
            printed = scale.text(value)
            fitted = min(size, (frame.width - 3) / text_width(printed, 1.0))
            mx, my = frame.middle(r, c)
            # Where the contour passes, the number keeps a rim of its own cell's colour.
            rim = back if (r, c) in crossed else ""
            at = (mx, my + fitted * 0.36, printed, fitted)
            numbers.append(text(*at, anchor="middle", fill=fore, rim=rim))
    for colour, thick in (("#ffffff", 5.0), ("#000000", 2.5)):
        for first, last in chart.contour:
            (x1, y1), (x2, y2) = frame.middle(*first), frame.middle(*last)
            parts.append(line(x1, y1, x2, y2, stroke=colour, width=thick))
    for (r, c), mark in chart.marks.items():
        x, y = frame.left + c * frame.width, frame.top + r * frame.height
        parts.append(_mark(mark, x, y, frame.width, frame.height))
    return parts + numbers


def _flat(label: str) -> str:
    """A label of two lines in one."""
    return label.replace("\n", " ")


def _mark(mark: str, x: float, y: float, width: float, height: float) -> str:
    """The frame of a named cell: drawn in white and black, so that it shows on every colour."""
    thick, dash = {"worst": (3.0, ""), "runner-up": (2.0, "5 3"), "now": (1.5, "2 2")}[mark]
    box = (x + 1.5, y + 1.5, width - 3, height - 3, "none")
    halo = rect(*box, stroke="#ffffff", stroke_width=4)
    return halo + rect(*box, stroke="#000000", stroke_width=thick, dash=dash)


def _heat_keys(chart: Heat, y: float, width: float) -> tuple[list[str], float]:
    """What the frames and the black line mean, and where the next thing may stand."""
    entries = [(mark, _KEYS[mark]) for mark in _KEYS if mark in chart.marks.values()]
    if chart.contour:
        entries.append(("zero", "zero line"))
    parts: list[str] = []
    x = 2.0
    for mark, words in entries:
        need = 34 + text_width(words, 11.5) + 12
        if x > 2.0 and x + need > width:
            x, y = 2.0, y + 20
        if mark == "zero":
            parts.append(line(x, y + 8, x + 26, y + 8, stroke="#000000", width=2.5))
        else:
            parts.append(_mark(mark, x, y, 26, 16))
        parts.append(text(x + 32, y + 12, words, 11.5))
        x += need
    return parts, y + (20 if entries else 0)


def zero_segments(values: Sequence[Sequence[float]]) -> tuple[tuple[Point, Point], ...]:
    """Where a table crosses zero, linear between cells, as segments of (row, column) indices."""
    found: list[tuple[Point, Point]] = []
    for r in range(len(values) - 1):
        for c in range(len(values[0]) - 1):
            corners = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
            points: list[Point] = []
            for first, last in zip(corners, corners[1:] + corners[:1], strict=True):
                a, b = values[first[0]][first[1]], values[last[0]][last[1]]
                if (a >= 0.0) == (b >= 0.0):
                    continue
                t = a / (a - b)
                points.append(
                    (first[0] + t * (last[0] - first[0]), first[1] + t * (last[1] - first[1]))
                )
            # A saddle has four crossings: two lines, paired in the order of the walk.
            found += [(points[k], points[k + 1]) for k in range(0, len(points) - 1, 2)]
    return tuple(found)
