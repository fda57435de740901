"""The hedge-quality curve as one SVG: the saving against correlation, one line a basis."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    LINE_DASHES,
    line,
    percent,
    picture,
    text,
    ticks,
)

__all__ = ["curve_svg"]

_WIDTH, _HEIGHT = 760.0, 440.0
_LEFT, _RIGHT, _TOP, _FOOT = 70.0, 740.0, 50.0, 370.0


def curve_svg(figures: Mapping[str, Any]) -> str:
    """The picture; it says its title, axes and lines in words too."""
    points = figures["curve"]
    bases = list(dict.fromkeys(each["basis_fraction"] for each in points))
    rho: list[float] = [each["correlation"] for each in points]
    marks = ticks(
        min(0.0, *(each["saved_fraction"] for each in points)),
        max(each["saved_fraction"] for each in points),
        6,
    )
    low, high = marks[0], marks[-1]

    def x(value: float) -> float:
        return float(_LEFT + (value - min(rho)) / (max(rho) - min(rho)) * (_RIGHT - _LEFT))

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_FOOT - _TOP)

    pair = " against ".join(figures["pair"])
    title = f"What the hedge of {pair} saves of the plain sum"
    parts = [text(_LEFT, 24, title, 15, weight="bold")]
    for mark in marks:
        stroke = "#777" if mark == 0.0 else "#ddd"
        parts.append(line(_LEFT, y(mark), _RIGHT, y(mark), stroke=stroke))
        parts.append(text(_LEFT - 8, y(mark) + 4, percent(mark), 12, anchor="end"))
    for mark in ticks(min(rho), max(rho), 6):
        if min(rho) - 1e-9 <= mark <= max(rho) + 1e-9:
            parts.append(line(x(mark), _FOOT, x(mark), _FOOT + 5, stroke="#555"))
            parts.append(text(x(mark), _FOOT + 20, f"{mark:g}", 12, anchor="middle"))
    parts.append(text((_LEFT + _RIGHT) / 2, _FOOT + 40, "correlation", 12, anchor="middle"))
    for k, basis in enumerate(bases):
        own = [each for each in points if each["basis_fraction"] == basis]
        colour, dash = LINE_COLOURS[k % len(LINE_COLOURS)], LINE_DASHES[k % len(LINE_DASHES)]
        for a, b in itertools.pairwise(own):
            ends = x(a["correlation"]), y(a["saved_fraction"])
            parts.append(
                line(*ends, x(b["correlation"]), y(b["saved_fraction"]), stroke=colour, width=2,
                     dash=dash)
            )  # fmt: skip
        at = _LEFT + 160.0 * k
        parts.append(line(at, _FOOT + 58, at + 30, _FOOT + 58, stroke=colour, width=2, dash=dash))
        parts.append(text(at + 36, _FOOT + 62, f"basis {100.0 * basis:g} %", 12))
    label = f"{title}, by correlation and basis"
    return picture(_WIDTH, _HEIGHT, label, parts)
