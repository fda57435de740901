"""The drawing: inside its frame, with every asset and portfolio by name."""

from __future__ import annotations

import re

import crossmargin as xm
from crossmargin.interfaces.frontier_plot import frontier_svg


def test_points_lie_inside_the_picture() -> None:
    found = xm.frontier(history="sample:market", last=200, bands=20)
    svg = frontier_svg(found.figures)
    for x, y in re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', svg):
        assert 0.0 <= float(x) <= 900.0 and 0.0 <= float(y) <= 560.0
    for word in ("BTC", "ETH", "equal weights", "chosen: max-sharpe", "volatility a year"):
        assert word in svg
    assert svg == frontier_svg(found.figures)


def test_names_of_points_are_not_cut_at_the_edge() -> None:
    """The best ratio stands at the right end of this frontier: its name leads to the left."""
    svg = frontier_svg(xm.frontier(history="sample:market").figures)
    ((x, anchor),) = re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="(\w+)"[^>]*>chosen: max', svg)
    assert anchor == "end"
    assert 150.0 < float(x) < 870.0
