"""Lines against the spot and signed bars, as SVG; every line carries its name at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crossmargin.interfaces.report_charts import NARROW
from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    LINE_DASHES,
    Scale,
    line,
    percent,
    picture,
    rect,
    scale_of,
    text,
    text_width,
    ticks,
)

__all__ = ["Bars", "Lines", "bars", "lines"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Series over moves of the spot; ``danger`` words the side under zero, if that is a breach.

    ``levels`` are prices of the coin at the moves, shown under them where there is one coin.
    """

    label: str
    title: str
    moves: tuple[float, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]
    unit: str
    danger: str = ""
    levels: tuple[str, tuple[float, ...]] | None = None


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where moves and values stand."""

    left: float
    right: float  # x of the last move
    top: float
    foot: float
    first: float
    last: float
    low: float
    high: float

    def x(self, move: float) -> float:
        """Where a move stands."""
        share = (move - self.first) / (self.last - self.first)
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where a value stands."""
        share = (self.high - value) / (self.high - self.low)
        return self.top + share * (self.foot - self.top)


def lines(chart: Lines, width: float) -> str:
    """The line chart with its labels at the ends of the lines."""
    wide = width > NARROW
    size = 12.0 if wide else 10.5
    values = [value for _, series in chart.series for value in series]
    marks = ticks(min(*values, 0.0), max(*values, 0.0), 7 if wide else 5)
    scale = _tick_scale(marks, chart.unit)
    longest = max(text_width(name, size) for name, _ in chart.series)
    plot = _Plot(
        left=max(text_width(scale.text(mark), size) for mark in marks) + 12,
        right=width - longest - 28,
        top=26.0,
        foot=26.0 + (340.0 if wide else 240.0),
        first=chart.moves[0],
        last=chart.moves[-1],
        low=marks[0],
        high=marks[-1],
    )
    parts = [text(2, 14, f"{chart.title}, {scale.unit}", size, weight="600")]
    if chart.danger and plot.low < 0.0:
        zero = plot.y(0.0)
        parts.append(rect(plot.left, zero, plot.right - plot.left, plot.foot - zero, "#fdeee2"))
        parts.append(text(plot.left + 6, plot.foot - 8, chart.danger, 11, fill="#7a3300"))
    for mark in marks:
        y = plot.y(mark)
        stroke, thick = ("#444", 1.5) if mark == 0.0 else ("#e2e2e2", 1.0)
        parts.append(line(plot.left, y, plot.right, y, stroke=stroke, width=thick))
        parts.append(text(plot.left - 6, y + 4, scale.text(mark), size, anchor="end"))
    parts += _move_axis(chart, plot, size, 0.1 if wide else 0.2)
    for k, (_, series) in enumerate(chart.series):
        parts.append(_curve(k, plot, chart.moves, series))
    parts += _end_labels(chart, plot, size)
    return picture(width, plot.foot + (54.0 if chart.levels is None else 70.0), chart.label, parts)


def _tick_scale(marks: Sequence[float], unit: str) -> Scale:
    """The unit of the numbers at an axis, with the decimals that tell two ticks apart."""
    scale = scale_of(marks, unit)
    step = (marks[1] - marks[0]) / scale.divisor
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    # A step of 2.5 needs the digit after its leading one.
    if round(step * 10.0**decimals) != round(step * 10.0**decimals, 6):
        decimals += 1
    return Scale(scale.divisor, decimals, scale.unit)


def _curve(k: int, plot: _Plot, moves: Sequence[float], series: Sequence[float]) -> str:
    points = " ".join(
        f"{plot.x(move):.1f},{plot.y(value):.1f}" for move, value in zip(moves, series, strict=True)
    )
    colour, dash = _style(k)
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.2" '
        f'stroke-linejoin="round"{broken}/>'
    )


def _style(k: int) -> tuple[str, str]:
    return LINE_COLOURS[k % len(LINE_COLOURS)], LINE_DASHES[k % len(LINE_DASHES)]


def _move_axis(chart: Lines, plot: _Plot, size: float, step: float) -> list[str]:
    """Moves along the foot, prices under them, and the line of no move."""
    parts: list[str] = []
    foot = plot.foot
    for k, move in enumerate(chart.moves):
        if abs(move / step - round(move / step)) > 1e-6:
            continue
        x = plot.x(move)
        parts.append(line(x, foot, x, foot + 5, stroke="#555"))
        parts.append(text(x, foot + 18, percent(move), size, anchor="middle"))
        if chart.levels is not None:
            shown = f"{chart.levels[1][k]:,.0f}"
            parts.append(text(x, foot + 34, shown, size - 1, anchor="middle", fill="#555"))
    x = plot.x(0.0)
    parts.append(line(x, plot.top, x, foot, stroke="#444", dash="3 3"))
    parts.append(text(x + 4, plot.top + 10, "now", 11, fill="#444"))
    words, y = "move of every coin together, volatility unmoved", foot + 38
    if chart.levels is not None:
        words, y = f"move of spot, under it {chart.levels[0]}; volatility unmoved", foot + 54
    return [*parts, text(2, y, words, 11, fill="#444")]


