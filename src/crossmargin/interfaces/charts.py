"""Two plain charts as SVG: curves over one number, and bars by name. They say every axis in words.

Lines differ in dash as well as in colour; a bar carries its number. A narrow picture drops no
curve and no bar, it only sets smaller type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    LINE_DASHES,
    Scale,
    line,
    picture,
    rect,
    scale_of,
    text,
    text_width,
    ticks,
)

__all__ = ["Curve", "bars_svg", "curves_svg"]

_SMALL = 500.0  # below this width the type is smaller


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: points in rising order of ``x``; ``dots`` are drawn on it."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dots: Sequence[tuple[float, float]] = ()


def curves_svg(
    title: str,
    curves: Sequence[Curve],
    width: float,
    *,
    unit: str,
    x_title: str,
    x_ticks: Sequence[tuple[float, str]],
) -> str:
    """Curves over one axis. ``unit``: of the numbers up, ``USD`` or ``%`` (of fractions)."""
    size = _type(width)
    values = [y for each in curves for y in (*each.y, *(at for _, at in each.dots))]
    marks = ticks(min(0.0, *values), max(0.0, *values), 6)
    scale = _scale(marks, unit)
    left = max(text_width(scale.text(mark), size) for mark in marks) + 14.0
    keys, top = _keys([each.name for each in curves], width, size)
    foot = top + (320.0 if width > _SMALL else 220.0)
    right = width - 14.0
    first = min(each.x[0] for each in curves)
    last = max(each.x[-1] for each in curves)

    def x(at: float) -> float:
        return left + (at - first) / ((last - first) or 1.0) * (right - left)

    def y(value: float) -> float:
        return top + (marks[-1] - value) / (marks[-1] - marks[0]) * (foot - top)

    parts = [*_title(f"{title}, {scale.unit}", width, size), *keys]
    for mark in marks:
        parts.append(line(left, y(mark), right, y(mark), stroke="#777" if mark == 0 else "#ddd"))
        parts.append(text(left - 6, y(mark) + 4, scale.text(mark), size, anchor="end"))
    parts += _foot(x_ticks, x, (first, last), foot, (right + 12.0, size))
    parts.append(text((left + right) / 2, foot + 38, x_title, size, anchor="middle"))
    for k, each in enumerate(curves):
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(each.x, each.y, strict=True))
        colour, dash = _style(k)
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{broken}/>'
        )
        parts += [
            f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="4.5" fill="{colour}"/>'
            for a, b in each.dots
        ]
    return picture(width, foot + 52.0, title, parts)


def bars_svg(
    title: str,
    groups: Sequence[tuple[str, Sequence[float | None]]],
    names: Sequence[str],
    width: float,
    *,
    unit: str = "USD",
    remarks: Sequence[str] = (),
) -> str:
    """Bars from left to right, by group; None leaves one out. ``remarks`` stand under a group."""
    size = _type(width)
    known = [value for _, values in groups for value in values if value is not None]
    marks = ticks(min([0.0, *known]), max([0.0, *known]), 5 if width > _SMALL else 3)
    scale = _scale(marks, unit)
    keys, top = _keys(names, width, size, dashed=False)
    left = max([text_width(name, size) for name, _ in groups] + [60.0]) + 12.0
    left = min(left, 0.4 * width)
    right = width - 14.0 - max(text_width(scale.text(value), size) for value in [*known, 0.0])
    bar = 16.0
    shown = [[(j, v) for j, v in enumerate(values) if v is not None] for _, values in groups]
    room = width - left - 12.0
    given = [remarks[k] if k < len(remarks) else "" for k in range(len(groups))]
    under = [_rows(words, room, size - 1) if words else [] for words in given]
    heights = [
        bar * len(own) + 15.0 * len(rows) + (17.0 if rows else 14.0)
        for own, rows in zip(shown, under, strict=True)
    ]
    foot = top + sum(heights)

    def x(value: float) -> float:
        return left + (value - marks[0]) / (marks[-1] - marks[0]) * (right - left)

    parts = [*_title(f"{title}, {scale.unit}", width, size), *keys]
    parts += [
        line(x(mark), top, x(mark), foot, stroke="#777" if mark == 0 else "#ddd") for mark in marks
    ]
    parts += _foot([(m, scale.text(m)) for m in marks], x, (marks[0], marks[-1]), foot,
                   (width, size))  # fmt: skip
    at = top + 6.0
    for k, (name, _) in enumerate(groups):
        parts.append(text(left - 8, at + bar * len(shown[k]) / 2 + 4, name, size, anchor="end"))
        for row, (j, value) in enumerate(shown[k]):
            ends = sorted((x(0.0), x(value)))
            tip = f"{name}, {names[j]}: {scale.text(value)} {scale.unit}"
            y = at + bar * row
            wide = max(ends[1] - ends[0], 1.0)
            parts.append(rect(ends[0], y, wide, bar - 3, _style(j)[0], tip=tip))
            parts.append(text(ends[1] + 5, y + bar - 5, scale.text(value), size - 1))
        for row, words in enumerate(under[k]):
            y = at + bar * len(shown[k]) + 12 + 15.0 * row
            parts.append(text(left + 5, y, words, size - 1, fill="#555"))
        at += heights[k]
    return picture(width, foot + 34.0, title, parts)


def _type(width: float) -> float:
    return 12.0 if width > _SMALL else 10.5


def _style(k: int) -> tuple[str, str]:
    return LINE_COLOURS[k % len(LINE_COLOURS)], LINE_DASHES[k % len(LINE_DASHES)]


def _scale(marks: Sequence[float], unit: str) -> Scale:
    if unit != "%":
        return scale_of(marks, unit)
    step = 100.0 * (marks[1] - marks[0])
    return Scale(0.01, 0 if step >= 1.0 else max(0, math.ceil(-math.log10(step))), "%")


def _title(words: str, width: float, size: float) -> list[str]:
    """The title on as many lines as it needs."""
    return [
        text(2, 15 + 16 * k, row, size + 1, weight="600")
        for k, row in enumerate(_rows(words, width - 4, size + 1))
    ]


def _rows(words: str, width: float, size: float) -> list[str]:
    out = [""]
    for word in words.split():
        longer = f"{out[-1]} {word}".strip()
        if out[-1] and text_width(longer, size) > width:
            out.append(word)
        else:
            out[-1] = longer
    return out


def _keys(
    names: Sequence[str], width: float, size: float, *, dashed: bool = True
) -> tuple[list[str], float]:
    """The key under the title, wrapped; and where the picture begins under it.

    ``dashed``: of lines, which differ in dash too; bars are solid and so is their key.
    """
    parts, at, y = [], 2.0, 48.0 if width > _SMALL else 64.0
    for k, name in enumerate(names):
        wide = 30.0 + text_width(name, size) + 18.0
        if at > 2.0 and at + wide > width:
            at, y = 2.0, y + 17.0
        colour, dash = _style(k)
        parts.append(
            line(at, y - 4, at + 24, y - 4, stroke=colour, width=3, dash=dash if dashed else "")
        )
        parts.append(text(at + 30, y, name, size))
        at += wide
    return parts, y + 16.0


def _foot(
    marks: Sequence[tuple[float, str]],
    x: Callable[[float], float],
    ends: tuple[float, float],
    foot: float,
    fits: tuple[float, float],
) -> list[str]:
    """Ticks at the foot; a word that has no room is left out."""
    edge, size = fits
    parts, shown = [], -math.inf
    for at, words in marks:
        if not ends[0] <= at <= ends[1]:
            continue
        half = text_width(words, size) / 2.0
        middle = min(max(x(at), half + 1.0), edge - half - 1.0)  # inside the picture
        parts.append(line(x(at), foot, x(at), foot + 5, stroke="#555"))
        if middle - half > shown:
            parts.append(text(middle, foot + 18, words, size, anchor="middle"))
            shown = middle + half + 8
    return parts
