"""Lines against the spot, and bars."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from crossmargin.interfaces.report_charts import NARROW, WIDE
from crossmargin.interfaces.report_lines import Bars, Lines, bars, lines

MOVES = (-0.4, -0.2, 0.0, 0.2, 0.4)
CHART = Lines(
    "margin against spot",
    "margin",
    MOVES,
    (
        ("first", (-100.0, 50.0, 100.0, 50.0, 20.0)),
        ("second", (10.0, 12.0, 15.0, 18.0, 20.0)),
        ("third", (11.0, 12.0, 15.0, 18.0, 20.0)),
    ),
    "USD",
    "under zero: liquidation",
    ("BTC in USD", tuple(60_000.0 * (1.0 + move) for move in MOVES)),
)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_each_line_is_named_at_its_end_and_no_two_names_touch(width: float) -> None:
    drawn = lines(CHART, width)
    assert drawn.count("<polyline") == 3
    places = [
        float(found.group(1))
        for found in re.finditer(r'y="([\d.]+)"[^>]*>(?:first|second|third)</text>', drawn)
    ]
    assert len(places) == 3
    ordered = sorted(places)
    assert min(b - a for a, b in pairwise(ordered)) >= 12.0


def test_axis_units_levels_and_danger_are_said() -> None:
    drawn = lines(CHART, WIDE)
    for words in (
        "margin, USD", "−40 %", "+20 %", "36,000", "84,000", "now", "under zero: liquidation",
        "BTC in USD",
    ):  # fmt: skip
        assert words in drawn
    safe = Lines("a", "a", MOVES, (("one", (1.0, 2.0, 3.0, 4.0, 5.0)),), "USD", "under zero")
    assert "under zero" not in lines(safe, WIDE)


def test_a_flat_line_of_zeros_has_an_axis() -> None:
    flat = Lines("a", "a", MOVES, (("one", (0.0,) * 5),), "USD")
    assert "<polyline" in lines(flat, WIDE)


def test_dashes_tell_lines_apart_without_colour() -> None:
    drawn = lines(CHART, WIDE)
    dashes = re.findall(r"<polyline[^>]*?(?:stroke-dasharray=\"([\d ]+)\")?/>", drawn)
    assert len(set(dashes)) == 3


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_bars_have_signs_words_and_a_total(width: float) -> None:
    chart = Bars(
        "shares", "share", (("<one>", 30.0), ("two", -12.0), ("total", 18.0)), "BTC",
        ("lowers IM", "raises IM"), frozenset({2}),
    )  # fmt: skip
    drawn = bars(chart, width)
    for words in ("&lt;one&gt;", ">+30.0<", ">−12.0<", ">+18.0<", "← lowers IM", "raises IM →"):
        assert words in drawn
    assert 'font-weight="600">+18.0' in drawn
    assert "#cc5500" in drawn
    assert "#2166ac" in drawn


def test_bars_of_one_side_say_one_side() -> None:
    drawn = bars(Bars("a", "a", (("x", 1.0), ("y", 0.0)), "USD", ("less", "more")), WIDE)
    assert "more →" in drawn
    assert "less" not in drawn
