"""Charts: well-formed, every number where its axis says, words for who cannot see them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from crossmargin.interfaces.charts import Curve, bars_svg, curves_svg
from crossmargin.interfaces.report_svg import text_width

WIDTHS = (1040.0, 350.0)


def _root(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize("width", WIDTHS)
def test_curves_stand_between_their_axes(width: float) -> None:
    svg = curves_svg(
        "Cost",
        (Curve("one", [0.0, 1.0, 2.0], [0.0, 50.0, 100.0], ((1.0, 50.0),)),
         Curve("two", [0.0, 2.0], [-20.0, 30.0])),
        width,
        unit="USD",
        x_title="days",
        x_ticks=[(0.0, "0"), (1.0, "1"), (2.0, "2"), (9.0, "outside")],
    )  # fmt: skip
    root = _root(svg)
    lines = root.findall("polyline")
    assert len(lines) == 2 and lines[1].get("stroke-dasharray")
    points = [tuple(map(float, p.split(","))) for p in lines[0].attrib["points"].split()]
    assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2, abs=0.1)
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.1)
    assert points[0][1] > points[2][1]  # more is higher
    dot = root.find("circle")
    assert dot is not None and float(dot.attrib["cx"]) == pytest.approx(points[1][0], abs=0.1)
    words = [each.text for each in root.iter("text")]
    assert {"one", "two", "0", "1", "2", "days"} <= set(words) and "outside" not in words
    assert root.get("aria-label") == "Cost"


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_are_as_long_as_their_numbers(width: float) -> None:
    groups = [("a", [100.0, None, -50.0]), ("b", [25.0, 50.0, None])]
    root = _root(bars_svg("Bars", groups, ("x", "y", "z"), width, remarks=["remark", ""]))
    bars = {each[0].text: float(each.attrib["width"]) for each in root.iter("rect")}
    assert len(bars) == 4  # None draws nothing
    assert not any(each.get("stroke-dasharray") for each in root.iter("line"))  # keys as the bars
    long = bars["a, x: 100 USD"]
    assert bars["a, z: −50 USD"] == pytest.approx(long / 2, abs=0.15)
    assert bars["b, x: 25 USD"] == pytest.approx(long / 4, abs=0.15)
    edges = [float(each.attrib["x"]) + float(each.attrib["width"]) for each in root.iter("rect")]
    assert max(edges) < width
    assert "remark" in [each.text for each in root.iter("text")]


def test_fractions_are_shown_in_per_cent() -> None:
    svg = curves_svg(
        "R", [Curve("r", [0.0, 1.0], [0.1, 0.25])], 800.0, unit="%", x_title="day",
        x_ticks=[(0.0, "first")],
    )  # fmt: skip
    words = [each.text for each in _root(svg).iter("text")]
    assert "R, %" in words and "25" in words


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_remark_is_folded_and_never_cut(width: float) -> None:
    words = "paradex-xm: ok, in danger: liquidated at a move of -1.66 % before the day is over"
    root = _root(bars_svg("B", [("somebody", [1.0])], ("x",), width, remarks=[words]))
    rows = [each for each in root.iter("text") if each.get("fill") == "#555"]
    assert " ".join(each.text or "" for each in rows) == words
    for each in rows:
        size = float(each.attrib["font-size"])
        assert float(each.attrib["x"]) + text_width(each.text or "", size) <= width
    height = float(root.attrib["viewBox"].split()[3])
    assert all(float(each.attrib["y"]) < height for each in rows)
