"""Shares of a requirement as bars, and its change as a waterfall: one SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.interfaces.report_svg import (
    LINE_COLOURS,
    line,
    picture,
    rect,
    scale_of,
    text,
    text_width,
    ticks,
)

__all__ = ["attribute_svg", "waterfall_svg"]

_WIDE = 1040.0
_ROW, _TOP, _FOOT = 30.0, 64.0, 46.0
_BARS_MAX = 24
_UP, _DOWN, _WHOLE = LINE_COLOURS[1], LINE_COLOURS[0], LINE_COLOURS[4]
_RULES = (("euler", "Euler"), ("ray", "along the ray"), ("shapley", "Shapley"))


def attribute_svg(figures: Mapping[str, Any], width: float = _WIDE) -> str:
    """Bars of every group under the rules that add up; with a change its waterfall below."""
    rules = [
        (key, name)
        for key, name in _RULES
        if figures["groups"] and figures["groups"][0][key] is not None
        if key != "ray" or not figures["scales"]
    ]
    groups = sorted(figures["groups"], key=lambda each: -abs(each["euler"]))
    rest = groups[_BARS_MAX:]
    rows = [(each["group"], [each[key] for key, _ in rules]) for each in groups[:_BARS_MAX]]
    if rest:
        others = [sum(each[key] for each in rest) for key, _ in rules]
        rows.append((f"{len(rest)} more", others))
    rows += [(f"orders: {each['group']}", [each["adds"]]) for each in figures["orders"]]
    title = f"{figures['level'].upper()} of {figures['account']} under {figures['model']}"
    parts, height = _bars(rows, [name for _, name in rules], figures["unit"], title, width)
    if figures["change"]:
        more, extra = _waterfall(figures["change"], width, height + 20.0)
        parts, height = parts + more, height + 20.0 + extra
    return picture(width, height, f"{title}, shares by group", parts)


def waterfall_svg(figures: Mapping[str, Any], width: float = _WIDE) -> str:
    """From the old requirement to the new, a step a cause."""
    parts, height = _waterfall(figures, width, 0.0)
    return picture(width, height, "Why the requirement changed", parts)


class _Frame:
    """Rows with names on the left and one scale of money."""

    def __init__(
        self, names: Sequence[str], values: Sequence[float], unit: str, width: float, top: float
    ) -> None:
        widest = max((text_width(name, 12) for name in names), default=0.0)
        self.left = min(widest + 16.0, 0.42 * width)
        self.width, self.top = width, top
        self.scale = scale_of(values, unit)
        # A number stands beside the end of its bar: the axis leaves it room on the right.
        self.right = width - 90.0
        self.marks = ticks(min(0.0, *values), max(0.0, *values), 5 if width > 500 else 2)
        self.foot = top + _TOP + _ROW * len(names)
        self.room = int((self.left - 12.0) / (12 * 0.62))

    def x(self, value: float) -> float:
        low, high = self.marks[0], self.marks[-1]
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def name(self, k: int, name: str) -> str:
        short = name if len(name) <= self.room else f"{name[: max(self.room - 1, 1)]}…"
        return text(self.left - 8.0, self.middle(k) + 4.0, short, 12, anchor="end")

    def middle(self, k: int) -> float:
        return self.top + _TOP + _ROW * (k + 0.5)

    def number(self, k: int, own: Sequence[float]) -> str:
        """The first rule's number, beside its own bar: a relief stands to the left of zero."""
        shown = self.scale.text(own[0], plus=True)
        ends = self.x(min(own)) - 6.0
        if own[0] < 0.0 and ends - text_width(shown, 11) > self.left:
            return text(ends, self.middle(k) + 4, shown, 11, anchor="end")
        return text(self.x(max(0.0, *own)) + 6, self.middle(k) + 4, shown, 11)

    def axis(self) -> list[str]:
        out = []
        for mark in self.marks:
            stroke = "#777" if mark == 0.0 else "#ddd"
            out.append(line(self.x(mark), self.top + _TOP - 6, self.x(mark), self.foot,
                            stroke=stroke))  # fmt: skip
            out.append(text(self.x(mark), self.foot + 16, self.scale.text(mark), 11,
                            anchor="middle"))  # fmt: skip
        middle = (self.left + self.right) / 2
        out.append(text(middle, self.foot + 34, self.scale.unit, 12, anchor="middle"))
        return out


def _bars(
    rows: Sequence[tuple[str, Sequence[float]]],
    rules: Sequence[str],
    unit: str,
    title: str,
    width: float,
) -> tuple[list[str], float]:
    values = [value for _, own in rows for value in own] or [0.0]
    frame = _Frame([name for name, _ in rows], values, unit, width, 0.0)
    parts = [text(8.0, 22, title, 15, weight="bold"), *frame.axis()]
    for j, rule in enumerate(rules):
        at = 8.0 + 150.0 * j
        parts.append(rect(at, 34, 12, 12, LINE_COLOURS[j]))
        # One number a row has room: the first rule's.
        named = f"{rule}, with number" if j == 0 and len(rules) > 1 else rule
        parts.append(text(at + 18, 44, named, 12))
    for k, (name, own) in enumerate(rows):
        parts.append(frame.name(k, name))
        thick = (_ROW - 8.0) / len(own)
        for j, value in enumerate(own):
            low, high = sorted((frame.x(0.0), frame.x(value)))
            y = frame.middle(k) - (_ROW - 8.0) / 2 + j * thick
            tip = f"{name}: {frame.scale.text(value, plus=True)} {frame.scale.unit}"
            parts.append(rect(low, y, max(high - low, 1.0), thick - 1.0, LINE_COLOURS[j], tip=tip))
        parts.append(frame.number(k, own))
    return parts, frame.foot + _FOOT


def _waterfall(figures: Mapping[str, Any], width: float, top: float) -> tuple[list[str], float]:
    level = figures["before_usd"]
    rows = [("before", 0.0, level, _WHOLE)]
    for each in figures["causes"]:
        after = level + each["part_usd"]
        rows.append((each["cause"], level, after, _UP if after >= level else _DOWN))
        level = after
    rows.append(("after", 0.0, figures["after_usd"], _WHOLE))
    values = [end for _, start, stop, _ in rows for end in (start, stop)]
    frame = _Frame([row[0] for row in rows], values, "USD", width, top)
    title = f"Change of {figures['account']} under {figures['model']}"
    parts = [text(8.0, top + 22, title, 15, weight="bold"), *frame.axis()]
    parts.append(text(8.0, top + 44, f"{figures['before']} to {figures['after']}", 12))
    for k, (name, start, stop, colour) in enumerate(rows):
        low, high = sorted((frame.x(start), frame.x(stop)))
        whole = colour == _WHOLE
        shown = frame.scale.text(stop if whole else stop - start, plus=not whole)
        parts.append(frame.name(k, name))
        parts.append(rect(low, frame.middle(k) - 10, max(high - low, 1.0), 20, colour,
                          tip=f"{name}: {shown} {frame.scale.unit}"))  # fmt: skip
        parts.append(text(high + 6, frame.middle(k) + 4, shown, 11))
        if k + 1 < len(rows):
            at = frame.x(stop)
            parts.append(line(at, frame.middle(k) + 10, at, frame.middle(k + 1) - 10,
                              stroke="#999", dash="2 3"))  # fmt: skip
    return parts, frame.foot + _FOOT - top