def _end_labels(chart: Lines, plot: _Plot, size: float) -> list[str]:
    """A label at the end of each line, moved apart where they would touch."""
    ends = [plot.y(series[-1]) for _, series in chart.series]
    places = _apart(ends, size + 4, plot.foot)
    x = plot.right
    parts = []
    for k, (name, _) in enumerate(chart.series):
        colour, dash = _style(k)
        parts.append(line(x, ends[k], x + 8, places[k], stroke=colour))
        parts.append(line(x + 8, places[k], x + 22, places[k], stroke=colour, width=2.2, dash=dash))
        parts.append(text(x + 26, places[k] + size * 0.35, name, size))
    return parts


def _apart(ends: Sequence[float], gap: float, foot: float) -> list[float]:
    """Places at least ``gap`` apart, near to ``ends`` and not under the foot."""
    order = sorted(range(len(ends)), key=lambda k: (ends[k], k))
    places = list(ends)
    last = -math.inf
    for k in order:
        last = places[k] = max(ends[k], last + gap)
    limit = foot
    for k in reversed(order):
        places[k] = min(places[k], limit)
        limit = places[k] - gap
    return places


@dataclass(frozen=True, slots=True)
class Bars:
    """Signed bars from one zero; ``strong`` rows (totals) are set off.

    ``words`` say what the two sides mean; a positive bar is a cost and orange.
    """

    label: str
    title: str
    rows: tuple[tuple[str, float], ...]
    unit: str
    words: tuple[str, str] = ("lowers", "raises")
    strong: frozenset[int] = frozenset()


def bars(chart: Bars, width: float) -> str:
    """The bars, names on the left (above them on a narrow page), numbers at their ends."""
    wide = width > NARROW
    size = 12.0 if wide else 11.0
    values = [value for _, value in chart.rows]
    scale = scale_of(values, chart.unit)
    names = max(text_width(name, size) for name, _ in chart.rows) + 12 if wide else 0.0
    number = max(text_width(scale.text(value, plus=True), size) for value in values) + 8
    low, high = min(*values, 0.0), max(*values, 0.0)
    left = names + (number if low < 0.0 else 4.0)
    room = (width - left - number - 4) / ((high - low) or 1.0)
    zero, top, row = left - low * room, 44.0, 23.0 if wide else 38.0
    parts = [text(2, 14, f"{chart.title}, {scale.unit}", size, weight="600")]
    less, more = f"← {chart.words[0]}", f"{chart.words[1]} →"
    if low < 0.0:
        parts.append(text(max(zero - 6, text_width(less, 11)), 34, less, 11, anchor="end"))
    if high > 0.0:
        start = max(zero + 6, text_width(less, 11) + 12 if low < 0.0 else 0.0)
        parts.append(text(min(start, width - text_width(more, 11)), 34, more, 11))
    foot = top + row * len(chart.rows)
    for k, (name, value) in enumerate(chart.rows):
        y = top + k * row
        weight = "600" if k in chart.strong else ""
        if weight:
            parts.append(line(0, y - 1, width, y - 1, stroke="#999"))
        middle = y + row / 2 if wide else y + row - 11
        if wide:
            parts.append(text(names - 8, middle + 4, name, size, anchor="end", weight=weight))
        else:
            parts.append(text(2, y + 13, name, size, weight=weight))
        long = abs(value) * room
        fill = "#555555" if weight else "#cc5500" if value >= 0.0 else "#2166ac"
        start = zero if value >= 0.0 else zero - long
        tip = f"{name}: {value:,.6g} {chart.unit}"
        parts.append(rect(start, middle - 7, max(long, 0.8), 14, fill, tip=tip))
        x, anchor = (zero + long + 5, "start") if value >= 0.0 else (zero - long - 5, "end")
        shown = scale.text(value, plus=True)
        parts.append(text(x, middle + 4, shown, size, anchor=anchor, weight=weight))
        if not wide:  # a line from top to foot would run through the names
            parts.append(line(zero, middle - 9, zero, middle + 9, stroke="#444"))
    if wide:
        parts.append(line(zero, top - 4, zero, foot, stroke="#444"))
    return picture(width, foot + 6, chart.label, parts)
