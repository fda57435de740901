"""Equity that counts and requirement along a path, with every crossing, as one SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from crossmargin.accounts.crossings import Crossings
from crossmargin.core.arrays import Floats
from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    LINE_DASHES,
    line,
    percent,
    picture,
    scale_of,
    text,
    text_width,
    ticks,
)

__all__ = ["plot_svg"]

_WIDE, _NARROW = 1040.0, 350.0
_MARGIN = 1.6  # of the log distance to the farthest crossing that is shown
_LEAST = math.log(1.35)
_POINTS = 400


def plot_svg(found: Crossings, figures: Mapping[str, Any], width: float = _WIDE) -> str:
    """The picture alone; it says its own title, axes and crossings."""
    picked = _window(found)
    grid = found.path.grid[picked]
    lines_of = (
        ("equity that counts", found.values.counted_mm_usd[picked]),
        ("maintenance margin", found.values.mm_usd[picked]),
    )
    frame = _Frame(found, grid, lines_of, width)
    parts = frame.axes(figures)
    for k, (name, values) in enumerate(lines_of):
        parts += frame.curve(k, name, values)
    parts += frame.marks(figures)
    label = f"Equity and maintenance margin along {found.path.title}"
    return picture(width, frame.foot + 78, label, parts)


def _escaped(words: str) -> str:
    import html

    return html.escape(words, quote=True)


def _window(found: Crossings) -> np.ndarray:
    """Points of the grid that are drawn: to the farthest of the nearest crossings, and beyond."""
    grid = found.path.grid
    if found.path.unit == "ms":
        return np.arange(len(grid))
    near = [each.at for each in (found.below, found.above) if each is not None]
    reach = max([abs(math.log(at)) for at in near] + [_LEAST / _MARGIN]) * _MARGIN
    inside = np.flatnonzero(np.abs(np.log(grid)) <= reach)
    step = max(len(inside) // _POINTS, 1)
    return np.unique(np.append(inside[::step], inside[-1]))


class _Frame:
    """Where things stand: a logarithmic axis of factors, or hours."""

    def __init__(
        self,
        found: Crossings,
        grid: Floats,
        lines_of: tuple[tuple[str, Floats], ...],
        width: float,
    ) -> None:
        self.found, self.grid = found, grid
        self.size = 12.0 if width > _NARROW else 10.5
        values = np.concatenate([values for _, values in lines_of])
        self.ticks = ticks(min(float(values.min()), 0.0), max(float(values.max()), 0.0), 7)
        self.scale = scale_of(self.ticks, "USD")
        widest = max(text_width(self.scale.text(mark), self.size) for mark in self.ticks)
        self.left, self.right = widest + 14, width - 14
        self.top, self.foot = 44.0, 44.0 + (360.0 if width > _NARROW else 240.0)

    def x(self, at: float) -> float:
        """Where a number of the path stands."""
        first, last = float(self.grid[0]), float(self.grid[-1])
        if self.found.path.unit == "factor":
            first, last, at = math.log(first), math.log(last), math.log(at)
        return self.left + (at - first) / (last - first) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Where dollars stand."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.top + (high - value) / (high - low) * (self.foot - self.top)

    def axes(self, figures: Mapping[str, Any]) -> list[str]:
        """Dollars on the left, the path's number at the foot, and now."""
        path = self.found.path
        words = f"{path.title}, in {self.scale.unit}"
        if self.size > 11.0:  # there is room to say of whom
            words = f"{figures['account']} under {figures['model']['name']}: {words}"
        parts = [text(2, 14, words, self.size, weight="600")]
        for mark in self.ticks:
            y = self.y(mark)
            parts.append(
                line(self.left, y, self.right, y, stroke="#777" if mark == 0.0 else "#ddd")
            )
            parts.append(text(self.left - 6, y + 4, self.scale.text(mark), self.size, anchor="end"))
        shown = -math.inf
        for at, words in self._foot_ticks():
            x = self.x(at)
            half = text_width(words, self.size) / 2.0
            parts.append(line(x, self.foot, x, self.foot + 5, stroke="#555"))
            if x - half > shown and x + half < self.right + 12:
                parts.append(text(x, self.foot + 18, words, self.size, anchor="middle"))
                shown = x + half + 8
        x = self.x(path.origin)
        parts.append(line(x, self.top, x, self.foot, stroke="#444", dash="3 3"))
        return [*parts, text(x + 4, self.top + 12, "now", 11, fill="#444")]

    def _foot_ticks(self) -> list[tuple[float, str]]:
        first, last = float(self.grid[0]), float(self.grid[-1])
        if self.found.path.unit == "ms":
            hours = ticks(0.0, last / 3_600_000.0, 8)
            return [(h * 3_600_000.0, f"{h:,.0f} h") for h in hours if h * 3_600_000.0 <= last]
        marks = [k / 10.0 for k in range(1, 11)] + [1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 7, 10, 15]
        return [(at, percent(at - 1.0)) for at in marks if first <= at <= last]

    def curve(self, k: int, name: str, values: Floats) -> list[str]:
        """One line, and its name in the key above the picture."""
        points = " ".join(
            f"{self.x(x):.1f},{self.y(y):.1f}"
            for x, y in zip(self.grid.tolist(), values.tolist(), strict=True)
        )
        colour, dash = LINE_COLOURS[k], LINE_DASHES[k]
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        at = 2.0 + k * (text_width("maintenance margin", self.size) + 50)
        return [
            f'<polyline points="{points}" fill="none" stroke="{colour}" '
            f'stroke-width="2.2"{broken}/>',
            line(at, 28, at + 24, 28, stroke=colour, width=2.2, dash=dash),
            text(at + 30, 32, name, self.size),
        ]

    def marks(self, figures: Mapping[str, Any]) -> list[str]:
        """A point on the requirement at each crossing in sight, named under the foot."""
        first, last = float(self.grid[0]), float(self.grid[-1])
        parts, row = [], 0
        for each, entry in zip(self.found.found, figures["crossings"], strict=True):
            if not first <= each.at <= last:
                continue
            x, y = self.x(each.at), self.y(each.need_usd)
            words = f"liquidated {entry['broken']} "
            if "price_usd" in entry:
                words += f"{entry['price_usd']:,.0f} USD ({percent(entry['percent'], 1)})"
            elif "hours" in entry:
                words += f"{entry['hours']:,.1f} h from now"
            else:
                words += percent(entry["percent"], 1)
            if entry["kind"] == "jump":
                words += ", at a jump of the requirement"
            parts.append(line(x, y, x, self.foot, stroke="#b00020", dash="2 2"))
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#b00020">'
                f"<title>{_escaped(words)}</title></circle>"
            )
            parts.append(text(2, self.foot + 38 + 16 * row, words, 11, fill="#b00020"))
            row += 1
        return parts
