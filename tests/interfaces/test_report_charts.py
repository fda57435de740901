"""The heat map and its zero line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from crossmargin.interfaces.report_charts import NARROW, WIDE, Heat, heat, zero_segments
from crossmargin.interfaces.report_svg import signed_colours

CHART = Heat(
    label="P&L",
    row_title="vol",
    column_title="move",
    rows=("down", "up"),
    columns=("−5 %", "0 %", "+5 %"),
    values=((-20_000.0, 0.0, 15_000.0), (-30_000.0, -1_000.0, None)),
    unit="USD",
    words=("loss", "gain"),
    marks={(1, 0): "worst", (0, 1): "now"},
    contour=(((0.0, 0.5), (1.0, 0.5)),),
)


def test_every_cell_has_its_number_and_its_tip() -> None:
    drawn = heat(CHART, WIDE)
    for words in (">−20.0<", ">0.0<", ">15.0<", ">−30.0<", ">−1.0<"):
        assert words in drawn
    assert "<title>up, −5 %: -30,000 USD</title>" in drawn
    assert drawn.count("<title>") == 5  # the absent cell has none
    assert "in thousand USD" in drawn


def test_named_cells_and_the_zero_line_have_keys() -> None:
    drawn = heat(CHART, WIDE)
    for words in ("binding scenario", "now (no move)", "zero line"):
        assert words in drawn
    assert "runner-up" not in drawn


def test_turned_it_is_the_same_chart() -> None:
    turned = CHART.turned()
    assert turned.values == ((-20_000.0, -30_000.0), (0.0, -1_000.0), (15_000.0, None))
    assert turned.marks == {(0, 1): "worst", (1, 0): "now"}
    assert turned.turned() == CHART

    def numbers(drawn: str) -> list[str]:
        return sorted(re.findall(r">([−\d,.]+)</text>", drawn))

    assert numbers(heat(turned, NARROW)) == numbers(heat(CHART, WIDE))


def test_zero_is_where_the_values_change_sign() -> None:
    table = [[-1.0, 1.0], [-3.0, 1.0]]
    ((first, last),) = zero_segments(table)
    assert {first, last} == {(0.0, 0.5), (1.0, 0.75)}
    assert zero_segments([[1.0, 2.0], [3.0, 4.0]]) == ()


def test_a_plane_crosses_zero_on_a_line() -> None:
    table = [[0.31 * r + 0.17 * c - 1.3 for c in range(9)] for r in range(7)]
    segments = zero_segments(table)
    assert len(segments) >= 5
    for segment in segments:
        for r, c in segment:
            assert 0.31 * r + 0.17 * c == pytest.approx(1.3)


def test_a_saddle_has_two_lines() -> None:
    assert len(zero_segments([[1.0, -1.0], [-1.0, 1.0]])) == 2


def test_a_given_end_of_the_colours_makes_charts_comparable() -> None:
    """The numbers keep their own unit; a value of the chart beyond the end moves it."""
    wider = replace(CHART, largest=120_000.0)
    assert (CHART.end(), wider.end(), wider.turned().end()) == (30_000.0, 120_000.0, 120_000.0)
    assert replace(CHART, largest=5.0).end() == 30_000.0
    drawn = heat(wider, WIDE)
    assert ">−30.0<" in drawn
    assert ">−120.0<" in drawn
    back, _ = signed_colours(-30_000.0, 120_000.0)
    assert f'fill="{back}"' in drawn
    assert f'fill="{back}"' not in heat(CHART, WIDE)
