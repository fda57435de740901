"""The picture: one line each, a point at each crossing in sight, and no number that is none."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from crossmargin.interfaces.liquidation import LiquidationResult, liquidation
from crossmargin.interfaces.liquidation_plot import plot_svg
from crossmargin.interfaces.plots import standalone

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def result() -> LiquidationResult:
    return liquidation("sample:retail-short-vol", "sample:market", "fixed-rate", nodes=400)


@pytest.mark.parametrize("width", [1040.0, 350.0])
def test_points_stand_on_the_crossings(result: LiquidationResult, width: float) -> None:
    root = ET.fromstring(standalone(plot_svg(result.found, result.figures, width)))
    points = root.findall(f"{SVG}circle")
    assert len(points) == len(result.crossings) == 2
    assert len(root.findall(f"{SVG}polyline")) == 2
    inside = [float(point.get("cx", "-1")) for point in points]
    assert all(0.0 < x < width for x in inside) and inside == sorted(inside)
    words = [title.text or "" for point in points for title in point]
    assert "liquidated below" in words[0] and "USD" in words[0]
    assert root.get("aria-label", "").startswith("Equity and maintenance margin")


def test_the_page_holds_picture_and_tables(result: LiquidationResult, tmp_path: Path) -> None:
    shown = result.plot(tmp_path / "plot.html").read_text("utf-8")
    assert shown.startswith("<!DOCTYPE html>") and shown.count("<svg") == 2
    assert "Probability of touching" in shown and "<script" not in shown
