"""The frontier as one SVG: return against volatility, assets and portfolios as points."""

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

__all__ = ["frontier_svg"]

_WIDTH, _HEIGHT = 900.0, 560.0
_LEFT, _RIGHT, _TOP, _FOOT = 78.0, 870.0, 50.0, 470.0
_PLACES = (("start", 8, -8), ("end", -8, 16), ("end", -8, -8), ("start", 8, 16))
_ROOM = 130.0  # of a name beside its point
_RETURN, _RISK = "return_fraction", "volatility_fraction"


def frontier_svg(figures: Mapping[str, Any]) -> str:
    """The picture; it says its title, axes and points in words too."""
    shown = [each for each in figures["portfolios"] if each[_RISK] is not None]
    bands = [] if figures["bands"] is None else figures["bands"]["points"]
    every = [*figures["points"], *figures["assets"], *shown]
    ups = [each[_RETURN] for each in every] + [each["return_low_fraction"] for each in bands]
    overs = [each[_RISK] for each in every]
    up, over = ticks(min(0.0, *ups), max(0.0, *ups), 7), ticks(0.0, max(overs), 8)

    def x(value: float) -> float:
        return float(_LEFT + value / over[-1] * (_RIGHT - _LEFT))

    def y(value: float) -> float:
        return float(_TOP + (up[-1] - value) / (up[-1] - up[0]) * (_FOOT - _TOP))

    title = (
        f"Efficient frontier of {len(figures['assets'])} assets, covariance {figures['estimator']}"
    )
    parts = [text(_LEFT, 24, title, 15, weight="bold")]
    for mark in up:
        stroke = "#777" if mark == 0.0 else "#ddd"
        parts.append(line(_LEFT, y(mark), _RIGHT, y(mark), stroke=stroke))
        parts.append(text(_LEFT - 8, y(mark) + 4, percent(mark), 12, anchor="end"))
    for mark in over:
        parts.append(line(x(mark), _FOOT, x(mark), _FOOT + 5, stroke="#555"))
        parts.append(text(x(mark), _FOOT + 20, f"{100.0 * mark:g} %", 12, anchor="middle"))
    middle = (_LEFT + _RIGHT) / 2
    parts.append(
        text(middle, _FOOT + 40, "volatility a year (up: return a year)", 12, anchor="middle")
    )
    curves = [("frontier", [(each[_RISK], each[_RETURN]) for each in figures["points"]])]
    if bands:
        keys = "resampled_volatility_fraction", "resampled_return_fraction"
        curves.append(("resampled", [(each[keys[0]], each[keys[1]]) for each in bands]))
    for each in bands:
        ends = y(each["return_low_fraction"]), y(each["return_high_fraction"])
        parts.append(line(x(each[_RISK]), ends[0], x(each[_RISK]), ends[1], stroke="#bbb", width=3))
    at = _LEFT
    for k, (name, points) in enumerate(curves):
        colour, dash = LINE_COLOURS[k % len(LINE_COLOURS)], LINE_DASHES[k % len(LINE_DASHES)]
        for (a, b), (c, d) in itertools.pairwise(points):
            parts.append(line(x(a), y(b), x(c), y(d), stroke=colour, width=2, dash=dash))
        parts.append(line(at, _FOOT + 62, at + 30, _FOOT + 62, stroke=colour, width=2, dash=dash))
        parts.append(text(at + 36, _FOOT + 66, name, 12))
        at += 150.0
    if bands:
        share = 100.0 * figures["bands"]["confidence"]
        parts.append(line(at, _FOOT + 62, at + 30, _FOOT + 62, stroke="#bbb", width=3))
        words = f"{share:g} % of resampled portfolios, judged by the whole history"
        parts.append(text(at + 36, _FOOT + 66, words, 12))
    for each in figures["assets"]:
        place = x(each[_RISK]), y(each[_RETURN])
        parts.append(_dot(*place, "#777", 3.5))
        beyond = place[0] > _RIGHT - 80.0
        anchor, shift = ("end", -7) if beyond else ("start", 7)
        parts.append(
            text(place[0] + shift, place[1] + 4, each["asset"], 11, fill="#555", anchor=anchor)
        )
    for k, each in enumerate(shown):
        place = x(each[_RISK]), y(each[_RETURN])
        parts.append(_dot(*place, "#b00020" if k == 0 else "#111", 5.0 if k == 0 else 3.5))
        anchor, shift, lift = _PLACES[k % len(_PLACES)]
        if place[0] > _RIGHT - _ROOM:  # a name beside the edge would be cut, or stand on an asset
            anchor, shift, lift = "end", -12, -6 - 14 * k
        parts.append(text(place[0] + shift, place[1] + lift, each["portfolio"], 12, anchor=anchor))
    return picture(_WIDTH, _HEIGHT, f"{title}: return against volatility", parts)


def _dot(x: float, y: float, fill: str, radius: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}"/>'
